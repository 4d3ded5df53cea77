// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taken ranges are a red-black tree in which each node knows the largest gap
 * below it, so that finding room is one walk down however many areas there are.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/rbtree_augmented.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "space.h"

struct reserved {
	struct list_head item;
	unsigned long first;
	unsigned long last;
	unsigned int count;
};

#define node_at(_rb) rb_entry_safe(_rb, struct iova_node, rb)

static inline unsigned long node_gap(const struct iova_node *node)
{
	return node->gap;
}

RB_DECLARE_CALLBACKS_MAX(static, gap_callbacks, struct iova_node, rb,
			 unsigned long, max_gap, node_gap)

void space_init(struct iova_space *space)
{
	space->taken = RB_ROOT;
	INIT_LIST_HEAD(&space->reserved);
	space->allowed = NULL;
	space->n_allowed = 0;
}

void space_destroy(struct iova_space *space)
{
	struct reserved *cur, *next;

	WARN_ON(!RB_EMPTY_ROOT(&space->taken));
	list_for_each_entry_safe(cur, next, &space->reserved, item)
		kfree(cur);
	kvfree(space->allowed);
}

/* The lowest taken range whose end is at or after @first. */
static struct iova_node *space_first_ending_from(const struct iova_space *space,
						 unsigned long first)
{
	struct rb_node *rb = space->taken.rb_node;
	struct iova_node *found = NULL;

	while (rb) {
		struct iova_node *node = node_at(rb);

		if (node->last >= first) {
			found = node;
			rb = rb->rb_left;
		} else {
			rb = rb->rb_right;
		}
	}
	return found;
}

struct iova_node *space_find(const struct iova_space *space,
			     unsigned long first, unsigned long last)
{
	struct iova_node *node = space_first_ending_from(space, first);

	return node && node->first <= last ? node : NULL;
}

struct iova_node *space_next(const struct iova_node *node, unsigned long last)
{
	struct iova_node *next;

	if (node->last >= last)
		return NULL;
	next = node_at(rb_next(&node->rb));
	return next && next->first <= last ? next : NULL;
}

/* The first byte after @node; NULL stands for the start of the space. */
static unsigned long space_end_of(const struct iova_node *node)
{
	return node ? node->last + 1 : 0;
}

static void space_set_gap(struct iova_node *node, unsigned long free_from)
{
	if (!node)
		return;
	node->gap = node->first - free_from;
	gap_callbacks.propagate(&node->rb, NULL);
}

bool space_find_spot(struct iova_space *space, unsigned long first,
		     unsigned long last, struct iova_spot *spot)
{
	struct rb_node **link = &space->taken.rb_node;
	struct iova_node *before = NULL, *after = NULL;
	struct rb_node *parent = NULL;

	while (*link) {
		parent = *link;
		if (first < node_at(parent)->first) {
			after = node_at(parent);
			link = &parent->rb_left;
		} else {
			before = node_at(parent);
			link = &parent->rb_right;
		}
	}
	*spot = (struct iova_spot) { link, parent, before, after };
	return !(before && before->last >= first) && !(after && after->first <= last);
}

void space_take_spot(struct iova_space *space, struct iova_node *node,
		     const struct iova_spot *spot)
{
	node->gap = node->first - space_end_of(spot->before);
	node->max_gap = node->gap;
	rb_link_node(&node->rb, spot->parent, spot->link);
	gap_callbacks.propagate(spot->parent, NULL);
	rb_insert_augmented(&node->rb, &space->taken, &gap_callbacks);
	space_set_gap(spot->after, space_end_of(node));
}

void space_take(struct iova_space *space, struct iova_node *node)
{
	struct iova_spot spot;

	space_find_spot(space, node->first, node->last, &spot);
	space_take_spot(space, node, &spot);
}

void space_free(struct iova_space *space, struct iova_node *node)
{
	struct iova_node *before = node_at(rb_prev(&node->rb));
	struct iova_node *after = node_at(rb_next(&node->rb));

	rb_erase_augmented(&node->rb, &space->taken, &gap_callbacks);
	space_set_gap(after, space_end_of(before));
}

/* The lowest gap of at least @size in a subtree that is known to have one. */
static struct iova_node *space_lowest_gap_below(struct rb_node *rb, unsigned long size)
{
	for (;;) {
		struct iova_node *node = node_at(rb);
		struct iova_node *left = node_at(rb->rb_left);

		if (left && left->max_gap >= size)
			rb = rb->rb_left;
		else if (node->gap >= size)
			return node;
		else
			rb = rb->rb_right;
	}
}

/* @node if the gap before it is large enough, else the next higher one that is. */
static struct iova_node *space_next_gap(struct iova_node *node, unsigned long size)
{
	struct rb_node *rb, *parent;

	if (!node || node->gap >= size)
		return node;
	for (rb = &node->rb;; rb = parent) {
		struct iova_node *right = node_at(rb->rb_right);

		if (right && right->max_gap >= size)
			return space_lowest_gap_below(rb->rb_right, size);
		/* Up, to the first ancestor that lies to the right. */
		while ((parent = rb_parent(rb)) && rb == parent->rb_right)
			rb = parent;
		if (!parent)
			return NULL;
		if (node_at(parent)->gap >= size)
			return node_at(parent);
	}
}

struct request {
	unsigned long length;
	unsigned long align;
	unsigned long offset;
};

/* Places the request as low as it goes in [first, last]. */
static bool space_fits(const struct request *rq, unsigned long first,
		       unsigned long last, unsigned long *iova)
{
	unsigned long at = first > rq->offset ? first - rq->offset : 0;

	if (check_add_overflow(at, rq->align - 1, &at))
		return false;
	at &= ~(rq->align - 1);
	if (check_add_overflow(at, rq->offset, &at))
		return false;
	if (at > last || last - at < rq->length - 1)
		return false;
	*iova = at;
	return true;
}

/* The part of @window that is free after the highest taken range.  False if none is. */
static bool space_clip_to_tail(const struct iova_space *space, struct iova_range *window)
{
	struct iova_node *highest = node_at(rb_last(&space->taken));

	if (highest && highest->last >= window->last)
		return false;
	window->first = max(window->first, space_end_of(highest));
	return true;
}

/* Looks only at gaps of at least @size that reach into the window, lowest first. */
static bool space_fits_window(const struct iova_space *space, const struct request *rq,
			      unsigned long size, struct iova_range window,
			      unsigned long *iova)
{
	struct iova_node *node = space_first_ending_from(space, window.first);
	unsigned long from;

	while ((node = space_next_gap(node, size))) {
		from = node->first - node->gap;
		if (from > window.last)
			return false;
		if (space_fits(rq, max(from, window.first), min(node->first - 1, window.last),
			       iova))
			return true;
		node = node_at(rb_next(&node->rb));
	}
	return space_clip_to_tail(space, &window) &&
	       space_fits(rq, window.first, window.last, iova);
}

/* The window that follows @window, or the first one if that is all zero. */
static bool space_next_window(const struct iova_space *space, size_t index,
			      struct iova_range *window)
{
	if (space->allowed) {
		if (index == space->n_allowed)
			return false;
		*window = space->allowed[index];
	} else if (index && window->last == ULONG_MAX - PAGE_SIZE) {
		return false;
	} else if (!space_next_hole(space, index ? window->last + 1 : 0, window)) {
		return false;
	}
	window->first = max(window->first, PAGE_SIZE);
	window->last = min(window->last, ULONG_MAX - PAGE_SIZE);
	return true;
}

static bool space_fits_anywhere(const struct iova_space *space, const struct request *rq,
				unsigned long size, unsigned long *iova)
{
	struct iova_range window = {};
	size_t i;

	for (i = 0; space_next_window(space, i, &window); i++)
		if (space_fits_window(space, rq, size, window, iova))
			return true;
	return false;
}

int space_find_room(const struct iova_space *space, unsigned long length,
		    unsigned long align, unsigned long offset,
		    unsigned long *iova)
{
	const struct request rq = { length, align, offset };

	if (!length || length >= ULONG_MAX / 2)
		return -EOVERFLOW;
	/*
	 * A gap with room to align in always does, as gaps begin and end with
	 * pages, so this ends at once.  Only if there's none are the tighter ones
	 * tried, one after the other.
	 */
	if (space_fits_anywhere(space, &rq, length + (align - PAGE_SIZE), iova))
		return 0;
	if (align != PAGE_SIZE && space_fits_anywhere(space, &rq, length, iova))
		return 0;
	return -ENOSPC;
}

bool space_is_reserved(const struct iova_space *space, unsigned long first,
		       unsigned long last)
{
	struct reserved *cur;

	list_for_each_entry(cur, &space->reserved, item)
		if (cur->first <= last && cur->last >= first)
			return true;
	return false;
}

/* The entry for exactly this range, or NULL and the place to insert it before. */
static struct reserved *space_find_reserved(struct iova_space *space,
					    unsigned long first, unsigned long last,
					    struct list_head **before)
{
	struct reserved *cur;

	list_for_each_entry(cur, &space->reserved, item) {
		if (cur->first == first && cur->last == last)
			return cur;
		if (cur->first > first)
			break;
	}
	*before = &cur->item;
	return NULL;
}

static bool space_overlaps_allowed(const struct iova_space *space, unsigned long first,
				   unsigned long last)
{
	size_t i;

	for (i = 0; i < space->n_allowed; i++)
		if (space->allowed[i].first <= last && space->allowed[i].last >= first)
			return true;
	return false;
}

int space_reserve(struct iova_space *space, unsigned long first,
		  unsigned long last)
{
	struct list_head *before;
	struct reserved *entry;

	if (space_find(space, first, last) || space_overlaps_allowed(space, first, last))
		return -EADDRINUSE;
	entry = space_find_reserved(space, first, last, &before);
	if (entry) {
		entry->count++;
		return 0;
	}
	entry = kmalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return -ENOMEM;
	entry->first = first;
	entry->last = last;
	entry->count = 1;
	list_add_tail(&entry->item, before);
	return 0;
}

void space_unreserve(struct iova_space *space, unsigned long first,
		     unsigned long last)
{
	struct list_head *before;
	struct reserved *entry;

	entry = space_find_reserved(space, first, last, &before);
	if (WARN_ON(!entry) || --entry->count)
		return;
	list_del(&entry->item);
	kfree(entry);
}

bool space_next_hole(const struct iova_space *space, unsigned long from,
		     struct iova_range *hole)
{
	struct reserved *cur;

	list_for_each_entry(cur, &space->reserved, item) {
		if (cur->last < from)
			continue;
		if (cur->first > from) {
			hole->first = from;
			hole->last = cur->first - 1;
			return true;
		}
		if (cur->last == ULONG_MAX)
			return false;
		from = cur->last + 1;
	}
	hole->first = from;
	hole->last = ULONG_MAX;
	return true;
}

static int space_compare_ranges(const void *a, const void *b)
{
	const struct iova_range *l = a, *r = b;

	if (l->first == r->first)
		return 0;
	return l->first < r->first ? -1 : 1;
}

int space_allow(struct iova_space *space, struct iova_range *ranges, size_t count)
{
	size_t i;

	sort(ranges, count, sizeof(*ranges), space_compare_ranges, NULL);
	for (i = 0; i < count; i++) {
		if (ranges[i].first >= ranges[i].last)
			return -EINVAL;
		if (i && ranges[i].first <= ranges[i - 1].last)
			return -EINVAL;
		if (space_is_reserved(space, ranges[i].first, ranges[i].last))
			return -EADDRINUSE;
	}
	kvfree(space->allowed);
	space->allowed = count ? ranges : NULL;
	space->n_allowed = count;
	if (!count)
		kvfree(ranges);
	return 0;
}
