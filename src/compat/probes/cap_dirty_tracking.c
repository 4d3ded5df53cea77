/* IOMMUs can record which pages a device wrote (6.7). */
#include <linux/iommu.h>

enum iommu_cap probe(void);
enum iommu_cap probe(void)
{
	return IOMMU_CAP_DIRTY_TRACKING;
}
