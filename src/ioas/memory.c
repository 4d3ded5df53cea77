// SPDX-License-Identifier: GPL-2.0-only
/* Pinning, unpinning and copying of memory, and its holders. */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "../core/context.h"
#include "../core/refusal.h"
#include "../core/trace.h"
#include "dmabuf.h"
#include "memory.h"

static struct kmem_cache *memory_cache;

int __init memory_init(void)
{
	memory_cache = kmem_cache_create("iommufd_memory", sizeof(struct memory), 0,
					 SLAB_ACCOUNT, NULL);
	return memory_cache ? 0 : -ENOMEM;
}

void memory_exit(void)
{
	kmem_cache_destroy(memory_cache);
}

struct memory *memory_new(struct iommufd_ctx *ctx, bool writable)
{
	struct memory *memory;

	memory = kmem_cache_alloc(memory_cache, GFP_KERNEL_ACCOUNT);
	if (!memory)
		return ERR_PTR(-ENOMEM);
	memory->account = pin_account_get_current(ctx);
	if (!memory->account) {
		kmem_cache_free(memory_cache, memory);
		return ERR_PTR(-ENOMEM);
	}
	refcount_set(&memory->refs, 1);
	memory->writable = writable;
	memory->charge = pin_account_mode(ctx);
	memory->va = 0;
	memory->file = NULL;
	memory->dmabuf = NULL;
	memory->start = 0;
	mutex_init(&memory->lock);
	memory->former = NULL;
	memory->holders = RB_ROOT_CACHED;
	memory->npinned = 0;
	runs_init(&memory->runs);
	init_llist_head(&memory->left);
	return memory;
}

int memory_check(u64 start, u64 length)
{
	u64 end;

	if (!length)
		return -EINVAL;
	if (check_add_overflow(start, length, &end) ||
	    check_add_overflow(end, (u64)PAGE_SIZE - 1, &end))
		return -EOVERFLOW;
	return 0;
}

struct memory *memory_of_process(struct iommufd_ctx *ctx, unsigned long va,
				 bool writable)
{
	struct memory *memory = memory_new(ctx, writable);

	if (!IS_ERR(memory))
		memory->va = va & PAGE_MASK;
	return memory;
}

struct memory *memory_of_file(struct iommufd_ctx *ctx, struct file *file,
			      loff_t start, bool writable)
{
	struct memory *memory;
	int rc;

	rc = pin_check_file(file, writable);
	if (rc)
		return ERR_PTR(rc);
	memory = memory_new(ctx, writable);
	if (!IS_ERR(memory)) {
		memory->file = get_file(file);
		memory->start = start & PAGE_MASK;
	}
	return memory;
}

void memory_put(struct memory *memory)
{
	if (!refcount_dec_and_test(&memory->refs))
		return;
	WARN_ON(memory->npinned || !runs_empty(&memory->runs));
	pin_account_put(memory->account);
	WARN_ON(memory->former);
	if (memory->dmabuf)
		dmabuf_put(memory);
	if (memory->file)
		fput(memory->file);
	mutex_destroy(&memory->lock);
	kmem_cache_free(memory_cache, memory);
}

/*
 * Unpin in batches, to reschedule within a long run of small pages.  A batch of
 * these takes milliseconds at most, even if unpinning frees them.
 */
#define UNPIN_PAGES (SZ_32M / PAGE_SIZE)

static void memory_unpin_run(struct memory *memory, const struct run *run)
{
	unsigned long pfn = run->pfn, left = run->npages;

	for (; left > UNPIN_PAGES; pfn += UNPIN_PAGES, left -= UNPIN_PAGES) {
		unpin_user_page_range_dirty_lock(pfn_to_page(pfn), UNPIN_PAGES,
						 memory->writable);
		cond_resched();
	}
	unpin_user_page_range_dirty_lock(pfn_to_page(pfn), left, memory->writable);
}

/* Add to the pages unpinned, and reschedule after as many as a batch has, for short runs. */
static void memory_count_unpinned(unsigned long *npages, unsigned long n)
{
	if ((*npages % UNPIN_PAGES) + n >= UNPIN_PAGES)
		cond_resched();
	*npages += n;
}

/* Unpin all pages on record.  Returns their number. */
static unsigned long memory_unpin_all(struct memory *memory)
{
	unsigned long npages = 0;
	struct run run;

	while (runs_take(&memory->runs, &run)) {
		memory_unpin_run(memory, &run);
		memory_count_unpinned(&npages, run.npages);
	}
	return npages;
}

/* Unpin the pages on record in [first, last].  Returns their number. */
static unsigned long memory_unpin_recorded(struct memory *memory, unsigned long first,
					   unsigned long last)
{
	unsigned long npages = 0;
	struct run_walk walk;
	bool more;

	for (more = runs_walk(&memory->runs, &walk, first, last); more;
	     more = runs_walk_next(&walk)) {
		memory_unpin_run(memory, &walk.run);
		memory_count_unpinned(&npages, walk.run.npages);
	}
	runs_erase(&memory->runs, first, last);
	return npages;
}

/* Unpin the pages of [first, last] without a holder.  Returns their number. */
static unsigned long memory_unpin_unheld(struct memory *memory, unsigned long first,
					 unsigned long last)
{
	struct interval_tree_node *holder;
	unsigned long npages = 0;

	if (RB_EMPTY_ROOT(&memory->holders.rb_root))
		return memory_unpin_all(memory);
	for (;;) {
		holder = interval_tree_iter_first(&memory->holders, first, last);
		if (!holder)
			return npages + memory_unpin_recorded(memory, first, last);
		if (holder->start > first)
			npages += memory_unpin_recorded(memory, first, holder->start - 1);
		if (holder->last >= last)
			return npages;
		first = holder->last + 1;
	}
}

static unsigned long memory_count_missing(struct memory *memory, unsigned long first,
					  unsigned long last)
{
	unsigned long npages = last - first + 1;
	struct run_walk walk;
	bool more;

	for (more = runs_walk(&memory->runs, &walk, first, last); more;
	     more = runs_walk_next(&walk))
		npages -= walk.run.npages;
	return npages;
}

/* Pin the missing pages of [first, last].  On failure, some may be pinned. */
static int memory_pin_gaps(struct memory *memory, unsigned long first, unsigned long last)
{
	unsigned long from = first, to = last;
	int rc;

	rc = runs_cut(&memory->runs, first);
	if (!rc)
		rc = runs_cut(&memory->runs, last + 1);
	while (!rc && runs_missing(&memory->runs, &from, &to)) {
		rc = pin_range(memory, from, to);
		if (to == last)
			break;
		from = to + 1;
		to = last;
	}
	return rc;
}

/* Pin the missing pages of [first, last], or none of them. */
static int memory_pin_missing(struct memory *memory, unsigned long first,
			      unsigned long last)
{
	int rc;

	if (runs_empty(&memory->runs))
		rc = pin_range(memory, first, last);
	else
		rc = memory_pin_gaps(memory, first, last);
	if (rc)
		memory_unpin_unheld(memory, first, last);
	return rc;
}

int memory_pin(struct memory *memory, struct interval_tree_node *holder,
	       struct refusal *refusal)
{
	unsigned long npages;
	int rc;

	lockdep_assert_held(&memory->lock);
	if (memory->dmabuf)
		return -EINVAL;
	npages = memory_count_missing(memory, holder->start, holder->last);
	rc = pin_account_charge(memory->account, memory->charge, npages, refusal);
	if (rc) {
		trace_iommufd_charge_failed(memory->charge, npages, rc);
		return rc;
	}
	rc = memory_pin_missing(memory, holder->start, holder->last);
	if (rc) {
		trace_iommufd_pin_failed(memory->file,
					 memory_position(memory, holder->start * PAGE_SIZE),
					 npages, rc);
		refusal_set(refusal, "what is mapped at %#lx of the %s can't be pinned",
			    memory_position(memory, holder->start * PAGE_SIZE),
			    memory->file ? "file" : "process");
		pin_account_uncharge(memory->account, memory->charge, npages);
		return rc;
	}
	memory->npinned += npages;
	interval_tree_insert(holder, &memory->holders);
	return 0;
}

static bool memory_is_only_holder(const struct memory *memory,
				  const struct interval_tree_node *holder)
{
	return memory->holders.rb_root.rb_node == &holder->rb &&
	       !holder->rb.rb_left && !holder->rb.rb_right;
}

void memory_unpin(struct memory *memory, struct interval_tree_node *holder)
{
	unsigned long npages;

	lockdep_assert_held(&memory->lock);
	/* Fast path: the only holder. */
	if (memory_is_only_holder(memory, holder))
		memory->holders = RB_ROOT_CACHED;
	else
		interval_tree_remove(holder, &memory->holders);
	npages = memory_unpin_unheld(memory, holder->start, holder->last);
	memory->npinned -= npages;
	pin_account_uncharge(memory->account, memory->charge, npages);
}

/* Upper limit to what memory_rw() pins at a time. */
#define RW_PAGES 16

static void memory_copy_page(unsigned long pfn, unsigned long offset, void *buffer,
			     size_t length, bool write)
{
	void *page = kmap_local_page(pfn_to_page(pfn));

	if (write)
		memcpy(page + offset, buffer, length);
	else
		memcpy(buffer, page + offset, length);
	kunmap_local(page);
}

/* Copy within pages on record. */
static void memory_copy_recorded(struct memory *memory, unsigned long offset,
				 void *buffer, size_t length, bool write)
{
	unsigned long index = offset / PAGE_SIZE;
	unsigned long in_page = offset % PAGE_SIZE;
	struct run_walk walk;
	size_t part;

	for (; length; index++, in_page = 0) {
		part = min_t(size_t, length, PAGE_SIZE - in_page);
		if (WARN_ON(!runs_walk(&memory->runs, &walk, index, index)))
			return;
		memory_copy_page(walk.run.pfn, in_page, buffer, part, write);
		buffer += part;
		length -= part;
	}
}

int memory_rw(struct memory *memory, unsigned long offset, void *buffer,
	      size_t length, bool write)
{
	unsigned long first, last;
	size_t part;
	int rc;

	lockdep_assert_held(&memory->lock);
	if (memory->dmabuf)
		return -EINVAL;
	for (; length; length -= part) {
		part = min_t(size_t, length,
			     RW_PAGES * PAGE_SIZE - offset % PAGE_SIZE);
		first = offset / PAGE_SIZE;
		last = (offset + part - 1) / PAGE_SIZE;
		rc = memory_pin_missing(memory, first, last);
		if (rc)
			return rc;
		memory_copy_recorded(memory, offset, buffer, part, write);
		memory_unpin_unheld(memory, first, last);
		offset += part;
		buffer += part;
	}
	return 0;
}

bool memory_try_again(int *rc)
{
	if (*rc != -ESTALE)
		return false;
	schedule_timeout_killable(1);
	if (fatal_signal_pending(current))
		*rc = -EINTR;
	return *rc == -ESTALE;
}

int memory_move(struct memory *memory, struct pin_account *to, struct memory **moved)
{
	int rc = 0;

	if (!mutex_trylock(&memory->lock))
		return -ESTALE;
	if (memory->account == to)
		goto out;
	rc = pin_account_move(memory->account, to, memory->charge, memory->npinned);
	if (rc)
		goto out;
	memory->former = memory->account;
	memory->account = pin_account_get(to);
	memory->next_moved = *moved;
	*moved = memory_get(memory);
out:
	memory_unlock(memory);
	return rc;
}

static void memory_move_back(struct memory *memory)
{
	mutex_lock(&memory->lock);
	/* Others may have used up the limit meanwhile, so charge beyond it. */
	pin_account_uncharge(memory->account, memory->charge, memory->npinned);
	pin_account_charge_over(memory->former, memory->charge, memory->npinned);
	swap(memory->former, memory->account);
	memory_unlock(memory);
}

void memory_move_end(struct memory *moved, bool keep)
{
	struct pin_account *former;
	struct memory *next;

	for (; moved; moved = next) {
		next = moved->next_moved;
		if (!keep)
			memory_move_back(moved);
		former = moved->former;
		moved->former = NULL;
		pin_account_put(former);
		memory_put(moved);
	}
}
