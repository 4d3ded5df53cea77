/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs between kernels in pinning user memory. */
#ifndef IOMMUFD_COMPAT_MM_H
#define IOMMUFD_COMPAT_MM_H

#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/sched/mm.h>
#include <linux/vmstat.h>

/*
 * pin_user_pages_remote() pins memory of any process.  The caller holds
 * @mm's mmap_lock for reading and *@locked is 1; where it is 0 afterwards the
 * lock was dropped.  pin_user_pages_fast() pins memory of the current process
 * and takes the lock itself if it has to.
 *
 * Both return how many of the pages, from the first on, are pinned, or an
 * error if none is.  With FOLL_LONGTERM the pages are the ones that the process
 * itself sees from then on, also without FOLL_WRITE.
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
 * memfd_pin_folios() pins the folios behind the bytes [@start, @end] of a memfd
 * or a file on tmpfs or hugetlbfs, as with FOLL_LONGTERM, and allocates where
 * the file has holes.  *@offset is where @start lies in the first folio.
 *
 * Return: how many folios were pinned, @max_folios at most, or -EINVAL for other
 * files and for ranges that go past the file's end, -ENOMEM, ...
 *
 * A folio is pinned once.  After folio_add_pins() by one less than the pages of
 * it that lie in the range, each such page has its own pin and may be given to
 * unpin_user_page_range_dirty_lock().
 *
 * Linux 6.1 can't do it.  6.12 takes huge pages from what others reserved: the
 * pool's count goes wrong.  There pages are looked up one by one, of hugetlbfs, and on
 * 6.1 of any file.  One that lies where it can't be pinned for long (ZONE_MOVABLE, CMA)
 * is mapped into the current process until it has moved: hence -EFAULT without one,
 * -ENOMEM if RLIMIT_AS leaves no room.
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

/* The flags of a VMA in mmap(), which holds its lock. */
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
