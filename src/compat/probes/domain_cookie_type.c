/* A domain says what kind of cookie it has, and not only whether it has one. */
#include <linux/iommu.h>

bool probe(struct iommu_domain *domain);
bool probe(struct iommu_domain *domain)
{
	return domain->cookie_type == IOMMU_COOKIE_DMA_MSI;
}
