/* Linux 6.13 added domain_alloc_paging_flags() with user data to iommu_ops (d53764723ecd). */
#include <linux/iommu.h>

struct iommu_domain *probe(const struct iommu_ops *ops, struct device *dev,
			   const struct iommu_user_data *data);
struct iommu_domain *probe(const struct iommu_ops *ops, struct device *dev,
			   const struct iommu_user_data *data)
{
	return ops->domain_alloc_paging_flags(dev, 0, data);
}
