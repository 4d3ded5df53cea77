// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults on kernels without iopf_group_dequeue() (6.12 before .115).
 *
 * There a group stays on the device's list until the response, and removing the
 * device responds to and frees all groups on the list.  So take the group off
 * the list, as newer kernels do.  After that the kernel's iopf_group_response()
 * doesn't respond to the hardware any more, so it is replaced, too.
 */
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mutex.h>

#if defined(IOMMUFD_HAVE_SYM_IOPF_GROUP_RESPONSE) && \
	!defined(IOMMUFD_HAVE_SYM_IOPF_GROUP_DEQUEUE)

void compat_iopf_group_dequeue(struct iopf_group *group)
{
	struct iommu_fault_param *param = group->fault_param;

	mutex_lock(&param->lock);
	list_del_init(&group->pending_node);
	mutex_unlock(&param->lock);
}

void compat_iopf_group_response(struct iopf_group *group,
				enum iommu_page_response_code status)
{
	struct iommu_fault_param *param = group->fault_param;
	struct iopf_fault *last = &group->last_fault;
	struct iommu_page_response response = {
		.pasid = last->fault.prm.pasid,
		.grpid = last->fault.prm.grpid,
		.code = status,
	};

	mutex_lock(&param->lock);
	compat_dev_iommu_ops(param->dev)->page_response(param->dev, last, &response);
	list_del_init(&group->pending_node);
	mutex_unlock(&param->lock);
}

#endif
