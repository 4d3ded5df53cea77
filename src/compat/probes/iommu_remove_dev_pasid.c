/* Until Linux 6.13, iommu_ops had remove_dev_pasid() (647b7aad1949). */
#include <linux/iommu.h>

void probe(const struct iommu_ops *ops, struct device *dev);
void probe(const struct iommu_ops *ops, struct device *dev)
{
	ops->remove_dev_pasid(dev, 1, NULL);
}
