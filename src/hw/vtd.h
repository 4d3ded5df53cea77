/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VT-d's nested page tables by the kernel's own driver, where that alone isn't enough.
 *
 * What changed in the driver between Linux 6.12 and 7.3, and what it means here:
 *
 * - An invalidation is one descriptor, whose address mask says how many low bits don't
 *   matter.  No kernel compares it with the most that the IOMMU takes (CAP.MAMV); the
 *   IOMMU refuses the descriptor with an Invalidation Queue Error, and the driver calls
 *   it done.  6.12 does so for "everything" too, which is PASID-selective from 7.2 on.
 *   See vtd_invalidate().
 * - The block that covers a range was computed by its length in 6.12 and is by its first
 *   and last byte now.  Both cover all of it.
 * - No pages from an address on: 6.12 flushes one page, 7.3 the two at that address, or
 *   everything at 0.  More than asked for, never less.
 * - A length that wraps (1 << 52 pages) becomes 0 in the driver: see vtd_invalidate().
 * - PASIDs of a nested page table, and faults at its attachment: from 7.2 on, else
 *   -EOPNOTSUPP.  The flag for PASIDs likewise.
 * - Width of the second stage against the IOMMU's: checked at the attachment, with
 *   -ENODEV in 6.12 and -EINVAL now.
 * - Order of the cache tags, names of the allocators: no difference.
 */
#ifndef IOMMUFD_HW_VTD_H
#define IOMMUFD_HW_VTD_H

#include <linux/iommu.h>
#include <linux/types.h>

/* Is there a device in the group whose IOMMU is a VT-d? */
bool vtd_has(struct iommu_group *group);

/* Does the array hold what VT-d's nested page tables are invalidated by? */
bool vtd_takes(const struct iommu_user_data_array *array);

/*
 * Invalidates what the array says, by @invalidate of the driver where that does it, and
 * with all that is cached of @parent and what stands on it otherwise.  As
 * hw_nested_invalidate().
 */
int vtd_invalidate(struct iommu_domain *nested, struct iommu_domain *parent,
		   compat_invalidate_fn invalidate,
		   struct iommu_user_data_array *array);

struct iommu_hw_info_vtd;

/*
 * Makes @info promise nesting only where it can be had: monitors believe it, and would
 * fail when the guest is up.  0 or -ENOMEM.
 */
int vtd_info_settle(struct device *dev, struct iommu_hw_info_vtd *info);

#endif
