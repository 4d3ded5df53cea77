/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An attachment point of a group: its DMA without PASID, or its DMA with one PASID.  All
 * devices of the group that are attached there use the same page table, because the IOMMU
 * can't tell them apart.
 */
#ifndef IOMMUFD_DEVICE_ATTACH_H
#define IOMMUFD_DEVICE_ATTACH_H

#include <linux/types.h>
#include <linux/xarray.h>

#include "../core/refusal.h"
#include "../hw/hw.h"
#include "../hwpt/hwpt.h"

struct fault_queue;
struct group;
struct ioas;
struct iommufd_device;
struct seq_file;

/* In group->attaches, under group->lock, while a device is attached. */
struct attach {
	struct group *group;
	struct hw_place at;
	struct hwpt *hwpt;
	struct hw_attachment *now;	/* NULL if @hwpt could not be restored */
	struct xarray devices;		/* ID -> struct iommufd_device, see below */
	struct refusal *refusal;	/* of the holder of group->lock, or NULL */
};

/*
 * Devices have a mark: what is next in an array of few and distant IDs is found by a bit for
 * each slot, where without a mark all slots are read.
 */
#define ATTACH_LISTED XA_MARK_0

#define attach_for_each_device(_attach, _id, _idev) \
	xa_for_each_marked(&(_attach)->devices, _id, _idev, ATTACH_LISTED)

/* Reserved ranges and interrupts concern DMA without PASID only. */
static inline bool attach_is_plain(const struct attach *attach)
{
	return attach->at.pasid == IOMMU_NO_PASID;
}

/* Set the reason of a refused attach, see core/refusal.h. */
#define attach_refuse(_attach, ...)	refusal_set((_attach)->refusal, __VA_ARGS__)

/* In move.c, under group->lock: */

/**
 * attach_connect() - connect the hardware to a page table, or move it there
 * @attach: the place; its devices are listed already
 * @hwpt: the page table, which the caller holds
 *
 * On failure the hardware stays where it was, unless it can't be restored: then its DMA is
 * blocked, until this or attach_disconnect() is called again.
 *
 * Context: under group->lock; takes hwpt->lock, and waits for it killably.  May pin memory.
 *
 * Return: 0, -EINVAL if @hwpt doesn't fit the devices or PASIDs, -EINTR by a fatal signal,
 * -ENOMEM, as hwpt_fill() and hwpt_prepare_msi(), or the IOMMU driver's errno.
 */
int attach_connect(struct attach *attach, struct hwpt *hwpt);

/**
 * attach_disconnect() - disconnect the hardware, which blocks DMA, and refuse page faults
 * @attach: the place, before its last device is erased from the list
 *
 * Context: under group->lock.
 */
void attach_disconnect(struct attach *attach);

/* A part of attaching a device to a page table, and what undoes it. */
struct attach_step {
	int (*run)(struct attach *attach, struct iommufd_device *idev, struct hwpt *hwpt);
	void (*undo)(struct attach *attach, struct iommufd_device *idev, struct hwpt *hwpt);
};

/**
 * attach_run_for_all() - run a step for all devices that are listed, or for none
 * @attach: the place
 * @step: the step
 * @hwpt: the page table that the devices go to
 *
 * Context: under group->lock.
 *
 * Return: 0, or the errno of @step, undone for the devices before.
 */
int attach_run_for_all(struct attach *attach, const struct attach_step *step,
		       struct hwpt *hwpt);

/**
 * attach_undo_for_all() - undo a step for all devices that are listed
 * @attach: the place
 * @step: the step
 * @hwpt: the page table that it was run for
 *
 * Context: under group->lock.
 */
void attach_undo_for_all(struct attach *attach, const struct attach_step *step,
			 struct hwpt *hwpt);

/*
 * Fault reporting of a device, for a page table with a fault queue; else a no-op.  Counted:
 * stop after the detach, once for each successful start.
 */
extern const struct attach_step attach_faults;

/* In attach.c: */

/**
 * attach_device() - attach a device to a page table
 * @idev: the device
 * @pasid: the PASID, or IOMMU_NO_PASID
 * @hwpt: the page table; on success the device takes over the caller's hold
 * @refusal: set on failure
 *
 * Return: 0, -EINTR by a fatal signal, -EBUSY if @pasid is attached, or as
 * iommufd_device_attach().
 */
int attach_device(struct iommufd_device *idev, u32 pasid, struct hwpt *hwpt,
		  struct refusal *refusal);

/**
 * attach_replace() - move the group of an attached device to another page table
 * @idev: the device
 * @pasid: the PASID, or IOMMU_NO_PASID
 * @hwpt: the page table; on success the device takes over the caller's hold
 * @refusal: set on failure
 *
 * On failure all devices stay where they are attached.
 *
 * Return: as attach_device(), but -EINVAL if @pasid isn't attached.
 */
int attach_replace(struct iommufd_device *idev, u32 pasid, struct hwpt *hwpt,
		   struct refusal *refusal);

/**
 * attach_remove() - detach a device, and end its hold of the page table
 * @idev: the device
 * @pasid: the PASID, or IOMMU_NO_PASID; nothing is done if it isn't attached
 */
void attach_remove(struct iommufd_device *idev, u32 pasid);

/**
 * attach_remove_all() - detach a device from everything its driver left it attached to
 * @idev: the device, for which its driver makes no more calls
 *
 * Context: takes group->lock.
 */
void attach_remove_all(struct iommufd_device *idev);

/* A driver's request to attach or replace. */
struct attach_request {
	struct iommufd_device *idev;
	u32 pasid;
	/* attach_device() or attach_replace() */
	int (*run)(struct iommufd_device *idev, u32 pasid, struct hwpt *hwpt,
		   struct refusal *refusal);
	struct refusal *refusal;
};

/**
 * attach_request_run() - carry out a request
 * @req: the request
 * @hwpt: the page table; the caller's hold ends, also on failure
 *
 * Return: as the function that was requested.
 */
static inline int attach_request_run(const struct attach_request *req, struct hwpt *hwpt)
{
	int rc = req->run(req->idev, req->pasid, hwpt, req->refusal);

	if (rc)
		hwpt_release(hwpt);
	return rc;
}

/**
 * attach_explain_reserved() - set which range of a device conflicts with an IOAS
 * @idev: the device, whose ranges ioas_reserve() refused
 * @ioas: the IOAS
 * @refusal: where to set it, or NULL; nothing is set if there is no conflict any more
 */
void attach_explain_reserved(struct iommufd_device *idev, struct ioas *ioas,
			     struct refusal *refusal);

/**
 * attach_show() - show where a device is attached
 * @m: the seq_file
 * @idev: the device
 *
 * Context: tries group->lock; if that is taken, shows "busy".
 */
void attach_show(struct seq_file *m, struct iommufd_device *idev);

/**
 * attach_device_id() - find the ID of an attached device
 * @at: place of a struct attach; its attachment must not have ended
 * @dev: the device
 *
 * For page fault handlers: doesn't sleep.
 *
 * Return: the ID, or 0 if the device isn't attached there.
 */
u32 attach_device_id(const struct hw_place *at, struct device *dev);

#endif
