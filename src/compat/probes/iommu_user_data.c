/* Data of user space reaches the IOMMU driver, one structure or an array (6.8). */
#include <linux/iommu.h>

size_t probe(const struct iommu_user_data *data,
	     const struct iommu_user_data_array *array);
size_t probe(const struct iommu_user_data *data,
	     const struct iommu_user_data_array *array)
{
	return data->len + array->entry_len;
}
