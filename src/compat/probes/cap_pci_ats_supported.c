/* Linux 7.1 added IOMMU_CAP_PCI_ATS_SUPPORTED (a82efb8747d1). */
#include <linux/iommu.h>

bool probe(struct device *dev);
bool probe(struct device *dev)
{
	return device_iommu_capable(dev, IOMMU_CAP_PCI_ATS_SUPPORTED);
}
