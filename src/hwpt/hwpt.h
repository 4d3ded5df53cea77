/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * HWPT: a page table of the IOMMU that translates for devices what an IOAS says.
 * It holds its IOAS, and is held by each device that is attached to it.
 */
#ifndef IOMMUFD_HWPT_HWPT_H
#define IOMMUFD_HWPT_HWPT_H

#include <linux/mutex.h>

#include "../core/object.h"
#include "../hw/hw.h"
#include "../ioas/ioas.h"

struct command;
struct iommufd_device;

struct hwpt {
	struct object obj;
	struct iommufd_ctx *ctx;
	struct ioas *ioas;
	struct ioas_table table;
	struct mutex lock;		/* one group comes at a time; guards these: */
	bool settled;			/* a device was attached once */
	struct hw_msi msi;
	bool automatic;			/* made by an attach, gone with the last detach */
};

/*
 * Makes an empty page table for an IOAS that the caller uses, fit for @idev.
 * @flags are IOMMU_HWPT_ALLOC_*.  The object isn't published yet.  Returns it or an
 * ERR_PTR.
 */
struct hwpt *hwpt_new(struct ioas *ioas, struct iommufd_device *idev, u32 flags);

/*
 * Fills a page table, or does nothing if it is filled.  -EAGAIN if the driver will
 * know its limits only when a device is attached.
 */
int hwpt_fill(struct hwpt *hwpt);

/* With @lock held.  The first device was just attached, and nothing is in the page table yet. */
void hwpt_settle(struct hwpt *hwpt);

/* With @lock held.  See hw_msi_prepare() and hw_msi_take(). */
int hwpt_prepare_msi(struct hwpt *hwpt, const struct iova_range *window);
int hwpt_take_doorbells(struct hwpt *hwpt, const struct hw_doorbells *known);

/*
 * Ends a hold.  An automatic page table goes with the last one, so the caller
 * doesn't use it, and has no lock that comes after ioas->auto_lock.
 */
void hwpt_release(struct hwpt *hwpt);

void hwpt_unmake(struct object *obj);
int hwpt_alloc_ioctl(struct command *cmd);

#endif
