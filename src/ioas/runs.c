// SPDX-License-Identifier: GPL-2.0-only
/*
 * A leaf records a range of indexes without a gap, as consecutive runs.
 * Erasing within a leaf leaves a hole.  Leaves never overlap.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "runs.h"

/* A packed run: PFN of the first page, and the number of pages minus one. */
#define PFN_BITS	40
#define PFN_MASK	GENMASK_ULL(PFN_BITS - 1, 0)
#define PFN_HOLE	PFN_MASK
#define RUN_MAX		(1UL << (64 - PFN_BITS))

/* Number of runs in leaves of 256 bytes and of 4 KiB. */
#define LEAF_SMALL	((256 - sizeof(struct run_leaf)) / sizeof(u64))
#define LEAF_LARGE	((4096 - sizeof(struct run_leaf)) / sizeof(u64))

#define to_leaf(_rb) rb_entry_safe(_rb, struct run_leaf, rb)

static inline u64 run_pack(unsigned long pfn, unsigned long npages)
{
	return (u64)(npages - 1) << PFN_BITS | pfn;
}

static inline unsigned long run_pfn(u64 run)
{
	return run & PFN_MASK;
}

static inline unsigned long run_npages(u64 run)
{
	return (run >> PFN_BITS) + 1;
}

static inline bool run_is_hole(u64 run)
{
	return run_pfn(run) == PFN_HOLE;
}

void runs_init(struct runs *runs)
{
	runs->leaves = RB_ROOT;
	runs->embedded_used = false;
}

/* The lowest leaf that ends at or after @index. */
static struct run_leaf *leaf_from(const struct runs *runs, unsigned long index)
{
	struct rb_node *rb = runs->leaves.rb_node;
	struct run_leaf *found = NULL;

	while (rb) {
		struct run_leaf *leaf = to_leaf(rb);

		if (leaf->first + (leaf->npages - 1) >= index) {
			found = leaf;
			rb = rb->rb_left;
		} else {
			rb = rb->rb_right;
		}
	}
	return found;
}

static void leaf_insert(struct runs *runs, struct run_leaf *leaf)
{
	struct rb_node **link = &runs->leaves.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = leaf->first < to_leaf(parent)->first ? &parent->rb_left :
							      &parent->rb_right;
	}
	rb_link_node(&leaf->rb, parent, link);
	rb_insert_color(&leaf->rb, &runs->leaves);
}

/* Allocate a leaf for at least @max runs. */
static struct run_leaf *leaf_new(struct runs *runs, unsigned long first, size_t max)
{
	struct run_leaf *leaf;

	if (max <= RUNS_EMBEDDED && !runs->embedded_used) {
		leaf = (struct run_leaf *)runs->embedded;
		runs->embedded_used = true;
		max = RUNS_EMBEDDED;
	} else {
		max = max <= LEAF_SMALL ? LEAF_SMALL : LEAF_LARGE;
		leaf = kmalloc(struct_size(leaf, run, max), GFP_KERNEL_ACCOUNT);
		if (!leaf)
			return NULL;
	}
	leaf->first = first;
	leaf->npages = 0;
	leaf->npinned = 0;
	leaf->nr = 0;
	leaf->max = max;
	leaf->embedded = leaf == (struct run_leaf *)runs->embedded;
	return leaf;
}

static void leaf_free(struct runs *runs, struct run_leaf *leaf)
{
	if (leaf->embedded)
		runs->embedded_used = false;
	else
		kfree(leaf);
}

static void leaf_erase(struct runs *runs, struct run_leaf *leaf)
{
	rb_erase(&leaf->rb, &runs->leaves);
	leaf_free(runs, leaf);
}

/* Move the runs of a leaf to a larger leaf that replaces it. */
static struct run_leaf *leaf_grow(struct runs *runs, struct run_leaf *leaf)
{
	struct run_leaf *larger = leaf_new(runs, leaf->first, leaf->max + 1);

	if (!larger)
		return NULL;
	larger->npages = leaf->npages;
	larger->npinned = leaf->npinned;
	larger->nr = leaf->nr;
	memcpy(larger->run, leaf->run, leaf->nr * sizeof(u64));
	rb_replace_node(&leaf->rb, &larger->rb, &runs->leaves);
	leaf_free(runs, leaf);
	return larger;
}

/* Move the runs from @slot on, which starts at @index, to a new leaf. */
static struct run_leaf *leaf_split(struct runs *runs, struct run_leaf *leaf,
				   unsigned int slot, unsigned long index)
{
	unsigned int nr = leaf->nr - slot;
	struct run_leaf *right = leaf_new(runs, index, nr);
	unsigned int i;

	if (!right)
		return NULL;
	memcpy(right->run, leaf->run + slot, nr * sizeof(u64));
	right->nr = nr;
	right->npages = leaf->first + leaf->npages - index;
	for (i = 0; i < nr; i++)
		if (!run_is_hole(right->run[i]))
			right->npinned += run_npages(right->run[i]);
	leaf->nr = slot;
	leaf->npages -= right->npages;
	leaf->npinned -= right->npinned;
	leaf_insert(runs, right);
	return right;
}

/*
 * The slot that contains @index; *@start is set to the first index of that
 * slot.
 */
static unsigned int leaf_slot(const struct run_leaf *leaf, unsigned long index,
			      unsigned long *start)
{
	unsigned long at = leaf->first;
	unsigned int slot;

	for (slot = 0; index - at >= run_npages(leaf->run[slot]); slot++)
		at += run_npages(leaf->run[slot]);
	*start = at;
	return slot;
}

/*
 * Find the first run that isn't a hole, from walk->slot on, which starts at
 * @at.
 */
static bool runs_walk_settle(struct run_walk *walk, unsigned long at)
{
	struct run_leaf *leaf = walk->leaf;

	for (;;) {
		if (walk->slot == leaf->nr) {
			leaf = to_leaf(rb_next(&leaf->rb));
			if (!leaf)
				return false;
			walk->leaf = leaf;
			walk->slot = 0;
			at = leaf->first;
		}
		if (at > walk->last)
			return false;
		if (!run_is_hole(leaf->run[walk->slot]))
			break;
		at += run_npages(leaf->run[walk->slot++]);
	}
	walk->run.index = at;
	walk->run.pfn = run_pfn(leaf->run[walk->slot]);
	walk->run.npages = run_npages(leaf->run[walk->slot]);
	if (walk->run.npages - 1 > walk->last - at)
		walk->run.npages = walk->last - at + 1;
	return true;
}

bool runs_walk(const struct runs *runs, struct run_walk *walk,
	       unsigned long first, unsigned long last)
{
	unsigned long at, skip;

	walk->leaf = leaf_from(runs, first);
	walk->last = last;
	walk->slot = 0;
	if (!walk->leaf)
		return false;
	at = walk->leaf->first;
	if (at < first)
		walk->slot = leaf_slot(walk->leaf, first, &at);
	if (!runs_walk_settle(walk, at))
		return false;
	if (walk->run.index < first) {
		skip = first - walk->run.index;
		walk->run.index = first;
		walk->run.pfn += skip;
		walk->run.npages -= skip;
	}
	return true;
}

bool runs_walk_next(struct run_walk *walk)
{
	unsigned long at = walk->run.index + walk->run.npages;

	walk->slot++;
	return at <= walk->last && runs_walk_settle(walk, at);
}

bool runs_missing(const struct runs *runs, unsigned long *first,
		  unsigned long *last)
{
	unsigned long from = *first;
	struct run_walk walk;

	if (!runs_walk(runs, &walk, from, *last))
		return true;
	do {
		if (walk.run.index != from) {
			*first = from;
			*last = walk.run.index - 1;
			return true;
		}
		from += walk.run.npages;
	} while (runs_walk_next(&walk));
	if (from > *last)
		return false;
	*first = from;
	return true;
}

/*
 * Remove the hole at @index from a leaf: end the leaf there, and move what
 * follows to a new leaf.
 */
static int leaf_leave_hole(struct runs *runs, struct run_leaf *leaf,
			   unsigned long index)
{
	unsigned long start, end;
	unsigned int slot, next;

	/* Adjacent holes aren't merged when made, so find all of them. */
	slot = leaf_slot(leaf, index, &start);
	next = slot;
	end = start;
	while (next < leaf->nr && run_is_hole(leaf->run[next]))
		end += run_npages(leaf->run[next++]);
	while (slot && run_is_hole(leaf->run[slot - 1]))
		start -= run_npages(leaf->run[--slot]);
	if (WARN_ON(next == slot))
		return -EINVAL;

	if (next < leaf->nr && !leaf_split(runs, leaf, next, end))
		return -ENOMEM;
	leaf->nr = slot;
	leaf->npages = start - leaf->first;
	if (!leaf->nr)
		leaf_erase(runs, leaf);
	return 0;
}

int runs_append_begin(struct run_appender *to, struct runs *runs,
		      unsigned long first, unsigned long last)
{
	struct run_leaf *leaf;
	int rc;

	while ((leaf = leaf_from(runs, first)) && leaf->first <= last) {
		rc = leaf_leave_hole(runs, leaf, max(first, leaf->first));
		if (rc)
			return rc;
	}
	to->runs = runs;
	to->leaf = NULL;
	to->first = first;
	to->index = first;
	return 0;
}

/* Ensure that the appender's leaf has room for one more run. */
static int runs_append_room(struct run_appender *to)
{
	struct run_leaf *leaf = to->leaf;

	if (leaf && leaf->nr < leaf->max)
		return 0;
	if (leaf && leaf->max < LEAF_LARGE) {
		leaf = leaf_grow(to->runs, leaf);
		if (!leaf)
			return -ENOMEM;
	} else {
		leaf = leaf_new(to->runs, to->index, leaf ? LEAF_LARGE : 1);
		if (!leaf)
			return -ENOMEM;
		leaf_insert(to->runs, leaf);
	}
	to->leaf = leaf;
	return 0;
}

/* Extend the last run by pages that continue it.  Returns their number. */
static unsigned long runs_append_merge(struct run_leaf *leaf, unsigned long pfn,
				       unsigned long npages)
{
	unsigned long n;
	u64 *tail;

	if (!leaf)
		return 0;
	tail = &leaf->run[leaf->nr - 1];
	if (run_pfn(*tail) + run_npages(*tail) != pfn)
		return 0;
	n = min(npages, RUN_MAX - run_npages(*tail));
	*tail += (u64)n << PFN_BITS;
	return n;
}

int runs_append(struct run_appender *to, unsigned long pfn, unsigned long npages)
{
	unsigned long n;
	int rc;

	for (; npages; pfn += n, npages -= n) {
		n = runs_append_merge(to->leaf, pfn, npages);
		if (!n) {
			rc = runs_append_room(to);
			if (rc)
				return rc;
			n = min(npages, RUN_MAX);
			to->leaf->run[to->leaf->nr++] = run_pack(pfn, n);
		}
		to->leaf->npages += n;
		to->leaf->npinned += n;
		to->index += n;
	}
	return 0;
}

/* Merge the next leaf into @leaf if they are adjacent and it has room. */
static bool leaf_merge_next(struct runs *runs, struct run_leaf *leaf)
{
	struct run_leaf *next = to_leaf(rb_next(&leaf->rb));

	if (!next || leaf->first + leaf->npages != next->first ||
	    leaf->nr + next->nr > leaf->max)
		return false;
	memcpy(leaf->run + leaf->nr, next->run, next->nr * sizeof(u64));
	leaf->nr += next->nr;
	leaf->npages += next->npages;
	leaf->npinned += next->npinned;
	leaf_erase(runs, next);
	return true;
}

void runs_append_end(struct run_appender *to)
{
	struct run_leaf *leaf = to->leaf;

	/* Fast path: the only leaf. */
	if (leaf && to->runs->leaves.rb_node == &leaf->rb && !leaf->rb.rb_left &&
	    !leaf->rb.rb_right)
		return;
	leaf = leaf_from(to->runs, to->first ? to->first - 1 : 0);
	while (leaf && leaf->first <= to->index)
		if (!leaf_merge_next(to->runs, leaf))
			leaf = to_leaf(rb_next(&leaf->rb));
}

/*
 * Make room for one more run, by growing or splitting the leaf.  @leaf is
 * invalid afterwards.
 */
static int leaf_make_room(struct runs *runs, struct run_leaf *leaf)
{
	unsigned long middle = leaf->first;
	struct run_leaf *right;
	unsigned int slot;

	if (leaf->max < LEAF_LARGE)
		return leaf_grow(runs, leaf) ? 0 : -ENOMEM;
	for (slot = 0; slot < leaf->nr / 2; slot++)
		middle += run_npages(leaf->run[slot]);
	right = leaf_split(runs, leaf, slot, middle);
	if (!right)
		return -ENOMEM;
	/* One of the halves may consist of holes only. */
	if (!right->npinned)
		leaf_erase(runs, right);
	if (!leaf->npinned)
		leaf_erase(runs, leaf);
	return 0;
}

int runs_cut(struct runs *runs, unsigned long index)
{
	unsigned long start, head;
	struct run_leaf *leaf;
	unsigned int slot;
	u64 run;
	int rc;

	for (;;) {
		leaf = leaf_from(runs, index);
		if (!leaf || leaf->first >= index)
			return 0;
		slot = leaf_slot(leaf, index, &start);
		run = leaf->run[slot];
		if (start == index || run_is_hole(run))
			return 0;
		if (leaf->nr < leaf->max)
			break;
		rc = leaf_make_room(runs, leaf);
		if (rc)
			return rc;
	}
	memmove(leaf->run + slot + 1, leaf->run + slot,
		(leaf->nr - slot) * sizeof(u64));
	leaf->nr++;
	head = index - start;
	leaf->run[slot] = run_pack(run_pfn(run), head);
	leaf->run[slot + 1] = run_pack(run_pfn(run) + head, run_npages(run) - head);
	return 0;
}

/* Turn the runs of [first, last] within a leaf into holes. */
static void leaf_punch(struct run_leaf *leaf, unsigned long first,
		       unsigned long last)
{
	unsigned long at = leaf->first, npages;
	unsigned int slot = 0;

	if (at < first)
		slot = leaf_slot(leaf, first, &at);
	for (; slot < leaf->nr && at <= last; slot++, at += npages) {
		npages = run_npages(leaf->run[slot]);
		if (run_is_hole(leaf->run[slot]))
			continue;
		WARN_ON(at < first || npages - 1 > last - at);
		leaf->run[slot] = run_pack(PFN_HOLE, npages);
		leaf->npinned -= npages;
	}
}

void runs_erase(struct runs *runs, unsigned long first, unsigned long last)
{
	struct run_leaf *leaf = leaf_from(runs, first), *next;

	for (; leaf && leaf->first <= last; leaf = next) {
		next = to_leaf(rb_next(&leaf->rb));
		if (leaf->first < first ||
		    leaf->first + (leaf->npages - 1) > last) {
			leaf_punch(leaf, first, last);
			if (leaf->npinned)
				continue;
		}
		leaf_erase(runs, leaf);
	}
}

bool runs_take(struct runs *runs, struct run *run)
{
	struct run_leaf *leaf;
	u64 last;

	while ((leaf = to_leaf(runs->leaves.rb_node))) {
		if (!leaf->nr) {
			leaf_erase(runs, leaf);
			continue;
		}
		last = leaf->run[--leaf->nr];
		if (run_is_hole(last))
			continue;
		run->pfn = run_pfn(last);
		run->npages = run_npages(last);
		return true;
	}
	return false;
}
