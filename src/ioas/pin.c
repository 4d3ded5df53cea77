// SPDX-License-Identifier: GPL-2.0-only
/* How pages get pinned: a process's by address, a file's by position. */
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "memory.h"

/*
 * Pages are pinned in batches.  The pointers to them have room on the stack for a
 * small range, and in a page for all others.
 */
#define SMALL_BATCH 16
#define LARGE_BATCH (PAGE_SIZE / sizeof(void *))

struct batch {
	union {
		struct page **pages;
		struct folio **folios;
		void **room;
	};
	unsigned long max;
	void *small[SMALL_BATCH];
};

static void batch_init(struct batch *batch, unsigned long npages)
{
	batch->room = batch->small;
	batch->max = SMALL_BATCH;
	if (npages <= SMALL_BATCH)
		return;
	batch->room = kmalloc(LARGE_BATCH * sizeof(void *), GFP_KERNEL);
	if (batch->room) {
		batch->max = LARGE_BATCH;
	} else {
		/* Slower, but it works. */
		batch->room = batch->small;
	}
}

static void batch_free(struct batch *batch)
{
	if (batch->room != batch->small)
		kfree(batch->room);
}

/* Pins pages of another process, which may be on its way out. */
static long pin_remote(struct mm_struct *mm, unsigned long va, unsigned long npages,
		       unsigned int flags, struct page **pages)
{
	int locked = 1;
	long n;

	if (!mmget_not_zero(mm))
		return -EFAULT;
	mmap_read_lock(mm);
	n = pin_user_pages_remote(mm, va, npages, flags, pages, &locked);
	if (locked)
		mmap_read_unlock(mm);
	mmput_async(mm);
	return n;
}

static long pin_process(struct memory *memory, unsigned long index,
			unsigned long npages, struct page **pages)
{
	unsigned long va = memory->va + index * PAGE_SIZE;
	struct mm_struct *mm = memory->payer->mm;
	unsigned int flags = FOLL_LONGTERM;
	long n;

	if (memory->writable)
		flags |= FOLL_WRITE;
	if (mm == current->mm && !(current->flags & PF_KTHREAD))
		n = pin_user_pages_fast(va, npages, flags, pages);
	else
		n = pin_remote(mm, va, npages, flags, pages);
	return n ? n : -EFAULT;
}

/* Unpins what of @npages pages from @page on an append didn't record. */
static void unpin_unrecorded(const struct run_appender *to, unsigned long before,
			     struct page *page, unsigned long npages)
{
	unsigned long recorded = to->index - before;

	if (recorded < npages)
		unpin_user_page_range_dirty_lock(
			pfn_to_page(page_to_pfn(page) + recorded),
			npages - recorded, false);
}

/* The number of pages at the start of @pages that follow each other in memory. */
static unsigned long count_contiguous(struct page **pages, unsigned long n)
{
	unsigned long pfn = page_to_pfn(pages[0]), i;

	for (i = 1; i < n; i++)
		if (page_to_pfn(pages[i]) != pfn + i)
			break;
	return i;
}

/* Records @n pinned pages; those that can't be recorded are unpinned. */
static int record_pages(struct run_appender *to, struct page **pages,
			unsigned long n)
{
	unsigned long part, before;
	int rc = 0;

	for (; n; pages += part, n -= part) {
		part = count_contiguous(pages, n);
		before = to->index;
		if (!rc)
			rc = runs_append(to, page_to_pfn(pages[0]), part);
		unpin_unrecorded(to, before, pages[0], part);
	}
	return rc;
}

/*
 * Records the part of @n folios that lies @offset bytes behind the first one's
 * beginning and has @npages pages.  A folio comes with one pin, and gets one for
 * each of its pages, because they may be unpinned one by one.
 */
static int record_folios(struct run_appender *to, struct folio **folios,
			 unsigned long n, unsigned long offset,
			 unsigned long npages)
{
	unsigned long skip = offset / PAGE_SIZE, before, part, pins, i;
	struct page *page;
	int rc = 0, rc_pins;

	for (i = 0; i < n; i++, skip = 0) {
		part = min(folio_nr_pages(folios[i]) - skip, npages);
		npages -= part;
		page = folio_page(folios[i], skip);
		rc_pins = part > 1 ? folio_add_pins(folios[i], part - 1) : 0;
		pins = rc_pins ? 1 : max(part, 1UL);
		/* A file whose folios change in the middle may give too many. */
		if (!rc)
			rc = part ? rc_pins : -EFAULT;
		before = to->index;
		if (!rc)
			rc = runs_append(to, page_to_pfn(page), part);
		unpin_unrecorded(to, before, page, pins);
	}
	return rc;
}

static unsigned int file_seals(struct file *file)
{
	struct inode *inode = file_inode(file);

#ifdef CONFIG_HUGETLBFS
	if (inode->i_sb->s_magic == HUGETLBFS_MAGIC)
		return HUGETLBFS_I(inode)->seals;
#endif
	return SHMEM_I(inode)->seals;
}

int pin_check_file(struct file *file, bool writable)
{
	unsigned long magic = file_inode(file)->i_sb->s_magic;

	if (magic != TMPFS_MAGIC && magic != HUGETLBFS_MAGIC)
		return -EINVAL;
	if (!S_ISREG(file_inode(file)->i_mode))
		return -EINVAL;
	if (!(file->f_mode & FMODE_READ))
		return -EACCES;
	if (!writable)
		return 0;
	if (!(file->f_mode & FMODE_WRITE))
		return -EACCES;
	if (file_seals(file) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	return 0;
}

/*
 * Seals may have come since the file was mapped.  Who sets one looks for pins under
 * the same lock, so either our pins are seen there or the seal is seen here.
 */
static int check_seals(struct memory *memory)
{
	struct inode *inode = file_inode(memory->file);
	int rc;

	if (!memory->writable)
		return 0;
	inode_lock_shared(inode);
	rc = pin_check_file(memory->file, true);
	inode_unlock_shared(inode);
	return rc;
}

static int pin_file(struct memory *memory, struct run_appender *to,
		    unsigned long last, struct batch *batch)
{
	loff_t start = memory->start + ((loff_t)to->index << PAGE_SHIFT);
	loff_t end = memory->start + ((loff_t)last << PAGE_SHIFT) + PAGE_SIZE - 1;
	pgoff_t offset;
	long n;
	int rc;

	if (end >= i_size_read(file_inode(memory->file)))
		return -EINVAL;
	n = memfd_pin_folios(memory->file, start, end, batch->folios, batch->max,
			     &offset);
	if (n <= 0)
		return n ? n : -EFAULT;
	rc = record_folios(to, batch->folios, n, offset, last - to->index + 1);
	return rc ? rc : check_seals(memory);
}

static int pin_pages(struct memory *memory, struct run_appender *to,
		     unsigned long last, struct batch *batch)
{
	unsigned long npages = min(last - to->index + 1, batch->max);
	long n;

	n = pin_process(memory, to->index, npages, batch->pages);
	if (n < 0)
		return n;
	return record_pages(to, batch->pages, n);
}

int pin_range(struct memory *memory, unsigned long first, unsigned long last)
{
	struct run_appender to;
	struct batch batch;
	int rc;

	rc = runs_append_begin(&to, &memory->runs, first, last);
	if (rc)
		return rc;
	batch_init(&batch, last - first + 1);
	while (to.index <= last) {
		if (memory->file)
			rc = pin_file(memory, &to, last, &batch);
		else
			rc = pin_pages(memory, &to, last, &batch);
		if (rc)
			break;
		if (fatal_signal_pending(current)) {
			rc = -EINTR;
			break;
		}
		cond_resched();
	}
	runs_append_end(&to);
	batch_free(&batch);
	return rc;
}
