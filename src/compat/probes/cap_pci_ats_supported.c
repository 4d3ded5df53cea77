/* An IOMMU driver can be asked whether a device may use ATS. */
#include <linux/iommu.h>

bool probe(struct device *dev);
bool probe(struct device *dev)
{
	return device_iommu_capable(dev, IOMMU_CAP_PCI_ATS_SUPPORTED);
}
