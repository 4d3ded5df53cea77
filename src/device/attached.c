// SPDX-License-Identifier: GPL-2.0-only
/* Lookup and display of attachments. */
#include <linux/seq_file.h>

#include "../hwpt/hwpt.h"
#include "attach.h"
#include "device.h"
#include "group.h"

/* Bounds the time spent here: a group may have very many PASIDs. */
#define PLACES_SHOWN 128

void attach_show(struct seq_file *m, struct iommufd_device *idev)
{
	struct group *group = idev->group;
	struct attach *attach;
	unsigned int n = 0;
	unsigned long pasid;

	if (!mutex_trylock(&group->lock)) {
		seq_puts(m, " busy");
		return;
	}
	xa_for_each(&group->attaches, pasid, attach) {
		if (n++ == PLACES_SHOWN) {
			seq_puts(m, " more");
			break;
		}
		if (!attach->hwpt || !xa_load(&attach->devices, idev->obj.id))
			continue;
		if (pasid == IOMMU_NO_PASID)
			seq_printf(m, " pt=%u", attach->hwpt->obj.id);
		else
			seq_printf(m, " pasid%lu=%u", pasid, attach->hwpt->obj.id);
	}
	mutex_unlock(&group->lock);
}

u32 attach_device_id(const struct hw_place *at, struct device *dev)
{
	struct attach *attach = container_of(at, struct attach, at);
	struct iommufd_device *idev;
	unsigned long id;
	u32 found = 0;

	/* An entry is erased before its device is freed, so the lock keeps it valid. */
	xa_lock(&attach->devices);
	attach_for_each_device(attach, id, idev) {
		if (idev->dev == dev)
			found = id;
	}
	xa_unlock(&attach->devices);
	return found;
}
