/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The record of pinned pages of a piece of memory: which PFN is at which index
 * (the n-th page of the piece).
 *
 * It consists of runs of physically contiguous pages, eight bytes each, packed
 * into leaves that are found by index.  A terabyte of huge pages takes 4 MiB at
 * most, and memory scattered page by page a five-hundredth of its size.
 *
 * Ranges are inclusive, [first, last].  Erasing allocates nothing and can't
 * fail, because a range is only erased along run boundaries that runs_cut()
 * made.
 *
 * The caller does the locking.
 */
#ifndef IOMMUFD_IOAS_RUNS_H
#define IOMMUFD_IOAS_RUNS_H

#include <linux/rbtree.h>
#include <linux/types.h>

struct run_leaf {
	struct rb_node rb;
	unsigned long first;	/* index of the first page */
	unsigned long npages;	/* including holes */
	unsigned long npinned;	/* excluding holes */
	u16 nr;
	u16 max;
	bool embedded;		/* don't free */
	u64 run[];
};

/* Runs embedded in the record, enough for most small mappings. */
#define RUNS_EMBEDDED 4

struct runs {
	struct rb_root leaves;
	bool embedded_used;
	u64 embedded[sizeof(struct run_leaf) / sizeof(u64) + RUNS_EMBEDDED];
};

/* A run, clipped to the range of a walk. */
struct run {
	unsigned long index;
	unsigned long pfn;
	unsigned long npages;
};

/* An iterator.  Any change to the record invalidates it. */
struct run_walk {
	struct run run;
	unsigned long last;
	struct run_leaf *leaf;
	unsigned int slot;
};

/* An empty record, which needs no counterpart. */
void runs_init(struct runs *runs);

/* Returns true if no page is recorded. */
static inline bool runs_empty(const struct runs *runs)
{
	return RB_EMPTY_ROOT(&runs->leaves);
}

/*
 * Iterate over the runs of [first, last], clipped to that range, without holes.
 * Both return false at the end, else walk->run is valid.
 */
bool runs_walk(const struct runs *runs, struct run_walk *walk,
	       unsigned long first, unsigned long last);
bool runs_walk_next(struct run_walk *walk);

/*
 * Narrow [*first, *last] to its first part that isn't recorded.  Returns false
 * if all of it is.
 */
bool runs_missing(const struct runs *runs, unsigned long *first,
		  unsigned long *last);

/*
 * Appends to the record within [first, last], of which nothing may be recorded,
 * in ascending order.  Runs are merged only with those of the same appender.
 * runs_append_begin() and runs_append() return 0 or -ENOMEM.
 */
struct run_appender {
	struct runs *runs;
	struct run_leaf *leaf;
	unsigned long first;
	unsigned long index;		/* of the next page */
};

int runs_append_begin(struct run_appender *to, struct runs *runs,
		      unsigned long first, unsigned long last);
int runs_append(struct run_appender *to, unsigned long pfn, unsigned long npages);

/* Finish, also after a failure: merge small leaves. */
void runs_append_end(struct run_appender *to);

/*
 * Make a run begin at @index, if a page is recorded there.  Returns 0 or
 * -ENOMEM.
 */
int runs_cut(struct runs *runs, unsigned long index);

/*
 * Remove any run while tearing down the record; run->index isn't set.  After
 * the first call, no other function may be called until this returns false.
 */
bool runs_take(struct runs *runs, struct run *run);

/* Erase [first, last].  Runs must begin at @first and after @last. */
void runs_erase(struct runs *runs, unsigned long first, unsigned long last);

#endif
