/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory: a piece of a process's address space, of a file or of a DMA-buf that was
 * mapped by one ioctl, and the record of what of it is pinned.
 *
 * Pages are counted from the piece's first one.  A holder is a range of them that
 * somebody needs pinned: an area that page tables map, or an access object's
 * pin.  Pinned is what holders cover, once, and nothing else.  IOAS_COPY shares
 * the piece, so it shares the pin.
 *
 * @refs counts areas, the first of which most often is the only one and lives within.
 * An access object's holders are covered by an area's reference.
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
	unsigned long va;		/* of a process: address of the first page */
	struct file *file;		/* or NULL */
	loff_t start;			/* of a file or DMA-buf: position of the first page */

	struct dmabuf *dmabuf;		/* or NULL; nothing of it is ever pinned */

	struct mutex lock;		/* guards all below */
	struct pin_account *account;
	struct pin_account *former;		/* while CHANGE_PROCESS may yet fail */
	struct memory *next_moved;	/* the same; not under @lock */
	struct rb_root_cached holders;
	unsigned long npinned;
	struct runs runs;

	struct llist_head left;		/* struct area, see area_list_free() */
	struct area first;		/* guarded as areas are */
};

int memory_init(void);
void memory_exit(void);

/* Memory that isn't said to be what yet. */
struct memory *memory_new(struct iommufd_ctx *ctx, bool writable);

/*
 * The memory from @va on of the calling process, or of a file from @start on; both
 * are rounded down to a page.  Returns it with one reference, or an ERR_PTR.
 */
struct memory *memory_of_process(struct iommufd_ctx *ctx, unsigned long va,
				 bool writable);
struct memory *memory_of_file(struct iommufd_ctx *ctx, struct file *file,
			      loff_t start, bool writable);

/*
 * Can such a range be memory?  The last page of all can't be a part of it.
 * 0, -EINVAL or -EOVERFLOW.
 */
int memory_check(u64 start, u64 length);

/* Where its byte @offset stands: an address of the process, or a position. */
static inline unsigned long memory_position(const struct memory *memory,
					    unsigned long offset)
{
	return memory->va + memory->start + offset;
}

static inline struct memory *memory_get(struct memory *memory)
{
	refcount_inc(&memory->refs);
	return memory;
}

void memory_put(struct memory *memory);

/*
 * Lets go of memory->lock, and unpins what areas cover that were left here because
 * somebody who removed them didn't wait for the lock.
 */
void memory_unpin_left(struct memory *memory);
static inline void memory_unlock(struct memory *memory)
{
	mutex_unlock(&memory->lock);
	/* Either this sees the area that was left, or who left it sees the lock free. */
	smp_mb();
	if (unlikely(!llist_empty(&memory->left)))
		memory_unpin_left(memory);
}

/*
 * Pins what @holder covers and isn't pinned yet, and adds it to the holders.  The
 * caller has memory->lock, and has set holder->start and holder->last.
 * Returns 0, -EFAULT, -ENOMEM, -EINTR, or what the file says; then nothing has
 * changed.  -EINVAL for a DMA-buf.
 */
int memory_pin(struct memory *memory, struct interval_tree_node *holder);

/* Sets why memory_pin() of that holder failed with @rc. */
void memory_explain(struct memory *memory, const struct interval_tree_node *holder, int rc,
		    struct refusal *refusal);

/* Undoes memory_pin() of the same holder. */
void memory_unpin(struct memory *memory, struct interval_tree_node *holder);

/*
 * Copies between @buffer and the memory, from byte @offset on (counted from the
 * first page's beginning).  What isn't pinned is pinned for the moment, free of
 * charge.  The caller has memory->lock.
 */
int memory_rw(struct memory *memory, unsigned long offset, void *buffer,
	      size_t length, bool write);

/*
 * CHANGE_PROCESS, in two steps: move the charge for a file's memory to @to and put
 * it on the list @moved, then either keep that so for the whole list or undo it.
 * Moving what was moved does nothing.  0, -EINTR, or -ENOMEM.  One task at a time.
 */
int memory_move(struct memory *memory, struct pin_account *to, struct memory **moved);
void memory_move_end(struct memory *moved, bool keep);

/*
 * Pins and records [first, last], of which nothing is pinned.  On failure a part
 * of it may be recorded.  In pin.c.
 */
int pin_range(struct memory *memory, unsigned long first, unsigned long last);

/* Does the file, as it was opened and sealed, allow that?  0, -EINVAL, -EACCES, -EPERM */
int pin_check_file(struct file *file, bool writable);

#endif
