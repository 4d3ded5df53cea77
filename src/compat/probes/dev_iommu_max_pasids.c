/* Linux 6.2 added max_pasids to struct dev_iommu (22d2c7afb369). */
#include <linux/iommu.h>

unsigned int probe(struct device *dev);
unsigned int probe(struct device *dev)
{
	return dev->iommu->max_pasids;
}
