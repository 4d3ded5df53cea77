/* Isolation of interrupts is a capability of the IOMMU, not of the MSI domain. */
#include <linux/iommu.h>

enum iommu_cap probe(void);
enum iommu_cap probe(void)
{
	return IOMMU_CAP_INTR_REMAP;
}
