/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * HWPT: a page table of the IOMMU, held by each device that is attached to it.
 *
 * A paging one has the mappings of an IOAS, and holds the IOAS.  A nested one uses tables
 * in user memory and translates the result with a paging one, its nesting parent; it holds
 * the parent, or the vIOMMU that it was made for.
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
	struct ioas *ioas;		/* if nested, the parent's */
	struct hwpt *parent;		/* NULL if not nested */
	struct viommu *viommu;		/* if nested, or NULL */
	struct fault_queue *faults;	/* held, or NULL */
	struct ioas_table table;	/* if nested, only the domain is used */
	bool nest_parent;
	bool tracks_dirty;
	bool pasid_fit;			/* may be attached to PASIDs, and beside them */
	struct mutex lock;		/* serializes attaching groups; protects: */
	bool settled;			/* a device was attached before */
	struct hw_msi msi;
	bool automatic;			/* created by an attach, destroyed with the last hold */
};

/**
 * hwpt_paging() - get the page table that is filled from the IOAS
 * @hwpt: a page table
 *
 * Return: the parent, or @hwpt itself if it isn't nested.
 */
static inline struct hwpt *hwpt_paging(struct hwpt *hwpt)
{
	return hwpt->parent ?: hwpt;
}

/**
 * hwpt_new() - allocate an empty page table on an IOAS
 * @ioas: the IOAS, in use by the caller
 * @idev: a device that the page table must fit
 * @flags: IOMMU_HWPT_ALLOC_*
 * @data: for the driver, or NULL
 *
 * Return: the object, not published yet, or an ERR_PTR.
 */
struct hwpt *hwpt_new(struct ioas *ioas, struct iommufd_device *idev, u32 flags,
		      const struct iommu_user_data *data);

/**
 * hwpt_new_nested() - allocate a nested page table on a nesting parent
 * @parent: the parent, in use by the caller
 * @idev: a device that the page table must fit
 * @flags: IOMMU_HWPT_ALLOC_*
 * @data: description of the guest's table, for the driver
 *
 * Return: as hwpt_new(); -EOPNOTSUPP if the IOMMU doesn't nest, -EINVAL if @parent isn't
 * a nesting parent or is another IOMMU's.
 */
struct hwpt *hwpt_new_nested(struct hwpt *parent, struct iommufd_device *idev,
			     u32 flags, const struct iommu_user_data *data);

/**
 * hwpt_new_on_viommu() - allocate a nested page table for a vIOMMU
 * @viommu: the vIOMMU, in use by the caller
 * @idev: a device behind the vIOMMU's physical IOMMU
 * @flags: IOMMU_HWPT_ALLOC_*
 * @data: description of the guest's table, for the shim
 *
 * Return: as hwpt_new().
 */
struct hwpt *hwpt_new_on_viommu(struct viommu *viommu, struct iommufd_device *idev,
				u32 flags, const struct iommu_user_data *data);

/**
 * hwpt_get_paging() - look up a page table that isn't nested, and begin a use of it
 * @ctx: the context
 * @id: its ID
 *
 * Ends by object_put().
 *
 * Return: the page table, or ERR_PTR(-ENOENT), also if it is nested.
 */
struct hwpt *hwpt_get_paging(struct iommufd_ctx *ctx, u32 id);

/**
 * hwpt_is_ready() - check whether a page table can be filled
 * @hwpt: the page table, not nested
 *
 * Return: false while the driver doesn't know its limits, before the first attach.
 */
bool hwpt_is_ready(const struct hwpt *hwpt);

/**
 * hwpt_fill() - fill a page table from its IOAS, unless it is filled
 * @hwpt: the page table, which must be ready (hwpt_is_ready())
 * @refusal: set on failure, or NULL
 *
 * The memory is pinned already, by ioas_expect_table().
 *
 * Return: 0, -EINVAL if the IOMMU's pages are larger than the CPU's, or as
 * ioas_add_table().
 */
int hwpt_fill(struct hwpt *hwpt, struct refusal *refusal);

/**
 * hwpt_settle() - take the limits from the driver, after the first attach
 * @hwpt: the page table, not nested, and still empty; ready after this
 *
 * Context: under @hwpt->lock.
 */
void hwpt_settle(struct hwpt *hwpt);

/**
 * hwpt_prepare_msi() - choose where a page table maps doorbells of interrupts
 * @hwpt: the page table, not nested
 * @window: IOVA of the devices' doorbells; nothing is done if its last byte is 0
 *
 * Before the first attach; later calls change nothing.
 *
 * Context: under @hwpt->lock.
 *
 * Return: as hw_msi_prepare().
 */
int hwpt_prepare_msi(struct hwpt *hwpt, const struct iova_range *window);

/**
 * hwpt_take_doorbells() - map the doorbells that devices write to already
 * @hwpt: the page table, not nested, prepared and ready
 * @known: the doorbells
 *
 * Context: under @hwpt->lock.
 *
 * Return: as hw_msi_take().
 */
int hwpt_take_doorbells(struct hwpt *hwpt, const struct hw_doorbells *known);

/**
 * hwpt_release() - end a hold
 * @hwpt: the page table; an automatic one is destroyed with the last hold
 *
 * Context: without locks that come after ioas->auto_lock (core/context.h).
 */
void hwpt_release(struct hwpt *hwpt);

extern const struct object_type hwpt_object_type;

/**
 * hwpt_alloc_ioctl() - IOMMU_HWPT_ALLOC
 * @cmd: the ioctl
 *
 * Return: 0 or an errno, see struct command.
 */
int hwpt_alloc_ioctl(struct command *cmd);

/**
 * hwpt_get_dirty_ioctl() - IOMMU_HWPT_GET_DIRTY_BITMAP
 * @cmd: the ioctl
 *
 * Return: 0 or an errno, see struct command.
 */
int hwpt_get_dirty_ioctl(struct command *cmd);

/**
 * hwpt_invalidate_ioctl() - IOMMU_HWPT_INVALIDATE
 * @cmd: the ioctl
 *
 * Return: 0 or an errno, see struct command.
 */
int hwpt_invalidate_ioctl(struct command *cmd);

/**
 * hwpt_set_dirty_ioctl() - IOMMU_HWPT_SET_DIRTY_TRACKING
 * @cmd: the ioctl
 *
 * Return: 0 or an errno, see struct command.
 */
int hwpt_set_dirty_ioctl(struct command *cmd);

#endif
