/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VT-d, where the kernel's driver isn't sufficient.  README.md lists what changed in it
 * between Linux 6.12 and 7.3.
 */
#ifndef IOMMUFD_HW_VTD_H
#define IOMMUFD_HW_VTD_H

#include <linux/iommu.h>
#include <linux/types.h>

#include "shims.h"

struct hw_place;

/* Return true if a device, or one of a group, is behind a VT-d. */
bool vtd_has_device(struct device *dev);
bool vtd_has(struct iommu_group *group);

/*
 * In info.c: read the capability registers of an IOMMU from sysfs.  Returns 0, -EOPNOTSUPP if
 * it isn't a VT-d, or another errno.
 */
int vtd_registers(struct device *iommu, u64 *cap, u64 *ecap);

/* Returns true if the driver can't be trusted with PASIDs of that device: none are offered. */
bool vtd_forgets_pasids(struct device *dev);
/* Returns true if the driver attaches no page table that tracks dirty pages to a PASID. */
bool vtd_tracks_no_pasids(struct device *dev);

/* Returns true if the array has the type of VT-d's nested page tables. */
bool vtd_takes(const struct iommu_user_data_array *array);

struct iommu_hwpt_vtd_s1_invalidate;

/*
 * Read an entry of an invalidation array and check it. Returns 0, what is wrong with it, or
 * -EINTR if the task was killed.
 */
int vtd_read_entry(const struct iommu_user_data_array *array, u32 index,
		   struct iommu_hwpt_vtd_s1_invalidate *entry);

/*
 * Return the number of valid entries at the begin of an invalidation array. *@rc is what is wrong
 * with the one after them, or -EINTR if the task was killed, or 0. *@all tells that one flush of
 * everything has to be done for them: one is more than a block, or they are so many that this
 * costs less.
 */
u32 vtd_valid_entries(const struct iommu_user_data_array *array, bool *all, int *rc);

/*
 * Handle an invalidation array: by @invalidate of the driver where that is
 * sufficient, else by flushing all that is cached for @parent and nested
 * domains on it.  Same result as hw_nested_invalidate().
 */
int vtd_invalidate(struct iommu_domain *nested, struct iommu_domain *parent,
		   compat_invalidate_fn invalidate,
		   struct iommu_user_data_array *array);

#ifdef IOMMUFD_VTD_FAULTS
/* Returns true if the group is behind a VT-d, and vtd_faults_close() can be expected to work. */
bool vtd_faults_known(struct iommu_group *group);

/*
 * The core finds no domain with faults by that handle any more: what it was told before has been
 * handled, and of later page requests it refuses each. Attaching with the handle undoes that.
 * Returns false if that isn't possible: nothing was changed.
 *
 * vtd_faults_closed() has to follow when the handle isn't used any more, or is attached anew:
 * until then a device with PASIDs isn't reset, and its configuration space not accessed by user
 * space. Only detaching and attaching may come in between.
 */
bool vtd_faults_close(const struct hw_place *at, struct iommu_attach_handle *handle);
void vtd_faults_closed(const struct hw_place *at);

/*
 * Wait until no interrupt handler uses a handle, or its domain, that the core doesn't know any
 * more. Returns false if that isn't possible.
 */
bool vtd_faults_wait(struct iommu_group *group);
#else
static inline bool vtd_faults_known(struct iommu_group *group)
{
	return false;
}

static inline bool vtd_faults_close(const struct hw_place *at,
				    struct iommu_attach_handle *handle)
{
	return false;
}

static inline void vtd_faults_closed(const struct hw_place *at)
{
}

static inline bool vtd_faults_wait(struct iommu_group *group)
{
	return false;
}
#endif

struct iommu_hw_info_vtd;

/*
 * Clear the nesting capability in @info unless nesting works, because VMMs rely
 * on it and would fail after the guest has started.  Returns 0 or -ENOMEM.
 */
int vtd_info_settle(struct device *dev, struct iommu_hw_info_vtd *info);

#endif
