// SPDX-License-Identifier: GPL-2.0-only
/* One piece of memory mapped and unmapped, over and over. */
#include <stdio.h>

#include "bench.h"

#define IOVA	(256 * MIB)

/* The first time of each warms up, and isn't counted. */
static void measure(const struct space *s, struct call map, uint64_t length,
		    unsigned int times, const char *what)
{
	static struct samples in, out;

	for (unsigned int i = 0; i <= times; i++) {
		struct call now = map, unmap;
		uint64_t took = timed(&now);

		/* the IOVA lies at the same place in all but MAP_FILE */
		unmap = call_unmap(s, s->type1 || map.cmd == IOMMU_IOAS_MAP_FILE ?
				   IOVA : now.map.iova, length);
		if (i)
			sample(&in, took);
		took = timed(&unmap);
		if (i)
			sample(&out, took);
	}
	samples_print(&in, "%s/map/%s", space_name(s), what);
	samples_print(&out, "%s/unmap/%s", space_name(s), what);
}

static void by_address(const struct space *s, enum memory_kind kind, uint64_t length,
		       bool fixed, unsigned int times, const char *what)
{
	struct mem m;

	memory_get(&m, kind, length);
	measure(s, call_map(s, m.va, length, IOVA, fixed), length, times, what);
	mem_put(&m);
}

static void small(bool type1)
{
	struct space s;

	space_open(&s, type1);
	by_address(&s, M_SMALL, 4 * KIB, true, 400, "small-4K");
	if (!type1)
		by_address(&s, M_SMALL, 4 * KIB, false, 400, "small-4K-auto");
	by_address(&s, M_SMALL, 64 * KIB, true, 400, "small-64K");
	by_address(&s, M_SMALL, 2 * MIB, true, 100, "small-2M");
	by_address(&s, M_THP, 2 * MIB, true, 100, "thp-2M");
	space_close(&s);
}

void bench_map_small(void)
{
	small(false);
}

void bench_map_small_type1(void)
{
	small(true);
}

static void large(bool type1)
{
	static const enum memory_kind kinds[] = {
		M_SMALL, M_THP, M_HUGETLB, M_FILE_THP, M_FILE_HUGE,
	};
	struct space s;

	space_open(&s, type1);
	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
		char what[64];
		struct mem m;

		memory_get(&m, kinds[i], GIB);
		snprintf(what, sizeof(what), "%s-1G", memory_name[kinds[i]]);
		measure(&s, call_map(&s, m.va, GIB, IOVA, true), GIB, 3, what);
		snprintf(what, sizeof(what), "%s-1G-by-file", memory_name[kinds[i]]);
		if (m.fd >= 0 && !type1)
			measure(&s, call_map_file(&s, m.fd, GIB, IOVA), GIB, 3, what);
		mem_put(&m);
	}
	space_close(&s);
}

void bench_map_large(void)
{
	large(false);
}

void bench_map_large_type1(void)
{
	large(true);
}

static void scattered(bool type1)
{
	struct space s;
	struct mem m;

	space_open(&s, type1);
	memory_get(&m, M_FILE_SCATTERED, GIB);
	measure(&s, call_map(&s, m.va, GIB, IOVA, true), GIB, 3, "memfd-scattered-1G");
	if (!type1)
		measure(&s, call_map_file(&s, m.fd, GIB, IOVA), GIB, 3,
			"memfd-scattered-1G-by-file");
	mem_put(&m);
	space_close(&s);
}

void bench_map_scattered(void)
{
	scattered(false);
}

void bench_map_scattered_type1(void)
{
	scattered(true);
}

/* Into the attached space from one that has a page table of its own, or none. */
static void copy(struct space *s, bool pinned)
{
	uint32_t source = ioas_new(s->fd), table = 0;
	const char *what = pinned ? "hugetlb-1G" : "hugetlb-1G-not-pinned";
	static struct samples in, out;
	struct mem m;

	memory_get(&m, M_HUGETLB, GIB);
	require_ok(ioas_map_at(s->fd, source, m.va, GIB, IOVA));
	if (pinned)
		require_ok(hwpt_alloc(s->fd, s->dev.id, source, 0, &table));
	for (unsigned int i = 0; i <= 5; i++) {
		struct call map = {
			.cmd = IOMMU_IOAS_COPY,
			.fd = s->fd,
			.copy = {
				.size = sizeof(struct iommu_ioas_copy),
				.flags = MAP_RW | MAP_FIX,
				.dst_ioas_id = s->ioas,
				.src_ioas_id = source,
				.length = GIB,
				.dst_iova = IOVA,
				.src_iova = IOVA,
			},
		};
		struct call unmap = call_unmap(s, IOVA, GIB);
		uint64_t took = timed(&map);

		if (i)
			sample(&in, took);
		took = timed(&unmap);
		if (i)
			sample(&out, took);
	}
	samples_print(&in, "iommufd/copy/%s", what);
	samples_print(&out, "iommufd/drop/%s", what);
	if (pinned)
		require_ok(iommu_destroy(s->fd, table));
	require_ok(iommu_destroy(s->fd, source));
	mem_put(&m);
}

void bench_copy(void)
{
	struct space s;

	space_open(&s, false);
	copy(&s, true);
	copy(&s, false);
	space_close(&s);
}
