// SPDX-License-Identifier: GPL-2.0-only
/* Attaching devices and PASIDs to page tables, moving and detaching them. */
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/slab.h>

#include "../core/context.h"
#include "../event/fault.h"
#include "../hwpt/hwpt.h"
#include "attach.h"
#include "device.h"
#include "group.h"

/* Only DMA without PASID meets reserved ranges, and carries interrupts. */
static bool is_plain(const struct attach *attach)
{
	return attach->at.pasid == IOMMU_NO_PASID;
}

static void explain(struct attach *attach, const char *why)
{
	*attach->refusal = (struct refusal) { .why = why };
}

/* Asks once more, one by one. */
void attach_explain_reserved(struct iommufd_device *idev, struct ioas *ioas,
			     struct refusal *refusal)
{
	size_t i;

	for (i = 0; i < idev->n_reserved; i++) {
		if (ioas_reserve(ioas, &idev->reserved[i], 1)) {
			refusal->why = "the device can't use all that is mapped or allowed";
			refusal->range = idev->reserved[i];
			return;
		}
		ioas_unreserve(ioas, &idev->reserved[i], 1);
	}
}

static int reserve(struct attach *attach, struct iommufd_device *idev,
		   struct hwpt *hwpt)
{
	struct ioas *ioas = hwpt_paging(hwpt)->ioas;
	int rc;

	if (!is_plain(attach))
		return 0;
	rc = ioas_reserve(ioas, idev->reserved, idev->n_reserved);
	if (rc)
		attach_explain_reserved(idev, ioas, attach->refusal);
	return rc;
}

static void unreserve(struct attach *attach, struct iommufd_device *idev,
		      struct hwpt *hwpt)
{
	if (is_plain(attach))
		ioas_unreserve(hwpt_paging(hwpt)->ioas, idev->reserved,
			       idev->n_reserved);
}

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
	xa_init(&attach->devices);
	rc = xa_insert(&group->attaches, pasid, attach, GFP_KERNEL_ACCOUNT);
	if (rc) {
		kfree(attach);
		return ERR_PTR(rc);
	}
	return attach;
}

/* The last device takes it along. */
static void attach_close(struct attach *attach)
{
	if (!xa_empty(&attach->devices))
		return;
	xa_erase(&attach->group->attaches, attach->at.pasid);
	xa_destroy(&attach->devices);
	kfree(attach);
}

/* What is attached to a PASID, or without one beside it, was made for that. */
static bool fits_pasids(struct attach *attach, struct hwpt *hwpt)
{
	struct group *group = attach->group;
	unsigned long pasid = IOMMU_NO_PASID;
	struct attach *plain;

	if (is_plain(attach))
		return hwpt->pasid_fit ||
		       !xa_find_after(&group->attaches, &pasid, ULONG_MAX, XA_PRESENT);
	plain = xa_load(&group->attaches, IOMMU_NO_PASID);
	return hwpt->pasid_fit && (!plain || plain->hwpt->pasid_fit);
}

/* Page faults of a VF would be the others' affair, too. */
static bool fits_faults(struct attach *attach, struct hwpt *hwpt)
{
	struct iommufd_device *idev;
	unsigned long id;

	xa_for_each(&attach->devices, id, idev) {
		if (hwpt->faults && hw_shares_faults(idev->dev)) {
			explain(attach, "a VF's page faults can't be told from others'");
			return false;
		}
	}
	return true;
}

/*
 * What iommufd_enforces_coherency() says of a device holds for its page tables; one
 * that was made for a device without stays with such devices.
 */
static bool fits_coherency(struct attach *attach, struct hwpt *paging)
{
	struct iommufd_device *idev;
	unsigned long id;

	xa_for_each(&attach->devices, id, idev) {
		if (idev->enforce_coherency && !paging->table.coherent)
			return false;
	}
	return true;
}

/* An attachment that DMA doesn't go through any more. */
static void attachment_end(struct hw_attachment *attachment)
{
	fault_queue_forget(attachment->faults, attachment, NULL);
	hw_attachment_free(attachment);
}

static void stop_faults(struct attach *attach, struct fault_queue *faults,
			struct iommufd_device *end)
{
	struct iommufd_device *idev;
	unsigned long id;

	xa_for_each(&attach->devices, id, idev) {
		if (idev == end)
			break;
		faults_stop(faults, idev);
	}
}

/* All devices, which were just attached, report faults; or none. */
static int start_faults(struct attach *attach, struct fault_queue *faults)
{
	struct iommufd_device *idev;
	unsigned long id;
	int rc;

	xa_for_each(&attach->devices, id, idev) {
		rc = faults_start(faults, idev);
		if (rc) {
			explain(attach, "its page faults can't be turned on");
			stop_faults(attach, faults, idev);
			return rc;
		}
	}
	return 0;
}

/* Before the hardware is moved: 0, or -EAGAIN if the rest comes after it. */
static int prepare(struct attach *attach, struct hwpt *hwpt)
{
	struct group *group = attach->group;
	int rc;

	explain(attach, "there is no place for its interrupts' doorbells");
	rc = is_plain(attach) ? hwpt_prepare_msi(hwpt, &group->msi_window) : 0;
	if (rc)
		return rc;
	rc = hwpt_fill(hwpt);
	if (rc) {
		explain(attach, rc == -EADDRINUSE ?
			"its IOMMU can't map all that is mapped or allowed (range or alignment)" :
			"what is mapped can't be pinned, or put into a page table");
		return rc;
	}
	return is_plain(attach) ? hwpt_take_doorbells(hwpt, &group->doorbells) : 0;
}

/* After it, for a driver that didn't know the page table's limits. */
static int prepare_late(struct attach *attach, struct hwpt *hwpt)
{
	hwpt_settle(hwpt);
	return prepare(attach, hwpt);
}

static void remember_doorbells(struct attach *attach)
{
	struct group *group = attach->group;

	if (is_plain(attach))
		hw_msi_remember(&group->doorbells,
				hwpt_paging(attach->hwpt)->table.domain,
				&group->msi_window);
}

/* Attaches what is detached, or blocked by a failure. */
static int come(struct attach *attach, struct hwpt *hwpt)
{
	struct hwpt *paging = hwpt_paging(hwpt);
	struct hw_attachment *attachment;
	int rc, late;

	late = prepare(attach, paging);
	if (late && late != -EAGAIN)
		return late;
	explain(attach, "its IOMMU's driver doesn't take the page table");
	attachment = hw_attach(&attach->at, hwpt->table.domain, hwpt->faults);
	if (IS_ERR(attachment))
		return PTR_ERR(attachment);
	rc = late ? prepare_late(attach, paging) : 0;
	if (!rc)
		rc = start_faults(attach, hwpt->faults);
	if (rc) {
		hw_detach(attachment);
		attachment_end(attachment);
		return rc;
	}
	attach->now = attachment;
	return 0;
}

/* The last resort: DMA stays blocked until the next replace or detach. */
static void block(struct attach *attach, struct hw_attachment *now)
{
	pr_err_ratelimited("iommufd: DMA of group %d is blocked, its page table can't be restored\n",
			   iommu_group_id(attach->at.group));
	hw_detach(now);
	attachment_end(attach->now);
	attach->now = NULL;
}

/* Moves a group from another page table, and back if that can't be completed. */
static int move(struct attach *attach, struct hwpt *hwpt)
{
	struct hwpt *paging = hwpt_paging(hwpt);
	struct hw_attachment *attachment;
	int rc, late;

	remember_doorbells(attach);
	late = prepare(attach, paging);
	if (late && late != -EAGAIN)
		return late;
	explain(attach, "its IOMMU's driver doesn't take the page table");
	attachment = hw_replace(attach->now, hwpt->table.domain, hwpt->faults);
	if (IS_ERR(attachment))
		return PTR_ERR(attachment);
	rc = late ? prepare_late(attach, paging) : 0;
	if (!rc)
		rc = start_faults(attach, hwpt->faults);
	if (rc) {
		if (hw_restore(attach->now))
			block(attach, attachment);
		attachment_end(attachment);
		return rc;
	}
	attachment_end(attach->now);
	attach->now = attachment;
	return 0;
}

/*
 * Connects hardware with a page table.  One group at a time: some drivers confuse
 * what is mapped while a device is being attached.
 */
static int come_to(struct attach *attach, struct hwpt *hwpt)
{
	struct hwpt *paging = hwpt_paging(hwpt);
	int rc;

	if (!fits_pasids(attach, hwpt)) {
		explain(attach, "beside PASIDs a page table must be made for them");
		return -EINVAL;
	}
	if (!fits_coherency(attach, paging)) {
		explain(attach, "the page table was made without coherency enforced");
		return -EINVAL;
	}
	rc = mutex_lock_killable(&paging->lock);
	if (rc)
		return rc;
	rc = attach->now ? move(attach, hwpt) : come(attach, hwpt);
	mutex_unlock(&paging->lock);
	if (!rc && attach->hwpt)
		stop_faults(attach, attach->hwpt->faults, NULL);
	return rc;
}

/* @idev is in the list already, for faults that come before all is done. */
static int join(struct attach *attach, struct iommufd_device *idev,
		struct hwpt *hwpt)
{
	int rc;

	/* The others of the group would be moved. */
	if (attach->hwpt && attach->hwpt != hwpt) {
		explain(attach, "others of its group use another page table");
		return -EINVAL;
	}
	if (!fits_faults(attach, hwpt))
		return -EINVAL;
	rc = reserve(attach, idev, hwpt);
	if (rc)
		return rc;
	if (attach->hwpt)
		rc = faults_start(hwpt->faults, idev);
	else
		rc = come_to(attach, hwpt);
	if (rc) {
		unreserve(attach, idev, hwpt);
		return rc;
	}
	attach->hwpt = hwpt;
	return 0;
}

/* Where others stay attached, what it asked for there is refused. */
static void erase(struct attach *attach, struct iommufd_device *idev)
{
	struct hw_attachment *now = attach->now;

	xa_erase(&attach->devices, idev->obj.id);
	if (now)
		fault_queue_forget(now->faults, now, idev->dev);
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
	/* -EBUSY if it is attached. */
	rc = xa_insert(&attach->devices, idev->obj.id, idev, GFP_KERNEL_ACCOUNT);
	if (rc)
		goto out_close;
	attach->at.dev = idev->dev;
	attach->refusal = refusal;
	rc = join(attach, idev, hwpt);
	if (rc)
		erase(attach, idev);
	else
		idev->nattached++;
out_close:
	attach_close(attach);
out:
	mutex_unlock(&group->lock);
	return rc;
}

/* Where the device is attached, or NULL. */
static struct attach *find(struct iommufd_device *idev, u32 pasid)
{
	struct attach *attach = xa_load(&idev->group->attaches, pasid);

	if (!attach || !xa_load(&attach->devices, idev->obj.id))
		return NULL;
	attach->at.dev = idev->dev;
	return attach;
}

static bool is_last(struct attach *attach)
{
	unsigned long id = 0;

	xa_find(&attach->devices, &id, ULONG_MAX, XA_PRESENT);
	return !xa_find_after(&attach->devices, &id, ULONG_MAX, XA_PRESENT);
}

static void stop(struct attach *attach)
{
	remember_doorbells(attach);
	if (!attach->now)
		return;
	hw_detach(attach->now);
	attachment_end(attach->now);
	attach->now = NULL;
}

void attach_remove(struct iommufd_device *idev, u32 pasid)
{
	struct group *group = idev->group;
	struct hwpt *hwpt = NULL;
	struct attach *attach;

	mutex_lock(&group->lock);
	attach = find(idev, pasid);
	if (attach) {
		hwpt = attach->hwpt;
		if (is_last(attach))
			stop(attach);
		unreserve(attach, idev, hwpt);
		erase(attach, idev);
		faults_stop(hwpt->faults, idev);
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

	/* The driver's calls have ended, so only other devices' come and go. */
	mutex_lock(&idev->group->lock);
	xa_for_each(&idev->group->attaches, pasid, attach) {
		mutex_unlock(&idev->group->lock);
		attach_remove(idev, pasid);
		mutex_lock(&idev->group->lock);
	}
	mutex_unlock(&idev->group->lock);
}

/* Undoes reserve_all() for the devices before @end, or for all of them. */
static void unreserve_all(struct attach *attach, struct hwpt *hwpt,
			  struct iommufd_device *end)
{
	struct iommufd_device *idev;
	unsigned long id;

	xa_for_each(&attach->devices, id, idev) {
		if (idev == end)
			break;
		unreserve(attach, idev, hwpt);
	}
}

static int reserve_all(struct attach *attach, struct hwpt *hwpt)
{
	struct iommufd_device *idev;
	unsigned long id;
	int rc;

	xa_for_each(&attach->devices, id, idev) {
		rc = reserve(attach, idev, hwpt);
		if (rc) {
			unreserve_all(attach, hwpt, idev);
			return rc;
		}
	}
	return 0;
}

/* One hold for each device, the first of which is the caller's.  How many? */
static unsigned int hold_for_all(struct attach *attach, struct hwpt *hwpt)
{
	struct iommufd_device *idev;
	unsigned int n = 0;
	unsigned long id;

	xa_for_each(&attach->devices, id, idev) {
		if (n++)
			WARN_ON(object_hold(attach->group->ctx, &hwpt->obj));
	}
	return n;
}

/* Moves all that are attached to another page table. */
static int replace_locked(struct attach *attach, struct hwpt *hwpt)
{
	int rc;

	if (!fits_faults(attach, hwpt))
		return -EINVAL;
	rc = reserve_all(attach, hwpt);
	if (rc)
		return rc;
	rc = come_to(attach, hwpt);
	if (rc) {
		unreserve_all(attach, hwpt, NULL);
		return rc;
	}
	unreserve_all(attach, attach->hwpt, NULL);
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
	attach = find(idev, pasid);
	if (attach) {
		attach->refusal = refusal;
		old = attach->hwpt;
		rc = old == hwpt ? 0 : replace_locked(attach, hwpt);
		if (!rc)
			n = old == hwpt ? 1 : hold_for_all(attach, hwpt);
	}
	mutex_unlock(&group->lock);
	while (n--)
		hwpt_release(old);
	return rc;
}

u32 attach_device_id(const struct hw_place *at, struct device *dev)
{
	struct attach *attach = container_of(at, struct attach, at);
	struct iommufd_device *idev;
	unsigned long id;
	u32 found = 0;

	/* An entry is erased before the device goes. */
	xa_lock(&attach->devices);
	xa_for_each(&attach->devices, id, idev) {
		if (idev->dev == dev)
			found = id;
	}
	xa_unlock(&attach->devices);
	return found;
}
