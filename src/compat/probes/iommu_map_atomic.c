/* Until Linux 6.2, iommu_map_atomic() never slept, iommu_map() took no GFP flags (1369459b2e21). */
#include <linux/iommu.h>

int probe(struct iommu_domain *domain);
int probe(struct iommu_domain *domain)
{
	return iommu_map(domain, 0, 0, PAGE_SIZE, IOMMU_READ) ?:
	       iommu_map_atomic(domain, 0, 0, PAGE_SIZE, IOMMU_READ);
}
