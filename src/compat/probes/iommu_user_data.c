/* Linux 6.7 added iommu_user_data (2bdabb8e82f5), 6.8 iommu_user_data_array (f35b88b66fbb). */
#include <linux/iommu.h>

size_t probe(const struct iommu_user_data *data,
	     const struct iommu_user_data_array *array);
size_t probe(const struct iommu_user_data *data,
	     const struct iommu_user_data_array *array)
{
	return data->len + array->entry_len;
}
