// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading dirty entries through the kernel's driver.  It would write to a bitmap of
 * the kernel's, which no kernel has that is built without its own iommufd.  But
 * without a bitmap it still reports, for the flush, between which addresses entries
 * were dirty.  So a stretch of entries is asked for at once, and only if something in
 * it is dirty they are asked for by one or two, of which that tells which are dirty.
 *
 * Drivers advance from the address that they are given by the size of the entry that
 * they find there, and miss others if that address isn't where the entry begins.  So
 * ask for many only from where an entry begins.
 */
#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include "driver_pt.h"
#include "hw.h"
#include "iommu_pt.h"
#include "shim.h"
#include "walk.h"

/* A power of two, so an entry lies in one block, or blocks in the entry. */
#define BLOCK		SZ_2M
/* What is asked for at once where nothing is dirty. */
#define BLOCK_MAX	SZ_64M

/* The most entries that are read one by one before the next block is asked for. */
#define ENTRIES_MAX	1024U

/*
 * Bytes of IOVA to read at a time, see hw_dirty_begin(): 262,144 of the smallest entries
 * where they are walked, 4,096 if the driver is asked for each.
 */
#define PART_WALKED	SZ_1G
#define PART_ASKED	SZ_16M

/* With more than that to flush all is, for drivers that do it entry by entry. */
#define FLUSH_ENTRIES	512

static const struct hw_shim *dirty_shim(struct iommu_domain *domain)
{
	const struct hw_shim *shim = hw_shim_of_ops(compat_domain_owner(domain));

	return shim && shim->dirty_set && shim->dirty_read ? shim : NULL;
}

static bool dirty_clears(const struct hw_dirty *dirty)
{
	return dirty->clear && !dirty->finds;
}

#ifdef IOMMUFD_HAVE_CAP_DIRTY_TRACKING

static bool dirty_driver_can(struct iommu_domain *domain)
{
	return domain->dirty_ops && domain->dirty_ops->read_and_clear_dirty;
}

static int dirty_driver_set(struct iommu_domain *domain, bool enable)
{
	if (!domain->dirty_ops || !domain->dirty_ops->set_dirty_tracking)
		return -EOPNOTSUPP;
	return domain->dirty_ops->set_dirty_tracking(domain, enable);
}

/* 1: entries were dirty, the first and the last one of which make up *@found. */
static int dirty_driver_ask(struct iommu_domain *domain, unsigned long first,
			    unsigned long last, bool clear, struct iova_range *found)
{
	struct iommu_iotlb_gather gather;
	struct iommu_dirty_bitmap to = { .gather = &gather };
	int rc;

	gather.start = ULONG_MAX;
	gather.end = 0;
	rc = domain->dirty_ops->read_and_clear_dirty(domain, first, last - first + 1,
						     clear ? 0 : IOMMU_DIRTY_NO_CLEAR,
						     &to);
	found->first = gather.start;
	found->last = gather.end;
	return rc ?: gather.start <= gather.end;
}

bool hw_tracks_dirty(struct device *dev)
{
	const struct hw_shim *shim = hw_shim_of(dev);

	return device_iommu_capable(dev, IOMMU_CAP_DIRTY_TRACKING) ||
	       (shim && shim->tracks_dirty && shim->tracks_dirty(dev));
}

#else

static bool dirty_driver_can(struct iommu_domain *domain)
{
	return false;
}

static int dirty_driver_set(struct iommu_domain *domain, bool enable)
{
	return -EOPNOTSUPP;
}

static int dirty_driver_ask(struct iommu_domain *domain, unsigned long first,
			    unsigned long last, bool clear, struct iova_range *found)
{
	return -EOPNOTSUPP;
}

bool hw_tracks_dirty(struct device *dev)
{
	const struct hw_shim *shim = hw_shim_of(dev);

	return shim && shim->tracks_dirty && shim->tracks_dirty(dev);
}

#endif

/* Adds entries to flush, which are of that size; 0 if it isn't known. */
static void dirty_add_cleaned(struct hw_dirty *dirty, const struct iova_range *range,
			      unsigned long size)
{
	if (dirty->cleaned.first > dirty->cleaned.last)
		dirty->cleaned_size = size;
	else if (dirty->cleaned_size != size)
		dirty->cleaned_size = 0;
	dirty->cleaned.first = min(dirty->cleaned.first, range->first);
	dirty->cleaned.last = max(dirty->cleaned.last, range->last);
}

static void dirty_add_cleaned_entry(struct hw_dirty *dirty, const struct iova_range *entry)
{
	dirty_add_cleaned(dirty, entry, entry->last - entry->first + 1);
}

/*
 * The driver tells an entry from the address that it was asked for, which lies in its
 * middle if the entry was clean where it begins, and is dirty since.
 */
static void dirty_widen_to_entry(struct iova_range *found)
{
	unsigned long size = found->last - found->first + 1;

	if (!is_power_of_2(size))
		return;
	found->first &= -size;
	found->last = found->first | (size - 1);
}

/* Where a reading through the driver stands. */
struct dirty_reader {
	struct hw_dirty *dirty;
	struct iova_range within;	/* what is noted, and may be made clean */
	unsigned long at;		/* of the next entry, unless @done */
	unsigned long last;		/* of what is read */
	bool done;
	unsigned long stretch;		/* how much to ask for at once */
	unsigned int entries;		/* how many times to ask for one or two before that */
	unsigned long page;		/* size of the smallest entries */
	bool pairs;			/* no entry is as large as two of these */
	bool inside;			/* the block that is being read lies in @within */
};

/* Continues after @last. */
static void dirty_pass(struct dirty_reader *reader, unsigned long last)
{
	reader->done = last >= reader->last;
	reader->at = last + 1;
}

static bool dirty_is_within(const struct dirty_reader *reader, unsigned long first,
			    unsigned long last)
{
	return first >= reader->within.first && last <= reader->within.last;
}

/* Do all entries of the block in which @entry lies, and which isn't larger, lie within? */
static bool dirty_block_is_within(const struct dirty_reader *reader,
				  const struct iova_range *entry)
{
	return entry->last - entry->first < BLOCK &&
	       dirty_is_within(reader, entry->first & -BLOCK, entry->first | (BLOCK - 1));
}

static int dirty_note(struct dirty_reader *reader, const struct iova_range *entry)
{
	struct hw_dirty_sink *sink = reader->dirty->sink;
	unsigned long first = max(entry->first, reader->within.first);
	unsigned long last = min(entry->last, reader->within.last);

	return sink->note(sink, first, last - first + 1);
}

/*
 * The end of what to ask for next: an entry, or two of the smallest.  Together these are aligned,
 * so that a larger entry has both or none.  Only where one call reads and makes clean: a second
 * one might make clean what has become dirty in between.
 */
static unsigned long dirty_next_last(const struct dirty_reader *reader)
{
	unsigned long last = reader->at + reader->page - 1;

	if (reader->inside && reader->pairs && !(reader->at & reader->page) &&
	    last < reader->last)
		last += reader->page;
	return last;
}

/*
 * Reads the next entry, or two: 1 if it was dirty.  It is made clean only if all of it is noted,
 * which takes a second call as long as that isn't known of its whole block.
 */
static int dirty_read_entry(struct dirty_reader *reader)
{
	struct hw_dirty *dirty = reader->dirty;
	unsigned long first = reader->at, last = dirty_next_last(reader);
	struct iova_range entry, again;
	bool both;
	int rc;

	rc = dirty_driver_ask(dirty->domain, first, last,
			      dirty_clears(dirty) && reader->inside, &entry);
	if (rc <= 0) {
		dirty_pass(reader, last);
		return rc;
	}
	both = entry.first == first && entry.last == last && last - first >= reader->page;
	dirty_widen_to_entry(&entry);
	if (dirty_clears(dirty) && dirty_is_within(reader, entry.first, entry.last)) {
		if (!reader->inside)
			rc = dirty_driver_ask(dirty->domain, first, last, true, &again);
		if (rc < 0)
			return rc;
		if (both)
			dirty_add_cleaned(dirty, &entry, reader->page);
		else
			dirty_add_cleaned_entry(dirty, &entry);
	}
	reader->inside |= dirty_block_is_within(reader, &entry);
	dirty_pass(reader, max(entry.last, last));
	return dirty_note(reader, &entry) ?: 1;
}

/*
 * Reads entries up to @last, in one block, by as many calls as reader->entries allows.  How
 * many the next time depends on how many found something.
 */
static int dirty_read_block(struct dirty_reader *reader, unsigned long last)
{
	unsigned int n = 0, found = 0;
	int rc;

	reader->inside = false;
	do {
		rc = dirty_read_entry(reader);
		if (rc < 0)
			return rc;
		found += rc;
		n++;
	} while (n < reader->entries && !reader->done && reader->at <= last);
	reader->entries = 2 * found >= n ? min(reader->entries * 2, ENTRIES_MAX) : 1;
	return 0;
}

/* Asks for a stretch at once, and reads entries of the first block that has dirty ones. */
static int dirty_read_stretch(struct dirty_reader *reader)
{
	unsigned long end = min(reader->at | (reader->stretch - 1), reader->last);
	struct iova_range found;
	int rc;

	rc = dirty_driver_ask(reader->dirty->domain, reader->at, end, false, &found);
	if (rc < 0)
		return rc;
	if (!rc || found.last < reader->within.first) {
		reader->stretch = min(reader->stretch * 2, BLOCK_MAX);
		dirty_pass(reader, end);
		return 0;
	}
	reader->stretch = BLOCK;
	reader->at = max(found.first, reader->within.first);
	rc = dirty_read_block(reader, min3(found.last, reader->last,
					   reader->at | (BLOCK - 1)));
	/* Nothing else is dirty up to @end. */
	if (!rc && !reader->done && reader->at > found.last && reader->at <= end)
		dirty_pass(reader, end);
	return rc;
}

static int dirty_driver_read(struct hw_dirty *dirty, const struct iova_range *mapped,
			     unsigned long first, unsigned long last)
{
	struct dirty_reader reader = {
		.dirty = dirty,
		.within = { first, min(mapped->last, dirty->sink->last) },
		.at = max(first & -BLOCK, mapped->first),
		.last = last,
		.stretch = BLOCK,
		.entries = 1,
		.page = hw_page_size(dirty->domain),
	};
	int rc;

	reader.pairs = !(hw_pgsize_bitmap(dirty->domain) & (2 * reader.page));
	do {
		rc = dirty_read_stretch(&reader);
		cond_resched();
	} while (!rc && !reader.done);
	return rc;
}

/* Reading where the tables are walked here: */
struct dirty_walk {
	struct walk walk;
	struct hw_dirty *dirty;
};

static int dirty_walk_note(struct walk *walk, unsigned long first, unsigned long last)
{
	struct hw_dirty *dirty = container_of(walk, struct dirty_walk, walk)->dirty;

	return dirty->sink->note(dirty->sink, first, last - first + 1);
}

static void dirty_walk_cleaned(struct walk *walk, unsigned long first, unsigned long last,
			       unsigned long size)
{
	const struct iova_range range = { first, last };

	dirty_add_cleaned(container_of(walk, struct dirty_walk, walk)->dirty, &range, size);
}

static bool dirty_find_table(struct hw_dirty *dirty, struct walk_table *table)
{
	return dirty->checks ? driver_pt_find(dirty->domain, table) :
			       iommu_pt_find(dirty->domain, table);
}

static bool dirty_translates(struct iommu_domain *domain, const struct walk_table *table,
			     unsigned long iova)
{
	u64 pa;

	return walk_translate(table, iova, &pa) && pa == iommu_iova_to_phys(domain, iova);
}

/*
 * Is that what the driver has mapped there?  The layout was as expected, or the table wouldn't
 * have been found; this is against levels or a format that mean something else.  Each root is
 * compared once in a reading, where the first area begins and ends.
 */
static bool dirty_table_fits(struct hw_dirty *dirty, const struct iova_range *mapped,
			     const struct walk_table *table)
{
	if (!dirty->checks || dirty->checked == table->root)
		return true;
	if (!dirty_translates(dirty->domain, table, mapped->first) ||
	    !dirty_translates(dirty->domain, table, mapped->last))
		return false;
	dirty->checked = table->root;
	return true;
}

static int dirty_walk_read(struct hw_dirty *dirty, const struct iova_range *mapped,
			   unsigned long first, unsigned long last)
{
	struct dirty_walk walk = {
		.walk = {
			.range = { first, last },
			.limit = min(mapped->last, dirty->sink->last),
			.clear = dirty_clears(dirty),
			.single = dirty->finds,
			.note = dirty_walk_note,
			.cleaned = dirty_walk_cleaned,
		},
		.dirty = dirty,
	};

	/* Its top may have moved, as it grows. */
	if (!dirty_find_table(dirty, &walk.walk.table))
		return -EOPNOTSUPP;
	if (!dirty_table_fits(dirty, mapped, &walk.walk.table)) {
		driver_pt_refuse(dirty->domain);
		return -EOPNOTSUPP;
	}
	return walk_dirty(&walk.walk);
}

static int dirty_driver_clean(struct hw_dirty *dirty, unsigned long first,
			      unsigned long last)
{
	struct iova_range found;
	int rc = dirty_driver_ask(dirty->domain, first, last, true, &found);

	if (rc > 0)
		dirty_add_cleaned(dirty, &found, 0);
	return rc < 0 ? rc : 0;
}

static int dirty_note_nothing(struct hw_dirty_sink *sink, unsigned long iova,
			      unsigned long length)
{
	return 0;
}

static struct hw_dirty_sink no_sink = { .note = dirty_note_nothing, .last = ULONG_MAX };

int hw_dirty_set(struct iommu_domain *domain, bool enable)
{
	const struct hw_shim *shim;

	if (dirty_driver_can(domain))
		return dirty_driver_set(domain, enable);
	shim = dirty_shim(domain);
	return shim ? shim->dirty_set(domain, enable) : -EOPNOTSUPP;
}

int hw_dirty_begin(struct hw_dirty *dirty, struct iommu_domain *domain, bool clear,
		   struct hw_dirty_sink *sink)
{
	struct walk_table table;

	dirty->domain = domain;
	dirty->shim = NULL;
	dirty->walks = false;
	dirty->checks = false;
	dirty->checked = NULL;
	dirty->noted = sink;
	dirty->sink = sink ?: &no_sink;
	dirty->clear = clear;
	dirty->finds = false;
	dirty->part = PART_ASKED;
	dirty->cleaned.first = ULONG_MAX;
	dirty->cleaned.last = 0;
	if (dirty_driver_can(domain)) {
		dirty->walks = iommu_pt_find(domain, &table);
		if (!dirty->walks)
			dirty->walks = dirty->checks = driver_pt_find(domain, &table);
		if (dirty->walks)
			dirty->part = PART_WALKED;
		return 0;
	}
	dirty->shim = dirty_shim(domain);
	return dirty->shim ? 0 : -EOPNOTSUPP;
}

int hw_dirty_read(struct hw_dirty *dirty, const struct iova_range *mapped,
		  unsigned long first, unsigned long last)
{
	int rc;

	if (dirty->shim)
		return dirty->shim->dirty_read(dirty->domain, first, last - first + 1,
					       dirty_clears(dirty), dirty->sink);
	if (dirty->walks) {
		rc = dirty_walk_read(dirty, mapped, first, last);
		if (rc != -EOPNOTSUPP)
			return rc;
		/*
		 * It isn't there any more, or never was.  The driver is asked for less, of this
		 * area and of those that the caller would read with it.
		 */
		dirty->walks = false;
		dirty->part = PART_ASKED;
		return -EAGAIN;
	}
	/* From where an entry begins, as everywhere; it's no harm to make more clean here. */
	if (!dirty->noted)
		return dirty_driver_clean(dirty, max(first & -BLOCK, mapped->first), last);
	return dirty_driver_read(dirty, mapped, first, last);
}

void hw_dirty_end(struct hw_dirty *dirty)
{
	struct iommu_domain *domain = dirty->domain;
	struct iommu_iotlb_gather gather;

	if (dirty->cleaned.first > dirty->cleaned.last)
		return;
	if (domain->ops->flush_iotlb_all &&
	    (!dirty->cleaned_size || dirty->cleaned.last - dirty->cleaned.first >=
				     FLUSH_ENTRIES * hw_page_size(domain))) {
		domain->ops->flush_iotlb_all(domain);
		return;
	}
	iommu_iotlb_gather_init(&gather);
	gather.start = dirty->cleaned.first;
	gather.end = dirty->cleaned.last;
	/*
	 * SMMUv3's driver flushes nothing without it, and else makes it the level for
	 * which the SMMU is asked: entries of another level may stay cached.
	 */
	gather.pgsize = dirty->cleaned_size;
	iommu_iotlb_sync(domain, &gather);
}
