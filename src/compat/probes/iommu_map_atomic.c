/* iommu_map() takes no allocation flags, and has a form that doesn't sleep (until 6.2). */
#include <linux/iommu.h>

int probe(struct iommu_domain *domain);
int probe(struct iommu_domain *domain)
{
	return iommu_map(domain, 0, 0, PAGE_SIZE, IOMMU_READ) ?:
	       iommu_map_atomic(domain, 0, 0, PAGE_SIZE, IOMMU_READ);
}
