// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/iommu.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "table.h"

/* An entry: a physical address, aligned to a small page, and these */
#define ENTRY_PRESENT	BIT_ULL(0)
#define ENTRY_READ	BIT_ULL(1)
#define ENTRY_WRITE	BIT_ULL(2)
#define ENTRY_DIRTY	BIT_ULL(3)
#define ENTRY_CACHED	BIT_ULL(4)	/* as dirty: a write doesn't look at it */
#define ENTRY_ADDRESS	GENMASK_ULL(63, 11)

#define BLOCK_ENTRIES_MAX 512

struct block {
	unsigned int used;	/* entries that are present; a whole block is one */
	u64 whole;
	u64 entries[];		/* none if it was made for a whole block */
};

/* The part of a range that is in one block. */
struct part {
	struct block *block;
	unsigned int first;	/* entries, or 0 and 1 for the whole */
	unsigned int n;
	size_t size;
};

static unsigned int entries_of(const struct mock_table *table)
{
	return 1U << (TABLE_BLOCK_SHIFT - table->page_shift);
}

static size_t entry_size(const struct mock_table *table, const struct block *block)
{
	return block->whole ? TABLE_BLOCK_SIZE : 1UL << table->page_shift;
}

static u64 *entry_at(struct block *block, unsigned int index)
{
	return block->whole ? &block->whole : &block->entries[index];
}

void table_init(struct mock_table *table, unsigned int page_shift)
{
	table->page_shift = page_shift;
	xa_init(&table->blocks);
	table->unsynced = 0;
	table->cached = 0;
	table->begins_dirty = false;
}

void table_destroy(struct mock_table *table)
{
	struct block *block;
	unsigned long index;

	WARN(table->unsynced, "mock: %lu bytes were unmapped and not flushed\n",
	     table->unsynced);
	xa_for_each(&table->blocks, index, block)
		kfree(block);
	xa_destroy(&table->blocks);
}

bool table_is_empty(struct mock_table *table)
{
	struct block *block;
	unsigned long index;

	xa_for_each(&table->blocks, index, block)
		if (block->used)
			return false;
	return true;
}

/* Finds the part of [iova, iova + size) in the first block, with the lock held. */
static struct part first_part(struct mock_table *table, unsigned long iova,
			      size_t size)
{
	unsigned long offset = iova & (TABLE_BLOCK_SIZE - 1);
	struct part part = {
		.block = xa_load(&table->blocks, iova >> TABLE_BLOCK_SHIFT),
		.size = min(size, TABLE_BLOCK_SIZE - offset),
	};

	if (part.block && part.block->whole) {
		part.n = 1;
	} else {
		part.first = offset >> table->page_shift;
		part.n = ((offset + part.size - 1) >> table->page_shift) -
			 part.first + 1;
	}
	return part;
}

/* Makes a block for @iova if there's none. It may be gone again unless the lock is held. */
static int make_block(struct mock_table *table, unsigned long iova, bool whole,
		      gfp_t gfp)
{
	unsigned int n = whole ? 0 : entries_of(table);
	struct block *block;
	int rc;

	block = kzalloc(struct_size(block, entries, n), gfp);
	if (!block)
		return -ENOMEM;
	rc = xa_insert(&table->blocks, iova >> TABLE_BLOCK_SHIFT, block, gfp);
	if (rc)
		kfree(block);
	return rc == -EBUSY ? 0 : rc;
}

/* Returns with the lock held, whatever it returns. */
static int lock_part(struct mock_table *table, unsigned long iova, size_t size,
		     bool whole, gfp_t gfp, struct part *part)
{
	int rc = 0;

	xa_lock(&table->blocks);
	for (;;) {
		*part = first_part(table, iova, size);
		if (part->block || rc)
			return rc;
		xa_unlock(&table->blocks);
		rc = make_block(table, iova, whole, gfp);
		xa_lock(&table->blocks);
	}
}

static bool fill_part(struct mock_table *table, struct part *part, u64 entry,
		      bool whole)
{
	struct block *block = part->block;
	unsigned int i;

	if (whole) {
		if (WARN_ON(block->used))
			return false;
		block->whole = entry;
		block->used = 1;
		return true;
	}
	if (WARN_ON(block->whole))
		return false;
	for (i = part->first; i < part->first + part->n; i++) {
		if (WARN_ON(block->entries[i]))
			return false;
		block->entries[i] = entry;
		block->used++;
		entry += 1UL << table->page_shift;
	}
	return true;
}

int table_map(struct mock_table *table, unsigned long iova, phys_addr_t pa,
	      size_t size, bool blocks, int prot, gfp_t gfp, size_t *mapped)
{
	u64 flags = ENTRY_PRESENT;
	struct part part;
	int rc;

	if (prot & IOMMU_READ)
		flags |= ENTRY_READ;
	if (prot & IOMMU_WRITE)
		flags |= ENTRY_WRITE | (table->begins_dirty ? ENTRY_DIRTY : 0);
	for (*mapped = 0; *mapped < size; *mapped += part.size) {
		rc = lock_part(table, iova + *mapped, size - *mapped, blocks, gfp,
			       &part);
		if (!rc && !fill_part(table, &part, (pa + *mapped) | flags, blocks))
			rc = -EEXIST;
		xa_unlock(&table->blocks);
		if (rc)
			return rc;
	}
	return 0;
}

/* With the lock held. */
static void uncache(struct mock_table *table, u64 *entry)
{
	if (*entry & ENTRY_CACHED)
		table->cached--;
	*entry &= ~ENTRY_CACHED;
}

/* An entry larger than the range has no half to unmap. */
static bool clear_part(struct mock_table *table, unsigned long iova,
		       struct part *part)
{
	struct block *block = part->block;
	unsigned int i;
	u64 *entry;

	if (WARN(!block, "mock: nothing to unmap at %#lx\n", iova))
		return false;
	if (WARN(block->whole && part->size != TABLE_BLOCK_SIZE,
		 "mock: only a part of %#lx is unmapped\n", iova))
		return false;
	for (i = part->first; i < part->first + part->n; i++) {
		entry = entry_at(block, i);
		if (WARN(!*entry, "mock: nothing to unmap at %#lx\n", iova))
			return false;
		uncache(table, entry);
		*entry = 0;
		block->used--;
	}
	if (!block->used) {
		__xa_erase(&table->blocks, iova >> TABLE_BLOCK_SHIFT);
		kfree(block);
	}
	return true;
}

size_t table_unmap(struct mock_table *table, unsigned long iova, size_t size)
{
	size_t done = 0;
	struct part part;
	bool fine = true;

	while (fine && done < size) {
		xa_lock(&table->blocks);
		part = first_part(table, iova + done, size - done);
		fine = clear_part(table, iova + done, &part);
		if (fine) {
			table->unsynced += part.size;
			done += part.size;
		}
		xa_unlock(&table->blocks);
	}
	return done;
}

void table_sync(struct mock_table *table)
{
	xa_lock(&table->blocks);
	table->unsynced = 0;
	xa_unlock(&table->blocks);
}

bool table_is_unsynced(struct mock_table *table)
{
	return READ_ONCE(table->unsynced);
}

/* With the lock held. */
static void uncache_block(struct mock_table *table, struct block *block, unsigned long iova,
			  const struct iova_range *range)
{
	unsigned long size = entry_size(table, block);
	unsigned int n = block->whole ? 1 : entries_of(table), i;

	for (i = 0; i < n; i++, iova += size)
		if (iova <= range->last && iova + size - 1 >= range->first)
			uncache(table, entry_at(block, i));
}

void table_flush(struct mock_table *table, const struct iova_range *range, size_t size)
{
	struct block *block;
	unsigned long index;

	xa_lock(&table->blocks);
	if (table->cached)
		xa_for_each_range(&table->blocks, index, block,
				  range->first >> TABLE_BLOCK_SHIFT,
				  range->last >> TABLE_BLOCK_SHIFT)
			if (!size || size == entry_size(table, block))
				uncache_block(table, block, index << TABLE_BLOCK_SHIFT, range);
	xa_unlock(&table->blocks);
}

phys_addr_t table_translate(struct mock_table *table, unsigned long iova)
{
	phys_addr_t pa = 0;
	struct part part;
	u64 entry;

	xa_lock(&table->blocks);
	part = first_part(table, iova, 1);
	if (part.block) {
		entry = *entry_at(part.block, part.first);
		if (entry)
			pa = (entry & ENTRY_ADDRESS) +
			     (iova & (entry_size(table, part.block) - 1));
	}
	xa_unlock(&table->blocks);
	return pa;
}

/* With the lock held. */
static void dirty_entry(struct mock_table *table, u64 *entry)
{
	if (*entry & ENTRY_CACHED)
		return;
	*entry |= ENTRY_DIRTY | ENTRY_CACHED;
	table->cached++;
}

/* With the lock held.  Neighbours are one page if they are so in memory and aligned alike. */
static void dirty_page(struct mock_table *table, struct block *block, unsigned int index)
{
	unsigned int n = PAGE_SIZE >> table->page_shift;
	unsigned int first = index & ~(n - 1), i;
	u64 page = block->entries[index] & ENTRY_ADDRESS & PAGE_MASK;

	for (i = first; i < first + n; i++)
		if ((block->entries[i] & ENTRY_WRITE) &&
		    (block->entries[i] & ENTRY_ADDRESS) ==
		    page + ((u64)(i - first) << table->page_shift))
			dirty_entry(table, &block->entries[i]);
}

bool table_write(struct mock_table *table, unsigned long iova, bool whole_page)
{
	bool written = false;
	struct part part;
	u64 *entry;

	xa_lock(&table->blocks);
	part = first_part(table, iova, 1);
	if (part.block) {
		entry = entry_at(part.block, part.first);
		written = *entry & ENTRY_WRITE;
		if (written)
			dirty_entry(table, entry);
		if (written && whole_page && !part.block->whole)
			dirty_page(table, part.block, part.first);
	}
	xa_unlock(&table->blocks);
	return written;
}

/* With the lock held.  @iova is where the part begins. */
static int take_dirty(struct mock_table *table, struct part *part, unsigned long iova,
		      const struct iova_range *clear, unsigned long *found)
{
	unsigned long size, at;
	unsigned int i;
	u64 *entry;

	bitmap_zero(found, BLOCK_ENTRIES_MAX);
	if (!part->block)
		return -EINVAL;
	size = entry_size(table, part->block);
	at = (iova & ~(TABLE_BLOCK_SIZE - 1)) + part->first * size;
	for (i = part->first; i < part->first + part->n; i++, at += size) {
		entry = entry_at(part->block, i);
		if (!*entry)
			return -EINVAL;
		if (!(*entry & ENTRY_DIRTY))
			continue;
		__set_bit(i, found);
		if (clear && at >= clear->first && at + size - 1 <= clear->last)
			*entry &= ~ENTRY_DIRTY;
	}
	return 0;
}

int table_read_dirty(struct mock_table *table, unsigned long iova, size_t size,
		     const struct iova_range *clear,
		     int (*note)(void *arg, unsigned long iova, size_t size),
		     void *arg)
{
	DECLARE_BITMAP(found, BLOCK_ENTRIES_MAX);
	unsigned long base, first, end, unit;
	struct part part;
	size_t done;
	int rc = 0, told;

	for (done = 0; !rc && done < size; done += part.size) {
		xa_lock(&table->blocks);
		part = first_part(table, iova + done, size - done);
		rc = take_dirty(table, &part, iova + done, clear, found);
		unit = part.block ? entry_size(table, part.block) : 0;
		xa_unlock(&table->blocks);
		base = (iova + done) & ~(TABLE_BLOCK_SIZE - 1);
		/*
		 * What was taken is noted even if the range has a hole behind it.  No
		 * receiver refuses what was made clean.
		 */
		for_each_set_bitrange(first, end, found, BLOCK_ENTRIES_MAX) {
			told = note(arg, base + first * unit, (end - first) * unit);
			if (told)
				return told;
		}
	}
	return rc;
}
