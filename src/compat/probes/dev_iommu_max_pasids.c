/* The IOMMU core notes how many PASIDs a device can use with its IOMMU (6.2). */
#include <linux/iommu.h>

unsigned int probe(struct device *dev);
unsigned int probe(struct device *dev)
{
	return dev->iommu->max_pasids;
}
