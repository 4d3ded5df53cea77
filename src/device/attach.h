/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a group's DMA goes through: one of these for all that comes without PASID,
 * and one for each PASID.  All devices of the group that are attached there use the
 * same page table, because the IOMMU can't tell them apart.
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

/* In group->attaches, under group->lock, while any device is attached. */
struct attach {
	struct group *group;
	struct hw_place at;
	struct hwpt *hwpt;
	struct hw_attachment *now;	/* NULL if @hwpt could not be restored */
	struct xarray devices;		/* ID -> struct iommufd_device */
	struct refusal *refusal;	/* of the task that has group->lock, or NULL */
};

/* Only DMA without PASID meets reserved ranges, and carries interrupts. */
static inline bool attach_is_plain(const struct attach *attach)
{
	return attach->at.pasid == IOMMU_NO_PASID;
}

/* Sets why the attach is refused, see core/refusal.h. */
#define attach_refuse(_attach, ...)	refusal_set((_attach)->refusal, __VA_ARGS__)

/*
 * In move.c, under group->lock.  Connects the hardware of a place, whose devices are
 * listed, with a page table, or moves it there from another; or disconnects it.
 */
int attach_connect(struct attach *attach, struct hwpt *hwpt);
void attach_disconnect(struct attach *attach);

/*
 * A device that is attached to a page table with a fault queue (or NULL) starts to report
 * faults, and stops after it was detached, as often as it did.
 */
int attach_start_faults_of(struct attach *attach, struct iommufd_device *idev,
			   struct fault_queue *faults);
void attach_stop_faults_of(struct iommufd_device *idev, struct fault_queue *faults);

/*
 * Attaches a device to a page table, moves an attached one's group there, or
 * detaches one, which may be detached already.  A page table is held by each
 * attached device: on success the caller's hold becomes the device's, on failure
 * it stays the caller's.
 */
int attach_device(struct iommufd_device *idev, u32 pasid, struct hwpt *hwpt,
		  struct refusal *refusal);
int attach_replace(struct iommufd_device *idev, u32 pasid, struct hwpt *hwpt,
		   struct refusal *refusal);
void attach_remove(struct iommufd_device *idev, u32 pasid);

/* Detaches a device from wherever it is attached, which its driver forgot to do. */
void attach_remove_all(struct iommufd_device *idev);

/* A request of a driver's: what is to be done, and with what. */
struct attach_request {
	struct iommufd_device *idev;
	u32 pasid;
	/* attach_device() or attach_replace() */
	int (*run)(struct iommufd_device *idev, u32 pasid, struct hwpt *hwpt,
		   struct refusal *refusal);
	struct refusal *refusal;
};

/* @hwpt is held, which ends if that fails. */
static inline int attach_request_run(const struct attach_request *req, struct hwpt *hwpt)
{
	int rc = req->run(req->idev, req->pasid, hwpt, req->refusal);

	if (rc)
		hwpt_release(hwpt);
	return rc;
}

/* Sets which of the device's reserved ranges doesn't fit an IOAS, where something is. */
void attach_explain_reserved(struct iommufd_device *idev, struct ioas *ioas,
			     struct refusal *refusal);

/* Shows where a device is attached, unless that is just changing. */
void attach_show(struct seq_file *m, struct iommufd_device *idev);

/*
 * The ID of a device that is attached at @at (one of ours, whose attachment hasn't
 * ended), or 0.  For page faults: takes no lock that sleeps.
 */
u32 attach_device_id(const struct hw_place *at, struct device *dev);

#endif
