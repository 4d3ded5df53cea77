/* Linux 6.6 added hw_info() to iommu_ops (60fedb262bbc). */
#include <linux/iommu.h>

void *probe(const struct iommu_ops *ops, struct device *dev);
void *probe(const struct iommu_ops *ops, struct device *dev)
{
	u32 length, type;

	return ops->hw_info(dev, &length, &type);
}
