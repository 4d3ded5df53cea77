/* A domain takes an array of what user space changed in its tables (6.8). */
#include <linux/iommu.h>

int probe(struct iommu_domain *domain, struct iommu_user_data_array *array);
int probe(struct iommu_domain *domain, struct iommu_user_data_array *array)
{
	return domain->ops->cache_invalidate_user(domain, array);
}
