// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty tracking by a real driver and an IOMMU that sets the bits: exactly the pages that
 * the device wrote to.  dirty.c has the rules, on the mock.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dirty.h"
#include "edu.h"
#include "mem.h"
#include "tap.h"
#include "trace.h"

#ifndef MAP_HUGE_1GB
#define MAP_HUGE_1GB	(30 << 26)
#endif

#define IOVA	(64 * MIB)
#define IOVA_GIB (4 * GIB)
/* Beyond what three levels of tables reach, with which some drivers begin. */
#define IOVA_HIGH (1ull << 40)
#define PAGES	(3 * 512u)

static struct world {
	struct dirty d;		/* without a mock device */
	struct device dev;
	struct edu edu;
	struct mem m;		/* at IOVA */
	uint64_t base;		/* of page 0 */
	uint8_t bits[PAGES / 8];
	bool wrote[PAGES];
} w;

static void prepare(void)
{
	memset(&w, 0, sizeof(w));
	w.d.fd = iommu_open();
	w.d.ioas = ioas_new(w.d.fd);
	w.base = IOVA;
	device_get(&w.dev, "edu", 0, w.d.fd);
	edu_init(&w.edu, &w.dev);
	w.edu.limit = UINT64_MAX;
}

static bool promised(void)
{
	struct iommu_hw_info info;

	require_ok(hw_info(w.d.fd, w.dev.id, NULL, 0, &info));
	return info.out_capabilities & IOMMU_HW_CAP_DIRTY_TRACKING;
}

/* The device on a page table that can track. */
static void attach(uint32_t flags)
{
	int ret;

	prepare();
	ret = hwpt_alloc(w.d.fd, w.dev.id, w.d.ioas,
			 IOMMU_HWPT_ALLOC_DIRTY_TRACKING | flags, &w.d.hwpt);
	check_eq(promised(), ret != -EOPNOTSUPP);
	if (ret == -EOPNOTSUPP)
		tap_skip("this IOMMU doesn't track, and says so");
	require_ok(ret);
	require_ok(device_attach(&w.dev, w.d.hwpt));
}

/*
 * That, and memory of that kind, in entries of its pages' size: some IOMMUs have others,
 * for pages that happen to be neighbours.
 */
static void up(enum mem_kind kind, uint32_t flags)
{
	size_t part = kind == MEM_HUGETLB ? HUGE : PAGES * PAGE;

	attach(flags);
	if (kind != MEM_HUGETLB)
		require_ok(option_set(w.d.fd, IOMMU_OPTION_HUGE_PAGES, w.d.ioas, 0));
	mem_get(&w.m, kind, PAGES * PAGE);
	memset(w.m.va, 1, w.m.size);
	for (size_t at = 0; at < w.m.size; at += part)
		require_ok(ioas_map_at(w.d.fd, w.d.ioas, w.m.va + at, part, IOVA + at));
}

static void up_tracking(enum mem_kind kind)
{
	up(kind, 0);
	require_ok(dirty_set(w.d.fd, w.d.hwpt, true));
}

static bool on_smmuv3(void)
{
	const char *iommu = getenv("IOMMU");

	return iommu && !strncmp(iommu, "smmuv3", 6);
}

/*
 * What was mapped while it tracks is clean; but SMMUv3's driver makes entries dirty, so it
 * is told once.
 */
static void mapped(void)
{
	memset(w.wrote, on_smmuv3(), sizeof(w.wrote));
}

static uint64_t iova_of(unsigned int page)
{
	return w.base + page * PAGE;
}

static void write_page(unsigned int page)
{
	require_ok(edu_store(&w.edu, iova_of(page) + 8 * (page % 400), 0, 8));
	if (page < PAGES)
		w.wrote[page] = true;
}

static void read_page(unsigned int page)
{
	require_ok(edu_load(&w.edu, iova_of(page), 0, 8));
}

/* Are those and no others told, in blocks of @entry pages?  Forgets them, unless @flags. */
static void check_told(unsigned int entry, uint32_t flags)
{
	memset(w.bits, 0, sizeof(w.bits));
	require_ok(dirty_get(&w.d, w.base, PAGES * PAGE, PAGE, w.bits, flags));
	for (unsigned int first = 0; first < PAGES; first += entry) {
		bool want = false;

		for (unsigned int i = first; i < first + entry; i++)
			want |= w.wrote[i];
		for (unsigned int i = first; i < first + entry; i++)
			if (!check_msg(bit(w.bits, i) == want, "page %u is %s", i,
				       want ? "lost" : "told for nothing"))
				return;
	}
	if (!(flags & NO_CLEAR))
		memset(w.wrote, 0, sizeof(w.wrote));
}

static void exact_pages(unsigned int entry)
{
	static const unsigned int pages[] = { 0, 1, 7, 63, 64, 511, 512, 1024, PAGES - 1 };

	check_told(entry, 0);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		read_page(pages[i] ^ 2);
		write_page(pages[i]);
		if (i & 1)
			check_told(entry, 0);
	}
	check_told(entry, NO_CLEAR);
	check_told(entry, NO_CLEAR);
	check_told(entry, 0);
	check_told(entry, 0);
	/* The same again: what was made clean is seen again, however it was cached. */
	for (int i = 0; i < 4; i++) {
		write_page(5);
		read_page(6);
		check_told(entry, 0);
	}
	/* Read first, so that the translation is cached, then written. */
	read_page(9);
	check_told(entry, 0);
	write_page(9);
	check_told(entry, 0);
	/* Parts of the range, each for itself. */
	write_page(2);
	write_page(700);
	if (entry == 1) {
		uint8_t part[8] = {};

		require_ok(dirty_get(&w.d, w.base, 64 * PAGE, PAGE, part, 0));
		check_eq(part[0], 4);
		w.wrote[2] = false;
	}
	check_told(entry, 0);
}

/* Linux 6.12's tables were walked: the driver, asked for each entry, would tell the same. */
static void check_walked(void)
{
	const char *shims = tap_oracle() ? "" : slurp("/sys/module/iommufd/parameters/shims");
	static const char *const names[] = { "\nvtd-dirty: ", "\namd-dirty: " };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *state = strstr(shims, names[i]);

		if (state && strncmp(state += strlen(names[i]), "not needed\n", 11))
			check_msg(!strncmp(state, "on\n", 3), "%s%s", names[i] + 1, state);
	}
}

static void exact(void)
{
	up_tracking(MEM_ANON);
	exact_pages(1);
	check_walked();
}

static void exact_huge(void)
{
	up_tracking(MEM_HUGETLB);
	exact_pages(512);
	check_walked();
}

/* Reads @pages bits from w.base on: are they one aligned block with @page?  Its size. */
static unsigned int told_block(uint8_t *bits, unsigned int pages, unsigned int page,
			       uint32_t flags)
{
	unsigned int first = page, last = page, n = 0;

	memset(bits, 0, pages / 8);
	require_ok(dirty_get(&w.d, w.base, pages * PAGE, PAGE, bits, flags));
	while (first && bit(bits, first - 1))
		first--;
	while (last + 1 < pages && bit(bits, last + 1))
		last++;
	for (unsigned int i = 0; i < pages; i++)
		n += bit(bits, i);
	require(check_msg(bit(bits, page), "page %u is lost", page));
	check_msg(n == last - first + 1, "%u pages are told outside of page %u's entry",
		  n - (last - first + 1), page);
	n = last - first + 1;
	check_msg(!(n & (n - 1)) && !(first & (n - 1)), "pages %u to %u are no entry",
		  first, last);
	return n;
}

static unsigned int told(uint8_t *bits, unsigned int pages)
{
	unsigned int n = 0;

	memset(bits, 0, pages / 8);
	require_ok(dirty_get(&w.d, w.base, pages * PAGE, PAGE, bits, 0));
	for (unsigned int i = 0; i < pages; i++)
		n += bit(bits, i);
	return n;
}

/* What is told of that page is the entry in which it lies, each time, until it is clean. */
static void check_entry(uint8_t *bits, unsigned int pages, unsigned int page)
{
	unsigned int n, half, first;

	write_page(page);
	n = told_block(bits, pages, page, NO_CLEAR);
	tap_diag("page %u: an entry of %u pages", page, n);
	/* SMMUv3's driver makes no contiguous entries, which would be of 16 pages. */
	if (on_smmuv3())
		check_msg(n == 1 || n == 512 || n == 512 * 512, "an entry of %u pages", n);
	check_eq(told_block(bits, pages, page, 0), n);
	check_eq(told(bits, pages), 0);
	/* by what is cached of it, wherever that was from */
	read_page(page);
	write_page(page ^ (n - 1));
	check_eq(told_block(bits, pages, page, 0), n);
	write_page(page);
	read_page(page ^ (n - 1));
	check_eq(told_block(bits, pages, page, 0), n);
	check_eq(told(bits, pages), 0);
	if (n < 2 || tap_oracle())
		return;
	/* A half of it may be told, but not made clean: by Linux's own the other one is lost. */
	write_page(page);
	half = n / 2;
	first = page & ~(half - 1);
	memset(bits, 0, pages / 8);
	require_ok(dirty_get(&w.d, iova_of(first), half * PAGE, PAGE, bits, 0));
	for (unsigned int i = 0; i < half; i++)
		if (!check_msg(bit(bits, i), "page %u is lost", first + i))
			return;
	check_eq(told_block(bits, pages, page, 0), n);
	check_eq(told(bits, pages), 0);
}

/*
 * Memory that is contiguous, but not aligned as its IOVA's largest entry: AMD-Vi has an
 * entry of every power of two.
 */
static void entry_sizes(void)
{
	static const unsigned int pages[] = { 16, 17, 33, 64, 200, 511, 512, 700, 1024, 1519 };
	const size_t edge = 16 * PAGE, last = PAGES * PAGE - edge;
	struct mem other;

	attach(0);
	mem_get(&w.m, MEM_HUGETLB, PAGES * PAGE);
	memset(w.m.va, 1, w.m.size);
	mem_get(&other, MEM_ANON, 2 * edge);
	/* Linux's own reads nothing behind a hole. */
	require_ok(ioas_map_at(w.d.fd, w.d.ioas, other.va, edge, IOVA));
	require_ok(ioas_map_at(w.d.fd, w.d.ioas, w.m.va + edge, last - edge, IOVA + edge));
	require_ok(ioas_map_at(w.d.fd, w.d.ioas, other.va + edge, edge, IOVA + last));
	require_ok(dirty_set(w.d.fd, w.d.hwpt, true));
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		check_entry(w.bits, PAGES, pages[i]);
}

static void exact_gib(void)
{
	const unsigned int pages = GIB / PAGE;
	uint8_t *bits = calloc(1, pages / 8);
	void *va = mmap(NULL, GIB, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_1GB, -1, 0);

	if (va == MAP_FAILED)
		tap_skip("no page of 1 GiB");
	attach(0);
	w.base = IOVA_GIB;
	*(volatile char *)va = 1;
	require_ok(ioas_map_at(w.d.fd, w.d.ioas, va, GIB, IOVA_GIB));
	require_ok(dirty_set(w.d.fd, w.d.hwpt, true));
	check_entry(bits, pages, 0);
	check_entry(bits, pages, 100000);
	check_entry(bits, pages, pages - 1);
}

/* The device writes to one page all the time. */
static void write_on(void)
{
	if (!edu_has_more(&w.edu))
		tap_skip("needs the edu of tests/qemu");
	edu_repeat(&w.edu, true);
	edu_start(&w.edu, true, iova_of(33), 0, 64);
}

/* Tables that grow a level while it tracks, under DMA. */
static void grown(void)
{
	up_tracking(MEM_ANON);
	write_on();
	edu_wait_transfers(&w.edu, 2);
	w.wrote[33] = true;
	check_told(1, 0);
	require_ok(ioas_map_at(w.d.fd, w.d.ioas, w.m.va, PAGES * PAGE, IOVA_HIGH));
	edu_wait_transfers(&w.edu, 2);
	w.wrote[33] = true;
	check_told(1, 0);
	edu_repeat(&w.edu, false);
	require_ok(edu_wait(&w.edu));
	told(w.bits, PAGES);
	check_told(1, 0);
	w.base = IOVA_HIGH;
	mapped();
	check_told(1, 0);
	exact_pages(1);
	w.base = IOVA;
	check_told(1, 0);
	exact_pages(1);
}

/* Off, on, and what was written before and between. */
static void off_and_on(void)
{
	up(MEM_ANON, 0);
	write_page(3);
	require_ok(dirty_set(w.d.fd, w.d.hwpt, true));
	memset(w.wrote, 0, sizeof(w.wrote));
	check_told(1, 0);
	for (int i = 0; i < 3; i++) {
		write_page(10 + i);
		check_told(1, 0);
		require_ok(dirty_set(w.d.fd, w.d.hwpt, false));
		write_page(20 + i);
		require_ok(dirty_set(w.d.fd, w.d.hwpt, true));
		memset(w.wrote, 0, sizeof(w.wrote));
		check_told(1, 0);
		write_page(20 + i);
		check_told(1, 0);
	}
	require_ok(dirty_set(w.d.fd, w.d.hwpt, true));
	check_told(1, 0);
}

/*
 * What is mapped is clean once it is tracked, whatever it was: more than is read at a time,
 * and entries of two sizes, the first of which doesn't begin where a large one would.
 */
static void begins_clean(void)
{
	const uint64_t length = 34 * MIB + 512 * 1024, edge = MIB;
	const unsigned int pages = length / PAGE;
	uint8_t *bits = calloc(1, 40 * MIB / PAGE / 8);

	attach(0);
	mem_get(&w.m, mem_has_thp() ? MEM_THP : MEM_ANON, 40 * MIB);
	memset(w.m.va, 1, w.m.size);
	require_ok(ioas_map_at(w.d.fd, w.d.ioas, w.m.va + edge, length, IOVA + edge));
	w.base = IOVA + edge;
	for (int i = 0; i < 2; i++) {
		require_ok(dirty_set(w.d.fd, w.d.hwpt, true));
		check_eq(told(bits, pages), 0);
		for (unsigned int page = 5; page < pages; page += 100)
			require_ok(edu_store(&w.edu, iova_of(page), 0, 8));
		require_ok(dirty_set(w.d.fd, w.d.hwpt, false));
	}
}

/* Mappings that come and go while it tracks. */
static void remapped(void)
{
	uint64_t gone;

	up_tracking(MEM_ANON);
	for (int i = 0; i < 3; i++) {
		write_page(100);
		write_page(1200);
		require_ok(ioas_unmap(w.d.fd, w.d.ioas, IOVA, PAGES * PAGE, &gone));
		check_eq(gone, PAGES * PAGE);
		require_ok(ioas_map_at(w.d.fd, w.d.ioas, w.m.va, PAGES * PAGE, IOVA));
		mapped();
		check_told(1, 0);
		check_told(1, 0);
	}
	write_page(100);
	check_told(1, 0);
}

/* The device leaves and comes back, and what it wrote is still told. */
static void away(void)
{
	up_tracking(MEM_ANON);
	write_page(11);
	require_ok(device_detach(&w.dev));
	check_told(1, NO_CLEAR);
	require_ok(device_attach(&w.dev, w.d.hwpt));
	check_told(1, 0);
	write_page(12);
	check_told(1, 0);
}

/*
 * The device writes to one page all the time.  Each time that it is told and made clean
 * it becomes dirty by the next transfer, and no neighbour does.
 */
static void never_lost(void)
{
	up_tracking(MEM_ANON);
	write_on();
	for (int i = 0; i < 60; i++) {
		edu_wait_transfers(&w.edu, 2);
		w.wrote[33] = true;
		check_told(1, i & 1 ? NO_CLEAR : 0);
	}
	edu_repeat(&w.edu, false);
	require_ok(edu_wait(&w.edu));
	dirty_get(&w.d, IOVA, PAGES * PAGE, PAGE, w.bits, 0);
	memset(w.wrote, 0, sizeof(w.wrote));
	check_told(1, 0);
}

/* Tracking goes off and on under DMA; each time it is on, writes are told. */
static void switched_under_dma(void)
{
	up(MEM_ANON, 0);
	write_on();
	for (int i = 0; i < 30; i++) {
		require_ok(dirty_set(w.d.fd, w.d.hwpt, true));
		edu_wait_transfers(&w.edu, 2);
		w.wrote[33] = true;
		check_told(1, 0);
		require_ok(dirty_set(w.d.fd, w.d.hwpt, false));
	}
	edu_repeat(&w.edu, false);
	require_ok(edu_wait(&w.edu));
}

static atomic_bool stop;
static unsigned int times[PAGES];

static void count_told(void)
{
	uint8_t bits[PAGES / 8] = {};

	require_ok(dirty_get(&w.d, IOVA, PAGES * PAGE, PAGE, bits, 0));
	for (unsigned int i = 0; i < PAGES; i++)
		times[i] += bit(bits, i);
}

static void *reader(void *arg)
{
	while (!atomic_load(&stop))
		count_told();
	return arg;
}

/* Each page is written once, while another thread reads: so it is told once. */
static void told_once(void)
{
	unsigned int pages = 300 / tap_time_factor();
	pthread_t thread;

	up_tracking(MEM_ANON);
	require_ok(-pthread_create(&thread, NULL, reader, NULL));
	for (unsigned int i = 0; i < pages; i++) {
		read_page(4 * i + 2);
		write_page(4 * i);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	count_told();
	for (unsigned int i = 0; i < PAGES; i++)
		if (!check_msg(times[i] == w.wrote[i], "page %u, written %u times, is told %u times",
			       i, w.wrote[i], times[i]))
			return;
}

/* A second device, that comes when it tracks already, and tracking off and on for both. */
static void two_devices(void)
{
	struct device second;
	struct edu edu;

	if (!device_find("edu", 1))
		tap_skip("needs two edus");
	up_tracking(MEM_ANON);
	device_get(&second, "edu", 1, w.d.fd);
	edu_init(&edu, &second);
	edu.limit = UINT64_MAX;
	require_ok(device_attach(&second, w.d.hwpt));
	for (int i = 0; i < 4; i++) {
		write_page(3);
		require_ok(edu_load(&edu, iova_of(3), 0, 8));
		check_told(1, 0);
		require_ok(edu_store(&edu, iova_of(3), 0, 8));
		require_ok(edu_store(&edu, iova_of(600 + i), 0, 8));
		w.wrote[3] = w.wrote[600 + i] = true;
		read_page(600);
		check_told(1, 0);
		check_told(1, 0);
		require_ok(dirty_set(w.d.fd, w.d.hwpt, false));
		require_ok(edu_store(&edu, iova_of(3), 0, 8));
		write_page(4);
		require_ok(dirty_set(w.d.fd, w.d.hwpt, true));
		memset(w.wrote, 0, sizeof(w.wrote));
		check_told(1, 0);
	}
	/* What one that left wrote is told; the other's is, too. */
	require_ok(edu_store(&edu, iova_of(5), 0, 8));
	w.wrote[5] = true;
	require_ok(device_detach(&second));
	write_page(6);
	check_told(1, 0);
	check_told(1, 0);
}

/* A nesting parent tracks what is written through it. */
static void parent(void)
{
	prepare();
	if (hwpt_alloc(w.d.fd, w.dev.id, w.d.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT |
		       IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &w.d.hwpt))
		tap_skip("no nesting parent that tracks");
	require_ok(iommu_destroy(w.d.fd, w.d.hwpt));
	edu_fini(&w.edu);
	device_close(&w.dev);
	up(MEM_ANON, IOMMU_HWPT_ALLOC_NEST_PARENT);
	require_ok(dirty_set(w.d.fd, w.d.hwpt, true));
	exact_pages(1);
}

/* An entry that reaches into memory of the bitmap's that can't be written stays dirty. */
static void bad_bitmap(void)
{
	/* A bit for 16 bytes: an entry has four pages of the bitmap, the second one 4 to 7. */
	const size_t size = PAGES * PAGE / 16 / 8;
	uint8_t *bits;

	up_tracking(MEM_HUGETLB);
	if (tap_oracle())
		tap_skip("Linux doesn't say what it couldn't note");
	bits = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(bits != MAP_FAILED);
	require(!mprotect(bits + 6 * PAGE, PAGE, PROT_NONE));
	require_ok(dirty_get(&w.d, IOVA, PAGES * PAGE, 16, bits, 0));
	write_page(512 + 17);
	check_ret(dirty_get(&w.d, IOVA, PAGES * PAGE, 16, bits, 0), -EFAULT);
	check_eq(mem_differs_from(bits, 4 * PAGE, 0), -1);
	check_eq(mem_differs_from(bits + 4 * PAGE, 2 * PAGE, 0xff), -1);
	check_told(512, 0);
	check_told(512, 0);
}

static const struct test tests[] = {
	{ "exact", exact },
	{ "exact_huge", exact_huge },
	{ "exact_gib", exact_gib },
	{ "entry_sizes", entry_sizes },
	{ "grown", grown },
	{ "off_and_on", off_and_on },
	{ "begins_clean", begins_clean },
	{ "remapped", remapped },
	{ "away", away },
	{ "never_lost", never_lost },
	{ "switched_under_dma", switched_under_dma },
	{ "told_once", told_once },
	{ "two_devices", two_devices },
	{ "parent", parent },
	{ "bad_bitmap", bad_bitmap },
};

TAP_MAIN("dirty_device", tests)
