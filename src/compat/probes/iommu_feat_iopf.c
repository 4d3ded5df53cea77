/* Until Linux 6.15, page faults were enabled by IOMMU_DEV_FEAT_IOPF (f984fb09e60e). */
#include <linux/iommu.h>

int probe(struct device *dev);
int probe(struct device *dev)
{
	return iommu_dev_enable_feature(dev, IOMMU_DEV_FEAT_IOPF);
}
