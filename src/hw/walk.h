/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walking page tables of VT-d (second stage) and AMD-Vi (version 1) for their dirty
 * entries.
 *
 * Nobody unmaps meanwhile what is walked; next to it others may map and unmap.
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

/* A walk over entries that begin in a range, and the one that the range begins in. */
struct walk {
	struct walk_table table;
	struct iova_range range;
	/*
	 * Entries are noted as far as they lie between range.first and here, and made
	 * clean, if @clear, if they lie there whole.
	 */
	unsigned long limit;
	bool clear;
	/* 0, or why to stop. */
	int (*note)(struct walk *walk, unsigned long first, unsigned long last);
	/* An entry was made clean, and has to be flushed. */
	void (*cleaned)(struct walk *walk, unsigned long first, unsigned long last);
};

int walk_dirty(struct walk *walk);

#endif
