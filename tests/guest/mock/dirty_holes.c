// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty tracking on the mock: ranges without mappings, and bitmaps in bad, odd or vast
 * memory.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dirty.h"
#include "dirty_scene.h"
#include "mem.h"
#include "tap.h"

static void holes(void)
{
	uint8_t bits[16] = {};

	dirty_open(&dirty, false);
	mem_get(&dirty_mem, MEM_ANON, 100 * PAGE);
	require_ok(ioas_map_at(dirty.fd, dirty.ioas, dirty_mem.va, 10 * PAGE, BASE));
	require_ok(ioas_map_at(dirty.fd, dirty.ioas, dirty_mem.va, 10 * PAGE, BASE + 20 * PAGE));
	dirty_write(&dirty, BASE, 2);
	dirty_write(&dirty, BASE + 9 * PAGE, 1);
	dirty_write(&dirty, BASE + 20 * PAGE, 1);
	dirty_write(&dirty, BASE + 29 * PAGE, 1);
	require_ok(dirty_scene_get(0, 40, bits, NO_CLEAR));
	for (uint64_t i = 0; i < (tap_oracle() ? 10 : 40); i++)
		check_eq(bit(bits, i), i < 2 || i == 9 || i == 20 || i == 29);
	memset(bits, 0, sizeof(bits));
	/* nothing at all */
	require_ok(dirty_scene_get(10, 10, bits, 0));
	require_ok(dirty_scene_get(30, 1000, bits, 0));
	check_eq(mem_differs_from(bits, sizeof(bits), 0), -1);
	/* it begins in a hole; Linux reads nothing */
	if (!tap_oracle()) {
		require_ok(dirty_scene_get(15, 25, bits, 0));
		for (uint64_t i = 0; i < 25; i++)
			check_eq(bit(bits, i), i == 5 || i == 14);
	}
}

/* Far more than what is mapped takes no time and no bitmap. */
static void vast(void)
{
	const uint64_t huge = 1ull << 50;
	uint8_t bits[(1 << 14) / 8] = {};
	double begun = tap_now();

	dirty_scene_up(64);
	dirty_write(&dirty, BASE + 3 * PAGE, 1);
	require_ok(dirty_get(&dirty, 0, -huge, huge, bits, NO_CLEAR));
	require_ok(dirty_get(&dirty, 0, 1ull << 63, huge, bits, 0));
	if (!tap_oracle()) {
		check_eq(bits[0], 1);
		check_eq(mem_differs_from(bits + 1, sizeof(bits) - 1, 0), -1);
	}
	check_msg(tap_now() - begun < 2 * tap_patience(), "%f s", tap_now() - begun);
}

/*
 * Memory that can't be written is -EFAULT, and nothing is lost: Linux says 0, and
 * what it couldn't note is clean.
 */
static void bad_memory(void)
{
	uint8_t *two, *readable, *gone, good[1024];

	dirty_scene_up(5000);
	two = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	readable = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	gone = two + PAGE;
	munmap(gone, PAGE);
	dirty_write(&dirty, BASE, 5000);
	if (!tap_oracle()) {
		check_ret(dirty_scene_get(0, 5000, NULL, 0), -EFAULT);
		check_ret(dirty_scene_get(0, 5000, (void *)8, 0), -EFAULT);
		check_ret(dirty_scene_get(0, 5000, (void *)-PAGE, 0), -EFAULT);
		check_ret(dirty_scene_get(0, 5000, (void *)-1, 0), -EFAULT);
		check_ret(dirty_scene_get(0, 5000, (void *)(1ull << 55), 0), -EFAULT);
		check_ret(dirty_scene_get(0, 5000, readable, 0), -EFAULT);
		check_ret(dirty_scene_get(0, 5000, gone, 0), -EFAULT);
		/* the last byte of it is missing */
		check_ret(dirty_scene_get(0, 5000, gone - 624, 0), -EFAULT);
		/* What was noted before the fault is in the bitmap or dirty still. */
		require_ok(dirty_scene_get(4992, 8, good + 624, NO_CLEAR));
		check_eq(good[624], 0xff);
		memset(good, 0, sizeof(good));
		require_ok(dirty_scene_get(0, 5000, good, 0));
		for (int i = 0; i < 624; i++)
			if (!check_eq((uint8_t)(good[i] | gone[i - 624]), 0xff))
				break;
		check_eq(good[624], 0xff);
		dirty_write(&dirty, BASE, 5000);
	}
	memset(two, 0, PAGE);
	require_ok(dirty_scene_get(0, 5000, gone - 625, 0));
	check_eq(mem_differs_from(gone - 625, 625, 0xff), -1);
	check_eq(*(gone - 626), 0);
}

/* Where nothing is dirty, the bitmap isn't looked at. */
static void clean_untouched(void)
{
	unsigned char in_core[3];
	uint8_t *bits, *readable;

	dirty_scene_up(5000);
	bits = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	readable = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require_ok(dirty_scene_get(0, 5000, NULL, 0));
	require_ok(dirty_scene_get(0, 5000, readable, 0));
	require_ok(dirty_scene_get(0, 5000, bits + PAGE - 9, 0));
	require(!mincore(bits, 3 * PAGE, in_core));
	check(!(in_core[0] & 1) && !(in_core[1] & 1));
	/* Nor is its begin where only the end is dirty. */
	dirty_write(&dirty, BASE + 4999 * PAGE, 1);
	require_ok(dirty_scene_get(0, 5000, bits + PAGE - 9, 0));
	require(!mincore(bits, 3 * PAGE, in_core));
	check(in_core[1] & 1);
	check_eq(bit(bits + PAGE - 9, 4999), 1);
	check_eq(bit(bits + PAGE - 9, 4998), 0);
	check(!(in_core[0] & 1));
}

/*
 * A bit for each byte, so that the bitmap takes many pages: what is dirty lies side by side,
 * far apart, and at both ends.
 */
static void many_windows(void)
{
	static const struct { int first, n; } dirtied[] = {
		{ 0, 1 }, { 10, 2 }, { 255, 3 }, { 1024, 1 }, { 2047, 1 }, { 3900, 600 }, { 4999, 1 },
	};
	static bool is_dirty[5000];
	const size_t size = 5000 * PAGE / 8;
	uint8_t *bits;

	dirty_scene_up(5000);
	bits = mmap(NULL, size + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(bits != MAP_FAILED);
	for (int round = 0; round < 2; round++) {
		/* The second time, windows end within entries: page 255's first one. */
		uint8_t *at = bits + round * 300;

		memset(is_dirty, 0, sizeof(is_dirty));
		for (size_t i = 0; i < ARRAY_SIZE(dirtied); i++) {
			dirty_write(&dirty, BASE + dirtied[i].first * PAGE, dirtied[i].n);
			memset(is_dirty + dirtied[i].first, 1, dirtied[i].n);
		}
		memset(bits, 0, size + PAGE);
		require_ok(dirty_get(&dirty, BASE, 5000 * PAGE, 1, at, 0));
		/* Of a page, the first entry's half at least. */
		for (int i = 0; i < 5000; i++)
			if (!check_eq(mem_differs_from(at + i * PAGE / 8, PAGE / 2 / 8,
						       is_dirty[i] ? 0xff : 0), -1))
				break;
		memset(bits, 0, size + PAGE);
		require_ok(dirty_get(&dirty, BASE, 5000 * PAGE, 1, at, 0));
		check_eq(mem_differs_from(bits, size + PAGE, 0), -1);
	}
}

/*
 * A huge page that reaches into memory of the bitmap's that can't be written, behind a small
 * page whose bit lies elsewhere.  What of it was noted is in the bitmap, all of it is dirty.
 * Linux says 0, and it's clean.
 */
static void bad_behind_huge(void)
{
	/* One byte of the bitmap for 16, so half an entry's bits take eight pages. */
	const uint64_t unit = MOCK_HUGE_PAGE_SIZE, size = 6 * unit, bytes = size / 16;
	const uint64_t small = unit / 2, huge = 2 * unit, bad = huge + unit / 2;
	struct mem pages;
	uint8_t *bits, *good;

	if (tap_oracle())
		tap_skip("Linux doesn't say what it couldn't note");
	dirty_open(&dirty, true);
	mem_get(&pages, MEM_ANON, unit);
	mem_get(&dirty_mem, MEM_HUGETLB, 3 * HUGE);
	for (uint64_t at = 0; at < unit; at += PAGE)
		require_ok(ioas_map_at(dirty.fd, dirty.ioas, pages.va + at, PAGE, BASE + at));
	require_ok(ioas_map_at(dirty.fd, dirty.ioas, dirty_mem.va, size - unit, BASE + unit));
	bits = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	good = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(bits != MAP_FAILED && good != MAP_FAILED);
	require(!mprotect(bits + bad / 16, PAGE, PROT_NONE));
	dirty_write(&dirty, BASE + small, 1);
	dirty_write(&dirty, BASE + huge + 17 * PAGE, 1);
	check_ret(dirty_get(&dirty, BASE, size, 2, bits, 0), -EFAULT);
	check_eq(mem_differs_from(bits + small / 16, PAGE / 2 / 16, 0xff), -1);
	check_eq(mem_differs_from(bits + huge / 16, (bad - huge) / 16, 0xff), -1);
	require_ok(dirty_get(&dirty, BASE, size, 2, good, 0));
	check_eq(mem_differs_from(good, huge / 16, 0), -1);
	check_eq(mem_differs_from(good + huge / 16, unit / 16, 0xff), -1);
	check_eq(mem_differs_from(good + (huge + unit) / 16, (size - huge - unit) / 16, 0), -1);
	memset(good, 0, bytes);
	require_ok(dirty_get(&dirty, BASE, size, 2, good, 0));
	check_eq(mem_differs_from(good, bytes, 0), -1);
	mem_put(&pages);
}

/* Pages of all kinds, which a first write makes. */
static void kinds_of_memory(void)
{
	struct mem bitmap;
	uint8_t *copied;
	int pid[2];

	dirty_scene_up(64);
	for (int kind = 0; kind < MEM_KINDS; kind++) {
		mem_get(&bitmap, kind, 2 * HUGE);
		dirty_write(&dirty, BASE + 9 * PAGE, 50);
		require_ok(dirty_scene_get(0, 64, bitmap.va + PAGE - 3, 0));
		for (int i = 0; i < 64; i++)
			check_eq(bit(bitmap.va + PAGE - 3, i), i >= 9 && i < 59);
		if (bitmap.fd >= 0) {
			uint8_t byte = 0;

			check_eq(pread(bitmap.fd, &byte, 1, PAGE), 1);
			check_eq(byte, 0xff);
		}
		mem_put(&bitmap);
	}
	/* The page is shared with a child, which keeps its copy. */
	copied = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	copied[1] = 0;
	require(!pipe(pid));
	if (!fork()) {
		uint8_t byte;

		close(pid[1]);
		if (read(pid[0], &byte, 1) < 0)
			_exit(2);
		_exit(copied[1]);
	}
	dirty_write(&dirty, BASE, 16);
	require_ok(dirty_scene_get(0, 64, copied, 0));
	check_eq(copied[1], 0xff);
	close(pid[1]);
	int status;
	require(wait(&status) > 0);
	check_eq(status, 0);
}

static const struct test tests[] = {
	{ "holes", holes },
	{ "vast", vast },
	{ "bad_memory", bad_memory },
	{ "clean_untouched", clean_untouched },
	{ "many_windows", many_windows },
	{ "bad_behind_huge", bad_behind_huge },
	{ "kinds_of_memory", kinds_of_memory },
};

TAP_MAIN("dirty_holes", tests)
