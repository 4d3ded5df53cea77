// SPDX-License-Identifier: GPL-2.0-only
/* Which devices are attached where: attaching, moving and detaching them. */
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/slab.h>

#include "../core/context.h"
#include "../event/fault.h"
#include "../hwpt/hwpt.h"
#include "attach.h"
#include "device.h"
#include "group.h"

/* Reserve the ranges again, one by one, to find the one that fails. */
void attach_explain_reserved(struct iommufd_device *idev, struct ioas *ioas,
			     struct refusal *refusal)
{
	size_t i;

	for (i = 0; i < idev->n_reserved; i++) {
		if (ioas_reserve(ioas, &idev->reserved[i], 1)) {
			refusal_set(refusal,
				    "the device can't use all that is mapped or allowed: [%#lx, %#lx]",
				    idev->reserved[i].first, idev->reserved[i].last);
			return;
		}
		ioas_unreserve(ioas, &idev->reserved[i], 1);
	}
}

static int attach_reserve(struct attach *attach, struct iommufd_device *idev,
			  struct hwpt *hwpt)
{
	struct ioas *ioas = hwpt_paging(hwpt)->ioas;
	int rc;

	if (!attach_is_plain(attach))
		return 0;
	rc = ioas_reserve(ioas, idev->reserved, idev->n_reserved);
	if (rc)
		attach_explain_reserved(idev, ioas, attach->refusal);
	return rc;
}

static void attach_unreserve(struct attach *attach, struct iommufd_device *idev,
			     struct hwpt *hwpt)
{
	if (attach_is_plain(attach))
		ioas_unreserve(hwpt_paging(hwpt)->ioas, idev->reserved,
			       idev->n_reserved);
}

static const struct attach_step attach_ranges = { attach_reserve, attach_unreserve };

/* The one that is there, or a new one. */
static struct attach *attach_open(struct group *group, u32 pasid)
{
	struct attach *attach = xa_load(&group->attaches, pasid);
	int rc;

	if (attach)
		return attach;
	attach = kzalloc(sizeof(*attach), GFP_KERNEL_ACCOUNT);
	if (!attach)
		return ERR_PTR(-ENOMEM);
	attach->group = group;
	attach->at.group = group->iommu_group;
	attach->at.pasid = pasid;
	attach->at.resets = &group->resets;
	xa_init(&attach->devices);
	rc = xa_insert(&group->attaches, pasid, attach, GFP_KERNEL_ACCOUNT);
	if (rc) {
		kfree(attach);
		return ERR_PTR(rc);
	}
	return attach;
}

/* Free the place when no device is attached there any more. */
static void attach_close(struct attach *attach)
{
	if (!xa_empty(&attach->devices))
		return;
	xa_erase(&attach->group->attaches, attach->at.pasid);
	xa_destroy(&attach->devices);
	kfree(attach);
}

/* The queue of a VF would get page faults of its PF and of other VFs. */
static bool attach_fits_faults(struct attach *attach, struct hwpt *hwpt)
{
	struct iommufd_device *idev;
	unsigned long id;

	attach_for_each_device(attach, id, idev) {
		if (hwpt->faults && hw_shares_faults(idev->dev)) {
			attach_refuse(attach,
				      "page faults of a VF can't be told from those of its PF");
			return false;
		}
	}
	return true;
}

/*
 * iommufd_enforces_coherency() of a device must hold for each page table that it is attached
 * to, so one that was made for a device without enforcement is for such devices only.
 */
static bool attach_fits_coherency(struct attach *attach, struct hwpt *hwpt)
{
	struct iommufd_device *idev;
	unsigned long id;

	attach_for_each_device(attach, id, idev) {
		if (idev->enforce_coherency && !hwpt_paging(hwpt)->table.coherent) {
			attach_refuse(attach,
				      "the page table was made for a device whose DMA can't be forced to be coherent");
			return false;
		}
	}
	return true;
}

static bool attach_fits(struct attach *attach, struct hwpt *hwpt)
{
	return attach_fits_faults(attach, hwpt) && attach_fits_coherency(attach, hwpt);
}

/* The first device to come to a place takes the group's hardware to the page table. */
static int attach_first(struct attach *attach, struct hwpt *hwpt)
{
	int rc = attach_connect(attach, hwpt);

	if (!rc)
		attach->hwpt = hwpt;
	return rc;
}

/* @idev is listed already, because its first page faults may come before this returns. */
static int attach_enter(struct attach *attach, struct iommufd_device *idev,
			struct hwpt *hwpt)
{
	int rc;

	/* The others of the group would be moved. */
	if (attach->hwpt && attach->hwpt != hwpt) {
		attach_refuse(attach, "others of its group use another page table, %u",
			      attach->hwpt->obj.id);
		return -EINVAL;
	}
	if (!attach_fits(attach, hwpt))
		return -EINVAL;
	rc = attach_reserve(attach, idev, hwpt);
	if (rc)
		return rc;
	/*
	 * The hardware of a group that is attached is where one more device goes; if it couldn't
	 * go back there after a failure, this one is blocked with the others.
	 */
	if (attach->hwpt) {
		rc = attach->now ? hw_join(attach->now, idev->dev) : 0;
		if (!rc)
			rc = attach_faults.run(attach, idev, hwpt);
	} else {
		rc = attach_first(attach, hwpt);
	}
	if (rc)
		attach_unreserve(attach, idev, hwpt);
	return rc;
}

/* Refuse the pending page faults of @idev, as other devices may stay attached. */
static void attach_erase(struct attach *attach, struct iommufd_device *idev)
{
	struct hw_attachment *now = attach->now;

	xa_erase(&attach->devices, idev->obj.id);
	if (now)
		fault_queue_refuse(now->faults, now, idev->dev);
}

int attach_device(struct iommufd_device *idev, u32 pasid, struct hwpt *hwpt,
		  struct refusal *refusal)
{
	struct group *group = idev->group;
	struct attach *attach;
	int rc;

	rc = mutex_lock_killable(&group->lock);
	if (rc)
		return rc;
	attach = attach_open(group, pasid);
	if (IS_ERR(attach)) {
		rc = PTR_ERR(attach);
		goto out;
	}
	rc = xa_insert(&attach->devices, idev->obj.id, idev, GFP_KERNEL_ACCOUNT);
	if (rc == -EBUSY)
		refusal_set(refusal, "it is attached already");
	if (rc)
		goto out_close;
	xa_set_mark(&attach->devices, idev->obj.id, ATTACH_LISTED);
	attach->at.dev = idev->dev;
	attach->refusal = refusal;
	rc = attach_enter(attach, idev, hwpt);
	attach->refusal = NULL;
	if (rc)
		attach_erase(attach, idev);
	else
		idev->nattached++;
out_close:
	attach_close(attach);
out:
	mutex_unlock(&group->lock);
	return rc;
}

/* Where the device is attached, or NULL. */
static struct attach *attach_find(struct iommufd_device *idev, u32 pasid)
{
	struct attach *attach = xa_load(&idev->group->attaches, pasid);

	if (!attach || !xa_load(&attach->devices, idev->obj.id))
		return NULL;
	attach->at.dev = idev->dev;
	return attach;
}

static bool attach_is_last(struct attach *attach)
{
	unsigned long id = 0;

	xa_find(&attach->devices, &id, ULONG_MAX, ATTACH_LISTED);
	return !xa_find_after(&attach->devices, &id, ULONG_MAX, ATTACH_LISTED);
}

void attach_remove(struct iommufd_device *idev, u32 pasid)
{
	struct group *group = idev->group;
	struct hwpt *hwpt = NULL;
	struct attach *attach;

	mutex_lock(&group->lock);
	attach = attach_find(idev, pasid);
	if (attach) {
		hwpt = attach->hwpt;
		if (attach_is_last(attach))
			attach_disconnect(attach);
		attach_unreserve(attach, idev, hwpt);
		attach_erase(attach, idev);
		attach_faults.undo(attach, idev, hwpt);
		idev->nattached--;
		attach_close(attach);
	}
	mutex_unlock(&group->lock);
	if (hwpt)
		hwpt_release(hwpt);
}

void attach_remove_all(struct iommufd_device *idev)
{
	unsigned long pasid;
	struct attach *attach;

	/* The driver makes no more calls, so only other devices can be attached meanwhile. */
	mutex_lock(&idev->group->lock);
	xa_for_each(&idev->group->attaches, pasid, attach) {
		mutex_unlock(&idev->group->lock);
		attach_remove(idev, pasid);
		mutex_lock(&idev->group->lock);
	}
	mutex_unlock(&idev->group->lock);
}

/* Take a hold for each device but the first, which gets the caller's.  Returns how many. */
static unsigned int attach_hold_for_all(struct attach *attach, struct hwpt *hwpt)
{
	struct iommufd_device *idev;
	unsigned int n = 0;
	unsigned long id;

	attach_for_each_device(attach, id, idev) {
		if (n++)
			WARN_ON(object_hold(attach->group->ctx, &hwpt->obj));
	}
	return n;
}

/* Moves all that are attached to another page table. */
static int attach_replace_locked(struct attach *attach, struct hwpt *hwpt)
{
	int rc;

	if (!attach_fits(attach, hwpt))
		return -EINVAL;
	rc = attach_run_for_all(attach, &attach_ranges, hwpt);
	if (rc)
		return rc;
	rc = attach_connect(attach, hwpt);
	if (rc) {
		attach_undo_for_all(attach, &attach_ranges, hwpt);
		return rc;
	}
	attach_undo_for_all(attach, &attach_ranges, attach->hwpt);
	attach->hwpt = hwpt;
	return 0;
}

int attach_replace(struct iommufd_device *idev, u32 pasid, struct hwpt *hwpt,
		   struct refusal *refusal)
{
	struct group *group = idev->group;
	struct hwpt *old = NULL;
	struct attach *attach;
	unsigned int n = 0;
	int rc;

	rc = mutex_lock_killable(&group->lock);
	if (rc)
		return rc;
	rc = -EINVAL;
	attach = attach_find(idev, pasid);
	if (attach) {
		attach->refusal = refusal;
		old = attach->hwpt;
		rc = old == hwpt ? 0 : attach_replace_locked(attach, hwpt);
		attach->refusal = NULL;
		if (!rc)
			n = old == hwpt ? 1 : attach_hold_for_all(attach, hwpt);
	}
	mutex_unlock(&group->lock);
	if (!attach)
		refusal_set(refusal, "it isn't attached");
	while (n--)
		hwpt_release(old);
	return rc;
}
