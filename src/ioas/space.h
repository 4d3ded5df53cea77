/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The IOVA space of an IOAS: which addresses are taken, which may not be used,
 * and where there is room.
 *
 * Ranges are inclusive, [first, last], so that the whole of 64 bits can be said.
 * Taken ranges never overlap.  Reserved ranges may; equal ones are counted.
 * Freeing and unreserving never fail and need no memory.
 *
 * There is no locking here; the IOAS does it.
 */
#ifndef IOMMUFD_IOAS_SPACE_H
#define IOMMUFD_IOAS_SPACE_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include "../hw/range.h"

/* A taken range. */
struct iova_node {
	struct rb_node rb;
	unsigned long first;
	unsigned long last;
	unsigned long gap;	/* free bytes between the range before and this */
	unsigned long max_gap;	/* the largest of @gap in this subtree */
};

struct iova_space {
	struct rb_root taken;
	struct list_head reserved;	/* sorted by first byte */
	struct iova_range *allowed;	/* sorted; NULL allows everything */
	size_t n_allowed;
};

void space_init(struct iova_space *space);

/* Forgets reserved and allowed ranges.  Nothing may be taken any more. */
void space_destroy(struct iova_space *space);

/* The lowest taken range that overlaps [first, last], or NULL. */
struct iova_node *space_find(const struct iova_space *space,
			     unsigned long first, unsigned long last);

/* The next higher taken range, if it begins at or before @last. */
struct iova_node *space_next(const struct iova_node *node, unsigned long last);

/* Where a free range belongs among the taken ones, until one of these comes or goes. */
struct iova_spot {
	struct rb_node **link, *parent;
	struct iova_node *before, *after;
};

/* Finds the spot for [first, last].  False if not all of it is free. */
bool space_find_spot(struct iova_space *space, unsigned long first,
		     unsigned long last, struct iova_spot *spot);
void space_take_spot(struct iova_space *space, struct iova_node *node,
		     const struct iova_spot *spot);

/* Takes node->first to node->last, which the caller knows to be free. */
void space_take(struct iova_space *space, struct iova_node *node);
void space_free(struct iova_space *space, struct iova_node *node);

/*
 * Finds room for @length bytes that is free, allowed and not reserved.  The
 * address is @offset above a multiple of @align (a power of two, a page at least,
 * above @offset), and never in the first or the last page.
 * Returns 0, -EOVERFLOW for a length that no space has, or -ENOSPC.
 */
int space_find_room(const struct iova_space *space, unsigned long length,
		    unsigned long align, unsigned long offset,
		    unsigned long *iova);

bool space_is_reserved(const struct iova_space *space, unsigned long first,
		       unsigned long last);

/* Returns 0, -ENOMEM, or -EADDRINUSE if any of it is taken or set as allowed. */
int space_reserve(struct iova_space *space, unsigned long first,
		  unsigned long last);

/* Undoes space_reserve() of the same range. */
void space_unreserve(struct iova_space *space, unsigned long first,
		     unsigned long last);

/*
 * The lowest hole between reserved ranges that begins at or after @from.
 * Returns false if there's none.
 */
bool space_next_hole(const struct iova_space *space, unsigned long from,
		     struct iova_range *hole);

/*
 * Says where space_find_room() may look; @count 0 means everywhere.  @ranges is
 * sorted in place, and on success belongs to the space (kvfree()).
 * Returns 0, -EINVAL if ranges overlap or hold less than two bytes, or
 * -EADDRINUSE if one is reserved.  Nothing has changed on failure.
 */
int space_allow(struct iova_space *space, struct iova_range *ranges, size_t count);

#endif
