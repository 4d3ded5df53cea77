/* Linux 6.16 added iommu_copy_struct_to_user(). */
#include <linux/iommu.h>

struct answer {
	u64 value;
};

int probe(const struct iommu_user_data *data, struct answer *answer);
int probe(const struct iommu_user_data *data, struct answer *answer)
{
	return iommu_copy_struct_to_user(data, answer, 1, value);
}
