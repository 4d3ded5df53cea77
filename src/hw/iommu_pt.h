/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page tables that Linux 7.2 keeps for all drivers of x86.  Their own function
 * for dirty entries is empty in a kernel without iommufd, so we walk them.
 */
#ifndef IOMMUFD_HW_IOMMU_PT_H
#define IOMMUFD_HW_IOMMU_PT_H

#include <linux/kconfig.h>
#include <linux/types.h>

struct iommu_domain;
struct walk_table;

/*
 * True if the domain, which tracks dirty entries, has such a page table; then
 * *@table is where it begins at the moment.
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
