/* Linux 6.3 added GFP flags to iommu_map() and iommu_map_sg(). */
#include <linux/iommu.h>

int probe(struct iommu_domain *domain);
int probe(struct iommu_domain *domain)
{
	return iommu_map(domain, 0, 0, PAGE_SIZE, IOMMU_READ, GFP_KERNEL_ACCOUNT);
}
