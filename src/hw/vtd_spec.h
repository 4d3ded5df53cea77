/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PASID table entries and invalidation descriptors of VT-d's scalable mode, for DMA without
 * PASID, according to the architecture (Intel's VT-d specification, 9.6 and 6.5.2).
 * Independent of the kernel's driver, so that it can be tested on the host (tests/unit/vtd).
 */
#ifndef IOMMUFD_HW_VTD_SPEC_H
#define IOMMUFD_HW_VTD_SPEC_H

#include <linux/bits.h>
#include <linux/types.h>

#include <uapi/linux/iommufd.h>

/* Capability and extended capability registers, 11.4.2 and 11.4.3 */
#define VTD_CAP_DOMAINS		GENMASK_ULL(2, 0)
#define VTD_CAP_CM		BIT_ULL(7)	/* what isn't present is cached, too */
#define VTD_CAP_DWD		BIT_ULL(54)
#define VTD_CAP_DRD		BIT_ULL(55)
#define VTD_CAP_FIVE_LEVELS	BIT_ULL(60)
#define VTD_ECAP_COHERENT	BIT_ULL(0)	/* walks of the IOMMU's own tables snoop */
#define VTD_ECAP_SC		BIT_ULL(7)
#define VTD_ECAP_NEST		BIT_ULL(26)
#define VTD_ECAP_PRS		BIT_ULL(29)
#define VTD_ECAP_SRS		BIT_ULL(31)
#define VTD_ECAP_EAFS		BIT_ULL(34)
#define VTD_ECAP_SMTS		BIT_ULL(43)
#define VTD_ECAP_SSTS		BIT_ULL(46)
#define VTD_ECAP_FSTS		BIT_ULL(47)
/* All that nesting takes. */
#define VTD_ECAP_NESTS		(VTD_ECAP_NEST | VTD_ECAP_SMTS | VTD_ECAP_SSTS | VTD_ECAP_FSTS)

/* PASID table entry, 9.6; the words after the third are 0 for all that is used here. */
#define VTD_ENTRY_SIZE		64
#define VTD_ENTRY_WORDS		3
#define VTD_ENTRY_0_P		BIT_ULL(0)
#define VTD_ENTRY_0_AW		GENMASK_ULL(4, 2)
#define VTD_ENTRY_0_PGTT	GENMASK_ULL(8, 6)
#define VTD_PGTT_SECOND		(2ULL << 6)
#define VTD_PGTT_NESTED		(3ULL << 6)
#define VTD_ENTRY_0_SSPTPTR	GENMASK_ULL(63, 12)
#define VTD_ENTRY_1_DID		GENMASK_ULL(15, 0)
#define VTD_ENTRY_1_PWSNP	BIT_ULL(23)
#define VTD_ENTRY_1_PGSNP	BIT_ULL(24)
#define VTD_ENTRY_2_SRE		BIT_ULL(0)
#define VTD_ENTRY_2_FIVE_LEVELS	BIT_ULL(2)
#define VTD_ENTRY_2_WPE		BIT_ULL(4)
#define VTD_ENTRY_2_EAFE	BIT_ULL(7)
#define VTD_ENTRY_2_FSPTPTR	GENMASK_ULL(63, 12)

/* PASID directory entry, 9.5: a page of PASID table entries each. */
#define VTD_DIRECTORY_P		BIT_ULL(0)
#define VTD_DIRECTORY_TABLE	GENMASK_ULL(63, 12)

struct vtd_entry {
	u64 word[VTD_ENTRY_WORDS];
};

/* Domain IDs that the IOMMU has. */
u32 vtd_domain_ids(u64 cap);

/* Returns 0, or -EINVAL if the IOMMU can't walk these tables of a guest. */
int vtd_stage1_check(const struct iommu_hwpt_vtd_s1 *stage1, u64 cap, u64 ecap);

/* The PGTT, the width of the second stage as SAGAW counts it, and the domain ID. */
u64 vtd_entry_type(const struct vtd_entry *entry);
unsigned int vtd_entry_width(const struct vtd_entry *entry);
u16 vtd_entry_domain(const struct vtd_entry *entry);

/*
 * Compose the entry for both stages from the driver's for the second one, which stays in
 * force below the guest's tables: whatever those contain, no address outside of it is
 * reached.
 */
void vtd_entry_nest(const struct vtd_entry *second, const struct iommu_hwpt_vtd_s1 *stage1,
		    u16 domain, u64 ecap, struct vtd_entry *nested);

/* An aligned block of 2^order pages. */
struct vtd_block {
	u64 address;
	unsigned int order;
};

#define VTD_BLOCK_ALL	52	/* order of the whole address space */

/*
 * The block around a range, and all if that is larger than what every IOMMU takes in one
 * descriptor.  No pages are taken for the last byte before the address and the one there, as
 * Linux's driver does from 7.2 on.
 */
struct vtd_block vtd_block_around(u64 address, u64 pages);

/*
 * Returns 0; -EOPNOTSUPP for unknown flags, or -EINVAL for an address that isn't a page's,
 * or isn't 0 when all is meant.
 */
int vtd_range_check(const struct iommu_hwpt_vtd_s1_invalidate *range);

struct vtd_descriptor {
	u64 word[4];
};

/* PASID cache: the entry of PASID 0. */
struct vtd_descriptor vtd_drop_entry(u16 domain);
/* IOTLB: all of a domain ID, of either stage and both. */
struct vtd_descriptor vtd_drop_domain(u16 domain, u64 cap);
/* IOTLB: what first-stage tables translate; @leaf: only their last level has changed. */
struct vtd_descriptor vtd_drop_block(u16 domain, struct vtd_block block, bool leaf);

/* How a device with ATS is addressed. */
struct vtd_ats {
	u16 sid;
	u16 pfsid;	/* of its physical function */
	u8 depth;	/* invalidations that it queues */
	bool twice;	/* a device that may miss the first one */
};

/* Its device TLB. */
struct vtd_descriptor vtd_drop_device(const struct vtd_ats *ats, struct vtd_block block);

#endif
