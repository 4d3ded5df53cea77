/* Linux 6.7 added IOMMU_CAP_DIRTY_TRACKING (750e2e902b71). */
#include <linux/iommu.h>

enum iommu_cap probe(void);
enum iommu_cap probe(void)
{
	return IOMMU_CAP_DIRTY_TRACKING;
}
