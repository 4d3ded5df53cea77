/* Must not compile: unknown functions are errors, so a probe can fail. */
#include <linux/module.h>
#include <linux/iommu.h>

void probe(struct iommu_domain *domain);
void probe(struct iommu_domain *domain)
{
	iommu_domain_that_nobody_has(domain);
}
