/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Generic page tables (GENERIC_PT), which x86 drivers use from Linux 7.2 on.
 * Their function for reading dirty bits is empty in a kernel without IOMMUFD,
 * so walk the page tables here.
 */
#ifndef IOMMUFD_HW_IOMMU_PT_H
#define IOMMUFD_HW_IOMMU_PT_H

#include <linux/kconfig.h>
#include <linux/types.h>

struct iommu_domain;
struct walk_table;

/*
 * Returns true if the domain, which tracks dirty bits, has a generic page
 * table; *@table is then set to its current root.
 */
#if IS_ENABLED(CONFIG_IOMMU_PT)
bool iommu_pt_find(struct iommu_domain *domain, struct walk_table *table);
#else
static inline bool iommu_pt_find(struct iommu_domain *domain, struct walk_table *table)
{
	return false;
}
#endif

#endif
