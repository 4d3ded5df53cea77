/* Linux 6.7 to 6.12 have domain_alloc_user() with a parent in iommu_ops (2bdabb8e82f5). */
#include <linux/iommu.h>

struct iommu_domain *probe(const struct iommu_ops *ops, struct device *dev);
struct iommu_domain *probe(const struct iommu_ops *ops, struct device *dev)
{
	return ops->domain_alloc_user(dev, 0, NULL, NULL);
}
