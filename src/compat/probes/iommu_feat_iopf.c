/* Page faults are a feature of the device, to be enabled for it (until 6.15). */
#include <linux/iommu.h>

int probe(struct device *dev);
int probe(struct device *dev)
{
	return iommu_dev_enable_feature(dev, IOMMU_DEV_FEAT_IOPF);
}
