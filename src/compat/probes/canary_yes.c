/* Must compile: the flags and headers are usable. */
#include <linux/module.h>
#include <linux/iommu.h>

void probe(struct iommu_domain *domain);
void probe(struct iommu_domain *domain)
{
	iommu_domain_free(domain);
}
