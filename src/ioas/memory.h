/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory: the part of a process's address space, a file or a DMA-buf that one
 * ioctl mapped, and the record of its pinned pages.
 *
 * Pages are indexed from the first one of the part.  A holder is an index range
 * that must stay pinned: an area in page tables, or a pin of an access object.
 * Every page that a holder covers is pinned once; no other page is.  IOAS_COPY
 * shares the memory and thereby the pin.
 *
 * @refs counts areas; the first one is embedded, as most often it is the only
 * one.  The holder of an access object relies on the reference of its area.
 */
#ifndef IOMMUFD_IOAS_MEMORY_H
#define IOMMUFD_IOAS_MEMORY_H

#include <linux/interval_tree.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/types.h>

#include "account.h"
#include "area.h"
#include "runs.h"

struct file;
struct iommufd_ctx;
struct refusal;

struct memory {
	refcount_t refs;
	bool writable;
	u8 charge;			/* enum charge */
	unsigned long va;		/* process: address of the first page */
	struct file *file;		/* or NULL */
	loff_t start;			/* file or DMA-buf: offset of the first page */

	struct dmabuf *dmabuf;		/* or NULL; never pinned page by page */

	struct mutex lock;		/* guards the members below */
	struct pin_account *account;
	struct pin_account *former;	/* until CHANGE_PROCESS ends; ctx->change_lock */
	struct memory *next_moved;	/* same */
	struct rb_root_cached holders;
	unsigned long npinned;
	struct runs runs;

	struct llist_head left;		/* struct area, see area_list_free() */
	struct area first;		/* same locking as any area */
};

/* When the module is loaded, and unloaded: then no memory is left.  Returns 0 or -ENOMEM. */
int memory_init(void);
void memory_exit(void);

/* Allocate memory, of no kind yet. */
struct memory *memory_new(struct iommufd_ctx *ctx, bool writable);

/*
 * Returns the memory of the calling process from @va on, or of a file from
 * @start on, both rounded down to a page.  The caller owns one reference; an
 * ERR_PTR on failure.
 */
struct memory *memory_of_process(struct iommufd_ctx *ctx, unsigned long va,
				 bool writable);
struct memory *memory_of_file(struct iommufd_ctx *ctx, struct file *file,
			      loff_t start, bool writable);

/*
 * Check that a range can be mapped.  Returns 0, -EINVAL if it is empty, or
 * -EOVERFLOW if it wraps or includes the last page of the address space.
 */
int memory_check(u64 start, u64 length);

/*
 * Position of byte @offset: a virtual address, or an offset in the file or
 * DMA-buf.
 */
static inline unsigned long memory_position(const struct memory *memory,
					    unsigned long offset)
{
	return memory->va + memory->start + offset;
}

/* Take another reference.  Returns @memory. */
static inline struct memory *memory_get(struct memory *memory)
{
	refcount_inc(&memory->refs);
	return memory;
}

/* Put a reference.  The last one, after all areas and pins, frees it. */
void memory_put(struct memory *memory);

/*
 * Release memory->lock, then unpin the areas in memory->left: their removers
 * didn't wait for the lock.
 */
void memory_unpin_left(struct memory *memory);
static inline void memory_unlock(struct memory *memory)
{
	mutex_unlock(&memory->lock);
	/*
	 * Pairs with llist_add() in area_leave(): either this task sees the
	 * area, or the task that queued it sees the lock free.
	 */
	smp_mb();
	if (unlikely(!llist_empty(&memory->left)))
		memory_unpin_left(memory);
}

/*
 * With *@rc -ESTALE, as another task pins the same memory and has memory->lock
 * across its page faults: wait a moment, without a lock that others need, and
 * return true, to try again.  A fatal signal makes it -EINTR.
 */
bool memory_try_again(int *rc);

/*
 * Pin the pages of @holder that aren't pinned yet, and add it to the holders.
 * Call with memory->lock held and holder->start and holder->last set.  Returns
 * 0, -EFAULT, -ENOMEM, -EINTR, -EINVAL for a DMA-buf, or the file's error.
 * Changes nothing on failure.  @refusal gets the reason; if it is NULL, one that
 * the caller can't know is logged: the limit.
 */
int memory_pin(struct memory *memory, struct interval_tree_node *holder,
	       struct refusal *refusal);

/* Undo memory_pin() of the same holder.  Call with memory->lock held. */
void memory_unpin(struct memory *memory, struct interval_tree_node *holder);

/*
 * Copy between @buffer and the memory from byte @offset on, counted from the
 * first page.  Pages that aren't pinned are pinned for the duration, uncharged.
 * Call with memory->lock held.  Returns 0, -EINVAL for a DMA-buf, or the errors
 * of pinning.
 */
int memory_rw(struct memory *memory, unsigned long offset, void *buffer,
	      size_t length, bool write);

/*
 * CHANGE_PROCESS in two steps: move the charge for a file's memory to @to and
 * add it to the list @moved, then keep or undo that for the whole list.  Memory
 * that was moved already is skipped.  Callers are serialised by
 * ctx->change_lock.  Returns 0, -ENOMEM, or -ESTALE if another task
 * pins the memory: release ioas->lock, and go on by memory_try_again().
 */
int memory_move(struct memory *memory, struct pin_account *to, struct memory **moved);
void memory_move_end(struct memory *moved, bool keep);

/*
 * In pin.c: pin and record [first, last], none of which is pinned.  On failure,
 * some pages may be recorded.
 */
int pin_range(struct memory *memory, unsigned long first, unsigned long last);

/*
 * Check that the file's mode and seals allow such pins.  Returns 0, -EINVAL,
 * -EACCES or -EPERM.
 */
int pin_check_file(struct file *file, bool writable);

#endif
