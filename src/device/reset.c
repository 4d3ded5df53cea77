// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resets of devices that report page faults.
 *
 * Where a reset ends faults in an order that loses track of those on their way, they are
 * refused while it lasts.  So that stays in force, page tables with faults don't come or go
 * by attaching meanwhile; detaching ends the faults by itself.  Of PASIDs, the core has to
 * find the page tables in a reset, and waits for faults before it lets them go.
 */
#include <linux/export.h>
#include <linux/mutex.h>

#include <iommufd/iommufd.h>

#include "attach.h"
#include "device.h"
#include "group.h"

static struct hw_attachment *group_plain_attachment(struct group *group)
{
	struct attach *attach;

	lockdep_assert_held(&group->lock);
	attach = xa_load(&group->attaches, IOMMU_NO_PASID);
	return attach ? attach->now : NULL;
}

static void group_reset_begin(struct group *group)
{
	struct hw_attachment *now = group_plain_attachment(group);

	if (!group->resets++ && now)
		hw_reset_begin(now);
}

static void group_reset_end(struct group *group)
{
	struct hw_attachment *now = group_plain_attachment(group);

	if (!--group->resets && now)
		hw_reset_end(now);
}

int iommufd_device_reset_begin(struct iommufd_device *idev, bool killable)
{
	struct group *group = idev->group;

	if (!hw_reset_loses_faults(group->iommu_group))
		return 0;
	if (!killable)
		mutex_lock(&group->lock);
	else if (mutex_lock_killable(&group->lock))
		return -EINTR;
	group_reset_begin(group);
	mutex_unlock(&group->lock);
	return 1;
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_reset_begin, "IOMMUFD");

void iommufd_device_reset_end(struct iommufd_device *idev)
{
	struct group *group = idev->group;

	mutex_lock(&group->lock);
	group_reset_end(group);
	mutex_unlock(&group->lock);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_reset_end, "IOMMUFD");
