/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * HWPT: a page table of the IOMMU that translates for devices what an IOAS says.
 * It holds its IOAS, and is held by each device that is attached to it.
 */
#ifndef IOMMUFD_HWPT_HWPT_H
#define IOMMUFD_HWPT_HWPT_H

#include <linux/iommu.h>
#include <linux/list.h>

#include "../core/object.h"

struct command;
struct ioas;
struct iommufd_device;

struct hwpt {
	struct object obj;
	struct iommufd_ctx *ctx;
	struct ioas *ioas;
	struct iommu_domain *domain;
	struct list_head item;		/* of ioas->hwpts, when filled */
	bool automatic;			/* made by an attach, gone with the last detach */
	bool enforces_coherency;
	u32 flags;			/* IOMMU_HWPT_ALLOC_* */
};

/* The smallest page that the IOMMU can map. */
static inline unsigned long hwpt_page_size(const struct hwpt *hwpt)
{
	return 1UL << __ffs(hwpt->domain->pgsize_bitmap);
}

/*
 * Makes a page table for an IOAS that the caller uses, fit for @idev, and fills
 * it if the driver can do so before a device is attached.  The object isn't
 * published yet.  Returns it or an ERR_PTR.
 */
struct hwpt *hwpt_new(struct ioas *ioas, struct iommufd_device *idev, u32 flags);

/* Fills a page table that wasn't, once a device is attached to it. */
int hwpt_make_ready(struct hwpt *hwpt);

/*
 * Ends a hold.  An automatic page table goes with the last one, so the caller
 * doesn't use it, and has no lock that comes after ioas->auto_lock.
 */
void hwpt_release(struct hwpt *hwpt);

void hwpt_unmake(struct object *obj);
int hwpt_alloc_ioctl(struct command *cmd);

#endif
