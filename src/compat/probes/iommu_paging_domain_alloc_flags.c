/* A paging domain is made for a device, with flags from user space (6.13). */
#include <linux/iommu.h>

struct iommu_domain *probe(struct device *dev);
struct iommu_domain *probe(struct device *dev)
{
	return iommu_paging_domain_alloc_flags(dev, 0);
}
