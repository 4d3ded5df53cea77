/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The record of what is pinned of a piece of memory: which physical page stands
 * at which index (the n-th page of the piece).
 *
 * It is kept as runs of physically contiguous pages, eight bytes each, packed
 * into leaves that are found by index.  A terabyte of huge pages takes 4 MiB at
 * the most, and memory that is scattered page by page a five-hundredth of its size.
 *
 * Indexes are inclusive, [first, last].  Erasing needs no memory and can't fail,
 * because a range is only ever erased along run boundaries, and runs_cut() makes
 * these beforehand.
 *
 * There is no locking here; the owner does it.
 */
#ifndef IOMMUFD_IOAS_RUNS_H
#define IOMMUFD_IOAS_RUNS_H

#include <linux/rbtree.h>
#include <linux/types.h>

struct run_leaf {
	struct rb_node rb;
	unsigned long first;	/* index of the first page */
	unsigned long npages;	/* holes included */
	unsigned long npinned;	/* holes not included */
	u16 nr;
	u16 max;
	bool embedded;		/* not to be freed */
	u64 run[];
};

/* Runs that an owner keeps within itself, enough for most small mappings. */
#define RUNS_EMBEDDED 4

struct runs {
	struct rb_root leaves;
	bool embedded_used;
	u64 embedded[sizeof(struct run_leaf) / sizeof(u64) + RUNS_EMBEDDED];
};

/* A run, or the part of one that a walk asked for. */
struct run {
	unsigned long index;
	unsigned long pfn;
	unsigned long npages;
};

/* A place in the record.  Any change to the record invalidates it. */
struct run_walk {
	struct run run;
	unsigned long last;
	struct run_leaf *leaf;
	unsigned int slot;
};

void runs_init(struct runs *runs);

/* True if nothing is recorded. */
static inline bool runs_empty(const struct runs *runs)
{
	return RB_EMPTY_ROOT(&runs->leaves);
}

/*
 * Walks over the runs of [first, last], clipped to it, holes left out.  Both
 * return false when there is none (any more); else walk->run is the one.
 */
bool runs_walk(const struct runs *runs, struct run_walk *walk,
	       unsigned long first, unsigned long last);
bool runs_walk_next(struct run_walk *walk);

/* The first part of [*first, *last] that isn't recorded.  False if all of it is. */
bool runs_missing(const struct runs *runs, unsigned long *first,
		  unsigned long *last);

/*
 * Recording [first, last], of which nothing is recorded, in ascending order: an
 * appender adds behind what it added before, and merges with nothing else.
 * Both return 0 or -ENOMEM.
 */
struct run_appender {
	struct runs *runs;
	struct run_leaf *leaf;
	unsigned long first;
	unsigned long index;		/* of what is appended next */
};

int runs_append_begin(struct run_appender *to, struct runs *runs,
		      unsigned long first, unsigned long last);
int runs_append(struct run_appender *to, unsigned long pfn, unsigned long npages);

/* Ends that, also after a failure: packs small leaves together. */
void runs_append_end(struct run_appender *to);

/* Makes a run begin at @index, if a page is recorded there.  0 or -ENOMEM. */
int runs_cut(struct runs *runs, unsigned long index);

/*
 * Takes any run off a record that isn't needed any more, and doesn't tell its index.
 * Once begun, nothing else may be asked until this has returned false.
 */
bool runs_take(struct runs *runs, struct run *run);

/* Forgets [first, last], where runs begin at @first and behind @last. */
void runs_erase(struct runs *runs, unsigned long first, unsigned long last);

#endif
