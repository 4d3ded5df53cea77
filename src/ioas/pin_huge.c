// SPDX-License-Identifier: GPL-2.0-only
/*
 * A huge page is pinned by one struct page and a count.  Filling in and
 * comparing a pointer for each small page would be wasted work.
 *
 * That requires knowing how the process maps it, as any small page may have
 * replaced a part of what was a huge one.  So, like KVM, look up the entry in
 * the process's page tables with interrupts disabled, which keeps them from
 * being freed.  An entry that maps the pinned page also maps the pages that
 * follow in the same folio.  From then on the pin keeps the folio whole and in
 * use by the process, even if the entry changes.
 */
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/uaccess.h>

#include "pin.h"

/*
 * Store the page that the entry maps at @va.  Returns the number of pages from
 * there to the end of the entry.
 */
static unsigned long pin_huge_entry_pages(struct page *first, unsigned long size,
					  unsigned long va, struct page **page)
{
	unsigned long skip = (va & (size - 1)) / PAGE_SIZE;

	*page = pfn_to_page(page_to_pfn(first) + skip);
	return size / PAGE_SIZE - skip;
}

/*
 * Find the page at @va if a huge entry maps it.  Returns the number of pages
 * from there to the end of the entry.  Returns 0 if there is no such entry, or
 * if it isn't writable: its pages might be shared copy-on-write.
 */
static unsigned long pin_huge_entry(struct mm_struct *mm, unsigned long va,
				    struct page **page)
{
	pgd_t *pgdp = pgd_offset(mm, va), pgd = READ_ONCE(*pgdp);
	p4d_t *p4dp, p4d;
	pud_t *pudp, pud;
	pmd_t pmd;

	if (pgd_none(pgd))
		return 0;
	p4dp = p4d_offset_lockless(pgdp, pgd, va);
	p4d = READ_ONCE(*p4dp);
	if (p4d_none(p4d) || !p4d_present(p4d))
		return 0;
	pudp = pud_offset_lockless(p4dp, p4d, va);
	pud = READ_ONCE(*pudp);
	if (pud_none(pud) || !pud_present(pud))
		return 0;
	if (pud_leaf(pud))
		return !pud_access_permitted(pud, true) ? 0 :
		       pin_huge_entry_pages(pud_page(pud), PUD_SIZE, va, page);
	pmd = READ_ONCE(*pmd_offset_lockless(pudp, pud, va));
	if (pmd_none(pmd) || !pmd_present(pmd) || !pmd_leaf(pmd) ||
	    !pmd_access_permitted(pmd, true))
		return 0;
	return pin_huge_entry_pages(pmd_page(pmd), PMD_SIZE, va, page);
}

static unsigned long pin_huge_find(unsigned long va, struct page **page)
{
	unsigned long flags, n;

	local_irq_save(flags);
	n = pin_huge_entry(current->mm, va, page);
	local_irq_restore(flags);
	return n;
}

unsigned long pin_huge(unsigned long va, unsigned long max, unsigned int flags,
		       struct page **page)
{
	struct page *mapped;
	struct folio *folio;
	unsigned long n;

	va = untagged_addr(va);
	/* Kernel page tables may be freed at any time. */
	if (!access_ok((void __user *)va, PAGE_SIZE))
		return 0;
	if (pin_huge_find(va, &mapped) < 2 || pin_user_pages_fast(va, 1, flags, page) != 1)
		return 0;
	folio = page_folio(*page);
	n = pin_huge_find(va, &mapped);
	if (n < 2 || mapped != *page)
		return 1;
	n = min(n, max);
	n = min_t(unsigned long, n, folio_nr_pages(folio) - folio_page_idx(folio, *page));
	if (n > 1 && folio_add_pins(folio, n - 1))
		n = 1;
	return n;
}
