// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walk over page tables of VT-d and AMD-Vi, beside a model that knows each
 * entry by where it begins.  Tables are built here entry by entry, by the bits that
 * the two specifications name.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/mm.h>

#include "../../../src/hw/walk.h"
#include "random.h"

unsigned long long shim_sme_mask;

/* ---- building ---- */

static u64 *tables[4096];
static unsigned int n_tables;
static bool amd;
static unsigned int levels;
static u64 *root;

static u64 *new_table(void)
{
	u64 *table = aligned_alloc(4096, 4096);

	if (!table || n_tables == ARRAY_SIZE(tables))
		abort();
	memset(table, 0, 4096);
	tables[n_tables++] = table;
	return table;
}

static void begin(bool is_amd, unsigned int n)
{
	amd = is_amd;
	levels = n;
	shim_sme_mask = amd && one_in(2) ? 1ull << 47 << random_below(5) : 0;
	root = new_table();
}

static void end(void)
{
	while (n_tables)
		free(tables[--n_tables]);
}

static unsigned int shift_of(unsigned int level)
{
	return 12 + 9 * level;
}

/* The entries of a page of 1 << @size bytes at @iova; *@n becomes their number. */
static u64 *slots(unsigned long iova, unsigned int size, unsigned int *n)
{
	unsigned int level = levels - 1;
	u64 *table = root, *entry;

	while (shift_of(level) > size) {
		entry = &table[iova >> shift_of(level) & 511];
		if (!*entry) {
			*entry = (u64)(unsigned long)new_table();
			*entry |= amd ? 1ull | (u64)level << 9 | 3ull << 61 : 3;
			*entry |= shim_sme_mask;
		}
		table = (u64 *)(unsigned long)(*entry & 0xffffffffff000ull & ~shim_sme_mask);
		level--;
	}
	*n = 1u << (size - shift_of(level));
	return &table[iova >> shift_of(level) & 511];
}

/* Returns where it is. */
static u64 build_page(unsigned long iova, unsigned int size)
{
	u64 pa = random_u64() & 0x3ffffffff000ull & -(1ull << size), entry;
	unsigned int n, i;
	u64 *slot = slots(iova, size, &n);

	if (!amd) {
		entry = pa | 3 | (size > 12 ? 1 << 7 : 0);
	} else {
		entry = pa | 1 | 3ull << 61 | shim_sme_mask;
		if (n > 1)	/* a zero above as many ones as the size takes */
			entry |= 7 << 9 | ((1ull << (size - 12 - 1)) - 1) << 12;
	}
	for (i = 0; i < n; i++) {
		check_eq(slot[i], 0);
		slot[i] = entry;
	}
	return pa;
}

static unsigned int dirty_bit(void)
{
	return amd ? 6 : 9;
}

/* The IOMMU writes: to one of the entries. */
static void write_page(unsigned long iova, unsigned int size)
{
	unsigned int n;
	u64 *slot = slots(iova, size, &n);

	slot[random_below(n)] |= 1ull << dirty_bit();
}

static bool is_dirty(unsigned long iova, unsigned int size)
{
	unsigned int n;
	u64 *slot = slots(iova, size, &n);

	while (n--)
		if (slot[n] >> dirty_bit() & 1)
			return true;
	return false;
}

/* ---- the model ---- */

struct page_of {
	unsigned long first, last;
	unsigned int size;
	u64 pa;
	bool dirty;
};

static struct page_of pages[2000];
static unsigned int n_pages;

/* Ranges that were told, each of which has a page or several side by side. */
struct told {
	struct iova_range range[2000];
	unsigned int n;
	unsigned int at;		/* how many were compared, */
	unsigned long done;		/* and up to where of the next, unless 0 */
};

static struct told noted, cleaned;
static unsigned int stop_after;

static int note(struct walk *walk, unsigned long first, unsigned long last)
{
	(void)walk;
	noted.range[noted.n++] = (struct iova_range){ first, last };
	return stop_after && noted.n == stop_after ? -EINTR : 0;
}

static unsigned long cleaned_size[2000];

static void clean(struct walk *walk, unsigned long first, unsigned long last,
		  unsigned long size)
{
	(void)walk;
	cleaned_size[cleaned.n] = size;
	cleaned.range[cleaned.n++] = (struct iova_range){ first, last };
}

/* Is that what was told next? */
static bool check_next(struct told *told, unsigned long first, unsigned long last)
{
	const struct iova_range *range = &told->range[told->at];

	if (!check(told->at < told->n) ||
	    !check_eq(told->done ?: range->first, first) || !check(last <= range->last))
		return false;
	told->done = last + 1;
	if (last == range->last) {
		told->done = 0;
		told->at++;
	}
	return true;
}

static int run(struct walk *walk)
{
	walk->table.format = amd ? &walk_amd : &walk_vtd;
	walk->table.root = root;
	walk->table.levels = levels;
	walk->note = note;
	walk->cleaned = clean;
	noted.n = noted.at = cleaned.n = cleaned.at = 0;
	noted.done = cleaned.done = 0;
	return walk_dirty(walk);
}

static unsigned int random_size(void)
{
	if (!amd)
		return 12 + 9 * (one_in(20) ? 2 : one_in(4) ? 1 : 0);
	return one_in(30) ? random_in(30, 38) : one_in(4) ? random_in(21, 29) : random_in(12, 20);
}

/* Pages side by side, each aligned to its size. */
static void build_random(void)
{
	unsigned long at = random_below(1ul << 20) << 12;
	unsigned int want = random_in(1, 1200), size;

	if (one_in(3))
		at &= -(1ul << 30);
	if (one_in(8))		/* up to the last byte */
		at = (1ul << (levels < 6 ? shift_of(levels) : 63)) - (300ul << 12);
	for (n_pages = 0; n_pages < want; n_pages++) {
		size = random_size();
		if (one_in(2) && n_pages)
			size = pages[n_pages - 1].size;
		while (at & ((1ul << size) - 1) || (amd && size == 39))
			size -= !amd ? 9 : 1;
		if (levels < 6 && (at + (1ul << size) - 1) >> shift_of(levels))
			break;
		pages[n_pages] = (struct page_of){ .first = at, .last = at + (1ul << size) - 1,
						   .size = size };
		pages[n_pages].pa = build_page(at, size);
		at += 1ul << size;
	}
}

static void write_random(void)
{
	unsigned int rare = one_in(5) ? 1 : one_in(2) ? 3 : 50, i;

	for (i = 0; i < n_pages; i++) {
		if (!one_in(rare))
			continue;
		pages[i].dirty = true;
		write_page(pages[i].first, pages[i].size);
	}
}

static void walk_random(void)
{
	struct page_of *from = &pages[random_below(n_pages)], *page;
	struct page_of *to = from + random_below(&pages[n_pages] - from);
	struct walk walk = { .clear = one_in(2), .single = one_in(4) };
	unsigned int i;

	walk.range.first = from->first;
	walk.range.last = to->last;
	if (one_in(3))
		walk.range.first += random_below(1ul << (from->size - 12)) << 12;
	if (one_in(3))
		walk.range.last -= random_below(1ul << (to->size - 12)) << 12;
	if (walk.range.last < walk.range.first)
		walk.range.last = walk.range.first + 4095;
	walk.limit = one_in(2) ? walk.range.last : to->last;
	check_eq(run(&walk), 0);
	for (page = from; page <= to; page++) {
		bool inside = page->first >= walk.range.first && page->last <= walk.limit;
		unsigned long first = max(page->first, walk.range.first);
		unsigned long last = min(page->last, walk.limit);

		if (!page->dirty || page->last < walk.range.first ||
		    page->first > walk.range.last)
			continue;
		if (!check_next(&noted, first, last))
			return;
		if (!walk.clear || !inside)
			continue;
		if (!check_eq(cleaned_size[cleaned.at], page->last - page->first + 1) ||
		    !check_next(&cleaned, page->first, page->last))
			return;
		page->dirty = false;
	}
	check_eq(noted.at, noted.n);
	check_eq(cleaned.at, cleaned.n);
	for (i = 0; i < n_pages; i++)
		if (!check_eq(is_dirty(pages[i].first, pages[i].size), pages[i].dirty))
			return;
}

static void translate_random(void)
{
	const struct walk_table in = { amd ? &walk_amd : &walk_vtd, root, levels };
	const struct page_of *page = &pages[random_below(n_pages)];
	unsigned long offset = random_u64() & ((1ul << page->size) - 1);
	u64 pa;

	if (check(walk_translate(&in, page->first + offset, &pa)))
		check_eq(pa, page->pa + offset);
}

static void random_tables(bool is_amd)
{
	unsigned long round, rounds = from_environment("ROUNDS", 300);
	unsigned int i;

	for (round = 0; round < rounds && !tap_failures(); round++) {
		random_begin(round);
		tap_context("round %lu", round);
		begin(is_amd, is_amd ? random_in(3, 6) : random_in(3, 5));
		build_random();
		for (i = 0; i < 6; i++) {
			write_random();
			walk_random();
			walk_random();
			translate_random();
		}
		end();
	}
}

static void random_vtd(void)
{
	random_tables(false);
}

static void random_amd(void)
{
	random_tables(true);
}

/* 600 small pages, of which each @nth is dirty; the walk is stopped at the @n-th note. */
static void run_until(unsigned int nth, unsigned int n, bool single)
{
	struct walk walk = { .clear = true, .single = single };
	unsigned int i;

	random_begin(0);
	begin(false, 4);
	for (i = 0; i < 600; i++) {
		build_page(i * 4096ul, 12);
		if (i % nth == 0)
			write_page(i * 4096ul, 12);
	}
	walk.range.last = walk.limit = 600 * 4096 - 1;
	stop_after = n;
	check_eq(run(&walk), -EINTR);
	stop_after = 0;
}

static void stops(void)
{
	unsigned int i;

	run_until(1, 1, false);
	check_eq(cleaned.n, 1);
	check_eq(cleaned.range[0].last, noted.range[0].last);
	for (i = 0; i < 600; i++)
		check_eq(is_dirty(i * 4096ul, 12), i * 4096ul > noted.range[0].last);
	check(noted.range[0].last < 600 * 4096 - 1);
	end();
}

/* Pages are told one at a time, and what wasn't told yet stays dirty. */
static void stops_after(unsigned int nth, unsigned int n, bool single)
{
	unsigned int i;

	run_until(nth, n, single);
	check_eq(noted.n, n);
	check_eq(cleaned.n, n);
	for (i = 0; i < 600; i++)
		check_eq(is_dirty(i * 4096ul, 12), i % nth == 0 && i > (n - 1) * nth);
	end();
}

static void stops_later(void)
{
	stops_after(3, 3, false);
}

/* Though they lie side by side. */
static void stops_single(void)
{
	stops_after(1, 3, true);
}

/* Nothing that isn't there is taken for a page. */
static void holes(void)
{
	struct walk walk = { .clear = true };
	u64 pa;
	int is_amd;

	for (is_amd = 0; is_amd < 2; is_amd++) {
		random_begin(0);
		begin(is_amd, 4);
		build_page(5ul << 30, 12);
		write_page(5ul << 30, 12);
		build_page((7ul << 30) + 4096, 12);
		walk.range.last = walk.limit = (1ul << 48) - 1;
		check_eq(run(&walk), 0);
		check_eq(noted.n, 1);
		check_eq(noted.range[0].first, 5ul << 30);
		check(walk_translate(&walk.table, 5ul << 30, &pa));
		check(!walk_translate(&walk.table, (5ul << 30) + 4096, &pa));
		check(!walk_translate(&walk.table, 6ul << 30, &pa));
		end();
	}
}

static const struct test tests[] = {
	{ "random_vtd", random_vtd },
	{ "random_amd", random_amd },
	{ "stops", stops },
	{ "stops_later", stops_later },
	{ "stops_single", stops_single },
	{ "holes", holes },
};

TAP_MAIN(tests)
