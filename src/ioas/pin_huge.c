// SPDX-License-Identifier: GPL-2.0-only
/*
 * Huge pages are pinned by one page and the number of the others: a pointer for each
 * of them would be filled in and compared for nothing.
 *
 * That needs to know how the process has mapped them, because any page of its own may
 * lie in the middle of where a huge one was.  So, as KVM does, its page tables are read with
 * interrupts off, which keeps them from being freed.  One entry that maps the page
 * that is pinned maps all that follow in the same folio.  The pin keeps the folio
 * whole, and the process's own, whatever becomes of the entry afterwards.
 */
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/uaccess.h>

#include "pin.h"

/* What an entry maps of @page and the pages behind it, up to the entry's end. */
static unsigned long pin_huge_entry_pages(struct page *first, unsigned long size,
					  unsigned long va, struct page **page)
{
	unsigned long skip = (va & (size - 1)) / PAGE_SIZE;

	*page = pfn_to_page(page_to_pfn(first) + skip);
	return size / PAGE_SIZE - skip;
}

/*
 * The page at @va, and how many follow it by the same huge entry; 0 if there's none, or
 * if the process may not write to it: such a one isn't its own beyond doubt.
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
	/* The kernel's own page tables may go at any time. */
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
