/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walk page tables of VT-d (second stage) and AMD-Vi (version 1) for dirty
 * entries.
 *
 * The caller keeps the range mapped during the walk.  Adjacent ranges may be
 * mapped and unmapped concurrently.
 */
#ifndef IOMMUFD_HW_WALK_H
#define IOMMUFD_HW_WALK_H

#include <linux/types.h>

#include "range.h"

struct walk_format;

extern const struct walk_format walk_vtd, walk_amd;

struct walk_table {
	const struct walk_format *format;
	u64 *root;
	unsigned int levels;
};

/* A walk over the entries that begin in a range, or contain its first byte. */
struct walk {
	struct walk_table table;
	struct iova_range range;
	/*
	 * Report entries clipped to [range.first, limit]; clear, if @clear,
	 * only those completely inside.
	 */
	unsigned long limit;
	bool clear;
	bool single;		/* report dirty pages one at a time, as if each were alone */
	/*
	 * Called for each dirty page, or several side by side; a result other than 0 ends
	 * the walk.
	 */
	int (*note)(struct walk *walk, unsigned long first, unsigned long last);
	/* Called for those made clean, pages of @size bytes, for a later flush. */
	void (*cleaned)(struct walk *walk, unsigned long first, unsigned long last,
			unsigned long size);
};

/* Returns true and sets *@pa to what an IOVA is mapped to, if it is. */
bool walk_translate(const struct walk_table *in, unsigned long iova, u64 *pa);

/* Returns 0, or the result by which @note ended the walk. */
int walk_dirty(struct walk *walk);

#endif
