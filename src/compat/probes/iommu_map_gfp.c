/* Linux 6.3 added GFP flags to iommu_map() (1369459b2e21) and iommu_map_sg() (f2b2c051be62). */
#include <linux/iommu.h>

int probe(struct iommu_domain *domain);
int probe(struct iommu_domain *domain)
{
	return iommu_map(domain, 0, 0, PAGE_SIZE, IOMMU_READ, GFP_KERNEL_ACCOUNT);
}
