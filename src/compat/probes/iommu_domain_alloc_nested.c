/* Drivers have an operation for domains on top of others (6.13). */
#include <linux/iommu.h>

struct iommu_domain *probe(const struct iommu_ops *ops, struct device *dev,
			   struct iommu_domain *parent,
			   const struct iommu_user_data *data);
struct iommu_domain *probe(const struct iommu_ops *ops, struct device *dev,
			   struct iommu_domain *parent,
			   const struct iommu_user_data *data)
{
	return ops->domain_alloc_nested(dev, parent, 0, data);
}
