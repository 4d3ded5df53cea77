// SPDX-License-Identifier: GPL-2.0-only
/*
 * The record of pinned pages beside a model of it: an array with a frame number
 * for every index, 0 for none.  Random operations, in each of which every
 * allocation is made to fail once, have to leave both the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#include <linux/kernel.h>
#include <linux/slab.h>

#include "../../../src/ioas/runs.h"
#include "random.h"

#define PAGES	3000
#define RUN_MAX (1UL << 24)

static struct runs runs;
static unsigned long model[PAGES];

static void forget_all(void)
{
	runs_erase(&runs, 0, ~0UL >> 1);
	memset(model, 0, sizeof(model));
	check(runs_empty(&runs));
	check_eq(shim_allocs_live(), 0);
}

static int by_number(const void *a, const void *b)
{
	unsigned long l = *(const unsigned long *)a, r = *(const unsigned long *)b;

	return l < r ? -1 : l > r;
}

/* Takes all runs off, which are the model's pages in whatever order. */
static void take_all(void)
{
	static unsigned long taken[PAGES], wanted[PAGES];
	unsigned long n = 0, want = 0, i;
	struct run run;

	shim_fail_alloc(1);
	while (runs_take(&runs, &run))
		for (i = 0; i < run.npages && check(n < PAGES); i++)
			taken[n++] = run.pfn + i;
	check(!shim_alloc_failed());
	shim_fail_alloc(0);
	for (i = 0; i < PAGES; i++)
		if (model[i])
			wanted[want++] = model[i];
	qsort(taken, n, sizeof(*taken), by_number);
	qsort(wanted, want, sizeof(*wanted), by_number);
	check_eq(n, want);
	check(!memcmp(taken, wanted, want * sizeof(*wanted)));
	memset(model, 0, sizeof(model));
	check(runs_empty(&runs));
	check_eq(shim_allocs_live(), 0);
}

/* Walks [first, last] of the record and compares each page. */
static void compare_walk(unsigned long first, unsigned long last)
{
	unsigned long at = first, i;
	struct run_walk walk;
	bool more;

	for (more = runs_walk(&runs, &walk, first, last); more;
	     more = runs_walk_next(&walk)) {
		if (!check(walk.run.npages) || !check(walk.run.index >= at) ||
		    !check(walk.run.index + walk.run.npages - 1 <= last))
			return;
		for (; at < walk.run.index; at++)
			check_eq(model[at], 0);
		for (i = 0; i < walk.run.npages; i++, at++)
			check_eq(walk.run.pfn + i, model[at]);
	}
	for (; at <= last; at++)
		check_eq(model[at], 0);
}

static void compare_missing(unsigned long first, unsigned long last)
{
	unsigned long from = first, to = last, a = first, b;
	bool missing = runs_missing(&runs, &from, &to);

	while (a <= last && model[a])
		a++;
	if (!check_eq(missing, a <= last) || !missing)
		return;
	for (b = a; b < last && !model[b + 1];)
		b++;
	check_eq(from, a);
	check_eq(to, b);
}

/* What the leaves say about themselves. */
static void check_leaves(void)
{
	unsigned long end = 0, pinned = 0;
	struct rb_node *rb;
	struct run_walk walk;
	bool more;

	for (rb = rb_first(&runs.leaves); rb; rb = rb_next(rb)) {
		struct run_leaf *leaf = rb_entry(rb, struct run_leaf, rb);

		check(leaf->nr && leaf->nr <= leaf->max);
		check(leaf->npinned && leaf->npinned <= leaf->npages);
		check(leaf->first >= end);
		check(!leaf->embedded || runs.embedded_used);
		end = leaf->first + leaf->npages;
		pinned += leaf->npinned;
		for (more = runs_walk(&runs, &walk, leaf->first, end - 1); more;
		     more = runs_walk_next(&walk)) {
			check(walk.leaf == leaf);
			pinned -= walk.run.npages;
		}
	}
	check_eq(pinned, 0);
	check(end <= PAGES);
}

static void random_range(unsigned long *first, unsigned long *last)
{
	unsigned long most = one_in(4) ? PAGES : one_in(2) ? 200 : 10;

	*first = random_below(PAGES);
	*last = *first + random_below(min(most, PAGES - *first));
}

static void compare(void)
{
	unsigned long first, last;

	compare_walk(0, PAGES - 1);
	random_range(&first, &last);
	compare_walk(first, last);
	random_range(&first, &last);
	compare_missing(first, last);
	check_leaves();
}

/* A frame number: often the one that continues the page before, or nearly so. */
static unsigned long random_pfn(unsigned long index)
{
	unsigned long before = index ? model[index - 1] : 0;

	if (before && one_in(3))
		return before + 1;
	if (before && one_in(8))
		return before + random_below(3);
	return random_in(1, (1UL << 40) - 1 - PAGES);
}

/*
 * Records [first, last].  With @fail the n-th allocation fails; what was recorded
 * until then stays.  Returns false if it has to be tried again behind that.
 */
static bool append(unsigned long *first, unsigned long last, unsigned long longest,
		   unsigned long fail)
{
	struct run_appender to;
	unsigned long n, i, pfn, done;
	bool begun;
	int rc;

	shim_fail_alloc(fail);
	rc = runs_append_begin(&to, &runs, *first, last);
	begun = !rc;
	while (!rc && *first <= last) {
		n = min(random_in(1, longest), last - *first + 1);
		pfn = random_pfn(*first);
		rc = runs_append(&to, pfn, n);
		done = to.index - *first;
		check(rc ? done < n : done == n);
		for (i = 0; i < done; i++)
			model[(*first)++] = pfn + i;
	}
	check_eq(rc, shim_alloc_failed() ? -ENOMEM : 0);
	shim_fail_alloc(0);
	if (begun)
		runs_append_end(&to);
	return !rc;
}

static void try_append(void)
{
	unsigned long longest = one_in(2) ? 1 : random_in(1, 600);
	unsigned long first, last, fail = one_in(2) ? 1 : 0;

	random_range(&first, &last);
	if (!runs_missing(&runs, &first, &last))
		return;
	tap_context("append %lu to %lu", first, last);
	while (!append(&first, last, longest, fail)) {
		compare();
		fail = one_in(3) ? 0 : random_in(1, 3);
	}
}

static void cut(unsigned long index)
{
	unsigned long fail = 0;
	struct run_walk walk;
	int rc;

	do {
		shim_fail_alloc(++fail);
		rc = runs_cut(&runs, index);
		check_eq(rc, shim_alloc_failed() ? -ENOMEM : 0);
		if (rc)
			compare();
	} while (rc && fail < 100);
	shim_fail_alloc(0);
	if (index && index < PAGES && model[index] &&
	    check(runs_walk(&runs, &walk, index - 1, index)) && model[index - 1])
		check_eq(walk.run.index + walk.run.npages, index);
}

static void try_erase(void)
{
	unsigned long first, last;

	random_range(&first, &last);
	tap_context("erase %lu to %lu", first, last);
	cut(first);
	cut(last + 1);
	compare();
	/* Nothing may need memory from here on. */
	shim_fail_alloc(1);
	runs_erase(&runs, first, last);
	check(!shim_alloc_failed());
	shim_fail_alloc(0);
	memset(model + first, 0, (last - first + 1) * sizeof(*model));
}

static void random_operations(unsigned long stream)
{
	unsigned long i, rounds = from_environment("ROUNDS", 400);
	unsigned int erases = stream % 4;

	random_begin(stream);
	runs_init(&runs);
	for (i = 0; i < rounds && !tap_failures(); i++) {
		if (random_below(6) < 2 + erases)
			try_erase();
		else
			try_append();
		compare();
		if (one_in(200))
			forget_all();
		else if (one_in(100))
			take_all();
	}
	if (tap_failures())
		tap_diag("SEED=%lu, sequence %lu, round %lu",
			 from_environment("SEED", 1), stream, i);
	if (stream % 2)
		forget_all();
	else
		take_all();
}

static void test_random(void)
{
	unsigned long stream;

	for (stream = 0; stream < 24 && !tap_failures(); stream++)
		random_operations(stream);
}

/* Records n runs of as many pages that don't continue each other. */
static void append_scattered(unsigned long first, unsigned long n, unsigned long npages)
{
	struct run_appender to;
	unsigned long i;

	check_eq(runs_append_begin(&to, &runs, first, first + n * npages - 1), 0);
	for (i = 0; i < n; i++)
		check_eq(runs_append(&to, 1 + (n - i) * 2 * npages, npages), 0);
	check_eq(to.index, first + n * npages);
	runs_append_end(&to);
}

/* Erases every page of [0, n) whose index leaves @rest when divided by @by. */
static void erase_every(unsigned long n, unsigned long by, unsigned long rest)
{
	unsigned long i;

	for (i = rest; i < n; i += by) {
		check_eq(runs_cut(&runs, i), 0);
		check_eq(runs_cut(&runs, i + 1), 0);
		runs_erase(&runs, i, i);
	}
}

static void forget_scattered(void)
{
	runs_erase(&runs, 0, ~0UL >> 1);
	check(runs_empty(&runs));
}

static void test_small_needs_no_memory(void)
{
	runs_init(&runs);
	append_scattered(0, RUNS_EMBEDDED, 7);
	check_eq(shim_allocs_live(), 0);
	append_scattered(RUNS_EMBEDDED * 7, 1, 7);
	check(shim_bytes_live() <= 256);
	forget_scattered();
}

/* The figures that runs.h and the README promise. */
static void test_memory(void)
{
	runs_init(&runs);
	append_scattered(0, 1UL << 19, 512);
	tap_diag("1 TiB of scattered huge pages: %zu bytes", shim_bytes_live());
	check(shim_bytes_live() <= (4UL << 20) * 102 / 100);
	forget_scattered();

	append_scattered(0, 512, 512);
	tap_diag("1 GiB of scattered huge pages: %zu bytes", shim_bytes_live());
	check(shim_bytes_live() < 64 << 10);
	forget_scattered();

	append_scattered(0, 1UL << 18, 1);
	tap_diag("1 GiB of scattered small pages: %zu bytes", shim_bytes_live());
	check(shim_bytes_live() <= (1UL << 30) / 500);
	forget_scattered();
}

/* Pages that come and go one by one must not blow the record up. */
static void test_memory_of_patches(void)
{
	const unsigned long n = 1UL << 15;
	unsigned long i;

	runs_init(&runs);
	append_scattered(0, n, 1);
	erase_every(n, 2, 1);
	for (i = 1; i < n; i += 2)
		append_scattered(i, 1, 1);
	tap_diag("%lu scattered pages, every second one pinned anew: %zu bytes, %.2f %% of them",
		 n, shim_bytes_live(), shim_bytes_live() * 100.0 / (n << 12));
	check(shim_bytes_live() <= (n << 12) / 100);
	forget_scattered();
}

/* A full leaf is split by a cut where one of its halves is a hole. */
static void test_cut_beside_hole(void)
{
	const unsigned long n = (4096 - sizeof(struct run_leaf)) / sizeof(u64);
	unsigned long first = 2 * (n / 2), last = 2 * n - 1;

	runs_init(&runs);
	append_scattered(0, n, 2);
	runs_erase(&runs, first, last);
	check_eq(runs_cut(&runs, 1), 0);
	runs_erase(&runs, 0, first - 1);
	check(runs_empty(&runs));
	forget_scattered();
}

/* Longer than a run can be, and merged as far as one can be. */
static void test_long_runs(void)
{
	struct run_appender to;
	struct run_walk walk;

	runs_init(&runs);
	check_eq(runs_append_begin(&to, &runs, 5, 4 + 5 * RUN_MAX), 0);
	check_eq(runs_append(&to, 1000, 3), 0);
	check_eq(runs_append(&to, 1003, 2 * RUN_MAX), 0);
	check_eq(runs_append(&to, 1003 + 2 * RUN_MAX, 3 * RUN_MAX - 3), 0);
	runs_append_end(&to);
	check_eq(shim_allocs_live(), 1);	/* five runs, one more than embedded */
	check(runs_walk(&runs, &walk, 0, ~0UL >> 1));
	check_eq(walk.run.index, 5);
	check_eq(walk.run.pfn, 1000);
	check_eq(walk.run.npages, RUN_MAX);
	check(runs_walk_next(&walk));
	check_eq(walk.run.pfn, 1000 + RUN_MAX);
	check(runs_walk(&runs, &walk, 4 + 5 * RUN_MAX, ~0UL >> 1));
	check_eq(walk.run.pfn, 999 + 5 * RUN_MAX);
	check_eq(walk.run.npages, 1);
	check(!runs_walk_next(&walk));
	forget_scattered();
}

static void test_empty(void)
{
	unsigned long first = 3, last = 9;
	struct run_walk walk;

	runs_init(&runs);
	check(runs_empty(&runs));
	check(!runs_walk(&runs, &walk, 0, ~0UL >> 1));
	check(runs_missing(&runs, &first, &last));
	check(first == 3 && last == 9);
	check_eq(runs_cut(&runs, 5), 0);
	runs_erase(&runs, 0, 100);
	check(runs_empty(&runs));
}

static const struct test tests[] = {
	{ "empty", test_empty },
	{ "small_needs_no_memory", test_small_needs_no_memory },
	{ "long_runs", test_long_runs },
	{ "cut_beside_hole", test_cut_beside_hole },
	{ "memory", test_memory },
	{ "memory_of_patches", test_memory_of_patches },
	{ "random", test_random },
};

TAP_MAIN(tests)
