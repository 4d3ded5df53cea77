/* Linux 6.13 added iommu_paging_domain_alloc_flags() (20858d4ebb42). */
#include <linux/iommu.h>

struct iommu_domain *probe(struct device *dev);
struct iommu_domain *probe(struct device *dev)
{
	return iommu_paging_domain_alloc_flags(dev, 0);
}
