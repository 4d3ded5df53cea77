// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries and descriptors of VT-d, as the hardware gets them: values that were worked out from
 * the architecture (9.6 and 6.5.2), and a reader of its own that names each field by its bits
 * there.
 */
#include <errno.h>
#include <string.h>

#include "tap.h"

#include <linux/kernel.h>
#include <linux/types.h>

#include "../../../src/hw/vtd_spec.h"
#include "field.h"
#include "random.h"

#define P(entry)	field(entry, 0, 0)
#define FPD(entry)	field(entry, 1, 1)
#define AW(entry)	field(entry, 4, 2)
#define PGTT(entry)	field(entry, 8, 6)
#define SSADE(entry)	field(entry, 9, 9)
#define SSPTPTR(entry)	field(entry, 63, 12)
#define DID(entry)	field(entry, 79, 64)
#define PWSNP(entry)	field(entry, 87, 87)
#define PGSNP(entry)	field(entry, 88, 88)
#define SRE(entry)	field(entry, 128, 128)
#define FSPM(entry)	field(entry, 131, 130)
#define WPE(entry)	field(entry, 132, 132)
#define EAFE(entry)	field(entry, 135, 135)
#define FSPTPTR(entry)	field(entry, 191, 140)

#define SRE_FLAG	1
#define EAFE_FLAG	2
#define WPE_FLAG	4

static const struct {
	const char *what;
	struct vtd_entry second;
	struct iommu_hwpt_vtd_s1 stage1;
	u16 domain;
	u64 ecap;
	struct vtd_entry want;
} golden[] = {
	{ "four levels", {{ 0x0000000123456089, 0x0000000000000007, 0 }},
	  { 0, 0x1000, 48, 0 }, 0x12, 0,
	  {{ 0x00000001234560c9, 0x0000000000000012, 0x0000000000001000 }} },
	{ "snooped walks", {{ 0x0000000123456089, 0x0000000000800007, 0 }},
	  { 0, 0x1000, 48, 0 }, 0xffff, 0,
	  {{ 0x00000001234560c9, 0x000000000080ffff, 0x0000000000001000 }} },
	{ "snooped pages", {{ 0x0000000123456089, 0x0000000000000007, 0 }},
	  { 0, 0x1000, 48, 0 }, 1, 0x80,
	  {{ 0x00000001234560c9, 0x0000000001000001, 0x0000000000001000 }} },
	{ "five levels, all flags", {{ 0x000000012345608d, 0x0000000000000007, 0 }},
	  { SRE_FLAG | EAFE_FLAG | WPE_FLAG, 0x12345678000, 57, 0 }, 1, 0,
	  {{ 0x00000001234560cd, 0x0000000000000001, 0x0000012345678095 }} },
	{ "WPE alone", {{ 0x0000000123456089, 0x0000000000000007, 0 }},
	  { WPE_FLAG, 0x1000, 48, 0 }, 1, 0,
	  {{ 0x00000001234560c9, 0x0000000000000001, 0x0000000000001000 }} },
	{ "an address of no page", {{ 0x0000000123456089, 0x0000000000000007, 0 }},
	  { 0, 0x1fff, 48, 0 }, 1, 0,
	  {{ 0x00000001234560c9, 0x0000000000000001, 0x0000000000001000 }} },
};

static void golden_entries(void)
{
	struct vtd_entry entry;
	size_t i, word;

	for (i = 0; i < ARRAY_SIZE(golden); i++) {
		tap_context("%s", golden[i].what);
		vtd_entry_nest(&golden[i].second, &golden[i].stage1, golden[i].domain,
			       golden[i].ecap, &entry);
		for (word = 0; word < VTD_ENTRY_WORDS; word++)
			check_eq(entry.word[word], golden[i].want.word[word]);
	}
}

/* Whatever the guest says, the second stage is the driver's and the domain ID ours. */
static void any_entry(void)
{
	unsigned long rounds = from_environment("ROUNDS", 200000);
	struct iommu_hwpt_vtd_s1 stage1;
	struct vtd_entry second, entry;
	u64 ecap;

	random_begin(4);
	while (rounds--) {
		second = (struct vtd_entry){{ random_u64(), random_u64(), random_u64() }};
		stage1.flags = random_u64();
		stage1.pgtbl_addr = random_u64();
		stage1.addr_width = one_in(2) ? 48 : 57;
		stage1.__reserved = random_u64();
		ecap = random_u64();
		vtd_entry_nest(&second, &stage1, 0x1234, ecap, &entry);
		check_eq(P(entry.word), 1);
		check_eq(FPD(entry.word), 0);
		check_eq(PGTT(entry.word), 3);
		check_eq(SSADE(entry.word), 0);
		check_eq(AW(entry.word), AW(second.word));
		check_eq(SSPTPTR(entry.word), SSPTPTR(second.word));
		check_eq(DID(entry.word), 0x1234);
		check_eq(PWSNP(entry.word), PWSNP(second.word));
		check_eq(PGSNP(entry.word), ecap >> 7 & 1);
		check_eq(SRE(entry.word), stage1.flags & 1);
		check_eq(WPE(entry.word), stage1.flags & stage1.flags >> 2 & 1);
		check_eq(EAFE(entry.word), stage1.flags >> 1 & 1);
		check_eq(FSPM(entry.word), stage1.addr_width == 57);
		check_eq(FSPTPTR(entry.word), stage1.pgtbl_addr >> 12);
		/* All else is reserved, or 0. */
		check_eq(entry.word[0] & 0xe22, 0);
		check_eq(entry.word[1] & ~0x180ffffull, 0);
		check_eq(entry.word[2] & 0xf6a, 0);
		check_eq(vtd_entry_type(&entry), 3 << 6);
		check_eq(vtd_entry_domain(&entry), 0x1234);
		check_eq(vtd_entry_width(&entry), AW(second.word));
	}
}

static void stage1s(void)
{
	const u64 five = 1ull << 60, srs = 1ull << 31, eafs = 1ull << 34;
	struct iommu_hwpt_vtd_s1 stage1 = {};
	unsigned int width;

	for (width = 0; width < 100; width++) {
		tap_context("width %u", width);
		stage1.addr_width = width;
		check_eq(vtd_stage1_check(&stage1, 0, 0), width == 48 ? 0 : -EINVAL);
		check_eq(vtd_stage1_check(&stage1, five, 0),
			 width == 48 || width == 57 ? 0 : -EINVAL);
	}
	stage1.addr_width = 48;
	stage1.flags = SRE_FLAG;
	check_eq(vtd_stage1_check(&stage1, ~0ull, ~srs), -EINVAL);
	check_eq(vtd_stage1_check(&stage1, 0, srs), 0);
	stage1.flags = EAFE_FLAG;
	check_eq(vtd_stage1_check(&stage1, ~0ull, ~eafs), -EINVAL);
	check_eq(vtd_stage1_check(&stage1, 0, eafs), 0);
	stage1.flags = WPE_FLAG;
	check_eq(vtd_stage1_check(&stage1, 0, 0), 0);
}

static void domain_ids(void)
{
	check_eq(vtd_domain_ids(~7ull), 16);
	check_eq(vtd_domain_ids(2), 256);
	check_eq(vtd_domain_ids(6), 65536);
	check_eq(vtd_domain_ids(7), 65536);
}

#define ALL	((struct vtd_block){ .order = VTD_BLOCK_ALL })

static const struct {
	u64 address, pages;
	struct vtd_block want;
} ranges[] = {
	{ 0x1000, 1, { 0x1000, 0 } },
	{ 0x1000, 0, { 0, 1 } },
	{ 0x3000, 0, { 0x2000, 1 } },
	{ 0x200000, 0, { 0, VTD_BLOCK_ALL } },
	{ 0, 0, { 0, VTD_BLOCK_ALL } },
	{ 0x2000, 2, { 0x2000, 1 } },
	{ 0x1000, 2, { 0, 2 } },
	{ 0x3000, 3, { 0, 3 } },
	{ 0x200000, 512, { 0x200000, 9 } },
	{ 0x1ff000, 2, { 0, VTD_BLOCK_ALL } },
	{ 0x3ff000, 1, { 0x3ff000, 0 } },
	{ 0x200000, 513, { 0, VTD_BLOCK_ALL } },
	{ 0, 0xffffffffffffffff, { 0, VTD_BLOCK_ALL } },
	{ 0xfffffffffffff000, 1, { 0xfffffffffffff000, 0 } },
	{ 0xfffffffffffff000, 2, { 0, VTD_BLOCK_ALL } },
};

static void golden_blocks(void)
{
	struct vtd_block block;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		tap_context("%#llx pages at %#llx", (unsigned long long)ranges[i].pages,
			    (unsigned long long)ranges[i].address);
		block = vtd_block_around(ranges[i].address, ranges[i].pages);
		check_eq(block.address, ranges[i].want.address);
		check_eq(block.order, ranges[i].want.order);
	}
}

/* A block is aligned and has all of the range. */
static void any_block(void)
{
	unsigned long rounds = from_environment("ROUNDS", 200000);
	struct vtd_block block;
	u64 address, pages;

	random_begin(5);
	while (rounds--) {
		address = (random_u64() >> random_below(64)) & ~0xfffull;
		pages = random_u64() >> random_below(64);
		block = vtd_block_around(address, pages);
		if (block.order == VTD_BLOCK_ALL) {
			check_eq(block.address, 0);
			continue;
		}
		check(block.order <= 9);
		check_eq(block.address & ((0x1000ull << block.order) - 1), 0);
		check(block.address <= address);
		check(((address - block.address) >> 12) + pages <= 1ull << block.order ||
		      !pages);
	}
}

static void range_checks(void)
{
	struct iommu_hwpt_vtd_s1_invalidate good = { .addr = 0x1000, .npages = 1 }, bad;

	check_eq(vtd_range_check(&good), 0);
	bad = good;
	bad.flags = 1;
	check_eq(vtd_range_check(&bad), 0);
	bad.flags = 3;
	check_eq(vtd_range_check(&bad), -EOPNOTSUPP);
	bad = good;
	bad.__reserved = 1u << 31;
	check_eq(vtd_range_check(&bad), -EOPNOTSUPP);
	bad = good;
	bad.addr = 0x1800;
	check_eq(vtd_range_check(&bad), -EINVAL);
	bad = good;
	bad.npages = 0xffffffffffffffff;
	check_eq(vtd_range_check(&bad), -EINVAL);
	bad.addr = 0;
	check_eq(vtd_range_check(&bad), 0);
}

static void check_descriptor(struct vtd_descriptor descriptor, u64 first, u64 second)
{
	check_eq(descriptor.word[0], first);
	check_eq(descriptor.word[1], second);
	check_eq(descriptor.word[2], 0);
	check_eq(descriptor.word[3], 0);
}

static void golden_descriptors(void)
{
	const struct vtd_block page = { 0x7000, 0 }, eight = { 0x8000, 3 };
	const struct vtd_ats ats = { .sid = 0x1234, .pfsid = 0xabcd, .depth = 31 };
	const struct vtd_ats deep = { .sid = 0x0008, .depth = 32 };

	check_descriptor(vtd_drop_entry(0xfffe), 0xfffe0017, 0);
	check_descriptor(vtd_drop_domain(0x12, 0), 0x00120022, 0);
	check_descriptor(vtd_drop_domain(0xffff, 3ull << 54), 0xffff00e2, 0);
	check_descriptor(vtd_drop_block(0x12, ALL, true), 0x00120026, 0);
	check_descriptor(vtd_drop_block(0x12, page, false), 0x00120036, 0x7000);
	check_descriptor(vtd_drop_block(0x12, eight, true), 0x00120036, 0x8043);
	check_descriptor(vtd_drop_device(&ats, page), 0xabc01234001fd003, 0x7000);
	check_descriptor(vtd_drop_device(&ats, eight), 0xabc01234001fd003, 0xb001);
	check_descriptor(vtd_drop_device(&ats, (struct vtd_block){ 0x2000, 1 }),
			 0xabc01234001fd003, 0x2001);
	check_descriptor(vtd_drop_device(&ats, ALL), 0xabc01234001fd003, 0x7ffffffffffff001);
	check_descriptor(vtd_drop_device(&deep, ALL), 0x0000000800000003, 0x7ffffffffffff001);
}

static const struct test tests[] = {
	{ "golden_entries", golden_entries },
	{ "any_entry", any_entry },
	{ "stage1s", stage1s },
	{ "domain_ids", domain_ids },
	{ "golden_blocks", golden_blocks },
	{ "any_block", any_block },
	{ "range_checks", range_checks },
	{ "golden_descriptors", golden_descriptors },
};

TAP_MAIN(tests)
