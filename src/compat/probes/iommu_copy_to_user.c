/* Linux 6.17 added iommu_copy_struct_to_user() (3fcf56a2393b). */
#include <linux/iommu.h>

struct answer {
	u64 value;
};

int probe(const struct iommu_user_data *data, struct answer *answer);
int probe(const struct iommu_user_data *data, struct answer *answer)
{
	return iommu_copy_struct_to_user(data, answer, 1, value);
}
