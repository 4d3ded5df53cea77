/* Linux 6.2 added IOMMU_CAP_ENFORCE_CACHE_COHERENCY, asked before an attach (4989764d8ed3). */
#include <linux/iommu.h>

enum iommu_cap probe(void);
enum iommu_cap probe(void)
{
	return IOMMU_CAP_ENFORCE_CACHE_COHERENCY;
}
