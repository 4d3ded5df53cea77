/* Page faults of devices come in groups, through the handle of an attachment (6.11). */
#include <linux/iommu.h>

struct iommu_attach_handle *probe(struct iopf_group *group);
struct iommu_attach_handle *probe(struct iopf_group *group)
{
	return group->attach_handle;
}
