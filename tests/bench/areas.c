// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address spaces with many areas: of one page, a page apart, from the lowest IOVA
 * on, so that a place for more than a page is found behind them only.
 */
#include <stdlib.h>

#include "bench.h"

#define STRIDE	(2 * PAGE)

/* Where VT-d has its window for interrupts. */
#define WINDOW	0xfee00000ull
#define WINDOW_SIZE (1 * MIB)

struct row {
	struct space s;
	struct mem m;
	uint64_t first;
	uint32_t n;
};

static uint64_t place(const struct row *r, uint64_t i)
{
	uint64_t iova = r->first + i * STRIDE;

	return iova < WINDOW ? iova : iova + WINDOW_SIZE;
}

/* Each page is mapped by many, and can be pinned two million times. */
static void *page(const struct row *r, uint64_t i)
{
	return r->m.va + i % (r->m.size / PAGE) * PAGE;
}

static void row_open(struct row *r, bool type1, uint32_t n)
{
	struct iommu_iova_range ranges[16];
	uint32_t count = ARRAY_SIZE(ranges);

	space_open(&r->s, type1);
	memory_get(&r->m, M_SMALL, 2 * MIB);
	r->n = n;
	r->first = 0;
	if (type1)
		return;
	require_ok(ioas_ranges(r->s.fd, r->s.ioas, ranges, &count, NULL));
	r->first = ranges[0].start;
}

static void row_close(struct row *r)
{
	mem_put(&r->m);
	space_close(&r->s);
}

/* What an area costs if all are mapped in that order, or in ascending order. */
static uint64_t map_all(struct row *r, const uint32_t *order)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		uint32_t at = order ? order[i] : i;
		struct call map = call_map(&r->s, page(r, at), PAGE, place(r, at), true);

		sum += timed(&map);
	}
	return sum / r->n;
}

static uint64_t unmap_each(struct row *r, const uint32_t *order)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		struct call unmap = call_unmap(&r->s, place(r, order[i]), PAGE);

		sum += timed(&unmap);
	}
	return sum / r->n;
}

static void one_more(struct row *r, unsigned int times)
{
	static struct samples in, out;

	for (unsigned int i = 0; i < times; i++) {
		struct call map = call_map(&r->s, r->m.va, PAGE, place(r, r->n), true);
		struct call unmap = call_unmap(&r->s, place(r, r->n), PAGE);

		sample(&in, timed(&map));
		sample(&out, timed(&unmap));
	}
	samples_print(&in, "%s/map/one-more-of-%u", space_name(&r->s), r->n);
	samples_print(&out, "%s/unmap/one-more-of-%u", space_name(&r->s), r->n);
}

/* The kernel looks for a place. */
static void anywhere(struct row *r, uint64_t length, unsigned int times,
		     const char *what)
{
	static struct samples in;

	for (unsigned int i = 0; i < times; i++) {
		struct call map = call_map(&r->s, r->m.va, length, 0, false);
		struct call unmap;

		sample(&in, timed(&map));
		unmap = call_unmap(&r->s, map.map.iova, length);
		timed(&unmap);
	}
	samples_print(&in, "%s/map/%s-of-%u", space_name(&r->s), what, r->n);
}

static void many(bool type1, uint32_t n, bool in_order, unsigned int times)
{
	struct call clear;
	uint32_t *order;
	struct row r;

	row_open(&r, type1, n);
	if (in_order) {
		figure(map_all(&r, NULL), "%s/map/ascending-%u", space_name(&r.s), n);
		clear = call_unmap_all(&r.s);
		figure(timed(&clear) / n, "%s/unmap/all-%u", space_name(&r.s), n);
	}
	order = random_order(n);
	figure(map_all(&r, order), "%s/map/random-%u", space_name(&r.s), n);
	one_more(&r, times);
	if (!type1) {
		anywhere(&r, PAGE, times, "auto-4K");
		anywhere(&r, 64 * KIB, times, "auto-64K");
	}
	free(order);
	order = random_order(n);
	figure(unmap_each(&r, order), "%s/unmap/random-%u", space_name(&r.s), n);
	free(order);
	row_close(&r);
}

void bench_areas(void)
{
	many(false, 1024, true, 20);
	many(false, 65536, true, 20);
}

void bench_areas_type1(void)
{
	many(true, 1024, true, 20);
	many(true, 65536, true, 20);
}

void bench_million(void)
{
	many(false, 1 << 20, false, 3);
}
