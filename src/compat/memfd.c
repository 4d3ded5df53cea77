// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinning a memfd where the kernel can't do it by the file (Linux 6.1), or not
 * for huge pages without damage (6.12), and pinning a folio again.
 *
 * The range is mapped into the current process, read-only, pinned by the
 * mapping and unmapped at once.  A page of a shared file stays the file's page
 * whoever writes to it, so the pin needs no right to write.
 */
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/vmstat.h>

#if !defined(IOMMUFD_HAVE_SYM_MEMFD_PIN_FOLIOS) || \
	!defined(IOMMUFD_HAVE_HUGETLB_SUBPOOL_INODE)

#undef memfd_pin_folios

/* The kernel's own: compat's would break a private mapping away from its file. */
#undef pin_user_pages_fast

/* How far a range is pinned. */
struct memfd_pin {
	struct address_space *mapping;
	struct folio **folios;
	unsigned int nr_folios;
	unsigned int max_folios;
	pgoff_t index;			/* the next page of the file */
	pgoff_t last;
};

/*
 * The process could have put something else where the file was mapped.  What
 * isn't the next part of the file, or not where a folio is expected to begin,
 * is no good.
 */
static bool memfd_page_fits(const struct memfd_pin *pin, struct page *page)
{
	struct folio *folio = page_folio(page);
	unsigned long skip = 0;

	if (!pin->nr_folios)
		skip = pin->index & (folio_nr_pages(folio) - 1);
	return folio->mapping == pin->mapping && folio_page_idx(folio, page) == skip;
}

/* Keeps one pin for each folio, and goes on behind the first large one. */
static int memfd_pin_keep(struct memfd_pin *pin, struct page **pages, long n)
{
	int rc = 0;
	long i;

	for (i = 0; i < n && pin->nr_folios < pin->max_folios; i++) {
		struct folio *folio = page_folio(pages[i]);

		if (!memfd_page_fits(pin, pages[i])) {
			rc = -EFAULT;
			break;
		}
		pin->folios[pin->nr_folios++] = folio;
		pin->index += folio_nr_pages(folio) - folio_page_idx(folio, pages[i]);
		if (folio_test_large(folio)) {
			i++;
			break;
		}
	}
	if (i < n)
		unpin_user_pages(pages + i, n - i);
	return rc;
}

/* @addr is where the file's first page would be mapped. */
static long memfd_pin_mapped(struct memfd_pin *pin, unsigned long addr)
{
	struct page *pages[32];
	long n, rc = 0;

	while (!rc && pin->index <= pin->last && pin->nr_folios < pin->max_folios) {
		n = min_t(unsigned long, pin->last - pin->index + 1, ARRAY_SIZE(pages));
		n = pin_user_pages_fast(addr + (pin->index << PAGE_SHIFT), n,
					FOLL_LONGTERM, pages);
		rc = n > 0 ? memfd_pin_keep(pin, pages, n) : n ? n : -EFAULT;
		cond_resched();
	}
	if (!rc)
		return pin->nr_folios;
	while (pin->nr_folios)
		unpin_user_page(folio_page(pin->folios[--pin->nr_folios], 0));
	return rc;
}

/*
 * How to map the file, and in what units.  Private where that gives the file's
 * own pages for reading, because it needs no leave from seals against writing.
 */
static int memfd_mapping(struct inode *inode, unsigned long *flags, u64 *unit)
{
	switch (inode->i_sb->s_magic) {
	case TMPFS_MAGIC:
		*flags = MAP_PRIVATE;
		*unit = PAGE_SIZE;
		return S_ISREG(inode->i_mode) ? 0 : -EINVAL;
	case HUGETLBFS_MAGIC:
		*flags = MAP_SHARED;
		*unit = inode->i_sb->s_blocksize;
		return 0;
	default:
		return -EINVAL;
	}
}

static long memfd_map_and_pin(struct file *memfd, loff_t start, loff_t end,
			      struct folio **folios, unsigned int max_folios)
{
	struct memfd_pin pin = {
		.mapping = memfd->f_mapping,
		.folios = folios,
		.max_folios = max_folios,
		.index = start >> PAGE_SHIFT,
	};
	unsigned long addr, flags;
	u64 unit, from, len;
	long rc;

	if (memfd_mapping(file_inode(memfd), &flags, &unit) ||
	    end >= i_size_read(file_inode(memfd)))
		return -EINVAL;
	if (!current->mm)
		return -EFAULT;

	/* As much of the range as that many folios can hold. */
	from = round_down((u64)start, unit);
	len = min(round_up(end + 1 - from, unit), max_t(u64, unit, PMD_SIZE) * max_folios);
	pin.last = min_t(u64, end, from + len - 1) >> PAGE_SHIFT;

	addr = vm_mmap(memfd, 0, len, PROT_READ, flags, from);
	if (IS_ERR_VALUE(addr))
		return addr;
	rc = memfd_pin_mapped(&pin, addr - from);
	vm_munmap(addr, len);
	return rc;
}

long compat_memfd_pin_folios(struct file *memfd, loff_t start, loff_t end,
			     struct folio **folios, unsigned int max_folios,
			     pgoff_t *offset)
{
	long rc;

	if (!memfd || start < 0 || start > end || !max_folios)
		return -EINVAL;
#ifdef IOMMUFD_HAVE_SYM_MEMFD_PIN_FOLIOS
	if (file_inode(memfd)->i_sb->s_magic != HUGETLBFS_MAGIC)
		return memfd_pin_folios(memfd, start, end, folios, max_folios, offset);
#endif
	rc = memfd_map_and_pin(memfd, start, end, folios, max_folios);
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
