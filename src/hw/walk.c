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
#define AMD_NEXT_BITS	GENMASK_ULL(11, 9)
#define AMD_NEXT(entry)	((entry) >> 9 & 7)
#define AMD_NEXT_SIZED	7

/* Kinds of entries. */
#define NOTHING	(-1)
#define TABLE	0		/* other values: log2 of the page size */

struct walk_format {
	int (*kind)(u64 entry, unsigned int level);
	unsigned int dirty;
	/*
	 * Above level 0, entries are no tables if each has all bits of @pages, or none has a
	 * bit of @no_tables.
	 */
	u64 pages;
	u64 no_tables;
	/* Of a dirty page of its level's size: the bits to compare above level 0 and there. */
	struct walk_match {
		u64 mask;
		u64 value;
	} large, small;
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

const struct walk_format walk_vtd = {
	.kind = walk_kind_vtd,
	.dirty = VTD_DIRTY,
	/* Bit 7 of a higher level is reserved, so no table is passed over there either. */
	.pages = VTD_PAGE,
	.no_tables = ~0ULL,
	.large = { BIT_ULL(VTD_DIRTY) | VTD_PAGE, BIT_ULL(VTD_DIRTY) | VTD_PAGE },
	.small = { BIT_ULL(VTD_DIRTY), BIT_ULL(VTD_DIRTY) },
};

const struct walk_format walk_amd = {
	.kind = walk_kind_amd,
	.dirty = AMD_DIRTY,
	.pages = AMD_NEXT_BITS,
	.no_tables = AMD_NEXT_BITS,
	.large = { AMD_PRESENT | AMD_NEXT_BITS | BIT_ULL(AMD_DIRTY),
		   AMD_PRESENT | BIT_ULL(AMD_DIRTY) },
	.small = { AMD_PRESENT | AMD_NEXT_BITS | BIT_ULL(AMD_DIRTY),
		   AMD_PRESENT | BIT_ULL(AMD_DIRTY) },
};

static u64 *walk_next_table(u64 entry)
{
	return phys_to_virt(__sme_clr(entry) & ADDRESS);
}

/* Are eight entries clean, and none of them a table? */
static bool walk_is_clean(const struct walk_format *format, const u64 *entry,
			  unsigned int level)
{
	const u64 e0 = READ_ONCE(entry[0]), e1 = READ_ONCE(entry[1]);
	const u64 e2 = READ_ONCE(entry[2]), e3 = READ_ONCE(entry[3]);
	const u64 e4 = READ_ONCE(entry[4]), e5 = READ_ONCE(entry[5]);
	const u64 e6 = READ_ONCE(entry[6]), e7 = READ_ONCE(entry[7]);
	u64 any = e0 | e1 | e2 | e3 | e4 | e5 | e6 | e7, all;

	if (any & BIT_ULL(format->dirty))
		return false;
	if (!level)
		return true;
	all = e0 & e1 & e2 & e3 & e4 & e5 & e6 & e7;
	return (all & format->pages) == format->pages || !(any & format->no_tables);
}

/* Returns the first of the entries @i to @last that is dirty or a table, or else @last + 1. */
static unsigned int walk_skip_clean(const struct walk_format *format, const u64 *table,
				    unsigned int level, unsigned int i, unsigned int last)
{
	const u64 *at = &table[i], *end = &table[last + 1];
	u64 entry;

	while (at + 8 <= end && walk_is_clean(format, at, level))
		at += 8;
	for (i = at - table; i <= last; i++) {
		entry = READ_ONCE(table[i]);
		if (entry & BIT_ULL(format->dirty) || format->kind(entry, level) == TABLE)
			break;
	}
	return i;
}

/* What is read of a table: its entries from one to another, which may reach beyond the range. */
struct walk_part {
	struct walk *walk;
	u64 *table;
	unsigned int level;
	unsigned long base;		/* IOVA of the table's first entry */
	unsigned int last;		/* entry */
};

static unsigned long walk_iova(const struct walk_part *part, unsigned int i)
{
	return part->base + ((unsigned long)i << walk_level_shift(part->level));
}

/* Atomic, because the IOMMU may write to the entry concurrently. */
static void walk_make_clean(const struct walk_format *format, u64 *entry)
{
	clear_bit(format->dirty, (unsigned long *)entry);
}

/*
 * Tell of entries @i to @end - 1, which are dirty, and clean if @cleaned: pages that have @n
 * entries each.
 */
static int walk_tell(const struct walk_part *part, unsigned int i, unsigned int end,
		     unsigned int n, bool cleaned)
{
	struct walk *walk = part->walk;
	unsigned long first = walk_iova(part, i), last = walk_iova(part, end) - 1;

	if (cleaned)
		walk->cleaned(walk, first, last,
			      (unsigned long)n << walk_level_shift(part->level));
	return walk->note(walk, max(first, walk->range.first), min(last, walk->limit));
}

/* A page of entries @i to @end - 1, of which the IOMMU sets the dirty bit in any. */
static int walk_read_page(const struct walk_part *part, unsigned int i, unsigned int end)
{
	const struct walk_format *format = part->walk->table.format;
	const struct walk *walk = part->walk;
	bool dirty = false, clear;
	unsigned int n;

	clear = walk->clear && walk_iova(part, i) >= walk->range.first &&
		walk_iova(part, end) - 1 <= walk->limit;
	for (n = i; n < end; n++) {
		if (!(READ_ONCE(part->table[n]) & BIT_ULL(format->dirty)))
			continue;
		dirty = true;
		if (!clear)
			break;
		walk_make_clean(format, &part->table[n]);
	}
	return dirty ? walk_tell(part, i, end, end - i, clear) : 0;
}

/*
 * Reads dirty pages of the level's own size from entry @i on, side by side, all of which
 * lie within what may be cleared.  Returns the entry after them: @i if there is none.
 */
static unsigned int walk_read_run(const struct walk_part *part, unsigned int i)
{
	const struct walk *walk = part->walk;
	const struct walk_format *format = walk->table.format;
	const struct walk_match *match = part->level ? &format->large : &format->small;
	unsigned int shift = walk_level_shift(part->level), last = part->last;

	if (walk_iova(part, i) < walk->range.first)
		return i;
	if (walk->single)
		last = i;
	if (walk_iova(part, last + 1) - 1 > walk->limit) {
		if (walk->limit < walk_iova(part, i + 1) - 1)
			return i;
		last = ((walk->limit - part->base + 1) >> shift) - 1;
	}
	for (; i <= last && (READ_ONCE(part->table[i]) & match->mask) == match->value; i++)
		if (walk->clear)
			walk_make_clean(format, &part->table[i]);
	return i;
}

/*
 * Reads the entry @*i, which may be dirty, and what is like it.  Returns 0 with @*i set to
 * the next one, or the error of note().
 */
static int walk_read_entries(const struct walk_part *part, unsigned int *i, int kind)
{
	unsigned int shift = walk_level_shift(part->level), first = *i, n;

	n = 1U << (kind - shift);
	if (n == 1) {
		*i = walk_read_run(part, first);
		if (*i > first)
			return walk_tell(part, first, *i, 1, part->walk->clear);
	}
	first &= -n;
	*i = first + n;
	return walk_read_page(part, first, first + n);
}

/* The number of entries, a power of two, that the page of that entry occupies. */
static unsigned int walk_entries_of(const struct walk_format *format, u64 entry,
				    unsigned int level)
{
	int kind = format->kind(entry, level);

	return kind == NOTHING || kind == TABLE ? 1 : 1U << (kind - walk_level_shift(level));
}

/*
 * Read one table from *@iova on.  Returns 0 at its end or at an entry that
 * points to another table, 1 at the end of the range, or the error of note().
 */
static int walk_read_table(struct walk *walk, u64 *table, unsigned int level,
			   unsigned long *iova)
{
	const struct walk_format *format = walk->table.format;
	unsigned int shift = walk_level_shift(level), i = walk_index(*iova, level), n;
	struct walk_part part = { .walk = walk, .table = table, .level = level };
	unsigned long offset;
	int kind, rc = 0;

	part.base = *iova - ((unsigned long)i << shift);
	part.base &= -(1UL << shift);
	offset = (walk->range.last - part.base) >> shift;
	part.last = min(offset, ENTRIES - 1UL);
	/* All of the pages that have the range's first and last byte. */
	n = walk_entries_of(format, READ_ONCE(table[i]), level);
	i &= -n;
	n = walk_entries_of(format, READ_ONCE(table[part.last]), level);
	part.last |= n - 1;
	while (!rc) {
		i = walk_skip_clean(format, table, level, i, part.last);
		if (i > part.last)
			break;
		kind = format->kind(READ_ONCE(table[i]), level);
		if (kind == TABLE) {
			*iova = max(*iova, walk_iova(&part, i));
			return 0;
		}
		if (kind == NOTHING)
			i++;
		else
			rc = walk_read_entries(&part, &i, kind);
	}
	if (rc)
		return rc;
	if (offset < ENTRIES)
		return 1;
	*iova = walk_iova(&part, ENTRIES);
	return 0;
}

/* The table that has the entry of an IOVA, which is not another table; and its level. */
static u64 *walk_down(const struct walk_table *in, unsigned long iova, unsigned int *level)
{
	u64 *table = in->root, entry;

	for (*level = in->levels - 1; *level; --*level) {
		entry = READ_ONCE(table[walk_index(iova, *level)]);
		if (in->format->kind(entry, *level) != TABLE)
			break;
		table = walk_next_table(entry);
	}
	return table;
}

bool walk_translate(const struct walk_table *in, unsigned long iova, u64 *pa)
{
	unsigned int level;
	u64 *table = walk_down(in, iova, &level);
	u64 entry = READ_ONCE(table[walk_index(iova, level)]), mask;
	int kind = in->format->kind(entry, level);

	if (kind == NOTHING)
		return false;
	mask = (1ULL << kind) - 1;
	*pa = (__sme_clr(entry) & ADDRESS & ~mask) | (iova & mask);
	return true;
}

int walk_dirty(struct walk *walk)
{
	unsigned long iova = walk->range.first;
	unsigned int level;
	u64 *table;
	int rc;

	do {
		table = walk_down(&walk->table, iova, &level);
		rc = walk_read_table(walk, table, level, &iova);
	} while (!rc);
	return rc > 0 ? 0 : rc;
}
