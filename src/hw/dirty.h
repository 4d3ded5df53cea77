/* SPDX-License-Identifier: GPL-2.0-only */
/* Which pages devices wrote to, as the entries of a page table tell. */
#ifndef IOMMUFD_HW_DIRTY_H
#define IOMMUFD_HW_DIRTY_H

#include <linux/types.h>

#include "range.h"

struct hw_shim;
struct iommu_domain;

/* Where dirty entries are noted, in order of IOVA. */
struct hw_dirty_sink {
	/* 0, or why to stop. */
	int (*note)(struct hw_dirty_sink *sink, unsigned long iova,
		    unsigned long length);
	/*
	 * Nothing behind this byte is wanted.  An entry is made clean only if it lies
	 * between the byte where reading begins and this one: what it says of other
	 * bytes would be lost.  One that reaches out is noted as far as it doesn't.
	 */
	unsigned long last;
};

/* A reading of dirty entries, between hw_dirty_begin() and hw_dirty_end(). */
struct hw_dirty {
	struct iommu_domain *domain;
	const struct hw_shim *shim;	/* NULL: the kernel's driver reads */
	bool walks;			/* or we read its tables */
	bool noted;			/* somebody wants to know */
	struct hw_dirty_sink *sink;
	bool clear;
	struct iova_range cleaned;	/* and not flushed; first > last: nothing */
};

/*
 * All of this is for domains that were made with IOMMU_HWPT_ALLOC_DIRTY_TRACKING.
 *
 * Begins or ends tracking: 0, or what the driver says.  Before it begins, the caller
 * makes clean what is mapped.
 */
int hw_dirty_set(struct iommu_domain *domain, bool enable);

/*
 * Reading, and making clean if @clear.  With @sink NULL nothing is noted.  0, or
 * -EOPNOTSUPP if there is nobody who can.
 */
int hw_dirty_begin(struct hw_dirty *dirty, struct iommu_domain *domain, bool clear,
		   struct hw_dirty_sink *sink);

/*
 * Reads the entries that begin in [first, last], a part of @mapped, which was mapped
 * between hw_map_begin() and its end, or begins and ends so.  Nobody unmaps it
 * meanwhile.  0, what the sink says, or what the driver says.
 */
int hw_dirty_read(struct hw_dirty *dirty, const struct iova_range *mapped,
		  unsigned long first, unsigned long last);

/* From here on writes to pages that were made clean are seen. */
void hw_dirty_end(struct hw_dirty *dirty);

#endif
