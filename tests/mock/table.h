/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mock's page table: one level of blocks of 1 MiB, each an entry by itself or
 * an array of entries for small pages.  Entries hold what an IOMMU's would: where
 * to, what is allowed, and whether it was written to.
 *
 * As with an IOMMU's, callers see to it that nobody maps and unmaps the same range
 * at a time.  Whoever maps what is mapped, or unmaps what isn't, is warned of.
 */
#ifndef TESTS_MOCK_TABLE_H
#define TESTS_MOCK_TABLE_H

#include <linux/types.h>
#include <linux/xarray.h>

#include "../../src/hw/range.h"

#define TABLE_BLOCK_SHIFT	20
#define TABLE_BLOCK_SIZE	(1UL << TABLE_BLOCK_SHIFT)

struct mock_table {
	unsigned int page_shift;	/* of small pages: 11 or more */
	/* its lock guards the blocks and, in them, all entries */
	struct xarray blocks;
	unsigned long unsynced;		/* bytes unmapped since the last sync */
	unsigned long cached;		/* entries that are cached as dirty */
	bool begins_dirty;		/* what may be written to is dirty when it's mapped */
};

void table_init(struct mock_table *table, unsigned int page_shift);

/* Mappings that are left are no error: the domain goes with them. */
void table_destroy(struct mock_table *table);
bool table_is_empty(struct mock_table *table);

/*
 * @size is that of a small page or a block, or a multiple.  *@mapped is how much was
 * done when this fails, with -ENOMEM, or -EEXIST and a warning.
 */
int table_map(struct mock_table *table, unsigned long iova, phys_addr_t pa,
	      size_t size, bool blocks, int prot, gfp_t gfp, size_t *mapped);

/* Returns how much was unmapped: less than @size only with a warning. */
size_t table_unmap(struct mock_table *table, unsigned long iova, size_t size);

/* What was unmapped can't be reached any more. */
void table_sync(struct mock_table *table);
/* Is something unmapped and not flushed yet? */
bool table_is_unsynced(struct mock_table *table);

/*
 * Forgets what is cached of entries in that range, of that size or of all with 0.  Until
 * then a write to an entry that was made clean isn't seen, if one was seen before.
 */
void table_flush(struct mock_table *table, const struct iova_range *range, size_t size);

/* 0 if nothing is there. */
phys_addr_t table_translate(struct mock_table *table, unsigned long iova);

/*
 * False if nothing is there that may be written to.  With @whole_page the entries that map
 * the rest of the same page are dirty, too: an IOMMU may have one contiguous entry for them.
 */
bool table_write(struct mock_table *table, unsigned long iova, bool whole_page);

/*
 * Tells @note what was written to, one call for neighbours, not across blocks, and
 * forgets it where the entry lies within @clear, which may be NULL.  @note may sleep;
 * what isn't 0 ends it.  -EINVAL if a part isn't mapped.
 */
int table_read_dirty(struct mock_table *table, unsigned long iova, size_t size,
		     const struct iova_range *clear,
		     int (*note)(void *arg, unsigned long iova, size_t size),
		     void *arg);

#endif
