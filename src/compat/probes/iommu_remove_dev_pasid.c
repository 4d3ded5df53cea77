/* Drivers end what a PASID is attached to by an operation of its own (until 6.13). */
#include <linux/iommu.h>

void probe(const struct iommu_ops *ops, struct device *dev);
void probe(const struct iommu_ops *ops, struct device *dev)
{
	ops->remove_dev_pasid(dev, 1, NULL);
}
