/* SPDX-License-Identifier: GPL-2.0-only */
/* Differences between kernels: pinning user memory. */
#ifndef IOMMUFD_COMPAT_MM_H
#define IOMMUFD_COMPAT_MM_H

#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/sched/mm.h>
#include <linux/vmstat.h>

/*
 * pin_user_pages_remote() pins memory of any process.  Call it with @mm's
 * mmap_lock held for reading and *@locked 1; *@locked is 0 afterwards if the
 * lock was dropped.  pin_user_pages_fast() pins memory of the current process
 * and takes the lock by itself.
 *
 * Both return the number of pages pinned, from the first one on, or an error if
 * none was.  With FOLL_LONGTERM these are the pages that the process keeps
 * using, even without FOLL_WRITE.
 */
#ifndef IOMMUFD_HAVE_PIN_WITHOUT_VMAS
long compat_pin_user_pages_remote(struct mm_struct *mm, unsigned long start,
				  unsigned long nr_pages, unsigned int gup_flags,
				  struct page **pages, int *locked);
int compat_pin_user_pages_fast(unsigned long start, int nr_pages,
			       unsigned int gup_flags, struct page **pages);
#define pin_user_pages_remote compat_pin_user_pages_remote
#define pin_user_pages_fast compat_pin_user_pages_fast
#endif

/*
 * memfd_pin_folios() pins the folios of bytes [@start, @end] of a memfd or a
 * file on tmpfs or hugetlbfs, as with FOLL_LONGTERM, and allocates them in
 * holes.  *@offset is set to the offset of @start in the first folio.
 *
 * Return: the number of folios pinned, @max_folios at most, -EINVAL for other
 * files and for ranges beyond the end of the file, -ENOMEM, ...
 *
 * A folio is pinned once.  After folio_add_pins() by one less than the number
 * of its pages in the range, each of these pages has its own pin and may be
 * passed to unpin_user_page_range_dirty_lock().
 *
 * Linux 6.1 lacks it.  6.12 takes huge pages that others reserved, which
 * corrupts the count of the pool.  There pages are looked up one by one: for
 * hugetlbfs, and on 6.1 for any file.  A page that can't be pinned long-term
 * (ZONE_MOVABLE, CMA) is mapped into the current process until it has been
 * migrated: hence -EFAULT without a process, and -ENOMEM if RLIMIT_AS leaves no
 * room.
 */
#if !defined(IOMMUFD_HAVE_SYM_MEMFD_PIN_FOLIOS) || \
	!defined(IOMMUFD_HAVE_HUGETLB_SUBPOOL_INODE)
long compat_memfd_pin_folios(struct file *memfd, loff_t start, loff_t end,
			     struct folio **folios, unsigned int max_folios,
			     pgoff_t *offset);
#define memfd_pin_folios compat_memfd_pin_folios
#endif

#ifndef IOMMUFD_HAVE_SYM_FOLIO_ADD_PINS
int compat_folio_add_pins(struct folio *folio, unsigned int pins);
#define folio_add_pins compat_folio_add_pins
#endif

/* Change VMA flags in mmap(), with the lock held. */
#ifndef IOMMUFD_HAVE_VM_FLAGS_SET
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}
#endif

#endif
