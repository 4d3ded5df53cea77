/* A device behind an IOMMU knows how many PASIDs it can have. */
#include <linux/iommu.h>

u32 probe(struct device *dev);
u32 probe(struct device *dev)
{
	return dev->iommu->max_pasids;
}
