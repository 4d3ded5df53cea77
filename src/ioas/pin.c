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

#include "pin.h"

/*
 * Pages are pinned in batches.  The pointers to them are on the stack for a small range,
 * and in a page for all others.
 */
#define SMALL_BATCH 16

struct batch {
	union {
		struct page **pages;
		struct folio **folios;
		void **room;
	};
	unsigned long max;
	void *small[SMALL_BATCH];
};

static void pin_batch_init(struct batch *batch, unsigned long npages)
{
	batch->room = batch->small;
	batch->max = SMALL_BATCH;
	if (npages <= SMALL_BATCH)
		return;
	batch->room = kmalloc(PIN_BATCH * sizeof(void *), GFP_KERNEL);
	if (batch->room) {
		batch->max = PIN_BATCH;
	} else {
		/* Slower, but it works. */
		batch->room = batch->small;
	}
}

static void pin_batch_free(struct batch *batch)
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
	if (mmap_read_lock_killable(mm)) {
		mmput_async(mm);
		return -EINTR;
	}
	n = pin_user_pages_remote(mm, va, npages, flags, pages, &locked);
	if (locked)
		mmap_read_unlock(mm);
	mmput_async(mm);
	return n;
}

bool pin_is_own(const struct memory *memory)
{
	return memory->account->mm == current->mm && !(current->flags & PF_KTHREAD);
}

int pin_some(struct memory *memory, unsigned long index, unsigned long npages,
	     unsigned int flags, struct pinned *pinned)
{
	unsigned long va = memory->va + index * PAGE_SIZE;
	long n;

	flags |= FOLL_LONGTERM | (memory->writable ? FOLL_WRITE : 0);
	pinned->n = pinned->own && npages > 1 ? pin_huge(va, npages, flags, pinned->pages) : 0;
	pinned->run = pinned->n;
	if (pinned->n)
		return 0;
	npages = min(npages, pinned->room);
	if (pinned->own)
		n = pin_user_pages_fast(va, npages, flags, pinned->pages);
	else
		n = pin_remote(memory->account->mm, va, npages, flags, pinned->pages);
	if (n <= 0)
		return n ? n : -EFAULT;
	pinned->n = n;
	return 0;
}

/*
 * Record @n pinned pages from @page on, unless @rc is an earlier failure.  Unpin those
 * that aren't recorded.
 */
static __always_inline int pin_record_run(struct run_appender *to, struct page *page,
					  unsigned long n, int rc)
{
	unsigned long before = to->index, recorded;

	if (!rc)
		rc = runs_append(to, page_to_pfn(page), n);
	recorded = to->index - before;
	if (recorded < n)
		unpin_user_page_range_dirty_lock(
			pfn_to_page(page_to_pfn(page) + recorded),
			n - recorded, false);
	return rc;
}

/* How many pointers are compared without a branch between them. */
#define STRIDE 8

/* Do @pages[0 .. STRIDE - 1] follow each other, beginning with the one that has @pfn? */
static inline bool pin_stride_follows(struct page **pages, unsigned long pfn)
{
	unsigned long differ = 0, i;

	for (i = 0; i < STRIDE; i++)
		differ |= (unsigned long)pages[i] ^ (unsigned long)pfn_to_page(pfn + i);
	return !differ;
}

/*
 * The number of pages at the start of @pages that follow each other in memory.  Each
 * has to be looked at: a process may put any page of its own in the middle of others.
 */
static unsigned long pin_count_contiguous(struct page **pages, unsigned long n)
{
	unsigned long pfn = page_to_pfn(pages[0]), i = 1;

	/* Scattered memory is known by its second page. */
	if (n > 1 && page_to_pfn(pages[1]) != pfn + 1)
		return 1;
	while (i + STRIDE <= n && pin_stride_follows(pages + i, pfn + i))
		i += STRIDE;
	while (i < n && page_to_pfn(pages[i]) == pfn + i)
		i++;
	return i;
}

int pin_record(struct run_appender *to, const struct pinned *pinned)
{
	unsigned long n = pinned->n, part;
	struct page **pages = pinned->pages;
	int rc = 0;

	for (; n; pages += part, n -= part) {
		part = pinned->run ? n : pin_count_contiguous(pages, n);
		rc = pin_record_run(to, pages[0], part, rc);
	}
	return rc;
}

void pin_undo(const struct pinned *pinned)
{
	if (pinned->run)
		unpin_user_page_range_dirty_lock(pinned->pages[0], pinned->n, false);
	else
		unpin_user_pages(pinned->pages, pinned->n);
}

/*
 * A folio comes with one pin, and gets one for each of the @npages pages that are used,
 * because they may be unpinned one by one.  None are used of the last folios if a file
 * whose folios change meanwhile gave too many.
 */
static int pin_folio_pages(struct folio *folio, unsigned long npages)
{
	if (npages == 1)
		return 0;
	return npages ? folio_add_pins(folio, npages - 1) : -EFAULT;
}

/*
 * Records @npages pages of @n folios, at least one, from byte @offset of the first one on.
 * Those that follow each other in memory become one run.
 */
static int pin_record_folios(struct run_appender *to, struct folio **folios,
			     unsigned long n, unsigned long offset,
			     unsigned long npages)
{
	unsigned long skip = offset / PAGE_SIZE, length = 0, part, i;
	struct page *run = folio_page(folios[0], skip), *page;
	int rc = 0, rc_pins;

	for (i = 0; i < n; i++, skip = 0) {
		part = min(folio_nr_pages(folios[i]) - skip, npages);
		npages -= part;
		page = folio_page(folios[i], skip);
		rc_pins = pin_folio_pages(folios[i], part);
		if (rc_pins) {
			unpin_user_page_range_dirty_lock(page, 1, false);
			rc = rc ?: rc_pins;
			continue;
		}
		if (page_to_pfn(page) != page_to_pfn(run) + length) {
			rc = pin_record_run(to, run, length, rc);
			run = page;
			length = 0;
		}
		length += part;
	}
	return pin_record_run(to, run, length, rc);
}

static unsigned int pin_file_seals(struct file *file)
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
	if (pin_file_seals(file) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	return 0;
}

/*
 * The file may have been sealed since it was mapped.  Sealing looks for pins under the
 * same lock, so either it fails because of these pins, or the seal is found here.
 */
static int pin_check_seals(struct memory *memory)
{
	struct inode *inode = file_inode(memory->file);
	int rc;

	if (!memory->writable)
		return 0;
	/* Killable: a write to the file holds it while its buffer takes page faults. */
	if (down_read_killable(&inode->i_rwsem))
		return -EINTR;
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
	rc = pin_record_folios(to, batch->folios, n, offset, last - to->index + 1);
	return rc ? rc : pin_check_seals(memory);
}

/*
 * Pin the next pages, with FOLL_NOFAULT in *@flags only those that are present.  At the
 * first one that isn't, let the team pin the rest; what it leaves is pinned without it.
 */
static int pin_process_pages(struct memory *memory, struct run_appender *to,
			     unsigned long last, struct batch *batch, unsigned int *flags)
{
	struct pinned pinned = {
		.pages = batch->pages,
		.room = batch->max,
		.own = pin_is_own(memory),
	};
	int rc;

	rc = pin_some(memory, to->index, last - to->index + 1, *flags, &pinned);
	if (!rc)
		return pin_record(to, &pinned);
	if (!*flags)
		return rc;
	*flags = 0;
	return pin_by_team(memory, to, last);
}

/* One page of a process needs no batch and no team. */
static int pin_one(struct memory *memory, struct run_appender *to)
{
	struct page *page;
	struct pinned pinned = { .pages = &page, .room = 1, .own = pin_is_own(memory) };
	int rc;

	rc = pin_some(memory, to->index, 1, 0, &pinned);
	return rc ? rc : pin_record(to, &pinned);
}

static int pin_many(struct memory *memory, struct run_appender *to, unsigned long last)
{
	unsigned long npages = last - to->index + 1;
	unsigned int flags = pin_team_pays(memory, npages) ? FOLL_NOFAULT : 0;
	struct batch batch;
	int rc = 0;

	pin_batch_init(&batch, npages);
	while (to->index <= last) {
		if (memory->file)
			rc = pin_file(memory, to, last, &batch);
		else
			rc = pin_process_pages(memory, to, last, &batch, &flags);
		if (rc)
			break;
		if (fatal_signal_pending(current)) {
			rc = -EINTR;
			break;
		}
		cond_resched();
	}
	pin_batch_free(&batch);
	return rc;
}

int pin_range(struct memory *memory, unsigned long first, unsigned long last)
{
	struct run_appender to;
	int rc;

	rc = runs_append_begin(&to, &memory->runs, first, last);
	if (rc)
		return rc;
	if (first == last && !memory->file)
		rc = pin_one(memory, &to);
	else
		rc = pin_many(memory, &to, last);
	runs_append_end(&to);
	return rc;
}
