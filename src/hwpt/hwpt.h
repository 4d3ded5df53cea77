/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * HWPT: a page table of the IOMMU, held by each device that is attached to it.
 *
 * A paging one translates what an IOAS says, and holds that.  A nested one has
 * tables of user space's, on top of a paging one that was made as nesting parent,
 * and holds the parent or the vIOMMU that it was made for.
 */
#ifndef IOMMUFD_HWPT_HWPT_H
#define IOMMUFD_HWPT_HWPT_H

#include <linux/mutex.h>

#include "../core/object.h"
#include "../hw/hw.h"
#include "../ioas/ioas.h"

struct command;
struct fault_queue;
struct iommu_user_data;
struct iommufd_device;
struct refusal;
struct viommu;

struct hwpt {
	struct object obj;
	struct iommufd_ctx *ctx;
	struct ioas *ioas;		/* a nested one's is the parent's */
	struct hwpt *parent;		/* of a nested one */
	struct viommu *viommu;		/* of a nested one, or NULL */
	struct fault_queue *faults;	/* held, or NULL */
	struct ioas_table table;	/* of a nested one only the domain */
	bool nest_parent;
	bool tracks_dirty;
	bool pasid_fit;			/* attachable to and beside PASIDs */
	struct mutex lock;		/* one group comes at a time; guards these: */
	bool settled;			/* a device was attached once */
	struct hw_msi msi;
	bool automatic;			/* made by an attach, gone with the last detach */
};

/* What is filled from the IOAS: the parent, or the page table itself. */
static inline struct hwpt *hwpt_paging(struct hwpt *hwpt)
{
	return hwpt->parent ?: hwpt;
}

/*
 * Makes an empty page table for an IOAS that the caller uses, fit for @idev.
 * @flags are IOMMU_HWPT_ALLOC_*, @data is for the driver, or NULL.  The object isn't
 * published yet.  Returns it or an ERR_PTR.
 */
struct hwpt *hwpt_new(struct ioas *ioas, struct iommufd_device *idev, u32 flags,
		      const struct iommu_user_data *data);

/*
 * Make a nested page table on a nesting parent or for a vIOMMU that the caller uses,
 * fit for @idev.  @data is what it is made of.  As above otherwise.
 */
struct hwpt *hwpt_new_nested(struct hwpt *parent, struct iommufd_device *idev,
			     u32 flags, const struct iommu_user_data *data);
struct hwpt *hwpt_new_on_viommu(struct viommu *viommu, struct iommufd_device *idev,
				u32 flags, const struct iommu_user_data *data);

/* Finds a page table that isn't nested, as object_get(). */
struct hwpt *hwpt_get_paging(struct iommufd_ctx *ctx, u32 id);

/* False if the driver will know its limits only when a device is attached. */
bool hwpt_is_ready(const struct hwpt *hwpt);

/*
 * Fills a page table, which is ready, or does nothing if it is filled.  Sets why not in
 * @refusal, which may be NULL.
 */
int hwpt_fill(struct hwpt *hwpt, struct refusal *refusal);

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

extern const struct object_type hwpt_object_type;
int hwpt_alloc_ioctl(struct command *cmd);
int hwpt_get_dirty_ioctl(struct command *cmd);
int hwpt_invalidate_ioctl(struct command *cmd);
int hwpt_set_dirty_ioctl(struct command *cmd);

#endif
