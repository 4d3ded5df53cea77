/* Linux 6.11 added the attach handle to struct iopf_group (06cdcc32d657). */
#include <linux/iommu.h>

struct iommu_attach_handle *probe(struct iopf_group *group);
struct iommu_attach_handle *probe(struct iopf_group *group)
{
	return group->attach_handle;
}
