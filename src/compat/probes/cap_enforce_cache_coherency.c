/* A device tells beforehand whether its IOMMU can forbid non-coherent DMA (6.2). */
#include <linux/iommu.h>

enum iommu_cap probe(void);
enum iommu_cap probe(void)
{
	return IOMMU_CAP_ENFORCE_CACHE_COHERENCY;
}
