// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading dirty entries through the kernel's driver.  It would write to a bitmap of
 * the kernel's, which no kernel has that is built without its own iommufd.  But
 * without a bitmap it still says, for the flush, between which addresses entries
 * were dirty.  So a block of entries is asked for at once, and only if there is
 * something in it one by one.
 *
 * Drivers go on from the address that they are given by the size of the entry that
 * they find there.  If that's not where the entry begins they miss others behind
 * it: many are only asked for from where an entry begins.
 */
#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/sched.h>
#include <linux/sizes.h>

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

/* With more than that to flush all is, for drivers that do it entry by entry. */
#define FLUSH_ENTRIES	512

static const struct hw_shim *dirty_shim(struct iommu_domain *domain)
{
	const struct hw_shim *shim = hw_shim_of_ops(compat_domain_owner(domain));

	return shim && shim->dirty_set && shim->dirty_read ? shim : NULL;
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

static void dirty_add_cleaned(struct hw_dirty *dirty, const struct iova_range *range)
{
	dirty->cleaned.first = min(dirty->cleaned.first, range->first);
	dirty->cleaned.last = max(dirty->cleaned.last, range->last);
}

static int dirty_ask(struct hw_dirty *dirty, unsigned long first, unsigned long last,
		     bool clear, struct iova_range *found)
{
	int rc = dirty_driver_ask(dirty->domain, first, last, clear, found);

	if (rc > 0 && clear)
		dirty_add_cleaned(dirty, found);
	return rc;
}

/* The entry that was dirty at some address, which is all that the driver tells. */
static void dirty_widen_to_entry(struct iova_range *found)
{
	unsigned long size = found->last - found->first + 1;

	if (!is_power_of_2(size))
		return;
	found->first &= -size;
	found->last = found->first | (size - 1);
}

static int dirty_note(struct hw_dirty *dirty, const struct iova_range *entry,
		      const struct iova_range *within)
{
	unsigned long first = max(entry->first, within->first);
	unsigned long last = min(entry->last, within->last);

	return dirty->sink->note(dirty->sink, first, last - first + 1);
}

/*
 * Reads the one entry at *@at, and goes on behind it: 1 if it was dirty.  It is made
 * clean only if it lies within @within; *@inside says that it does, and is set when
 * that's known of all in its block.
 */
static int dirty_read_entry(struct hw_dirty *dirty, unsigned long *at,
			    const struct iova_range *within, bool *inside)
{
	unsigned long last = *at + hw_page_size(dirty->domain) - 1;
	struct iova_range entry, again;
	int rc;

	rc = dirty_ask(dirty, *at, last, dirty->clear && *inside, &entry);
	if (rc <= 0) {
		*at = last + 1;
		return rc;
	}
	dirty_widen_to_entry(&entry);
	if (dirty->clear && !*inside && entry.first >= within->first &&
	    entry.last <= within->last) {
		rc = dirty_ask(dirty, *at, last, true, &again);
		if (rc < 0)
			return rc;
	}
	*inside |= entry.last - entry.first < BLOCK &&
		   (entry.first & -BLOCK) >= within->first &&
		   (entry.first | (BLOCK - 1)) <= within->last;
	*at = entry.last + 1;
	return dirty_note(dirty, &entry, within) ?: 1;
}

/*
 * Reads up to *@n entries from *@at to @last, which lie in one block, one by one.
 * How many to read the next time depends on how many were dirty.
 */
static int dirty_read_block(struct hw_dirty *dirty, unsigned long *at, unsigned long last,
			    const struct iova_range *within, unsigned int *n)
{
	unsigned int i = 0, found = 0;
	bool inside = false;
	int rc;

	do {
		rc = dirty_read_entry(dirty, at, within, &inside);
		if (rc < 0)
			return rc;
		found += rc;
		i++;
	} while (i < *n && *at && *at <= last);
	*n = 2 * found >= i ? min(*n * 2, ENTRIES_MAX) : 1;
	return 0;
}

static int dirty_driver_read(struct hw_dirty *dirty, const struct iova_range *mapped,
			     unsigned long first, unsigned long last)
{
	const struct iova_range within = { first, min(mapped->last, dirty->sink->last) };
	unsigned long at = max(first & -BLOCK, mapped->first), end, size = BLOCK;
	struct iova_range found;
	unsigned int n = 1;
	int rc;

	do {
		end = min(at | (size - 1), last);
		rc = dirty_ask(dirty, at, end, false, &found);
		if (rc < 0)
			return rc;
		if (rc && found.last >= first) {
			at = max(found.first, first);
			rc = dirty_read_block(dirty, &at, min3(found.last, last,
							       at | (BLOCK - 1)),
					      &within, &n);
			if (rc)
				return rc;
			size = BLOCK;
			/* That was all there is up to @end. */
			if (at > found.last && at <= end)
				at = end + 1;
		} else {
			at = end + 1;
			size = min(size * 2, BLOCK_MAX);
		}
		cond_resched();
	} while (at && at <= last);
	return 0;
}

/* Reading where we walk the tables by ourselves: */
struct dirty_walk {
	struct walk walk;
	struct hw_dirty *dirty;
};

static int dirty_walk_note(struct walk *walk, unsigned long first, unsigned long last)
{
	struct hw_dirty *dirty = container_of(walk, struct dirty_walk, walk)->dirty;

	return dirty->sink->note(dirty->sink, first, last - first + 1);
}

static void dirty_walk_cleaned(struct walk *walk, unsigned long first, unsigned long last)
{
	const struct iova_range range = { first, last };

	dirty_add_cleaned(container_of(walk, struct dirty_walk, walk)->dirty, &range);
}

static int dirty_walk_read(struct hw_dirty *dirty, const struct iova_range *mapped,
			   unsigned long first, unsigned long last)
{
	struct dirty_walk walk = {
		.walk = {
			.range = { first, last },
			.limit = min(mapped->last, dirty->sink->last),
			.clear = dirty->clear,
			.note = dirty_walk_note,
			.cleaned = dirty_walk_cleaned,
		},
		.dirty = dirty,
	};

	/* Its top may have moved, as it grows. */
	if (!iommu_pt_find(dirty->domain, &walk.walk.table))
		return -EOPNOTSUPP;
	return walk_dirty(&walk.walk);
}

static int dirty_driver_clean(struct hw_dirty *dirty, unsigned long first,
			      unsigned long last)
{
	struct iova_range found;
	int rc = dirty_ask(dirty, first, last, true, &found);

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
	dirty->noted = sink;
	dirty->sink = sink ?: &no_sink;
	dirty->clear = clear;
	dirty->cleaned.first = ULONG_MAX;
	dirty->cleaned.last = 0;
	if (dirty_driver_can(domain)) {
		dirty->walks = iommu_pt_find(domain, &table);
		return 0;
	}
	dirty->shim = dirty_shim(domain);
	return dirty->shim ? 0 : -EOPNOTSUPP;
}

int hw_dirty_read(struct hw_dirty *dirty, const struct iova_range *mapped,
		  unsigned long first, unsigned long last)
{
	if (dirty->shim)
		return dirty->shim->dirty_read(dirty->domain, first, last - first + 1,
					       dirty->clear, dirty->sink);
	if (dirty->walks)
		return dirty_walk_read(dirty, mapped, first, last);
	if (!dirty->noted)
		return dirty_driver_clean(dirty, first, last);
	return dirty_driver_read(dirty, mapped, first, last);
}

void hw_dirty_end(struct hw_dirty *dirty)
{
	struct iommu_domain *domain = dirty->domain;
	struct iommu_iotlb_gather gather;

	if (dirty->cleaned.first > dirty->cleaned.last)
		return;
	if (domain->ops->flush_iotlb_all &&
	    dirty->cleaned.last - dirty->cleaned.first >=
	    FLUSH_ENTRIES * hw_page_size(domain)) {
		domain->ops->flush_iotlb_all(domain);
		return;
	}
	iommu_iotlb_gather_init(&gather);
	gather.start = dirty->cleaned.first;
	gather.end = dirty->cleaned.last;
	/* Without it SMMUv3's driver flushes nothing. */
	gather.pgsize = hw_page_size(domain);
	iommu_iotlb_sync(domain, &gather);
}
