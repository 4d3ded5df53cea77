// SPDX-License-Identifier: GPL-2.0-only
/* PASID table entries and invalidation descriptors of VT-d's scalable mode. */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>

#include "vtd_spec.h"

#define PAGE_4K_SHIFT	12
#define PAGE_4K_MASK	((1ULL << PAGE_4K_SHIFT) - 1)

#define AW_SHIFT	2

#define WIDTH_FOUR_LEVELS	48
#define WIDTH_FIVE_LEVELS	57

/* The minimum of CAP.MAMV where 2 MiB pages are supported, as log2 of pages. */
#define BLOCK_MAX	9

/* Descriptors, 6.5.2: types, granularities, places of fields. */
#define TYPE_IOTLB		0x2
#define TYPE_DEVICE_TLB		0x3
#define TYPE_PASID_IOTLB	0x6
#define TYPE_PASID_CACHE	0x7
#define PASID_CACHE_BY_PASID	(1ULL << 4)
#define IOTLB_BY_DOMAIN		(2ULL << 4)
#define IOTLB_DW		BIT_ULL(6)
#define IOTLB_DR		BIT_ULL(7)
#define PASID_IOTLB_ALL		(2ULL << 4)
#define PASID_IOTLB_PAGES	(3ULL << 4)
#define PASID_IOTLB_LEAF	BIT_ULL(6)
#define DOMAIN_SHIFT		16
#define DEVICE_DEPTH_SHIFT	16
#define DEVICE_DEPTHS		32
#define DEVICE_SID_SHIFT	32
#define DEVICE_PFSID_LOW	GENMASK(3, 0)
#define DEVICE_PFSID_LOW_SHIFT	12
#define DEVICE_PFSID_HIGH_SHIFT	52
#define DEVICE_BLOCK		BIT_ULL(0)

/* The largest value of the field is reserved. */
u32 vtd_domain_ids(u64 cap)
{
	return min(1U << (4 + 2 * (cap & VTD_CAP_DOMAINS)), 1U << 16);
}

int vtd_stage1_check(const struct iommu_hwpt_vtd_s1 *stage1, u64 cap, u64 ecap)
{
	if (stage1->addr_width != WIDTH_FOUR_LEVELS && stage1->addr_width != WIDTH_FIVE_LEVELS)
		return -EINVAL;
	if (stage1->addr_width == WIDTH_FIVE_LEVELS && !(cap & VTD_CAP_FIVE_LEVELS))
		return -EINVAL;
	if ((stage1->flags & IOMMU_VTD_S1_SRE) && !(ecap & VTD_ECAP_SRS))
		return -EINVAL;
	if ((stage1->flags & IOMMU_VTD_S1_EAFE) && !(ecap & VTD_ECAP_EAFS))
		return -EINVAL;
	return 0;
}

u64 vtd_entry_type(const struct vtd_entry *entry)
{
	return entry->word[0] & VTD_ENTRY_0_PGTT;
}

unsigned int vtd_entry_width(const struct vtd_entry *entry)
{
	return (entry->word[0] & VTD_ENTRY_0_AW) >> AW_SHIFT;
}

u16 vtd_entry_domain(const struct vtd_entry *entry)
{
	return entry->word[1] & VTD_ENTRY_1_DID;
}

/* Unknown flags are ignored, as Linux's driver does. */
static u64 vtd_stage1_word(const struct iommu_hwpt_vtd_s1 *stage1)
{
	u64 word = stage1->pgtbl_addr & VTD_ENTRY_2_FSPTPTR;

	if (stage1->addr_width == WIDTH_FIVE_LEVELS)
		word |= VTD_ENTRY_2_FIVE_LEVELS;
	if (stage1->flags & IOMMU_VTD_S1_EAFE)
		word |= VTD_ENTRY_2_EAFE;
	/* Only requests with supervisor privilege are protected by WPE. */
	if (stage1->flags & IOMMU_VTD_S1_SRE) {
		word |= VTD_ENTRY_2_SRE;
		if (stage1->flags & IOMMU_VTD_S1_WPE)
			word |= VTD_ENTRY_2_WPE;
	}
	return word;
}

/*
 * Where the IOMMU can make all DMA coherent, all page tables are asked to: by each entry of
 * a second stage, which doesn't cover what a guest's tables say, and here as a whole.
 */
void vtd_entry_nest(const struct vtd_entry *second, const struct iommu_hwpt_vtd_s1 *stage1,
		    u16 domain, u64 ecap, struct vtd_entry *nested)
{
	nested->word[0] = VTD_ENTRY_0_P | VTD_PGTT_NESTED |
			  (second->word[0] & (VTD_ENTRY_0_SSPTPTR | VTD_ENTRY_0_AW));
	nested->word[1] = domain | (second->word[1] & VTD_ENTRY_1_PWSNP) |
			  (ecap & VTD_ECAP_SC ? VTD_ENTRY_1_PGSNP : 0);
	nested->word[2] = vtd_stage1_word(stage1);
}

/* Also right for a range that goes beyond 2^64, or beyond the number of all pages. */
struct vtd_block vtd_block_around(u64 address, u64 pages)
{
	u64 first = address >> PAGE_4K_SHIFT;
	unsigned int order;

	if (pages > 1ULL << BLOCK_MAX)
		return (struct vtd_block){ .order = VTD_BLOCK_ALL };
	order = fls64(first ^ (first + pages - 1));
	if (order > BLOCK_MAX)
		return (struct vtd_block){ .order = VTD_BLOCK_ALL };
	return (struct vtd_block){
		.address = (first >> order << order) << PAGE_4K_SHIFT,
		.order = order,
	};
}

int vtd_range_check(const struct iommu_hwpt_vtd_s1_invalidate *range)
{
	if ((range->flags & ~IOMMU_VTD_INV_FLAGS_LEAF) || range->__reserved)
		return -EOPNOTSUPP;
	if (range->addr & PAGE_4K_MASK)
		return -EINVAL;
	if (range->npages == U64_MAX && range->addr)
		return -EINVAL;
	return 0;
}

static u64 vtd_domain_field(u16 domain)
{
	return (u64)domain << DOMAIN_SHIFT;
}

struct vtd_descriptor vtd_drop_entry(u16 domain)
{
	return (struct vtd_descriptor){
		{ TYPE_PASID_CACHE | PASID_CACHE_BY_PASID | vtd_domain_field(domain) }
	};
}

struct vtd_descriptor vtd_drop_domain(u16 domain, u64 cap)
{
	return (struct vtd_descriptor){
		{ TYPE_IOTLB | IOTLB_BY_DOMAIN | vtd_domain_field(domain) |
		  (cap & VTD_CAP_DRD ? IOTLB_DR : 0) | (cap & VTD_CAP_DWD ? IOTLB_DW : 0) }
	};
}

struct vtd_descriptor vtd_drop_block(u16 domain, struct vtd_block block, bool leaf)
{
	if (block.order > BLOCK_MAX)
		return (struct vtd_descriptor){
			{ TYPE_PASID_IOTLB | PASID_IOTLB_ALL | vtd_domain_field(domain) }
		};
	return (struct vtd_descriptor){
		{ TYPE_PASID_IOTLB | PASID_IOTLB_PAGES | vtd_domain_field(domain),
		  block.address | block.order | (leaf ? PASID_IOTLB_LEAF : 0) }
	};
}

/* The lowest bit of the address that is 0 tells the size of a block. */
static u64 vtd_device_block(struct vtd_block block)
{
	u64 ones;

	if (!block.order)
		return block.address;
	ones = (1ULL << (PAGE_4K_SHIFT + block.order - 1)) - 1;
	return block.address | (ones & ~PAGE_4K_MASK) | DEVICE_BLOCK;
}

struct vtd_descriptor vtd_drop_device(const struct vtd_ats *ats, struct vtd_block block)
{
	u8 depth = ats->depth < DEVICE_DEPTHS ? ats->depth : 0;
	u64 low = ats->pfsid & DEVICE_PFSID_LOW, high = ats->pfsid >> 4;

	return (struct vtd_descriptor){
		{ TYPE_DEVICE_TLB | (u64)depth << DEVICE_DEPTH_SHIFT |
		  (u64)ats->sid << DEVICE_SID_SHIFT | low << DEVICE_PFSID_LOW_SHIFT |
		  high << DEVICE_PFSID_HIGH_SHIFT,
		  vtd_device_block(block) }
	};
}
