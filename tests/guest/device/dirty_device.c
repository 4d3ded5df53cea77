// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty tracking by a real driver and an IOMMU that sets the bits: exactly the pages that
 * the device wrote to.  dirty.c has the rules, on the mock.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dirty.h"
#include "edu.h"
#include "mem.h"
#include "tap.h"

#define IOVA	(64 * MIB)
#define PAGES	(3 * 512u)

static struct world {
	struct dirty d;		/* without a mock device */
	struct device dev;
	struct edu edu;
	struct mem m;		/* at IOVA */
	uint8_t bits[PAGES / 8];
	bool wrote[PAGES];
} w;

static void prepare(void)
{
	memset(&w, 0, sizeof(w));
	w.d.fd = iommu_open();
	w.d.ioas = ioas_new(w.d.fd);
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

/* The device on a page table that can track, and memory of that kind. */
static void up(enum mem_kind kind, uint32_t flags)
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
	mem_get(&w.m, kind, PAGES * PAGE);
	memset(w.m.va, 1, w.m.size);
	require_ok(ioas_map_at(w.d.fd, w.d.ioas, w.m.va, w.m.size, IOVA));
}

static void up_tracking(enum mem_kind kind)
{
	up(kind, 0);
	require_ok(dirty_set(w.d.fd, w.d.hwpt, true));
}

static uint64_t iova_of(unsigned int page)
{
	return IOVA + page * PAGE;
}

static void write_page(unsigned int page)
{
	require_ok(edu_store(&w.edu, iova_of(page) + 8 * (page % 400), 0, 8));
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
	require_ok(dirty_get(&w.d, IOVA, PAGES * PAGE, PAGE, w.bits, flags));
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

		require_ok(dirty_get(&w.d, IOVA, 64 * PAGE, PAGE, part, 0));
		check_eq(part[0], 4);
		w.wrote[2] = false;
	}
	check_told(entry, 0);
}

static void exact(void)
{
	up_tracking(MEM_ANON);
	exact_pages(1);
}

static void exact_huge(void)
{
	up_tracking(MEM_HUGETLB);
	exact_pages(512);
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
		memset(w.wrote, 0, sizeof(w.wrote));
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

/* Waits until @n transfers more have ended. */
static void wait_transfers(uint32_t n)
{
	uint32_t from = edu_count(&w.edu);
	double end = tap_now() + 10 * tap_patience();

	while (edu_count(&w.edu) - from < n && tap_now() < end)
		nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
	check(edu_count(&w.edu) - from >= n);
}

/*
 * The device writes to one page all the time.  Each time that it is told and made clean
 * it becomes dirty by the next transfer, and no neighbour does.
 */
static void never_lost(void)
{
	up_tracking(MEM_ANON);
	if (!edu_has_more(&w.edu))
		tap_skip("needs the edu of tests/qemu");
	edu_repeat(&w.edu, true);
	edu_start(&w.edu, true, iova_of(33), 0, 64);
	for (int i = 0; i < 60; i++) {
		wait_transfers(2);
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
	if (!edu_has_more(&w.edu))
		tap_skip("needs the edu of tests/qemu");
	edu_repeat(&w.edu, true);
	edu_start(&w.edu, true, iova_of(33), 0, 64);
	for (int i = 0; i < 30; i++) {
		require_ok(dirty_set(w.d.fd, w.d.hwpt, true));
		wait_transfers(2);
		w.wrote[33] = true;
		check_told(1, 0);
		require_ok(dirty_set(w.d.fd, w.d.hwpt, false));
	}
	edu_repeat(&w.edu, false);
	require_ok(edu_wait(&w.edu));
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

static const struct test tests[] = {
	{ "exact", exact },
	{ "exact_huge", exact_huge },
	{ "off_and_on", off_and_on },
	{ "remapped", remapped },
	{ "away", away },
	{ "never_lost", never_lost },
	{ "switched_under_dma", switched_under_dma },
	{ "parent", parent },
};

TAP_MAIN("dirty_device", tests)
