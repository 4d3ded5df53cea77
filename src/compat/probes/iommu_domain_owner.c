/* A domain knows the operations of the driver that made it (6.7). */
#include <linux/iommu.h>

const struct iommu_ops *probe(struct iommu_domain *domain);
const struct iommu_ops *probe(struct iommu_domain *domain)
{
	return domain->owner;
}
