/* SPDX-License-Identifier: GPL-2.0-only */
/* Dirty tracking: which pages devices wrote to, according to the page table. */
#ifndef IOMMUFD_HW_DIRTY_H
#define IOMMUFD_HW_DIRTY_H

#include <linux/types.h>

#include "range.h"

struct hw_shim;
struct iommu_domain;

/* Receiver of dirty ranges, in order of IOVA. */
struct hw_dirty_sink {
	/*
	 * Called for each dirty range.  A return value other than 0 ends the
	 * read.
	 */
	int (*note)(struct hw_dirty_sink *sink, unsigned long iova,
		    unsigned long length);
	/*
	 * The last byte to report.  Only entries that lie completely between
	 * the start of the read and this byte are cleared, because their dirty
	 * bit covers all of their range.  Larger ones are reported for the part
	 * inside.
	 */
	unsigned long last;
};

/* State of a read, between hw_dirty_begin() and hw_dirty_end(). */
struct hw_dirty {
	struct iommu_domain *domain;
	const struct hw_shim *shim;	/* NULL: use the kernel's driver */
	bool walks;			/* the driver's page table is walked here */
	bool checks;			/* compare it with the driver's translations first */
	const void *checked;		/* the root that was compared */
	bool noted;			/* a sink was given */
	struct hw_dirty_sink *sink;
	bool clear;
	/*
	 * May be changed between reads: the sink ends the read at the first
	 * dirty entry, and nothing is cleared.
	 */
	bool finds;
	unsigned long part;		/* see hw_dirty_begin() */
	struct iova_range cleaned;	/* but not flushed; empty if first > last */
	unsigned long cleaned_size;	/* of each entry made clean; 0 if they differ */
};

/*
 * All functions here need a domain allocated with
 * IOMMU_HWPT_ALLOC_DIRTY_TRACKING.
 *
 * Start or stop tracking.  Returns 0 or the driver's error.  Before starting,
 * the caller clears the dirty bits of what is mapped.
 */
int hw_dirty_set(struct iommu_domain *domain, bool enable);

/*
 * Begin to read, and to clear if @clear, dirty bits.  With @sink NULL nothing
 * is reported.  Returns 0, or -EOPNOTSUPP without support by driver or shim.
 * dirty->part, a power of two, is how many bytes of IOVA to read at a time, up to a
 * multiple of it, so that a caller's locks are held for some milliseconds at most.
 */
int hw_dirty_begin(struct hw_dirty *dirty, struct iommu_domain *domain, bool clear,
		   struct hw_dirty_sink *sink);

/*
 * Read the entries that begin in [first, last], a part of @mapped.  Both ends
 * of @mapped are ends of a range mapped between hw_map_begin() and
 * hw_map_end().  The caller prevents it from being unmapped.  Returns 0, or the
 * error of the sink or the driver; or, once, -EAGAIN if nothing was read, and less
 * is to be read at a time from now on, see dirty->part.
 */
int hw_dirty_read(struct hw_dirty *dirty, const struct iova_range *mapped,
		  unsigned long first, unsigned long last);

/* Flush.  Writes to cleared pages are recorded from here on. */
void hw_dirty_end(struct hw_dirty *dirty);

#endif
