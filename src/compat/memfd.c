// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinning a memfd where the kernel can't do it by the file (Linux 6.1), or not
 * for huge pages without damage (6.12), and pinning a folio again.
 *
 * Pages are looked up in the file, which allocates them where it has holes, outside of
 * what can't be pinned for long (ZONE_MOVABLE, CMA).  A page that is there already and
 * lies within has to move first.  Only the kernel's own pinning of process memory can do
 * that, so such a page is mapped into the current process for a moment, read-only, by a
 * mapping that no child inherits and mlockall() doesn't lock.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/falloc.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/vmstat.h>

#if !defined(IOMMUFD_HAVE_SYM_MEMFD_PIN_FOLIOS) || \
	!defined(IOMMUFD_HAVE_HUGETLB_SUBPOOL_INODE)

#undef memfd_pin_folios

/* The kernel's own: compat's would break a private mapping away from its file. */
#undef pin_user_pages_fast

static bool memfd_is_huge(struct file *memfd)
{
	return file_inode(memfd)->i_sb->s_magic == HUGETLBFS_MAGIC;
}

static unsigned long memfd_unit(struct file *memfd)
{
	return memfd_is_huge(memfd) ? file_inode(memfd)->i_sb->s_blocksize : PAGE_SIZE;
}

/* A page of tmpfs, with a reference. */
static struct page *memfd_get_page(struct file *memfd, pgoff_t index)
{
	gfp_t gfp = mapping_gfp_mask(memfd->f_mapping) & ~__GFP_MOVABLE;

	return shmem_read_mapping_page_gfp(memfd->f_mapping, index, gfp);
}

/* The same of hugetlbfs, if it's there; else NULL. */
static struct page *memfd_find_huge(struct file *memfd, pgoff_t index)
{
	pgoff_t skip = index & (memfd_unit(memfd) / PAGE_SIZE - 1), at = index - skip;
	struct folio *folio;

#ifndef IOMMUFD_HAVE_HUGETLB_PAGE_INDEX
	at /= memfd_unit(memfd) / PAGE_SIZE;
#endif
	folio = __filemap_get_folio(memfd->f_mapping, at, 0, 0);
	return IS_ERR_OR_NULL(folio) ? NULL : folio_page(folio, skip);
}

/*
 * Allocates a page as fallocate() does, which may take what was reserved for the file.
 * It does nothing while any signal is pending: -EINTR.
 */
static int memfd_alloc_huge(struct file *memfd, pgoff_t index)
{
	unsigned long unit = memfd_unit(memfd);
	loff_t at = round_down((loff_t)index << PAGE_SHIFT, unit);
	int rc;

	rc = memfd->f_op->fallocate(memfd, FALLOC_FL_KEEP_SIZE, at, unit);
	return rc == -ENOSPC ? -ENOMEM : rc;
}

static struct page *memfd_get_huge(struct file *memfd, pgoff_t index)
{
	struct page *page = memfd_find_huge(memfd, index);
	int rc;

	if (!page) {
		rc = memfd_alloc_huge(memfd, index);
		if (rc)
			return ERR_PTR(rc);
		page = memfd_find_huge(memfd, index);
	}
	if (!page)
		return ERR_PTR(-EFAULT);
	if (PageHWPoison(compound_head(page)) || !folio_test_uptodate(page_folio(page))) {
		put_page(page);
		return ERR_PTR(-EFAULT);
	}
	return page;
}

/* The kernel has this in a function that it doesn't export. */
static unsigned int memfd_block_type(struct page *page)
{
	unsigned long pfn = page_to_pfn(page), bit;
	unsigned long *map = section_to_usemap(__pfn_to_section(pfn));

	bit = ((pfn & (PAGES_PER_SECTION - 1)) >> pageblock_order) * NR_PAGEBLOCK_BITS;
	return map[bit / BITS_PER_LONG] >> bit % BITS_PER_LONG &
	       (BIT(PB_migratetype_bits) - 1);
}

static bool memfd_may_stay(struct page *page)
{
	unsigned int type = memfd_block_type(page);

#ifdef CONFIG_CMA
	if (type == MIGRATE_CMA)
		return false;
#endif
	return type != MIGRATE_ISOLATE && !is_zone_movable_page(page);
}

/*
 * What is mapped instead of a memfd, so that nothing comes of it but the mapping: it is
 * opened to read only, whatever seals there are.
 */
static int alias_mmap(struct file *alias, struct vm_area_struct *vma)
{
	struct file *memfd = alias->private_data;
	int rc;

	vma_set_file(vma, memfd);
	rc = memfd->f_op->mmap(memfd, vma);
	if (!rc) {
		vm_flags_set(vma, VM_DONTCOPY);
		vm_flags_clear(vma, VM_LOCKED | VM_LOCKONFAULT);
	}
	return rc;
}

static unsigned long alias_area(struct file *alias, unsigned long addr, unsigned long len,
				unsigned long pgoff, unsigned long flags)
{
	struct file *memfd = alias->private_data;

	return memfd->f_op->get_unmapped_area(memfd, addr, len, pgoff, flags);
}

static const struct file_operations alias_fops = {
	.owner = THIS_MODULE,
	.mmap = alias_mmap,
	.get_unmapped_area = alias_area,
};

static unsigned long memfd_map(struct file *memfd, loff_t from, unsigned long len)
{
	struct file *alias;
	unsigned long addr;

	if (!current->mm)
		return -EFAULT;
	alias = anon_inode_getfile("[iommufd-pin]", &alias_fops, memfd, O_RDONLY);
	if (IS_ERR(alias))
		return PTR_ERR(alias);
	addr = vm_mmap(alias, 0, len, PROT_READ, MAP_SHARED, from);
	fput(alias);
	return addr;
}

/*
 * Pins a page that may have to move, and returns it.  The process could have put
 * something else where the page was mapped: what isn't the file's is no good.
 */
static struct page *memfd_pin_mapped(struct file *memfd, pgoff_t index)
{
	unsigned long unit = memfd_unit(memfd), addr;
	loff_t at = (loff_t)index << PAGE_SHIFT, from = round_down(at, unit);
	struct page *page;
	int n;

	addr = memfd_map(memfd, from, unit);
	if (IS_ERR_VALUE(addr))
		return ERR_PTR(addr);
	n = pin_user_pages_fast(addr + (at - from), 1, FOLL_LONGTERM, &page);
	vm_munmap(addr, unit);
	if (n != 1)
		return ERR_PTR(n ? n : -EFAULT);
	if (page_folio(page)->mapping == memfd->f_mapping)
		return page;
	unpin_user_page(page);
	return ERR_PTR(-EFAULT);
}

/* Linux 6.1 doesn't move huge pages, but warns, see pin_hugetlb() in pin.c. */
static bool memfd_can_move(bool huge)
{
	return !huge || IS_ENABLED(IOMMUFD_HAVE_PIN_WITHOUT_VMAS);
}

static struct page *memfd_pin_page(struct file *memfd, pgoff_t index)
{
	bool huge = memfd_is_huge(memfd);
	struct page *page;

	page = huge ? memfd_get_huge(memfd, index) : memfd_get_page(memfd, index);
	if (IS_ERR(page) && !(PTR_ERR(page) == -EINTR && !fatal_signal_pending(current)))
		return page;
	if (IS_ERR(page) || !memfd_may_stay(page)) {
		if (!IS_ERR(page)) {
			put_page(page);
			if (!memfd_can_move(huge))
				return ERR_PTR(-ENOMEM);
		}
		return memfd_pin_mapped(memfd, index);
	}
	folio_add_pins(page_folio(page), 1);
	put_page(page);
	return page;
}

/*
 * Pins a folio each, until there are enough, or one doesn't begin where the last ended:
 * the file may change meanwhile.
 */
static long memfd_pin(struct file *memfd, pgoff_t index, pgoff_t last,
		      struct folio **folios, unsigned int max_folios)
{
	unsigned int n = 0;
	struct page *page;
	unsigned long skip;

	while (index <= last && n < max_folios && !fatal_signal_pending(current)) {
		page = memfd_pin_page(memfd, index);
		if (IS_ERR(page))
			return n ? n : PTR_ERR(page);
		folios[n] = page_folio(page);
		skip = folio_page_idx(folios[n], page);
		if (n && skip) {
			unpin_user_page(page);
			break;
		}
		index += folio_nr_pages(folios[n++]) - skip;
		cond_resched();
	}
	return n ? n : -EINTR;
}

static bool memfd_is_known(struct file *memfd)
{
	struct inode *inode = file_inode(memfd);

	return S_ISREG(inode->i_mode) &&
	       (memfd_is_huge(memfd) || inode->i_sb->s_magic == TMPFS_MAGIC);
}

long compat_memfd_pin_folios(struct file *memfd, loff_t start, loff_t end,
			     struct folio **folios, unsigned int max_folios,
			     pgoff_t *offset)
{
	long rc;

	if (!memfd || start < 0 || start > end || !max_folios)
		return -EINVAL;
#ifdef IOMMUFD_HAVE_SYM_MEMFD_PIN_FOLIOS
	if (!memfd_is_huge(memfd))
		return memfd_pin_folios(memfd, start, end, folios, max_folios, offset);
#endif
	if (!memfd_is_known(memfd) || end >= i_size_read(file_inode(memfd)))
		return -EINVAL;
	rc = memfd_pin(memfd, start >> PAGE_SHIFT, end >> PAGE_SHIFT, folios, max_folios);
	if (rc > 0)
		*offset = offset_in_folio(folios[0], start);
	return rc;
}

#endif

#ifndef IOMMUFD_HAVE_SYM_FOLIO_ADD_PINS

/* A large folio counts its pins, a small one has them in its references. */
int compat_folio_add_pins(struct folio *folio, unsigned int pins)
{
	if (WARN_ON_ONCE(folio_ref_count(folio) <= 0))
		return -ENOMEM;
	if (folio_test_large(folio)) {
		folio_ref_add(folio, pins);
		atomic_add(pins, &folio->_pincount);
	} else {
		folio_ref_add(folio, pins * GUP_PIN_COUNTING_BIAS);
	}
	mod_node_page_state(folio_pgdat(folio), NR_FOLL_PIN_ACQUIRED, pins);
	return 0;
}

#endif
