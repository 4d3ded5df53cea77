// SPDX-License-Identifier: GPL-2.0-only
/*
 * Formats of page tables.  Both have tables of 512 entries of 8 bytes.  Level 0
 * maps the smallest pages.
 *
 * VT-d: an entry is present if it isn't 0.  On levels 1 and 2, bit 7 tells a
 * page from a table.
 *
 * AMD-Vi: bit 0 is the present bit.  Bits 9 to 11 are the level of the next
 * table; 0 means a page of the level's size, and 7 a page of another size,
 * which occupies consecutive entries.  Its size is encoded as the number of
 * ones at the low end of the address.  The IOMMU may set the dirty bit in any
 * of these entries.
 */
#include <linux/bits.h>
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mem_encrypt.h>
#include <linux/mm.h>

#include "walk.h"

#define ENTRIES		512
#define ENTRIES_SHIFT	9
#define SMALLEST	12	/* log2 of the smallest page size */

#define ADDRESS		GENMASK_ULL(51, 12)

#define VTD_DIRTY	9
#define VTD_PAGE	BIT_ULL(7)
#define VTD_PAGE_LEVELS	2	/* highest level with pages */

#define AMD_PRESENT	BIT_ULL(0)
#define AMD_DIRTY	6
#define AMD_NEXT(entry)	((entry) >> 9 & 7)
#define AMD_NEXT_SIZED	7

/* Kinds of entries. */
#define NOTHING	(-1)
#define TABLE	0		/* other values: log2 of the page size */

struct walk_format {
	int (*kind)(u64 entry, unsigned int level);
	unsigned int dirty;
};

static unsigned int walk_level_shift(unsigned int level)
{
	return SMALLEST + level * ENTRIES_SHIFT;
}

static unsigned int walk_index(unsigned long iova, unsigned int level)
{
	return iova >> walk_level_shift(level) & (ENTRIES - 1);
}

static int walk_kind_vtd(u64 entry, unsigned int level)
{
	if (!entry)
		return NOTHING;
	if (level && (level > VTD_PAGE_LEVELS || !(entry & VTD_PAGE)))
		return TABLE;
	return walk_level_shift(level);
}

static int walk_kind_amd(u64 entry, unsigned int level)
{
	unsigned int size;

	if (!(entry & AMD_PRESENT))
		return NOTHING;
	if (AMD_NEXT(entry) == AMD_NEXT_SIZED) {
		size = SMALLEST + 1 + __ffs(~((entry & ADDRESS) >> SMALLEST));
		return clamp(size, walk_level_shift(level), walk_level_shift(level + 1));
	}
	if (level && AMD_NEXT(entry))
		return TABLE;
	return walk_level_shift(level);
}

const struct walk_format walk_vtd = { walk_kind_vtd, VTD_DIRTY };
const struct walk_format walk_amd = { walk_kind_amd, AMD_DIRTY };

static u64 *walk_next_table(u64 entry)
{
	return phys_to_virt(__sme_clr(entry) & ADDRESS);
}

static bool walk_is_dirty(const struct walk_format *format, const u64 *entry, unsigned int n)
{
	for (; n--; entry++)
		if (READ_ONCE(*entry) & BIT_ULL(format->dirty))
			return true;
	return false;
}

/* Atomic, because the IOMMU may write to the entry concurrently. */
static void walk_make_clean(const struct walk_format *format, u64 *entry, unsigned int n)
{
	for (; n--; entry++)
		clear_bit(format->dirty, (unsigned long *)entry);
}

static int walk_read_entry(struct walk *walk, u64 *entry, unsigned int n,
			   unsigned long first, unsigned long last)
{
	const struct walk_format *format = walk->table.format;

	if (!walk_is_dirty(format, entry, n))
		return 0;
	if (walk->clear && first >= walk->range.first && last <= walk->limit) {
		walk_make_clean(format, entry, n);
		walk->cleaned(walk, first, last);
	}
	return walk->note(walk, max(first, walk->range.first), min(last, walk->limit));
}

/*
 * Read one table from *@iova on.  Returns 0 at its end or at an entry that
 * points to another table, 1 at the end of the range, or the error of note().
 */
static int walk_read_table(struct walk *walk, u64 *table, unsigned int level,
			   unsigned long *iova)
{
	unsigned int shift = walk_level_shift(level), i = walk_index(*iova, level), n = 1;
	unsigned long last;
	int kind, rc = 0;

	for (; i < ENTRIES; i += n) {
		kind = walk->table.format->kind(READ_ONCE(table[i]), level);
		if (kind == TABLE)
			return 0;
		n = kind == NOTHING ? 1 : 1U << (kind - shift);
		i &= -n;
		last = *iova | (((unsigned long)n << shift) - 1);
		if (kind != NOTHING)
			rc = walk_read_entry(walk, table + i, n,
					     last - (((unsigned long)n << shift) - 1), last);
		if (rc)
			return rc;
		if (last >= walk->range.last)
			return 1;
		*iova = last + 1;
	}
	return 0;
}

int walk_dirty(struct walk *walk)
{
	const struct walk_table *in = &walk->table;
	unsigned long iova = walk->range.first;
	unsigned int level;
	u64 *table, entry;
	int rc;

	do {
		table = in->root;
		for (level = in->levels - 1; level; level--) {
			entry = READ_ONCE(table[walk_index(iova, level)]);
			if (in->format->kind(entry, level) != TABLE)
				break;
			table = walk_next_table(entry);
		}
		rc = walk_read_table(walk, table, level, &iova);
	} while (!rc);
	return rc > 0 ? 0 : rc;
}
