/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The IOVA space of an IOAS: taken, reserved and allowed ranges, and the search
 * for free ones.
 *
 * Ranges are inclusive, [first, last], so that one can cover all of 64 bits.
 * Taken ranges never overlap.  Reserved ranges may; equal ones are counted.
 * Freeing and unreserving allocate nothing and can't fail.
 *
 * The IOAS does the locking.
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
	unsigned long gap;	/* free bytes between the previous range and this one */
	unsigned long max_gap;	/* largest @gap in this subtree */
};

struct iova_space {
	struct rb_root taken;
	struct list_head reserved;	/* sorted by first byte */
	struct iova_range *allowed;	/* sorted; NULL allows everything */
	size_t n_allowed;
};

/* An empty space, in which all is free and allowed. */
void space_init(struct iova_space *space);

/* Free reserved and allowed ranges.  No range may be taken. */
void space_destroy(struct iova_space *space);

/* The lowest taken range that overlaps [first, last], or NULL. */
struct iova_node *space_find(const struct iova_space *space,
			     unsigned long first, unsigned long last);

/* The next taken range, or NULL if it begins after @last. */
struct iova_node *space_next(const struct iova_node *node, unsigned long last);

/*
 * Where to insert a free range into the tree.  Valid until a range is taken or
 * freed.
 */
struct iova_spot {
	struct rb_node **link, *parent;
	struct iova_node *before, *after;
};

/* Find the spot for [first, last].  Returns false unless all of it is free. */
bool space_find_spot(struct iova_space *space, unsigned long first,
		     unsigned long last, struct iova_spot *spot);
void space_take_spot(struct iova_space *space, struct iova_node *node,
		     const struct iova_spot *spot);

/* Take node->first to node->last, which must be free. */
void space_take(struct iova_space *space, struct iova_node *node);
void space_free(struct iova_space *space, struct iova_node *node);

/*
 * Find an address with @length bytes that are free, allowed and not reserved.
 * It is @offset above a multiple of @align, a power of two that is at least a
 * page and greater than @offset, and never in the first or last page of the
 * space.  Returns 0, -EOVERFLOW for a length that fits no space, or -ENOSPC.
 */
int space_find_room(const struct iova_space *space, unsigned long length,
		    unsigned long align, unsigned long offset,
		    unsigned long *iova);

/* Returns true if any byte of [first, last] is reserved. */
bool space_is_reserved(const struct iova_space *space, unsigned long first,
		       unsigned long last);

/*
 * Returns 0, -ENOMEM, or -EADDRINUSE if any of the range is taken or allowed.
 */
int space_reserve(struct iova_space *space, unsigned long first,
		  unsigned long last);

/* Undo space_reserve() of the same range. */
void space_unreserve(struct iova_space *space, unsigned long first,
		     unsigned long last);

/*
 * Find the lowest hole between reserved ranges that ends at or after @from,
 * clipped to @from.  Returns false if there is none.
 */
bool space_next_hole(const struct iova_space *space, unsigned long from,
		     struct iova_range *hole);

/*
 * Set where space_find_room() may allocate; @count 0 allows everything.  Sorts
 * @ranges in place and, on success, owns it (kvfree()).  Returns 0, -EINVAL if
 * ranges overlap or are shorter than two bytes, or -EADDRINUSE if one is
 * reserved.  Changes nothing on failure.
 */
int space_allow(struct iova_space *space, struct iova_range *ranges, size_t count);

#endif
