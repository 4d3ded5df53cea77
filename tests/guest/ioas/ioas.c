// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address spaces: where mappings may lie, how the kernel chooses, what unmap
 * and copy do, and how it all behaves in numbers.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"
#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "tap.h"

#define BASE 0x1000000ull

static struct mem buf(size_t size)
{
	struct mem m;

	mem_get(&m, MEM_ANON, size);
	return m;
}

/*
 * How the kernel aligns an IOVA that it chooses: as the memory lies, to 2 MiB, or not beyond
 * pages if it has no transparent huge pages.
 */
static uint64_t alignment(const void *va, uint64_t length)
{
	uint64_t most = mem_has_thp() ? HUGE : PAGE, align = PAGE;

	while (align < most && align < length &&
	       !((uintptr_t)va & (2 * align - 1)))
		align *= 2;
	return align;
}

struct span {
	uint64_t start, last;
};

static int by_start(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void check_no_overlap(struct span *s, size_t n)
{
	qsort(s, n, sizeof(*s), by_start);
	for (size_t i = 1; i < n; i++)
		if (!check(s[i].start > s[i - 1].last))
			return;
}

static void chosen(void)
{
	static const uint64_t pages[] = { 1, 2, 3, 16, 511, 512, 513, 1024 };
	struct mem m = buf(8 * MIB);
	struct span spans[200];
	int fd = iommu_open();
	uint32_t ioas = ioas_new(fd);

	for (size_t i = 0; i < ARRAY_SIZE(spans); i++) {
		uint64_t length = pages[i % 8] * PAGE, iova = 0;
		uint8_t *va = m.va + i % 7 * PAGE * (i % 3 ? 1 : 128);

		require_ok(ioas_map(fd, ioas, MAP_RW, va, length, &iova));
		check(iova != 0);
		check_eq(iova & (alignment(va, length) - 1), 0);
		spans[i] = (struct span){ iova, iova + length - 1 };
	}
	check_no_overlap(spans, ARRAY_SIZE(spans));
	for (size_t i = 0; i < ARRAY_SIZE(spans); i++)
		require_ok(ioas_unmap(fd, ioas, spans[i].start,
				      spans[i].last - spans[i].start + 1,
				      NULL));
	check_eq(ioas_unmap_all(fd, ioas), 0);
}

/* Without a page table bytes count: as aligned as the memory is, not more. */
static void chosen_unaligned(void)
{
	struct mem m = buf(4 * PAGE);
	struct span spans[8];
	int fd = iommu_open();
	uint32_t ioas = ioas_new(fd);

	for (uint64_t i = 0, at = 1; i < 8; i++, at = at * 3 + 1) {
		uint64_t iova = 0, low = at & -at;

		require_ok(ioas_map(fd, ioas, MAP_RW, m.va + at, 77, &iova));
		check_eq(iova & ((low < 128 ? low : 128) - 1), 0);
		spans[i] = (struct span){ iova, iova + 76 };
	}
	check_no_overlap(spans, 8);
	check_eq(ioas_unmap_all(fd, ioas), 8 * 77);
}

static void exhausted(void)
{
	struct iommu_iova_range allowed[] = {
		{ 5 * PAGE, 12 * PAGE - 1 }, { 40 * PAGE, 49 * PAGE - 1 },
	};
	struct mem m = buf(PAGE);
	struct span spans[16];
	int fd = iommu_open();
	uint32_t ioas = ioas_new(fd);
	uint64_t iova = 0;

	require_ok(ioas_allow(fd, ioas, allowed, 2));
	for (size_t i = 0; i < ARRAY_SIZE(spans); i++) {
		require_ok(ioas_map(fd, ioas, MAP_RW, m.va, PAGE, &iova));
		check((iova >= allowed[0].start && iova < allowed[0].last) ||
		      (iova >= allowed[1].start && iova < allowed[1].last));
		spans[i] = (struct span){ iova, iova + PAGE - 1 };
	}
	check_no_overlap(spans, ARRAY_SIZE(spans));
	iova = 0x1234;
	check_ret(ioas_map(fd, ioas, MAP_RW, m.va, PAGE, &iova), -ENOSPC);
	check_eq(iova, 0x1234);
	/* a hole is found again */
	require_ok(ioas_unmap(fd, ioas, spans[9].start, PAGE, NULL));
	require_ok(ioas_map(fd, ioas, MAP_RW, m.va, PAGE, &iova));
	check_eq(iova, spans[9].start);
	/* the list binds the kernel's choice only */
	require_ok(ioas_map_at(fd, ioas, m.va, PAGE, BASE));
	check_ret(ioas_map(fd, ioas, MAP_RW, m.va, PAGE, &iova), -ENOSPC);
	/* a new list replaces the old one, an empty one allows all */
	allowed[0] = (struct iommu_iova_range){ GIB, GIB + MIB - 1 };
	require_ok(ioas_allow(fd, ioas, allowed, 1));
	require_ok(ioas_map(fd, ioas, MAP_RW, m.va, PAGE, &iova));
	check(iova >= GIB && iova < GIB + MIB);
	require_ok(ioas_allow(fd, ioas, NULL, 0));
	require_ok(ioas_map(fd, ioas, MAP_RW, m.va, PAGE, &iova));
	check_eq(ioas_unmap_all(fd, ioas), 19 * PAGE);
}

/* Holes that are too small, or only big enough unaligned, are passed over. */
static void fragmented(void)
{
	struct iommu_iova_range allowed = { BASE, BASE + 64 * PAGE - 1 };
	struct mem m = buf(64 * PAGE);
	int fd = iommu_open();
	uint32_t ioas = ioas_new(fd);
	bool thp = mem_has_thp();
	uint64_t iova = 0;

	require_ok(ioas_allow(fd, ioas, &allowed, 1));
	for (int i = 0; i < 12; i++)
		require_ok(ioas_map_at(fd, ioas, m.va, PAGE,
				       BASE + (4 * i + 1) * PAGE));
	/* 3 pages fit between two of them, but not at a multiple of 4 */
	require_ok(ioas_map(fd, ioas, MAP_RW, m.va, 3 * PAGE, &iova));
	check_eq(iova, BASE + (thp ? 48 : 2) * PAGE);
	require_ok(ioas_map(fd, ioas, MAP_RW, m.va + PAGE, 3 * PAGE, &iova));
	check_eq(iova, BASE + (thp ? 2 : 6) * PAGE);
	require_ok(ioas_map(fd, ioas, MAP_RW, m.va, (thp ? 8 : 18) * PAGE, &iova));
	check_eq(iova, BASE + (thp ? 56 : 46) * PAGE);
	check_ret(ioas_map(fd, ioas, MAP_RW, m.va, 8 * PAGE, &iova), -ENOSPC);
}

/* With nothing behind it an address space is all of the 64 bits. */
static void extremes(void)
{
	struct mem m = buf(4 * PAGE);
	int fd = iommu_open();
	uint32_t ioas = ioas_new(fd);
	uint64_t bytes = 0;

	require_ok(ioas_map_at(fd, ioas, m.va, PAGE, 0));
	require_ok(ioas_map_at(fd, ioas, m.va, PAGE, -PAGE));
	require_ok(ioas_map_at(fd, ioas, m.va + 3, 1, -PAGE - 1));
	require_ok(ioas_map_at(fd, ioas, m.va + 5, 7, BASE + 1));
	check_ret(ioas_map_at(fd, ioas, m.va, 1, UINT64_MAX - 1), -EEXIST);
	check_ret(ioas_map_at(fd, ioas, m.va, 1, BASE + 7), -EEXIST);
	require_ok(ioas_map_at(fd, ioas, m.va, 1, BASE + 8));
	check_ret(ioas_unmap(fd, ioas, BASE, 8, &bytes), 0);
	check_eq(bytes, 7);
	check_ret(ioas_unmap(fd, ioas, -PAGE, PAGE, &bytes), 0);
	check_eq(bytes, PAGE);
	check_eq(ioas_unmap_all(fd, ioas), PAGE + 2);
	/* far more than there is memory, as nothing needs it yet */
	require_ok(ioas_map_at(fd, ioas, m.va, 1ull << 40, BASE));
	check_eq(ioas_unmap_all(fd, ioas), 1ull << 40);
}

static void unmap_superset(void)
{
	struct mem m = buf(16 * PAGE);
	int fd = iommu_open();
	uint32_t ioas = ioas_new(fd);
	uint64_t bytes;

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 8; i++)
			require_ok(ioas_map_at(fd, ioas, m.va, (i + 1) * PAGE,
					       BASE + i * 16 * PAGE));
		/* with room before, between and behind */
		require_ok(ioas_unmap(fd, ioas, BASE + 15 * PAGE,
				      20 * PAGE + PAGE, &bytes));
		check_eq(bytes, 2 * PAGE + 3 * PAGE);
		check_ret(ioas_unmap(fd, ioas, BASE + 16 * PAGE, 20 * PAGE,
				     NULL), -ENOENT);
		if (round) {
			require_ok(ioas_unmap(fd, ioas, 1, UINT64_MAX - 1,
					      &bytes));
			check_eq(bytes, 31 * PAGE);
		} else {
			check_eq(ioas_unmap_all(fd, ioas), 31 * PAGE);
		}
		check_eq(ioas_unmap_all(fd, ioas), 0);
	}
}

/*
 * A range that cuts a mapping is refused; of the whole ones before it Linux
 * has unmapped those that it came across.
 */
static void unmap_cut(void)
{
	struct mem m = buf(4 * PAGE);
	int fd = iommu_open();
	uint32_t ioas = ioas_new(fd);
	int64_t left;

	require_ok(ioas_map_at(fd, ioas, m.va, 2 * PAGE, BASE));
	require_ok(ioas_map_at(fd, ioas, m.va, 4 * PAGE, BASE + 8 * PAGE));
	check_ret(ioas_unmap(fd, ioas, BASE, 10 * PAGE, NULL), -ENOENT);
	left = ioas_unmap_all(fd, ioas);
	check(left == (int64_t)(6 * PAGE) || left == (int64_t)(4 * PAGE));
	require_ok(ioas_map_at(fd, ioas, m.va, 2 * PAGE, BASE));
	require_ok(ioas_map_at(fd, ioas, m.va, 4 * PAGE, BASE + 8 * PAGE));
	/* cut in front: nothing is touched */
	check_ret(ioas_unmap(fd, ioas, BASE + PAGE, 20 * PAGE, NULL), -ENOENT);
	check_eq(ioas_unmap_all(fd, ioas), 6 * PAGE);
}

static void copy(void)
{
	struct mem m = buf(32 * PAGE);
	int fd = iommu_open();
	uint32_t a = ioas_new(fd), b = ioas_new(fd);
	uint64_t at;

	/* two mappings side by side, a third with a gap before it */
	require_ok(ioas_map_at(fd, a, m.va, 8 * PAGE, BASE));
	require_ok(ioas_map_at(fd, a, m.va + 16 * PAGE, 8 * PAGE,
			       BASE + 8 * PAGE));
	require_ok(ioas_map_at(fd, a, m.va, PAGE, BASE + 17 * PAGE));
	at = BASE;
	require_ok(ioas_copy(fd, b, a, MAP_RW | MAP_FIX, BASE, 16 * PAGE,
			     &at));
	/* a part that spans both */
	at = BASE + 32 * PAGE;
	require_ok(ioas_copy(fd, b, a, MAP_R | MAP_FIX, BASE + 5 * PAGE,
			     6 * PAGE, &at));
	check_ret(ioas_copy(fd, b, a, MAP_RW, BASE, 18 * PAGE, &at), -ENOENT);
	/* where the kernel likes */
	at = 0;
	require_ok(ioas_copy(fd, b, a, MAP_RW, BASE + PAGE, PAGE, &at));
	check(at != 0 && at % PAGE == 0);
	/* into the same space, and a copy of a copy */
	at = BASE + 64 * PAGE;
	require_ok(ioas_copy(fd, a, a, MAP_RW | MAP_FIX, BASE, 8 * PAGE, &at));
	at = GIB;
	require_ok(ioas_copy(fd, a, b, MAP_R | MAP_FIX, BASE + 32 * PAGE,
			     3 * PAGE, &at));
	/* a copy that spans two mappings consists of two */
	require_ok(ioas_unmap(fd, b, BASE, 8 * PAGE, NULL));
	check_ret(ioas_unmap(fd, b, BASE + 8 * PAGE, 4 * PAGE, NULL), -ENOENT);
	require_ok(ioas_unmap(fd, b, BASE + 8 * PAGE, 8 * PAGE, NULL));
	check_eq(ioas_unmap_all(fd, a), (17 + 8 + 3) * PAGE);
	require_ok(iommu_destroy(fd, a));
	check_eq(ioas_unmap_all(fd, b), 7 * PAGE);
}

static void huge_option(void)
{
	struct mem m = buf(4 * PAGE);
	int fd = iommu_open();
	uint32_t ioas = ioas_new(fd), other = ioas_new(fd), n = 0;
	uint64_t value = 7, align = 0;

	require_ok(option_get(fd, IOMMU_OPTION_HUGE_PAGES, ioas, &value));
	check_eq(value, 1);
	require_ok(option_set(fd, IOMMU_OPTION_HUGE_PAGES, ioas, 0));
	require_ok(option_set(fd, IOMMU_OPTION_HUGE_PAGES, ioas, 0));
	require_ok(option_get(fd, IOMMU_OPTION_HUGE_PAGES, ioas, &value));
	check_eq(value, 0);
	require_ok(option_get(fd, IOMMU_OPTION_HUGE_PAGES, other, &value));
	check_eq(value, 1);
	check_ret(ioas_ranges(fd, ioas, NULL, &n, &align), -EMSGSIZE);
	check_eq(align, PAGE);
	check_ret(ioas_map_at(fd, ioas, m.va, PAGE, BASE + 1), -EINVAL);
	require_ok(option_set(fd, IOMMU_OPTION_HUGE_PAGES, ioas, 1));
	require_ok(ioas_map_at(fd, ioas, m.va + 1, 3, BASE + 1));
	check_ret(option_set(fd, IOMMU_OPTION_HUGE_PAGES, ioas, 0),
		  -EADDRINUSE);
	require_ok(option_get(fd, IOMMU_OPTION_HUGE_PAGES, ioas, &value));
	check_eq(value, 1);
	require_ok(ioas_unmap(fd, ioas, BASE + 1, 3, NULL));
	require_ok(option_set(fd, IOMMU_OPTION_HUGE_PAGES, ioas, 0));
}

#define MANY_BASE (4 * GIB)	/* clear of all that is reserved */

static void check_many(int fd, uint32_t ioas, const struct mem *m)
{
	/* fewer where each takes long */
	const uint64_t many = 65536 / tap_time_factor();
	uint64_t bytes, step = 2 * PAGE, iova;
	uint32_t pick = 1, gone = 0;
	double t[4];

	t[0] = tap_now();
	for (uint64_t i = 0; i < many; i++)
		if (!check_ret(ioas_map_at(fd, ioas, m->va + i % 16 * PAGE,
					   PAGE, MANY_BASE + i * step), 0))
			return;
	t[1] = tap_now();
	/* every second one, in an order of no order (5 is a generator) */
	for (uint64_t i = 0; i < many / 2; i++) {
		pick = pick * 1664525u + 1013904223u;
		iova = MANY_BASE + (pick >> 16) % many * step;
		if (ioas_unmap(fd, ioas, iova, PAGE, NULL) == 0)
			gone++;
		else
			check_ret(ioas_unmap(fd, ioas, iova, step, NULL),
				  -ENOENT);
	}
	t[2] = tap_now();
	check(gone > many / 4);
	require_ok(ioas_unmap(fd, ioas, MANY_BASE, many * step, &bytes));
	t[3] = tap_now();
	check_eq(bytes, (many - gone) * PAGE);
	tap_diag("%" PRIu64 " maps in %.1f s, %" PRIu64 " unmaps in %.1f s, the rest in %.1f s",
		 many, t[1] - t[0], many / 2, t[2] - t[1], t[3] - t[2]);
}

static void many_bare(void)
{
	struct mem m = buf(16 * PAGE);
	int fd = iommu_open();

	check_many(fd, ioas_new(fd), &m);
}

static void many_attached(void)
{
	struct mem m = buf(16 * PAGE);
	struct device dev;
	int fd = iommu_open();
	uint32_t ioas = ioas_new(fd);

	device_get(&dev, "edu", 0, fd);
	require_ok(device_attach(&dev, ioas));
	check_many(fd, ioas, &m);
}

static const struct test tests[] = {
	{ "chosen", chosen },
	{ "chosen_unaligned", chosen_unaligned },
	{ "exhausted", exhausted },
	{ "fragmented", fragmented },
	{ "extremes", extremes },
	{ "unmap_superset", unmap_superset },
	{ "unmap_cut", unmap_cut },
	{ "copy", copy },
	{ "huge_option", huge_option },
	{ "many_bare", many_bare, 120 },
	{ "many_attached", many_attached, 180 },
};

TAP_MAIN("ioas", tests)
