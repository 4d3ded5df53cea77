/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The shims that come with the module, one for each driver that lacks something and
 * whose private side is known.  They begin when the module is loaded, if such an IOMMU
 * is there; the parameter shims= turns all of them off, and reads what came of each.
 */
#ifndef IOMMUFD_HW_SHIMS_H
#define IOMMUFD_HW_SHIMS_H

#include "layout.h"

struct btf_data;

struct hw_shim_module {
	const char *name;
	/* Is there an IOMMU of that kind in this machine? */
	bool (*is_needed)(void);
	/* Finds what it needs and registers itself; 0, or an errno and why. */
	int (*init)(const struct btf_data *btf, struct layout_why *why);
	void (*exit)(void);
};

#ifdef CONFIG_ARM_SMMU_V3
extern const struct hw_shim_module smmuv3_shim_module;
#endif

void hw_shims_init(void);
void hw_shims_exit(void);

#endif
