/* Linux 6.8 added struct iommu_user_data and iommu_user_data_array. */
#include <linux/iommu.h>

size_t probe(const struct iommu_user_data *data,
	     const struct iommu_user_data_array *array);
size_t probe(const struct iommu_user_data *data,
	     const struct iommu_user_data_array *array)
{
	return data->len + array->entry_len;
}
