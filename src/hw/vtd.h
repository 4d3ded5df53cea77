/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Nested page tables of VT-d, where the kernel's driver isn't sufficient.
 *
 * What changed in the driver between Linux 6.12 and 7.3:
 *
 * - An invalidation is a single descriptor, whose address mask is the number of low
 *   address bits to ignore.  No kernel compares it with the maximum that the IOMMU
 *   supports (CAP.MAMV).  The IOMMU rejects such a descriptor with an Invalidation
 *   Queue Error, but the driver reports success.  6.12 does so for "everything", too,
 *   which is PASID-selective from 7.2 on.  See vtd_invalidate().
 * - The block that covers a range: computed from the length in 6.12, from the first
 *   and last byte now.  Both cover the whole range.
 * - Zero pages: 6.12 flushes the page at the address, 7.3 two pages, or everything at
 *   address 0.  Never less than asked for.
 * - A length that overflows (1 << 52 pages) becomes 0 in the driver, see
 *   vtd_invalidate().
 * - PASIDs and faults of nested page tables: from 7.2 on, else -EOPNOTSUPP.  Same for
 *   the PASID flag.
 * - The width of the second stage is checked against the IOMMU's at attach, with
 *   -ENODEV in 6.12 and -EINVAL now.
 * - Order of cache tags and names of the allocators: no difference here.
 */
#ifndef IOMMUFD_HW_VTD_H
#define IOMMUFD_HW_VTD_H

#include <linux/iommu.h>
#include <linux/types.h>

/* Returns true if a device of the group is behind a VT-d. */
bool vtd_has(struct iommu_group *group);

/* Returns true if the driver can't be trusted with PASIDs of that device: none are offered. */
bool vtd_forgets_pasids(struct device *dev);

/* Returns true if the array has the type of VT-d's nested page tables. */
bool vtd_takes(const struct iommu_user_data_array *array);

/*
 * Handle an invalidation array: by @invalidate of the driver where that is
 * sufficient, else by flushing all that is cached for @parent and nested
 * domains on it.  Same result as hw_nested_invalidate().
 */
int vtd_invalidate(struct iommu_domain *nested, struct iommu_domain *parent,
		   compat_invalidate_fn invalidate,
		   struct iommu_user_data_array *array);

struct iommu_hw_info_vtd;

/*
 * Clear the nesting capability in @info unless nesting works, because VMMs rely
 * on it and would fail after the guest has started.  Returns 0 or -ENOMEM.
 */
int vtd_info_settle(struct device *dev, struct iommu_hw_info_vtd *info);

#endif
