// SPDX-License-Identifier: GPL-2.0-only
/* The IOVA space beside a naive model of it: random operations, and its edges. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "../../../src/ioas/space.h"
#include "random.h"
#include "model.h"
#include "compare.h"

static struct iova_space space;

/* All that is taken and reserved, in no order. */
static struct iova_node *nodes[CELLS];
static struct iova_range reserved[64];
static size_t n_nodes, n_reserved;

static void take(unsigned long first, unsigned long last)
{
	struct iova_node *node = malloc(sizeof(*node));

	node->first = address(first);
	node->last = last_of(last);
	space_take(&space, node);
	nodes[n_nodes++] = node;
	memset(model.taken + first, 1, last - first + 1);
}

static void try_take(void)
{
	unsigned long first, last;

	random_cells(&first, &last);
	if (!model_is_taken(first, last) && !model_is_reserved(first, last))
		take(first, last);
}

static void give_back(size_t i)
{
	struct iova_node *node = nodes[i];

	space_free(&space, node);
	memset(model.taken + cell_of(node->first), 0,
	       cell_of(node->last) - cell_of(node->first) + 1);
	nodes[i] = nodes[--n_nodes];
	free(node);
}

static void try_free(void)
{
	unsigned long n = one_in(20) ? 50 : 1;

	for (; n && n_nodes; n--)
		give_back(random_below(n_nodes));
}

static void try_find_room(void)
{
	unsigned long align = PAGE_SIZE << random_below(5);
	unsigned long offset = one_in(2) ? 0 : random_below(align / CELL) * CELL;
	unsigned long length = random_in(1, one_in(3) ? WINDOW : 40 * CELL);
	unsigned long iova = 0xdead, first, last, cell;
	int rc;

	if (one_in(2))
		length = ALIGN(length, PAGE_SIZE);
	tap_context("room for 0x%lx bytes, 0x%lx above 0x%lx", length, offset, align);
	rc = space_find_room(&space, length, align, offset, &iova);
	if (rc) {
		check_eq(rc, -ENOSPC);
		check(!model_has_room(length, align, offset));
		return;
	}
	if (!check(iova >= base && iova + (length - 1) >= iova) ||
	    !check(iova + (length - 1) <= last_of(CELLS - 1)))
		return;
	check_eq((iova - offset) % align, 0);
	check(iova >= PAGE_SIZE && iova + (length - 1) <= ULONG_MAX - PAGE_SIZE);
	first = cell_of(iova);
	last = cell_of(iova + length - 1);
	for (cell = first; cell <= last; cell++)
		check(!model.taken[cell] && !model.reserved[cell] &&
		      (!model.any_allowed || model.allowed[cell]));
	if (one_in(2) && !tap_failures())
		take(first, last);
}

static void try_reserve(void)
{
	unsigned long first, last, fail, cell;
	bool refused;
	int rc;

	random_cells(&first, &last);
	if (n_reserved && one_in(2)) {
		/* One that is there already, or one that begins where that does. */
		cell = random_below(n_reserved);
		first = cell_of(reserved[cell].first);
		last = one_in(2) ? cell_of(reserved[cell].last) :
				   random_in(first, CELLS - 1);
	}
	refused = model_is_taken(first, last) || model_is_allowed(first, last);
	tap_context("reserve 0x%lx to 0x%lx", address(first), last_of(last));
	if (n_reserved == ARRAY_SIZE(reserved))
		return;
	for (fail = 1;; fail = 0) {
		shim_fail_alloc(fail);
		rc = space_reserve(&space, address(first), last_of(last));
		if (rc != -ENOMEM || !shim_alloc_failed())
			break;
		compare_holes(&space);
	}
	shim_fail_alloc(0);
	check_eq(rc, refused ? -EADDRINUSE : 0);
	if (rc)
		return;
	reserved[n_reserved].first = address(first);
	reserved[n_reserved++].last = last_of(last);
	for (cell = first; cell <= last; cell++)
		model.reserved[cell]++;
}

static void unreserve(size_t i)
{
	struct iova_range range = reserved[i];
	unsigned long cell;

	space_unreserve(&space, range.first, range.last);
	reserved[i] = reserved[--n_reserved];
	for (cell = cell_of(range.first); cell <= cell_of(range.last); cell++)
		model.reserved[cell]--;
}

static void try_unreserve(void)
{
	if (n_reserved)
		unreserve(random_below(n_reserved));
}

/* A list of ranges, with now and then one that is reserved or overlaps another. */
static size_t random_ranges(struct iova_range *ranges, bool *overlap, bool *in_use)
{
	size_t n = random_below(8), i, j, used = 0;
	unsigned long first, last;

	*overlap = *in_use = false;
	for (i = 0; i < n; i++) {
		random_cells(&first, &last);
		if (used && one_in(4) && cell_of(ranges[used - 1].last) + 1 < CELLS)
			last = first = cell_of(ranges[used - 1].last) + 1;
		for (j = 0; j < used; j++)
			if (ranges[j].first <= last_of(last) && ranges[j].last >= address(first))
				break;
		if (!one_in(40) && (j < used || model_is_reserved(first, last)))
			continue;
		*overlap |= j < used;
		*in_use |= model_is_reserved(first, last);
		ranges[used].first = address(first);
		ranges[used++].last = last_of(last);
	}
	return used;
}

static void try_allow(void)
{
	struct iova_range *ranges = kvmalloc_array(8, sizeof(*ranges), GFP_KERNEL), copy[8];
	bool overlap, in_use;
	size_t n = random_ranges(ranges, &overlap, &in_use), i;
	int rc;

	memcpy(copy, ranges, n * sizeof(*copy));
	rc = space_allow(&space, ranges, n);
	if (rc) {
		check(rc == -EINVAL ? overlap : rc == -EADDRINUSE && in_use);
		kvfree(ranges);
		return;
	}
	check(!overlap && !in_use);
	model.any_allowed = n;
	memset(model.allowed, 0, sizeof(model.allowed));
	for (i = 0; i < n; i++) {
		memset(model.allowed + cell_of(copy[i].first), 1,
		       cell_of(copy[i].last) - cell_of(copy[i].first) + 1);
		model.allowed[cell_of(copy[i].first)] = 2;
	}
}

/* Only the window is open; what is around it is as if a device couldn't reach it. */
static void begin(unsigned long at)
{
	base = at;
	memset(&model, 0, sizeof(model));
	space_init(&space);
	if (base)
		check_eq(space_reserve(&space, 0, base - 1), 0);
	if (last_of(CELLS - 1) != ULONG_MAX)
		check_eq(space_reserve(&space, last_of(CELLS - 1) + 1, ULONG_MAX), 0);
}

static void end(void)
{
	while (n_nodes)
		give_back(n_nodes - 1);
	check(RB_EMPTY_ROOT(&space.taken));
	n_reserved = 0;
	space_destroy(&space);
}

static void one_operation(void)
{
	switch (random_below(16)) {
	case 0 ... 2:
		return try_free();
	case 3 ... 5:
		return try_take();
	case 6:
		return try_reserve();
	case 7:
		return try_unreserve();
	case 8:
		if (one_in(3))
			try_allow();
		return;
	default:
		return try_find_room();
	}
}

static void random_operations(unsigned long at)
{
	unsigned long stream, i, rounds = from_environment("ROUNDS", 1000);

	for (stream = 0; stream < 12 && !tap_failures(); stream++) {
		random_begin(at + stream);
		begin(at);
		for (i = 0; i < rounds && !tap_failures(); i++) {
			one_operation();
			compare(&space);
		}
		if (tap_failures())
			tap_diag("SEED=%lu, sequence %lu, round %lu",
				 from_environment("SEED", 1), stream, i);
		end();
	}
}

static void test_bottom(void)
{
	random_operations(0);
}

static void test_middle(void)
{
	random_operations(0x123456789000);
}

static void test_top(void)
{
	random_operations(-WINDOW);
}

/* One gap in many is as large as what is asked for, and each time it is found. */
static void test_tight(void)
{
	const unsigned long n = 200;
	unsigned long i, cell, gap, iova, want = 0;
	struct iova_range *window;

	for (i = 0; i < n; i++) {
		begin(0);
		take(0, 7);
		for (gap = 0, cell = 8; gap < n; gap++) {
			want = gap == i ? address(cell) : want;
			cell += gap == i ? 16 : 8;	/* two pages, or one */
			take(cell, cell + 7);
			cell += 8;
		}
		take(cell, CELLS - 1);
		check_eq(space_find_room(&space, 2 * PAGE_SIZE, PAGE_SIZE, 0, &iova), 0);
		check_eq(iova, want);
		check_eq(space_find_room(&space, PAGE_SIZE + 1, PAGE_SIZE, 0, &iova), 0);
		check_eq(iova, want);
		check_eq(space_find_room(&space, 2 * PAGE_SIZE + 1, PAGE_SIZE, 0, &iova),
			 -ENOSPC);
		window = kvmalloc(sizeof(*window), GFP_KERNEL);
		*window = (struct iova_range){ want, last_of(CELLS - 1) };
		check_eq(space_allow(&space, window, 1), 0);
		check_eq(space_find_room(&space, 2 * PAGE_SIZE, PAGE_SIZE, 0, &iova), 0);
		check_eq(iova, want);
		end();
	}
}

static void test_whole(void)
{
	struct iova_node node = { .first = 0, .last = ULONG_MAX };
	unsigned long iova;
	struct iova_range hole;

	space_init(&space);
	check(!space_find(&space, 0, ULONG_MAX));
	check_eq(space_find_room(&space, 0, PAGE_SIZE, 0, &iova), -EOVERFLOW);
	check_eq(space_find_room(&space, ULONG_MAX, PAGE_SIZE, 0, &iova), -EOVERFLOW);
	check_eq(space_find_room(&space, 1, PAGE_SIZE, 0, &iova), 0);
	check_eq(iova, PAGE_SIZE);
	check_eq(space_find_room(&space, 1UL << 62, 1UL << 21, 0, &iova), 0);
	check_eq(iova, 1UL << 21);
	check(space_next_hole(&space, 0, &hole));
	check(hole.first == 0 && hole.last == ULONG_MAX);

	space_take(&space, &node);
	check(space_find(&space, 0, 0) == &node);
	check(space_find(&space, ULONG_MAX, ULONG_MAX) == &node);
	check(!space_next(&node, ULONG_MAX));
	check_eq(space_find_room(&space, 1, PAGE_SIZE, 0, &iova), -ENOSPC);
	check_eq(space_reserve(&space, 5, 5), -EADDRINUSE);
	space_free(&space, &node);

	check_eq(space_reserve(&space, 0, ULONG_MAX), 0);
	check_eq(space_find_room(&space, 1, PAGE_SIZE, 0, &iova), -ENOSPC);
	check(!space_next_hole(&space, 0, &hole));
	space_destroy(&space);
}

/* Ranges that an ioctl can bring; on failure they stay the caller's. */
static void test_bad_ranges(void)
{
	struct iova_range single[] = { { 5, 5 } }, turned[] = { { 9, 5 } };
	struct iova_range touching[] = { { 0x4000, 0x7fff }, { 0x1000, 0x4000 } };
	struct iova_range *good = kvmalloc(2 * sizeof(*good), GFP_KERNEL);

	space_init(&space);
	check_eq(space_allow(&space, single, 1), -EINVAL);
	check_eq(space_allow(&space, turned, 1), -EINVAL);
	check_eq(space_allow(&space, touching, 2), -EINVAL);
	good[0] = (struct iova_range){ 0x4000, 0x7fff };
	good[1] = (struct iova_range){ 0x1000, 0x3fff };
	check_eq(space_allow(&space, good, 2), 0);
	check_eq(space_reserve(&space, 0x7fff, 0x8000), -EADDRINUSE);
	check_eq(space_reserve(&space, 0x8000, 0x8000), 0);
	check_eq(space_allow(&space, NULL, 0), 0);
	check_eq(space_reserve(&space, 0x7fff, 0x8000), 0);
	space_unreserve(&space, 0x8000, 0x8000);
	check(space_is_reserved(&space, 0x8000, 0x8000));
	space_destroy(&space);
}

static const struct test tests[] = {
	{ "whole", test_whole },
	{ "bad_ranges", test_bad_ranges },
	{ "tight", test_tight },
	{ "bottom", test_bottom },
	{ "middle", test_middle },
	{ "top", test_top },
};

TAP_MAIN(tests)
