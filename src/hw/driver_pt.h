/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page tables of VT-d's and AMD-Vi's own drivers, before generic ones (Linux 6.12).  Their
 * roots are found in the drivers' private structures, by the kernel's BTF, so that dirty
 * entries needn't be asked for one by one.
 */
#ifndef IOMMUFD_HW_DRIVER_PT_H
#define IOMMUFD_HW_DRIVER_PT_H

#include <linux/kconfig.h>
#include <linux/types.h>

#include "shims.h"

struct iommu_domain;
struct walk_table;

#ifdef IOMMUFD_DRIVER_PT
/*
 * Returns true if the domain, which tracks dirty bits, has such a page table; *@table is
 * then set to its current root.
 */
bool driver_pt_find(struct iommu_domain *domain, struct walk_table *table);
/* The driver answers otherwise than that page table: none is found any more. */
void driver_pt_refuse(struct iommu_domain *domain);
#else
static inline bool driver_pt_find(struct iommu_domain *domain, struct walk_table *table)
{
	return false;
}

static inline void driver_pt_refuse(struct iommu_domain *domain)
{
}
#endif

#endif
