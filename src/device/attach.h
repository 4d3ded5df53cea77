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

#include "../hw/hw.h"

struct group;
struct hwpt;
struct ioas;
struct iommufd_device;

/* Why an attach was refused, for the log. */
struct refusal {
	const char *why;		/* or NULL */
	struct iova_range range;	/* that is in the way, if its end isn't 0 */
};

/* In group->attaches, under group->lock, while any device is attached. */
struct attach {
	struct group *group;
	struct hw_place at;
	struct hwpt *hwpt;
	struct hw_attachment *now;	/* NULL if @hwpt could not be restored */
	struct xarray devices;		/* ID -> struct iommufd_device */
	struct refusal *refusal;	/* of the task that attaches or moves them */
};

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

/* Says which of the device's reserved ranges doesn't fit an IOAS, where something is. */
void attach_explain_reserved(struct iommufd_device *idev, struct ioas *ioas,
			     struct refusal *refusal);

/*
 * The ID of a device that is attached at @at (one of ours, whose attachment hasn't
 * ended), or 0.  For page faults: takes no lock that sleeps.
 */
u32 attach_device_id(const struct hw_place *at, struct device *dev);

#endif
