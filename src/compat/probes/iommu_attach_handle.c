/* Linux 6.11 added struct iommu_attach_handle (14678219cf40). */
#include <linux/iommu.h>

struct iommu_domain *probe(struct iommu_attach_handle *handle);
struct iommu_domain *probe(struct iommu_attach_handle *handle)
{
	return handle->domain;
}
