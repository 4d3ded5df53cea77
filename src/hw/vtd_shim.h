/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shim for VT-d: nested page tables, where the kernel's driver has none (Linux 6.1).
 *
 * The core attaches a device to the nesting parent, for which the driver writes a PASID table
 * entry with the second stage.  The shim rewrites that entry for both stages, with a domain
 * ID of its own, and copies the second stage's root from it: what the IOMMU walks below a
 * guest's tables is what the driver gave the device.
 *
 * The driver invalidates its own domain ID only.  So a parent has the driver's operations
 * with some of them wrapped (vtd_parent.c): the other domain IDs are invalidated before the
 * driver frees tables, and before what it unmapped is given up.
 *
 *   vtd_shim.c    access to the running kernel's driver
 *   vtd_entry.c   entries in memory, and what is cached of them
 *   vtd_nested.c  nested domains, and which devices use them
 *   vtd_parent.c  nesting parents
 *   vtd_spec.c    entries and descriptors; independent of the driver
 */
#ifndef IOMMUFD_HW_VTD_SHIM_H
#define IOMMUFD_HW_VTD_SHIM_H

#include <linux/iommu.h>
#include <linux/types.h>

#include "shim.h"
#include "vtd_spec.h"

/* Structures of the driver.  Only the functions below access their members. */
struct vtd_iommu;

/* See struct hw_shim.  All other functions take devices of which that is true. */
bool vtd_serves(struct device *dev);

/* The IOMMU of a device, and its registers. */
struct vtd_iommu *vtd_iommu_of(struct device *dev);
u64 vtd_cap(struct vtd_iommu *iommu);
u64 vtd_ecap(struct vtd_iommu *iommu);
/*
 * Returns true if the driver would take levels off the domain's tables for the device, and free
 * them, while others have them.
 */
bool vtd_takes_levels(struct iommu_domain *domain, struct device *dev);

/*
 * Returns true if the IOMMU can nest, the kernel uses its scalable mode, and the device has
 * a PASID table of its own.
 */
bool vtd_nests(struct device *dev);
/* Returns true if the driver made that domain with second-stage tables. */
bool vtd_is_second_stage(struct iommu_domain *domain);

/* Take a domain ID of the driver's, or -ENOSPC; give it back when nothing is cached for it. */
int vtd_domain_id_take(struct vtd_iommu *iommu);
void vtd_domain_id_give(struct vtd_iommu *iommu, u16 id);

/*
 * The device's PASID table entry for DMA without PASID, which only the device's own attach
 * and detach change; NULL before the first attach.
 */
u64 *vtd_pasid_entry(struct device *dev);
/* After a change of the entry: the IOMMU sees it. */
void vtd_entry_sync(struct vtd_iommu *iommu, u64 *entry);

/*
 * Submit a descriptor and wait until it is done; on an error the IOMMU has done nothing.  Not
 * from interrupts.
 */
int vtd_submit(struct vtd_iommu *iommu, struct vtd_descriptor descriptor);
/* After an entry became valid, on IOMMUs that don't cache what isn't. */
void vtd_flush_write_buffer(struct vtd_iommu *iommu);

/* Returns false if the device's ATS is off. */
bool vtd_ats_of(struct device *dev, struct vtd_ats *ats);

/* In vtd_entry.c: */

extern const struct vtd_block vtd_everything;

/*
 * Drop a block from a device's TLB, if its ATS is on; after the IOTLB, from which the device
 * would fill its own again.
 */
void vtd_device_drop(struct device *dev, struct vtd_iommu *iommu, struct vtd_block block);

struct vtd_entry vtd_entry_read(const u64 *at);
/*
 * Replace the entry at @at, see vtd_pasid_entry().  DMA is blocked in between; afterwards
 * nothing is cached of what the old one translated.
 */
void vtd_entry_write(struct device *dev, u64 *at, const struct vtd_entry *entry);

/* In vtd_nested.c, see struct hw_shim: */
struct iommu_domain *vtd_nested_alloc(struct device *dev, struct iommu_domain *parent,
				      u32 flags, const struct iommu_user_data *data);

/* Drop all that is cached for nested domains on a parent.  Not from interrupts. */
void vtd_nested_flush(struct iommu_domain *parent);
/* Return true if devices use nested domains on it, and if one's IOMMU caches what isn't there. */
bool vtd_nested_in_use(struct iommu_domain *parent);
bool vtd_nested_caches_absence(struct iommu_domain *parent);

/* In vtd_parent.c, see struct hw_shim: */
struct iommu_domain *vtd_parent_alloc(struct device *dev, u32 flags,
				      const struct iommu_user_data *data);
bool vtd_is_parent(struct iommu_domain *domain);

#endif
