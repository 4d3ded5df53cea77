// SPDX-License-Identifier: GPL-2.0-only
/* The hardware of a place: connected with a page table, moved to another, disconnected. */
#include <linux/err.h>
#include <linux/iommu.h>

#include "../event/fault.h"
#include "../hwpt/hwpt.h"
#include "../ioas/ioas.h"
#include "attach.h"
#include "device.h"
#include "group.h"

/* Undoes a step for the devices before @end, or for all of them. */
static void attach_undo_before(struct attach *attach, const struct attach_step *step,
			       struct hwpt *hwpt, struct iommufd_device *end)
{
	struct iommufd_device *idev;
	unsigned long id;

	attach_for_each_device(attach, id, idev) {
		if (idev == end)
			break;
		step->undo(attach, idev, hwpt);
	}
}

int attach_run_for_all(struct attach *attach, const struct attach_step *step,
		       struct hwpt *hwpt)
{
	struct iommufd_device *idev;
	unsigned long id;
	int rc;

	attach_for_each_device(attach, id, idev) {
		rc = step->run(attach, idev, hwpt);
		if (rc) {
			attach_undo_before(attach, step, hwpt, idev);
			return rc;
		}
	}
	return 0;
}

void attach_undo_for_all(struct attach *attach, const struct attach_step *step,
			 struct hwpt *hwpt)
{
	attach_undo_before(attach, step, hwpt, NULL);
}

/* With a PASID in use, all page tables of the group must be made for use with PASIDs. */
static bool attach_fits_pasids(struct attach *attach, struct hwpt *hwpt)
{
	struct group *group = attach->group;
	unsigned long pasid = IOMMU_NO_PASID;
	struct attach *plain;

	if (attach_is_plain(attach))
		return hwpt->pasid_fit ||
		       !xa_find_after(&group->attaches, &pasid, ULONG_MAX, XA_PRESENT);
	plain = xa_load(&group->attaches, IOMMU_NO_PASID);
	return hwpt->pasid_fit && (!plain || plain->hwpt->pasid_fit);
}

static int attach_start_faults(struct attach *attach, struct iommufd_device *idev,
			       struct hwpt *hwpt)
{
	int rc;

	if (!hwpt->faults)
		return 0;
	if (!idev->nfaulting) {
		rc = hw_faults_enable(idev->dev);
		if (rc) {
			attach_refuse(attach, "page faults of %s can't be turned on",
				      dev_name(idev->dev));
			return rc;
		}
	}
	idev->nfaulting++;
	return 0;
}

static void attach_stop_faults(struct attach *attach, struct iommufd_device *idev,
			       struct hwpt *hwpt)
{
	if (hwpt->faults && !--idev->nfaulting)
		hw_faults_disable(idev->dev);
}

const struct attach_step attach_faults = { attach_start_faults, attach_stop_faults };

static int attach_prepare_msi(struct attach *attach, struct hwpt *paging)
{
	const struct iova_range *window = &attach->group->msi_window;
	int rc;

	if (!attach_is_plain(attach))
		return 0;
	rc = hwpt_prepare_msi(paging, window);
	if (rc)
		attach_refuse(attach,
			      "no place is left for doorbells of interrupts in [%#lx, %#lx]",
			      window->first, window->last);
	return rc;
}

/* Fills the page table, and maps the doorbells that the devices write to already. */
static int attach_fill(struct attach *attach, struct hwpt *paging)
{
	int rc;

	rc = hwpt_fill(paging, attach->refusal);
	if (rc || !attach_is_plain(attach))
		return rc;
	rc = hwpt_take_doorbells(paging, &attach->group->doorbells);
	if (rc)
		attach_refuse(attach,
			      "doorbells of its interrupts can't be mapped in the page table");
	return rc;
}

static void attach_remember_doorbells(struct attach *attach)
{
	struct group *group = attach->group;

	if (attach_is_plain(attach))
		hw_msi_remember(&group->doorbells,
				hwpt_paging(attach->hwpt)->table.domain,
				&group->msi_window);
}

/* Free an attachment that no DMA goes through any more, and refuse its pending faults. */
static void attach_end(struct hw_attachment *attachment)
{
	fault_queue_refuse(attachment->faults, attachment, NULL);
	hw_attachment_free(attachment);
}

static struct ioas *attach_ioas(const struct attach *attach)
{
	return attach->now ? hwpt_paging(attach->hwpt)->ioas : NULL;
}

/*
 * A driver may forget first for which devices it has to flush, and stop the DMA last.  What
 * was unmapped between these steps would be unpinned while devices can still access it, so
 * keep others from unmapping while devices leave a page table: the old one, or the new one
 * if not all of the group can be attached to it.
 */
static struct hw_attachment *attach_apply(struct attach *attach, struct hwpt *hwpt)
{
	struct ioas *new = hwpt_paging(hwpt)->ioas, *old = attach_ioas(attach);
	struct hw_attachment *now;

	ioas_freeze(new, old);
	if (attach->now)
		now = hw_replace(attach->now, hwpt->table.domain, hwpt->faults);
	else
		now = hw_attach(&attach->at, hwpt->table.domain, hwpt->faults);
	ioas_thaw(new, old);
	if (IS_ERR(now) && PTR_ERR(now) != -ENOMEM)
		attach_refuse(attach, PTR_ERR(now) == -EBUSY ?
			      "its group is busy, as while a device of it is reset" :
			      "its IOMMU's driver doesn't take the page table");
	return now;
}

/* Go back to where the group was attached, or detach it if it was detached. */
static void attach_undo(struct attach *attach, struct hwpt *hwpt, struct hw_attachment *now)
{
	struct ioas *new = hwpt_paging(hwpt)->ioas, *old = attach_ioas(attach);
	int rc = 0;

	ioas_freeze(new, old);
	if (attach->now)
		rc = hw_restore(now, attach->now);
	else
		hw_detach(now);
	ioas_thaw(new, old);
	if (rc) {
		/* DMA stays blocked until the next replace or detach. */
		attach_end(attach->now);
		attach->now = NULL;
	}
	attach_end(now);
}

/*
 * Attach a group that is detached, or blocked by an earlier failure; else move it from
 * another page table, and go back if that can't be completed.  Fill the page table before
 * the hardware uses it, unless its driver knows its limits only when a device is attached.
 */
static int attach_move(struct attach *attach, struct hwpt *hwpt)
{
	struct hwpt *paging = hwpt_paging(hwpt);
	bool ready = hwpt_is_ready(paging);
	struct hw_attachment *now;
	int rc;

	if (attach->now)
		attach_remember_doorbells(attach);
	rc = attach_prepare_msi(attach, paging);
	if (!rc && ready)
		rc = attach_fill(attach, paging);
	if (rc)
		return rc;
	now = attach_apply(attach, hwpt);
	if (IS_ERR(now))
		return PTR_ERR(now);
	if (!ready) {
		hwpt_settle(paging);
		rc = attach_fill(attach, paging);
	}
	if (!rc)
		rc = attach_run_for_all(attach, &attach_faults, hwpt);
	if (rc) {
		attach_undo(attach, hwpt, now);
		return rc;
	}
	if (attach->now)
		attach_end(attach->now);
	attach->now = now;
	return 0;
}

/* See reset.c. */
static bool attach_is_in_reset(const struct attach *attach, const struct hwpt *hwpt)
{
	return attach->group->resets && attach_is_plain(attach) &&
	       (hwpt->faults || (attach->now && attach->now->faults));
}

/* paging->lock: some drivers don't serialise an attach with another one and with mapping. */
int attach_connect(struct attach *attach, struct hwpt *hwpt)
{
	struct hwpt *paging = hwpt_paging(hwpt);
	int rc;

	if (!attach_fits_pasids(attach, hwpt)) {
		attach_refuse(attach,
			      "beside PASIDs page tables must be made with IOMMU_HWPT_ALLOC_PASID");
		return -EINVAL;
	}
	if (attach_is_in_reset(attach, hwpt)) {
		attach_refuse(attach, "a device of its group that reports page faults is being reset");
		return -EBUSY;
	}
	rc = mutex_lock_killable(&paging->lock);
	if (rc)
		return rc;
	rc = attach_move(attach, hwpt);
	mutex_unlock(&paging->lock);
	if (!rc && attach->hwpt)
		attach_undo_for_all(attach, &attach_faults, attach->hwpt);
	return rc;
}

void attach_disconnect(struct attach *attach)
{
	struct ioas *ioas = attach_ioas(attach);

	attach_remember_doorbells(attach);
	if (!attach->now)
		return;
	ioas_freeze(ioas, NULL);
	hw_detach(attach->now);
	ioas_thaw(ioas, NULL);
	attach_end(attach->now);
	attach->now = NULL;
}
