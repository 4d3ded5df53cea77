/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The built-in shims, one for each driver that lacks a feature and whose
 * private structures are known.  They are initialised with the module, if such
 * an IOMMU is present.  The parameter shims= disables all of them but AMD-Vi's, which
 * uses no private structure, and reads as their state.
 */
#ifndef IOMMUFD_HW_SHIMS_H
#define IOMMUFD_HW_SHIMS_H

#include "layout.h"

struct btf_data;

struct hw_shim_module {
	const char *name;
	const char *feature;		/* what is missing without it, for the log */
	/* Returns true if the machine has such an IOMMU. */
	bool (*is_needed)(void);
	/*
	 * Resolve what the shim needs, then register it.  Returns 0, or an
	 * errno with @why set.
	 */
	int (*init)(const struct btf_data *btf, struct layout_why *why);
	void (*exit)(void);
};

#ifdef CONFIG_ARM_SMMU_V3
extern const struct hw_shim_module smmuv3_shim_module;
#endif

/* Where the core has no operation for nested domains, no driver of VT-d has them. */
#if defined(CONFIG_INTEL_IOMMU) && !defined(IOMMUFD_HAVE_IOMMU_DOMAIN_ALLOC_USER) && \
	!defined(IOMMUFD_HAVE_IOMMU_DOMAIN_ALLOC_NESTED)
#define IOMMUFD_VTD_SHIM
extern const struct hw_shim_module vtd_shim_module;
#endif

/* Where VT-d's driver counts which domains have faults. */
#if defined(CONFIG_INTEL_IOMMU) && defined(IOMMUFD_HAVE_SYM_IOPF_GROUP_RESPONSE) && \
	!defined(IOMMUFD_HAVE_IOMMU_FEAT_IOPF)
#define IOMMUFD_VTD_FAULTS
extern const struct hw_shim_module vtd_faults_module;
#endif

/* Before Linux 7.2 the drivers of these have page tables of their own. */
#if defined(CONFIG_X86_64) && defined(IOMMUFD_HAVE_CAP_DIRTY_TRACKING) && \
	!IS_ENABLED(CONFIG_IOMMU_PT)
#define IOMMUFD_DRIVER_PT
extern const struct hw_shim_module vtd_dirty_module;
extern const struct hw_shim_module amd_dirty_module;
#endif

/* Relies on no private structure, so it can't fail. */
#ifdef CONFIG_AMD_IOMMU
void amd_shim_init(void);
void amd_shim_exit(void);
#else
static inline void amd_shim_init(void) { }
static inline void amd_shim_exit(void) { }
#endif

/* A shim that is on turns out not to work: log it, once.  @why is a constant. */
void hw_shim_failed(const struct hw_shim_module *shim, const char *why);

/* When the module is loaded.  A shim that isn't possible is logged, and no error. */
void hw_shims_init(void);
/* Unregister those that are on; no context is left. */
void hw_shims_exit(void);

#endif
