/* Linux 6.13 added iommu_copy_struct_from_full_user_array() (4f2e59ccb698). */
#include <linux/iommu.h>

int probe(struct iommu_user_data_array *array, u64 *to);
int probe(struct iommu_user_data_array *array, u64 *to)
{
	return iommu_copy_struct_from_full_user_array(to, sizeof(*to), array, 1);
}
