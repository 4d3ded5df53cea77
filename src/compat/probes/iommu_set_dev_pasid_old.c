/* A driver's set_dev_pasid() is told what the PASID was attached to (6.13; 6.12.115). */
#include <linux/iommu.h>

int probe(const struct iommu_domain_ops *ops, struct device *dev);
int probe(const struct iommu_domain_ops *ops, struct device *dev)
{
	return ops->set_dev_pasid(NULL, dev, 1, NULL);
}
