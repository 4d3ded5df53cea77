// SPDX-License-Identifier: GPL-2.0-only
/*
 * Find the root and the format of the generic page tables of Linux 7.2.  The
 * format follows from the function that the driver set for reading dirty bits.
 */
#include <linux/generic_pt/iommu.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/module.h>

#include "iommu_pt.h"
#include "walk.h"

#if IS_ENABLED(CONFIG_IOMMU_PT_VTDSS)
static bool iommu_pt_find_vtd(struct iommu_domain *domain, struct walk_table *table)
{
	struct pt_iommu_vtdss *pt = container_of(domain, struct pt_iommu_vtdss, iommu.domain);
	struct pt_iommu_vtdss_hw_info info;

	if (domain->dirty_ops->read_and_clear_dirty != pt_iommu_vtdss_read_and_clear_dirty)
		return false;
	pt_iommu_vtdss_hw_info(pt, &info);
	table->format = &walk_vtd;
	table->root = phys_to_virt(info.ssptptr);
	table->levels = info.aw + 2;
	return true;
}
#else
static bool iommu_pt_find_vtd(struct iommu_domain *domain, struct walk_table *table)
{
	return false;
}
#endif

#if IS_ENABLED(CONFIG_IOMMU_PT_AMDV1)
static bool iommu_pt_find_amd(struct iommu_domain *domain, struct walk_table *table)
{
	struct pt_iommu_amdv1 *pt = container_of(domain, struct pt_iommu_amdv1, iommu.domain);
	struct pt_iommu_amdv1_hw_info info;

	if (domain->dirty_ops->read_and_clear_dirty != pt_iommu_amdv1_read_and_clear_dirty)
		return false;
	pt_iommu_amdv1_hw_info(pt, &info);
	table->format = &walk_amd;
	table->root = phys_to_virt(info.host_pt_root);
	table->levels = info.mode;
	return true;
}
#else
static bool iommu_pt_find_amd(struct iommu_domain *domain, struct walk_table *table)
{
	return false;
}
#endif

bool iommu_pt_find(struct iommu_domain *domain, struct walk_table *table)
{
	return domain->is_iommupt &&
		(iommu_pt_find_vtd(domain, table) || iommu_pt_find_amd(domain, table));
}

MODULE_IMPORT_NS("GENERIC_PT_IOMMU");
