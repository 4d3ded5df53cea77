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
	struct xarray devices;		/* ID -> struct iommufd_device */
	struct refusal *refusal;	/* of the holder of group->lock, or NULL */
};

/* Reserved ranges and interrupts concern DMA without PASID only. */
static inline bool attach_is_plain(const struct attach *attach)
{
	return attach->at.pasid == IOMMU_NO_PASID;
}

/* Set the reason of a refused attach, see core/refusal.h. */
#define attach_refuse(_attach, ...)	refusal_set((_attach)->refusal, __VA_ARGS__)

/*
 * Connect the hardware to a page table, or move it there from another one; disconnect it.
 * The devices must be listed in @devices, and group->lock held.  In move.c.
 */
int attach_connect(struct attach *attach, struct hwpt *hwpt);
void attach_disconnect(struct attach *attach);

/*
 * Start and stop fault reporting of a device, for a page table with a fault queue; no-ops
 * if @faults is NULL.  Counted: stop after the detach, once for each successful start.
 */
int attach_start_faults_of(struct attach *attach, struct iommufd_device *idev,
			   struct fault_queue *faults);
void attach_stop_faults_of(struct iommufd_device *idev, struct fault_queue *faults);

/*
 * Attach a device to a page table; move the group of an attached device to another one;
 * detach a device, which does nothing if it isn't attached.  Each attached device has a
 * hold of its page table: on success it takes over the caller's, on failure that stays the
 * caller's.
 */
int attach_device(struct iommufd_device *idev, u32 pasid, struct hwpt *hwpt,
		  struct refusal *refusal);
int attach_replace(struct iommufd_device *idev, u32 pasid, struct hwpt *hwpt,
		   struct refusal *refusal);
void attach_remove(struct iommufd_device *idev, u32 pasid);

/* Detach a device from everything its driver left it attached to. */
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

/* Consumes the caller's hold of @hwpt, also on failure. */
static inline int attach_request_run(const struct attach_request *req, struct hwpt *hwpt)
{
	int rc = req->run(req->idev, req->pasid, hwpt, req->refusal);

	if (rc)
		hwpt_release(hwpt);
	return rc;
}

/* Set which reserved range of the device overlaps mappings of the IOAS. */
void attach_explain_reserved(struct iommufd_device *idev, struct ioas *ioas,
			     struct refusal *refusal);

/* Show where a device is attached; don't wait for group->lock. */
void attach_show(struct seq_file *m, struct iommufd_device *idev);

/*
 * Return the ID of a device attached at @at, or 0.  @at must be a struct attach's, of an
 * attachment that hasn't ended.  For page fault handlers: doesn't sleep.
 */
u32 attach_device_id(const struct hw_place *at, struct device *dev);

#endif
