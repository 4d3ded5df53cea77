/* A driver's attach_dev() is told which domain the device leaves (6.19). */
#include <linux/iommu.h>

int probe(const struct iommu_domain_ops *ops, struct device *dev);
int probe(const struct iommu_domain_ops *ops, struct device *dev)
{
	return ops->attach_dev(NULL, dev, NULL);
}
