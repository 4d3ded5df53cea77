// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinning a memfd where the kernel can't do it by the file (Linux 6.1), and
 * pinning a folio again where that isn't exported (6.12).
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

#ifndef IOMMUFD_HAVE_SYM_MEMFD_PIN_FOLIOS

/* The kernel's own: compat's would break a private mapping away from its file. */
#undef pin_user_pages_fast

/* What is pinned: folios of the file, each page with a pin of its own. */
struct memfd_pin {
	struct address_space *mapping;
	unsigned int order;		/* of the units that the file counts in */
	struct folio **folios;
	unsigned int nr_folios;
	unsigned int max_folios;
	pgoff_t first;			/* page of the file where the range begins */
	unsigned long nr_pages;		/* pinned so far */
};

/* The process could have put something else where we had mapped the file. */
static bool page_is_at(const struct memfd_pin *pin, struct page *page, pgoff_t index)
{
	struct folio *folio = page_folio(page);

	return folio->mapping == pin->mapping &&
	       (folio->index << pin->order) + folio_page_idx(folio, page) == index;
}

/* Takes over as many of the pinned pages as there is room for. */
static int memfd_pin_add(struct memfd_pin *pin, struct page **pages, long n)
{
	int rc = 0;
	long i;

	for (i = 0; i < n; i++) {
		struct folio *folio = page_folio(pages[i]);

		if (!page_is_at(pin, pages[i], pin->first + pin->nr_pages)) {
			rc = -EFAULT;
			break;
		}
		if (!pin->nr_folios || pin->folios[pin->nr_folios - 1] != folio) {
			if (pin->nr_folios == pin->max_folios) {
				rc = -ENOSPC;
				break;
			}
			pin->folios[pin->nr_folios++] = folio;
		}
		pin->nr_pages++;
	}
	if (i < n)
		unpin_user_pages(pages + i, n - i);
	return rc;
}

static void memfd_pin_undo(struct memfd_pin *pin)
{
	pgoff_t index = pin->first;
	unsigned int i;

	for (i = 0; i < pin->nr_folios; i++) {
		struct folio *folio = pin->folios[i];
		unsigned long skip = index & (folio_nr_pages(folio) - 1);
		unsigned long n = min_t(unsigned long, pin->nr_pages,
					folio_nr_pages(folio) - skip);

		unpin_user_page_range_dirty_lock(folio_page(folio, skip), n, false);
		pin->nr_pages -= n;
		index += n;
	}
}

static long memfd_pin_mapped(struct memfd_pin *pin, unsigned long addr,
			     unsigned long nr_pages)
{
	struct page *pages[64];
	long rc = 0;

	while (!rc && pin->nr_pages < nr_pages) {
		long n = min_t(unsigned long, nr_pages - pin->nr_pages, ARRAY_SIZE(pages));

		n = pin_user_pages_fast(addr + pin->nr_pages * PAGE_SIZE, n,
					FOLL_LONGTERM, pages);
		rc = n > 0 ? memfd_pin_add(pin, pages, n) : n ? n : -EFAULT;
		cond_resched();
	}
	if (rc && rc != -ENOSPC) {
		memfd_pin_undo(pin);
		return rc;
	}
	return pin->nr_folios;
}

/*
 * How to map the file.  Private where that gives the file's own pages for
 * reading, because it needs no leave from seals against writing.
 */
static int memfd_mapping(struct inode *inode, unsigned long *flags, unsigned int *order)
{
	switch (inode->i_sb->s_magic) {
	case TMPFS_MAGIC:
		*flags = MAP_PRIVATE;
		*order = 0;
		return S_ISREG(inode->i_mode) ? 0 : -EINVAL;
	case HUGETLBFS_MAGIC:
		*flags = MAP_SHARED;
		*order = inode->i_sb->s_blocksize_bits - PAGE_SHIFT;
		return 0;
	default:
		return -EINVAL;
	}
}

/* As much of the range as that many folios can hold. */
static unsigned long memfd_window(const struct memfd_pin *pin, loff_t from, loff_t end)
{
	u64 unit = PAGE_SIZE << pin->order;
	u64 most = max_t(u64, unit, PMD_SIZE) * pin->max_folios;

	return min_t(u64, round_up(end + 1 - from, unit), round_up(most, unit));
}

long compat_memfd_pin_folios(struct file *memfd, loff_t start, loff_t end,
			     struct folio **folios, unsigned int max_folios,
			     pgoff_t *offset)
{
	struct memfd_pin pin = { .folios = folios, .max_folios = max_folios };
	unsigned long addr, len, flags, skip;
	loff_t from;
	long rc;

	if (!memfd || start < 0 || start > end || !max_folios)
		return -EINVAL;
	if (memfd_mapping(file_inode(memfd), &flags, &pin.order) ||
	    end >= i_size_read(file_inode(memfd)))
		return -EINVAL;
	if (!current->mm)
		return -EFAULT;

	pin.mapping = memfd->f_mapping;
	pin.first = start >> PAGE_SHIFT;
	from = round_down(start, (loff_t)PAGE_SIZE << pin.order);
	len = memfd_window(&pin, from, end);
	addr = vm_mmap(memfd, 0, len, PROT_READ, flags, from);
	if (IS_ERR_VALUE(addr))
		return addr;
	skip = (start & PAGE_MASK) - from;
	rc = memfd_pin_mapped(&pin, addr + skip,
			      min_t(u64, (end >> PAGE_SHIFT) - pin.first + 1,
				    (len - skip) >> PAGE_SHIFT));
	vm_munmap(addr, len);
	if (rc > 0)
		*offset = offset_in_folio(folios[0], start);
	return rc;
}

#elif !defined(IOMMUFD_HAVE_SYM_FOLIO_ADD_PINS)

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
