/* Linux 6.8 added cache_invalidate_user() to iommu_domain_ops (f35b88b66fbb). */
#include <linux/iommu.h>

int probe(struct iommu_domain *domain, struct iommu_user_data_array *array);
int probe(struct iommu_domain *domain, struct iommu_user_data_array *array)
{
	return domain->ops->cache_invalidate_user(domain, array);
}
