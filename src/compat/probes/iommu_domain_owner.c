/* Linux 6.7 added the owner to struct iommu_domain. */
#include <linux/iommu.h>

const struct iommu_ops *probe(struct iommu_domain *domain);
const struct iommu_ops *probe(struct iommu_domain *domain)
{
	return domain->owner;
}
