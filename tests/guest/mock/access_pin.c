// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pins of the in-kernel API: which pages they are, and how they are counted
 * beside those of devices and of each other.
 */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "access.h"
#include "edu.h"
#include "frames.h"
#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "tap.h"


static void errors(void)
{
	uint64_t ro = PIN_BASE + GIB, wo = PIN_BASE + 2 * GIB, gone = PIN_BASE + 3 * GIB;
	struct access plain;
	struct pinner s;
	struct mem m;

	pinner_up(&s);
	mem_get(&m, MEM_ANON, 4 * PAGE);
	require_ok(ioas_map(s.fd, s.ioas, MAP_R | MAP_FIX, m.va, PAGE, &ro));
	require_ok(ioas_map(s.fd, s.ioas, MAP_W | MAP_FIX, m.va + PAGE, PAGE, &wo));
	require_ok(ioas_map_at(s.fd, s.ioas, m.va + 2 * PAGE, PAGE, gone - PAGE));
	require_ok(ioas_map_at(s.fd, s.ioas, m.va + 3 * PAGE, PAGE, gone));
	require(!munmap(m.va + 3 * PAGE, PAGE));

	check_ret(access_pin(&s.a, PIN_BASE, 0, 0, NULL), -EINVAL);
	check_ret(access_pin(&s.a, PIN_BASE, UINT64_MAX, 0, NULL), -EOVERFLOW);
	check_ret(access_pin(&s.a, -PAGE, PAGE + 1, 0, NULL), -EOVERFLOW);
	check_ret(access_pin(&s.a, -PAGE, PAGE, 0, NULL), -ENOENT);
	check_ret(access_pin(&s.a, 0, PAGE, 0, NULL), -ENOENT);
	check_ret(access_pin(&s.a, PIN_BASE - PAGE, 2 * PAGE, 0, NULL), -ENOENT);
	check_ret(access_pin(&s.a, PIN_BASE, PIN_SIZE + 1, 0, NULL), -ENOENT);
	check_ret(access_pin(&s.a, PIN_BASE + 1, 1, 0, NULL), -EINVAL);
	check_ret(access_pin(&s.a, PIN_BASE + 1, PAGE, 0, NULL), -EINVAL);
	check_ret(access_pin(&s.a, ro, PAGE, WRITE, NULL), -EPERM);
	check_ret(access_pin(&s.a, wo, PAGE, 0, NULL), -EPERM);
	check_ret(access_pin(&s.a, gone, PAGE, 0, NULL), -EFAULT);
	check_ret(access_pin(&s.a, gone - PAGE, 2 * PAGE, 0, NULL), -EFAULT);
	check_eq(meters_vmpin(), 0);
	check_eq(access_pins(&s.a), 0);
	check_ret(access_pin(&s.a, ro, PAGE, 0, NULL), 0);
	check_ret(access_pin(&s.a, wo, PAGE, WRITE, NULL), 0);
	check_eq(meters_vmpin(), 2);
	check_ret(access_unpin(&s.a, ro, PAGE), 0);
	check_ret(access_unpin(&s.a, wo, PAGE), 0);

	access_open(&plain);
	require_ok(access_create(&plain, s.fd, 0));
	require_ok(access_attach(&plain, s.ioas));
	check_ret(access_pin(&plain, PIN_BASE, PAGE, 0, NULL), -EINVAL);
	require_ok(access_detach(&s.a));
	check_ret(access_pin(&s.a, PIN_BASE, PAGE, 0, NULL), -ENOENT);
	check_eq(meters_vmpin(), 0);
	check_eq(access_calls(&s.a), 1);	/* the detach */
}

/* The pages are those of the process, in order, whoever makes the call. */
static void check_pages(enum mem_kind kind, size_t size)
{
	const struct { uint64_t first, n; } parts[] = {
		{ 0, size / PAGE }, { 0, 1 }, { 1, 1 }, { 5, 17 },
		{ size / PAGE - 1, 1 }, { size / PAGE / 2 - 3, 7 },
	};
	uint64_t *pfns = calloc(size / PAGE, sizeof(*pfns));
	uint64_t *want = calloc(size / PAGE, sizeof(*want));
	struct pinner s;

	pinner_up_with(&s, kind, size);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		uint64_t iova = PIN_BASE + parts[i].first * PAGE, n = parts[i].n;
		uint8_t *va = s.m.va + parts[i].first * PAGE;

		check_ret(access_pin(&s.a, iova, n * PAGE,
				     i % 2 ? KTHREAD : WRITE, pfns), 0);
		check_eq(meters_vmpin(), n);
		mem_pfns(va, n, want);
		check(want[0] && !memcmp(pfns, want, n * sizeof(*want)));
		check(access_sees(&s.a, iova, va, n * PAGE, BY_PAGES));
		check_ret(access_copy(&s.a, iova + 7, &i, sizeof(i),
				      BY_PAGES | WRITE), 0);
		check(!memcmp(va + 7, &i, sizeof(i)));
		check(access_sees(&s.a, iova, va, n * PAGE, 0));
		check_ret(access_unpin(&s.a, iova, n * PAGE), 0);
		check_eq(meters_vmpin(), 0);
	}
	/* a part of a page counts as all of it */
	check_ret(access_pin(&s.a, PIN_BASE + PAGE, PAGE + 1, 0, pfns), 0);
	check_eq(meters_vmpin(), 2);
	check_eq(pfns[1], mem_pfn(s.m.va + 2 * PAGE));
	check_ret(access_unpin(&s.a, PIN_BASE + PAGE, PAGE + 1), 0);
	check_eq(meters_vmpin(), 0);
	check_eq(access_calls(&s.a), 0);
	check_eq(ioas_unmap_all(s.fd, s.ioas), size);
	pinner_down(&s);
	free(pfns);
	free(want);
}

static void pages(void)
{
	long long pins = meters_pins();

	for (int kind = 0; kind < MEM_KINDS; kind++) {
		check_pages(kind, 2 * HUGE);
		check_eq(meters_wait_pins(pins), pins);
	}
}

/* One pin over memory of several mappings, some of them the same. */
static void several_areas(void)
{
	uint64_t iova = PIN_BASE + GIB, pfns[8], order[8] = { 3, 0, 0, 1, 60, 61, 62, 9 };
	struct pinner s;

	pinner_up(&s);
	for (int i = 0; i < 8; i++)
		require_ok(ioas_map_at(s.fd, s.ioas, s.m.va + order[i] * PAGE,
				       PAGE, iova + i * PAGE));
	check_ret(access_pin(&s.a, iova, 8 * PAGE, WRITE, pfns), 0);
	for (int i = 0; i < 8; i++)
		check_eq(pfns[i], mem_pfn(s.m.va + order[i] * PAGE));
	check_eq(meters_vmpin(), 8);
	/* without one of them it can't be; nothing is left of the attempt */
	require_ok(access_unpin(&s.a, iova, 8 * PAGE));
	require_ok(ioas_unmap(s.fd, s.ioas, iova + 6 * PAGE, PAGE, NULL));
	check_ret(access_pin(&s.a, iova, 8 * PAGE, WRITE, pfns), -ENOENT);
	check_eq(meters_vmpin(), 0);
	/* to unmap a part takes the whole pin */
	check_ret(access_pin(&s.a, iova, 6 * PAGE, WRITE, pfns), 0);
	check_ret(access_pin(&s.a, iova, PAGE, WRITE, pfns), 0);
	require_ok(ioas_unmap(s.fd, s.ioas, iova + 3 * PAGE, PAGE, NULL));
	check_eq(access_calls(&s.a), 1);
	check_eq(access_pins(&s.a), 1);
	check_eq(meters_vmpin(), 1);
	check_ret(access_unpin(&s.a, iova, 6 * PAGE), -ENOENT);
	check_eq(ioas_unmap_all(s.fd, s.ioas), PIN_SIZE + 6 * PAGE);
}

/* More areas in one pin than the largest piece of kmalloc() memory can describe. */
static void many_areas(void)
{
	uint64_t many = 76000 / tap_time_factor(), iova = PIN_BASE + GIB;
	uint64_t *pfns = calloc(many, sizeof(*pfns));
	struct pinner s;

	pinner_up(&s);
	require(pfns != NULL);
	for (uint64_t i = 0; i < many; i++)
		require_ok(ioas_map_at(s.fd, s.ioas, s.m.va + i % PIN_PAGES * PAGE,
				       PAGE, iova + i * PAGE));
	check_ret(access_pin(&s.a, iova, many * PAGE, WRITE, pfns), 0);
	for (uint64_t i = 0; i < many; i += many / 50)
		check_eq(pfns[i], mem_pfn(s.m.va + i % PIN_PAGES * PAGE));
	check_eq(meters_vmpin(), many);
	check_eq(ioas_unmap_all(s.fd, s.ioas), PIN_SIZE + many * PAGE);
	check_eq(meters_vmpin(), 0);
	check_eq(access_pins(&s.a), 0);
}

/* Overlapping pins, given back in every order: what's pinned is their union. */
#define RANGES 5

static const struct { uint8_t first, n; } ranges[RANGES] = {
	{ 0, 64 }, { 4, 8 }, { 8, 16 }, { 10, 1 }, { 8, 16 },
};

static void check_union(struct pinner *s, unsigned int held)
{
	bool pinned[PIN_PAGES] = {};
	unsigned int n = 0;

	for (int i = 0; i < RANGES; i++)
		if (held & 1 << i)
			memset(pinned + ranges[i].first, 1, ranges[i].n);
	for (size_t i = 0; i < PIN_PAGES; i++)
		n += pinned[i];
	check_eq(meters_vmpin(), n);
	check_eq(access_pins(&s->a), __builtin_popcount(held));
}

static void check_order(struct pinner *s, const uint8_t *take, const uint8_t *give)
{
	unsigned int held = 0;

	for (int i = 0; i < RANGES; i++) {
		check_ret(pinner_pin(s, ranges[take[i]].first, ranges[take[i]].n), 0);
		held |= 1 << take[i];
		check_union(s, held);
	}
	for (int i = 0; i < RANGES; i++) {
		check_ret(pinner_unpin(s, ranges[give[i]].first, ranges[give[i]].n), 0);
		held &= ~(1 << give[i]);
		check_union(s, held);
	}
}

static void swap(uint8_t *a, uint8_t *b)
{
	uint8_t t = *a;

	*a = *b;
	*b = t;
}

/* The next permutation in order; false after the last. */
static bool permute(uint8_t *p)
{
	int i = RANGES - 1, j = RANGES - 1;

	while (i && p[i - 1] >= p[i])
		i--;
	if (!i)
		return false;
	while (p[j] <= p[i - 1])
		j--;
	swap(&p[i - 1], &p[j]);
	for (j = RANGES - 1; i < j; i++, j--)
		swap(&p[i], &p[j]);
	return true;
}

static void all_orders(void)
{
	const uint8_t ascending[RANGES] = { 0, 1, 2, 3, 4 };
	uint8_t take[RANGES], give[RANGES];
	long long pins = meters_pins();
	struct pinner s;

	pinner_up(&s);
	memcpy(take, ascending, sizeof(take));
	do {
		memcpy(give, ascending, sizeof(give));
		/* every order of giving after some of the orders of taking */
		do
			check_order(&s, take, give);
		while (permute(give) && !tap_failures());
		for (int i = 0; i < 24 + 5; i++)
			if (!permute(take))
				goto out;
	} while (!tap_failures());
out:
	check_eq(meters_wait_pins(pins), pins);
	check_eq(access_calls(&s.a), 0);
}

/* A device, its page tables and drivers pin the same page once. */
static void with_device(void)
{
	long long pins = meters_pins();
	struct access second;
	struct device dev;
	struct edu edu;
	struct pinner s;
	uint64_t at = PIN_BASE, pfn;

	pinner_up(&s);
	access_get(&second, s.fd, s.other);
	device_get(&dev, "edu", 0, s.fd);
	edu_init(&edu, &dev);
	require_ok(device_attach(&dev, s.ioas));
	check_eq(meters_vmpin(), PIN_PAGES);
	pins = meters_pins();
	check_ret(access_pin(&s.a, PIN_BASE + 3 * PAGE, PAGE, WRITE, &pfn), 0);
	check_eq(pfn, mem_pfn(s.m.va + 3 * PAGE));
	require_ok(ioas_copy(s.fd, s.other, s.ioas, MAP_RW | MAP_FIX, PIN_BASE,
			     PIN_SIZE, &at));
	check_ret(access_pin(&second, PIN_BASE, PIN_SIZE, WRITE, NULL), 0);
	check_eq(meters_vmpin(), PIN_PAGES);
	check_eq(meters_pins(), pins);
	/* what the device writes is seen through the pins, and the other way */
	mem_fill(s.m.va, PAGE, 9);
	require_ok(edu_load(&edu, PIN_BASE, 0, 512));
	require_ok(edu_store(&edu, PIN_BASE + 3 * PAGE + 64, 0, 512));
	check(access_sees(&s.a, PIN_BASE + 3 * PAGE + 64, s.m.va, 512, BY_PAGES));
	check(access_sees(&second, PIN_BASE + 3 * PAGE + 64, s.m.va, 512, BY_PAGES));
	mem_fill(s.m.va + PAGE, PAGE, 10);
	check_ret(access_copy(&s.a, PIN_BASE + 3 * PAGE, s.m.va + PAGE, 512,
			      BY_PAGES | WRITE), 0);
	require_ok(edu_load(&edu, PIN_BASE + 3 * PAGE, 0, 512));
	require_ok(edu_store(&edu, PIN_BASE + 5 * PAGE, 0, 512));
	check(!memcmp(s.m.va + 5 * PAGE, s.m.va + PAGE, 512));

	/* they go one by one, in both orders */
	require_ok(device_detach(&dev));
	check_eq(meters_vmpin(), PIN_PAGES);
	check_ret(access_unpin(&second, PIN_BASE, PIN_SIZE), 0);
	check_eq(meters_vmpin(), 1);
	require_ok(device_attach(&dev, s.ioas));
	check_eq(meters_vmpin(), PIN_PAGES);
	check_ret(pinner_unpin(&s, 3, 1), 0);
	check_eq(meters_vmpin(), PIN_PAGES);
	check_ret(pinner_pin(&s, 3, 1), 0);
	require_ok(device_detach(&dev));
	check_eq(meters_vmpin(), 1);
	check_ret(pinner_unpin(&s, 3, 1), 0);
	check_eq(meters_vmpin(), 0);
	/* and by unmapping, where the device's goes with the pin */
	require_ok(device_attach(&dev, s.ioas));
	check_ret(pinner_pin(&s, 0, PIN_PAGES), 0);
	check_ret(access_pin(&second, PIN_BASE, PAGE, 0, NULL), 0);
	require_ok(ioas_unmap(s.fd, s.ioas, PIN_BASE, PIN_SIZE, NULL));
	check_eq(access_calls(&s.a), 1);
	check_eq(access_calls(&second), 0);
	check_eq(meters_vmpin(), 1);
	check_eq(ioas_unmap_all(s.fd, s.other), PIN_SIZE);
	check_eq(access_calls(&second), 1);
	check_eq(meters_vmpin(), 0);
	require_ok(device_detach(&dev));
	edu_fini(&edu);
	device_close(&dev);
}

/* Parts of huge pages, given back before and after the rest. */
static void check_huge(enum mem_kind kind, bool device)
{
	long long pins = meters_pins();
	struct device dev;
	struct pinner s;

	pinner_up_with(&s, kind, 2 * HUGE);
	if (device) {
		device_get(&dev, "edu", 0, s.fd);
		require_ok(device_attach(&dev, s.ioas));
	}
	check_ret(pinner_pin(&s, 5, 3), 0);
	check_ret(pinner_pin(&s, 510, 4), 0);		/* of both huge pages */
	check_ret(pinner_pin(&s, 0, 1024), 0);
	check_eq(meters_vmpin(), 1024);
	check_ret(pinner_unpin(&s, 5, 3), 0);
	check_ret(pinner_unpin(&s, 0, 1024), 0);
	check_eq(meters_vmpin(), device ? 1024 : 4);
	check(access_sees(&s.a, PIN_BASE + 510 * PAGE, s.m.va + 510 * PAGE,
			  4 * PAGE, BY_PAGES));
	check_ret(pinner_pin(&s, 0, 512), 0);
	check_ret(pinner_pin(&s, 511, 1), 0);
	check_ret(pinner_unpin(&s, 510, 4), 0);
	check_eq(meters_vmpin(), device ? 1024 : 512);
	if (device) {
		require_ok(device_detach(&dev));
		check_eq(meters_vmpin(), 512);
	}
	check_ret(pinner_unpin(&s, 0, 512), 0);
	check_eq(meters_vmpin(), 1);
	/* the last part by unmapping */
	if (device)
		require_ok(device_attach(&dev, s.ioas));
	require_ok(ioas_unmap(s.fd, s.ioas, PIN_BASE, 2 * HUGE, NULL));
	check_eq(access_calls(&s.a), 1);
	check_eq(meters_vmpin(), 0);
	check_eq(meters_wait_pins(pins), pins);
	check_eq(mem_differs(s.m.va, 2 * HUGE, 1), -1);
	if (device) {
		require_ok(device_detach(&dev));
		device_close(&dev);
	}
	pinner_down(&s);
}

static void huge(void)
{
	for (int device = 0; device < 2; device++) {
		check_huge(MEM_THP, device);
		check_huge(MEM_HUGETLB, device);
		check_huge(MEM_MEMFD_HUGE, device);
	}
}

/* Pins are charged like a device's, once for each page. */
static void limited(void)
{
	struct rlimit r = { 8 * PAGE, 8 * PAGE };
	struct pinner s;

	access_open(&s.a);
	s.fd = iommu_open();
	s.ioas = ioas_new(s.fd);
	require_ok(access_create(&s.a, s.fd, ACCESS_TEST_PINS));
	require_ok(access_attach(&s.a, s.ioas));
	require(!setrlimit(RLIMIT_MEMLOCK, &r));
	require(!setgroups(0, NULL) && !setresgid(4242, 4242, 4242) &&
		!setresuid(4242, 4242, 4242));
	mem_get(&s.m, MEM_ANON, PIN_SIZE);
	require_ok(ioas_map_at(s.fd, s.ioas, s.m.va, PIN_SIZE, PIN_BASE));
	check_ret(pinner_pin(&s, 0, 9), -ENOMEM);
	check_eq(meters_vmpin(), 0);
	for (int i = 0; i < 3; i++) {
		check_ret(pinner_pin(&s, 0, 8), 0);
		check_ret(pinner_pin(&s, 8, 1), -ENOMEM);
		check_ret(pinner_pin(&s, 0, 9), -ENOMEM);
		check_ret(pinner_pin(&s, 2, 6), 0);
		check_eq(meters_vmpin(), 8);
		check_ret(pinner_unpin(&s, 0, 8), 0);
		check_eq(meters_vmpin(), 6);
		check_ret(pinner_pin(&s, 8, 3), -ENOMEM);
		check_ret(pinner_pin(&s, 8, 2), 0);
		check_ret(pinner_unpin(&s, 8, 2), 0);
		check_ret(pinner_unpin(&s, 2, 6), 0);
		check_eq(meters_vmpin(), 0);
	}
	/* copying is free */
	mem_fill(s.m.va, PIN_SIZE, 4);
	check(access_sees(&s.a, PIN_BASE, s.m.va, PIN_SIZE, 0));
	check_ret(pinner_pin(&s, 0, 8), 0);
	check_eq(ioas_unmap_all(s.fd, s.ioas), PIN_SIZE);
	check_eq(meters_vmpin(), 0);
}

static const struct test tests[] = {
	{ "errors", errors },
	{ "pages", pages },
	{ "several_areas", several_areas },
	{ "many_areas", many_areas, 120 },
	{ "all_orders", all_orders, 120 },
	{ "with_device", with_device },
	{ "huge", huge },
	{ "limited", limited },
};

TAP_MAIN("access_pin", tests)
