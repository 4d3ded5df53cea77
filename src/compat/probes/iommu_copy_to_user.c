/* A driver answers by the structure that user space gave it (6.16). */
#include <linux/iommu.h>

struct answer {
	u64 value;
};

int probe(const struct iommu_user_data *data, struct answer *answer);
int probe(const struct iommu_user_data *data, struct answer *answer)
{
	return iommu_copy_struct_to_user(data, answer, 1, value);
}
