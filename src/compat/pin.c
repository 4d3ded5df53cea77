// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinning on Linux 6.1.
 *
 * There a long-term pin without FOLL_WRITE takes whatever is in a private
 * mapping, even the zero page or a page of the file.  At its next write the
 * process gets another page, but the device still reads the old one.  So
 * trigger a write fault first, with FOLL_FORCE if the mapping is read-only, to
 * give the process its own page before it is pinned.
 *
 * There a long-term pin for writing takes pages of any file.  A filesystem with
 * write-back has to be notified of every write, which a device doesn't do:
 * after a page was cleaned, what the device writes is lost.  So refuse such
 * mappings, as newer kernels do.
 */
#include <linux/backing-dev.h>
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>

#ifndef IOMMUFD_HAVE_PIN_WITHOUT_VMAS

#undef pin_user_pages_remote
#undef pin_user_pages_fast

static bool pin_is_private(const struct vm_area_struct *vma)
{
	return (vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
}

/*
 * Long-term pins must not drop mmap_lock: pass no @locked.  Only a task's pins of
 * its own memory heed its protection keys.
 */
static long pin_pages(struct mm_struct *mm, unsigned long start, unsigned long nr_pages,
		      unsigned int gup_flags, struct page **pages)
{
	if (mm == current->mm && !(current->flags & PF_KTHREAD))
		return pin_user_pages(start, nr_pages, gup_flags, pages, NULL);
	return pin_user_pages_remote(mm, start, nr_pages, gup_flags, pages, NULL, NULL);
}

static bool pin_may_stay(struct page **pages, long n)
{
	while (n-- > 0)
		if (is_zone_movable_page(pages[n]))
			return false;
	return true;
}

/*
 * A long-term pin doesn't move pages of hugetlbfs out of ZONE_MOVABLE, but fails with
 * -ENOMEM and a warning.  So pin them as if for a moment, and look where they are.
 */
static long pin_hugetlb(struct mm_struct *mm, unsigned long start, unsigned long nr_pages,
			unsigned int gup_flags, struct page **pages)
{
	unsigned int flags = memalloc_pin_save();	/* new pages come from elsewhere */
	long rc;

	rc = pin_pages(mm, start, nr_pages, gup_flags & ~FOLL_LONGTERM, pages);
	memalloc_pin_restore(flags);
	if (rc <= 0 || pin_may_stay(pages, rc))
		return rc;
	unpin_user_pages(pages, rc);
	return -ENOMEM;
}

static long pin_part(struct vm_area_struct *vma, unsigned long start,
		     unsigned long nr_pages, unsigned int gup_flags, struct page **pages)
{
	return (is_vm_hugetlb_page(vma) ? pin_hugetlb : pin_pages)(vma->vm_mm, start, nr_pages,
								   gup_flags, pages);
}

/*
 * FOLL_FORCE doesn't work for private read-only hugetlb mappings; pin them as they are.
 */
static long pin_readonly_vma(struct vm_area_struct *vma, unsigned long start,
			     unsigned long nr_pages, unsigned int gup_flags,
			     struct page **pages)
{
	long rc = -EFAULT;

	if (pin_is_private(vma))
		rc = pin_part(vma, start, nr_pages, gup_flags | FOLL_WRITE | FOLL_FORCE,
			      pages);
	if (rc == -EFAULT)
		rc = pin_part(vma, start, nr_pages, gup_flags, pages);
	return rc;
}

/* Returns true if the filesystem must be notified of writes to the mapping. */
static bool pin_tracks_writes(const struct vm_area_struct *vma)
{
	const struct vm_operations_struct *ops = vma->vm_ops;

	if ((vma->vm_flags & (VM_WRITE | VM_SHARED)) != (VM_WRITE | VM_SHARED))
		return false;
	if (ops && (ops->page_mkwrite || ops->pfn_mkwrite))
		return true;
	return vma->vm_file && vma->vm_file->f_mapping &&
	       mapping_can_writeback(vma->vm_file->f_mapping);
}

static long pin_vma(struct vm_area_struct *vma, unsigned long start,
		    unsigned long nr_pages, unsigned int gup_flags, struct page **pages)
{
	if (gup_flags & FOLL_WRITE)
		return pin_tracks_writes(vma) ? -EFAULT :
		       pin_part(vma, start, nr_pages, gup_flags, pages);
	/* FOLL_FORCE must not give access to what the process can't read. */
	if (!(vma->vm_flags & VM_READ))
		return -EFAULT;
	return pin_readonly_vma(vma, start, nr_pages, gup_flags, pages);
}

/* Pin long-term, one VMA at a time, with mmap_lock held. */
static long pin_locked(struct mm_struct *mm, unsigned long start,
		       unsigned long nr_pages, unsigned int gup_flags,
		       struct page **pages)
{
	unsigned long done = 0;
	long rc = 0;

	while (done < nr_pages) {
		unsigned long at = start + done * PAGE_SIZE;
		struct vm_area_struct *vma = vma_lookup(mm, at);
		unsigned long n;

		rc = -EFAULT;
		if (!vma)
			break;
		n = min(nr_pages - done, (vma->vm_end - at) >> PAGE_SHIFT);
		rc = pin_vma(vma, at, n, gup_flags, pages + done);
		if (rc <= 0)
			break;
		done += rc;
		if (rc < n)
			break;
	}
	return done ? done : rc;
}

/* Returns true if no page can belong to a file with write-back. */
static bool pin_are_memory(struct page **pages, long n)
{
	long i;

	for (i = 0; i < n; i++) {
		struct folio *folio = page_folio(pages[i]);

		/* anonymous, of tmpfs, or of hugetlbfs */
		if (!folio_test_anon(folio) && !folio_test_swapbacked(folio) &&
		    !folio_test_hugetlb(folio))
			return false;
	}
	return true;
}

long compat_pin_user_pages_remote(struct mm_struct *mm, unsigned long start,
				  unsigned long nr_pages, unsigned int gup_flags,
				  struct page **pages, int *locked)
{
	mmap_assert_locked(mm);
	if (!(gup_flags & FOLL_LONGTERM))
		return pin_user_pages_remote(mm, start, nr_pages, gup_flags,
					     pages, NULL, locked);
	return pin_locked(mm, start, nr_pages, gup_flags, pages);
}

int compat_pin_user_pages_fast(unsigned long start, int nr_pages,
			       unsigned int gup_flags, struct page **pages)
{
	struct mm_struct *mm = current->mm;
	long rc;

	if (!(gup_flags & FOLL_LONGTERM))
		return pin_user_pages_fast(start, nr_pages, gup_flags, pages);
	if (gup_flags & FOLL_WRITE) {
		rc = pin_user_pages_fast_only(start, nr_pages, gup_flags, pages);
		if (rc > 0 && pin_are_memory(pages, rc))
			return rc;
		/* Only their VMAs can tell. */
		if (rc > 0)
			unpin_user_pages(pages, rc);
	}
	start = untagged_addr(start) & PAGE_MASK;
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	rc = pin_locked(mm, start, nr_pages, gup_flags, pages);
	mmap_read_unlock(mm);
	return rc;
}

#endif
