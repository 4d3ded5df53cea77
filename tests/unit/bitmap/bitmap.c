// SPDX-License-Identifier: GPL-2.0-only
/*
 * The writer of bitmaps beside a naive model: one byte for each bit.  User memory
 * is a stretch of pages, each of which is an allocation of its own, so that the
 * sanitizers see an access before or behind it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "../../../src/hwpt/bitmap.h"
#include "random.h"

#define BASE	0x7f0000000000ul
#define USER	40		/* pages */

static u8 *user[USER];		/* NULL: user space can't write there */
static u8 before[USER][PAGE_SIZE];
static bool pinned[USER], dirtied[USER];
static unsigned int pins, pin_calls;

int pin_user_pages_fast(unsigned long start, int n, unsigned int flags,
			struct page **pages)
{
	int i;

	check_eq(flags, FOLL_WRITE);
	check_eq(offset_in_page(start), 0);
	pin_calls++;
	for (i = 0; i < n; i++) {
		unsigned long at = (start - BASE) / PAGE_SIZE + i;

		if (start < BASE || at >= USER || !user[at])
			break;
		check(!pinned[at]);
		pinned[at] = true;
		pins++;
		pages[i] = (struct page *)user[at];
	}
	return i ?: -EOVERFLOW;
}

void unpin_user_pages_dirty_lock(struct page **pages, unsigned long n, bool dirty)
{
	unsigned long i, at;

	for (i = 0; i < n; i++) {
		for (at = 0; at < USER && (struct page *)user[at] != pages[i];)
			at++;
		if (!check(at < USER && pinned[at]))
			return;
		pinned[at] = false;
		dirtied[at] |= dirty;
		pins--;
	}
}

static void user_begin(void)
{
	unsigned int i, j;

	for (i = 0; i < USER; i++) {
		user[i] = kmalloc(PAGE_SIZE, GFP_KERNEL);
		for (j = 0; j < PAGE_SIZE; j++)
			user[i][j] = one_in(3) ? random_u64() : 0;
		memcpy(before[i], user[i], PAGE_SIZE);
		dirtied[i] = false;
	}
	pin_calls = 0;
}

static void user_end(void)
{
	unsigned int i;

	check_eq(pins, 0);
	for (i = 0; i < USER; i++) {
		kfree(user[i]);
		user[i] = NULL;
	}
}

/* The bits that have to be set, as they lie in the user memory. */
static u8 model[USER][PAGE_SIZE];

static void model_note(const struct user_bitmap *map, unsigned long first,
		       unsigned long last)
{
	unsigned long skip = (map->data - BASE) * 8;
	unsigned long bit = (first - map->first) / (1ul << map->shift) + skip;
	unsigned long end = (last - map->first) / (1ul << map->shift) + skip;

	for (; bit <= end; bit++)
		model[bit / 8 / PAGE_SIZE][bit / 8 % PAGE_SIZE] |= 1 << bit % 8;
}

static void compare_page(unsigned int page)
{
	unsigned long byte, wrong = 0;
	u8 want[PAGE_SIZE];

	for (byte = 0; byte < PAGE_SIZE; byte++)
		want[byte] = before[page][byte] | model[page][byte];
	if (!memcmp(user[page], want, PAGE_SIZE))
		return;
	for (byte = 0; byte < PAGE_SIZE && wrong < 5; byte++) {
		tap_context("byte %lu of page %u", byte, page);
		wrong += !check_eq(user[page][byte], want[byte]);
	}
	tap_context("%s", "");
}

static void compare(void)
{
	unsigned int page;

	for (page = 0; page < USER; page++) {
		if (!user[page])
			continue;
		if (memcmp(user[page], before[page], PAGE_SIZE))
			check(dirtied[page]);
		compare_page(page);
	}
}

/* Notes sorted ranges that don't overlap, with windows as they come. */
struct range {
	unsigned long first, last;
};

static int write_all(struct user_bitmap *map, const struct range *ranges, size_t n)
{
	unsigned long iova = map->first;
	size_t i = 0;
	int rc;

	for (;;) {
		rc = bitmap_open(map, iova);
		if (rc)
			return rc;
		check(map->window_last >= iova && map->window_last <= map->last);
		for (; i < n && ranges[i].first <= map->window_last; i++)
			bitmap_note(map, ranges[i].first, ranges[i].last);
		bitmap_close(map);
		if (map->window_last >= map->last)
			return 0;
		iova = map->window_last + 1;
	}
}

static void random_bitmap(struct user_bitmap *map, unsigned long most)
{
	unsigned int shift = one_in(4) ? random_below(40) : random_in(9, 21);
	unsigned long offset = random_below(3 * PAGE_SIZE), bits = random_in(1, most);
	unsigned long size = bits << shift;
	unsigned long first;

	/* At the beginning, the end, or anywhere. */
	first = one_in(4) ? 0 : one_in(3) ? -size :
		random_below(1ul << 20) << shift;
	check_eq(bitmap_begin(map, first, first + (size - 1), 1ull << shift, BASE + offset),
		 0);
	memset(model, 0, sizeof(model));
}

static void random_round(void)
{
	struct range ranges[64];
	struct user_bitmap map;
	unsigned long at, left;
	size_t n = 0;

	user_begin();
	random_bitmap(&map, one_in(5) ? (USER - 4) * PAGE_SIZE * 8 : one_in(2) ? 70000 : 300);
	at = map.first;
	while (n < ARRAY_SIZE(ranges)) {
		left = map.last - at;
		at += one_in(4) ? 0 : random_below(min(left, one_in(2) ? left : left / 50) + 1);
		left = map.last - at;
		ranges[n].first = at;
		at += one_in(5) ? left : random_below(min(left, one_in(2) ? left : left / 50) + 1);
		ranges[n].last = at;
		model_note(&map, ranges[n].first, ranges[n].last);
		n++;
		if (at == map.last)
			break;
		at++;
	}
	check_eq(write_all(&map, ranges, n), 0);
	compare();
	user_end();
}

static void random_ranges(void)
{
	unsigned long round, rounds = from_environment("ROUNDS", 200);

	for (round = 0; round < rounds && !tap_failures(); round++) {
		random_begin(round);
		tap_context("round %lu", round);
		random_round();
	}
}

/* The first and the last bit of the first and the last page, one at a time. */
static void edges(void)
{
	static const unsigned int offsets[] = { 0, 1, 7, 8, 0xff1, PAGE_SIZE - 1 };
	static const unsigned long counts[] = {
		1, 7, 8, 9, 63, 64, 65, PAGE_SIZE * 8 - 1, PAGE_SIZE * 8, PAGE_SIZE * 8 + 1,
		2 * PAGE_SIZE * 8, 2 * PAGE_SIZE * 8 + 1,
	};
	struct user_bitmap map;
	struct range one;
	unsigned int o, c, end;

	random_begin(0);
	for (o = 0; o < ARRAY_SIZE(offsets); o++)
	for (c = 0; c < ARRAY_SIZE(counts); c++)
	for (end = 0; end < 3; end++) {
		user_begin();
		memset(model, 0, sizeof(model));
		check_eq(bitmap_begin(&map, 1 << 20, (1 << 20) + (counts[c] << 12) - 1, 4096,
				      BASE + offsets[o]), 0);
		one.first = end == 1 ? map.last : map.first;
		one.last = end == 0 ? map.first : map.last;
		model_note(&map, one.first, one.last);
		check_eq(write_all(&map, &one, 1), 0);
		compare();
		user_end();
	}
}

static void whole_space(void)
{
	struct user_bitmap map;
	struct range one = { 0, ULONG_MAX };

	random_begin(0);
	user_begin();
	memset(model, 0, sizeof(model));
	check_eq(bitmap_begin(&map, 0, ULONG_MAX, 1ull << 63, BASE + 5), 0);
	model_note(&map, 0, ULONG_MAX);
	check_eq(write_all(&map, &one, 1), 0);
	compare();
	check_eq(pin_calls, 1);
	user_end();
}

static void refused(void)
{
	struct user_bitmap map;

	check_eq(bitmap_begin(&map, 0, PAGE_SIZE - 1, 0, BASE), -EINVAL);
	check_eq(bitmap_begin(&map, 0, PAGE_SIZE - 1, 4097, BASE), -EINVAL);
	check_eq(bitmap_begin(&map, 0, PAGE_SIZE - 1, 3, BASE), -EINVAL);
	check_eq(bitmap_begin(&map, 0, 8 * PAGE_SIZE - 1, PAGE_SIZE, U64_MAX), 0);
	check_eq(bitmap_begin(&map, 0, 9 * PAGE_SIZE - 1, PAGE_SIZE, U64_MAX), -EFAULT);
	check_eq(bitmap_begin(&map, 0, ULONG_MAX, 1, 1ull << 63), 0);
	check_eq(bitmap_begin(&map, 0, ULONG_MAX, 1, 0xf000000000000000ull), -EFAULT);
}

/* What was noted before a hole in the bitmap's memory is there. */
static void faults(void)
{
	struct range one = { 0, 5 * PAGE_SIZE * 8 * 4096 - 1 };
	struct user_bitmap map;
	unsigned int hole;
	u8 *kept;

	random_begin(0);
	for (hole = 0; hole < 6; hole++) {
		user_begin();
		kept = user[hole];
		user[hole] = NULL;
		memset(model, 0, sizeof(model));
		check_eq(bitmap_begin(&map, 0, one.last, 4096, BASE), 0);
		if (hole < 5) {
			if (hole)
				model_note(&map, 0, hole * PAGE_SIZE * 8 * 4096 - 1);
			check_eq(write_all(&map, &one, 1), -EFAULT);
		} else {
			model_note(&map, 0, one.last);
			check_eq(write_all(&map, &one, 1), 0);
		}
		compare();
		user[hole] = kept;
		user_end();
	}
}

/* Pages in which nothing was noted aren't dirtied. */
static void quiet(void)
{
	struct user_bitmap map;
	unsigned int i;

	random_begin(0);
	user_begin();
	memset(model, 0, sizeof(model));
	check_eq(bitmap_begin(&map, 0, 10 * PAGE_SIZE * 8 * 4096 - 1, 4096, BASE + 9), 0);
	check_eq(write_all(&map, NULL, 0), 0);
	compare();
	for (i = 0; i < USER; i++)
		check(!dirtied[i]);
	user_end();
}

/* The first byte whose bit isn't in the first @pages pages of a bitmap that begins at byte 9. */
static unsigned long behind(unsigned long pages)
{
	return (pages * PAGE_SIZE - 9) * 8 * 4096;
}

/* A window ends with a page whose number is known, or before one that can't be pinned. */
static void windows(void)
{
	struct user_bitmap map;
	u8 *kept;

	random_begin(0);
	user_begin();
	kept = user[34];
	user[34] = NULL;
	check_eq(bitmap_begin(&map, 0, behind(36) - 1, 4096, BASE + 9), 0);
	check(!bitmap_is_open(&map));
	check_eq(bitmap_open(&map, behind(20) + 4096), 0);
	check(bitmap_is_open(&map));
	check_eq(map.window_last, behind(32) - 1);
	check(!map.cut);
	bitmap_note(&map, behind(31), behind(33) - 1);
	bitmap_close(&map);
	check(bitmap_has_noted(&map, behind(33) - 1));
	check(!bitmap_has_noted(&map, behind(33)));
	check_eq(bitmap_open(&map, behind(32)), 0);
	check_eq(map.window_last, behind(34) - 1);
	check(map.cut);
	bitmap_close(&map);
	check_eq(bitmap_open(&map, behind(34)), -EFAULT);
	check(!bitmap_is_open(&map));
	memset(model, 0, sizeof(model));
	model_note(&map, behind(31), behind(33) - 1);
	user[34] = kept;
	compare();
	user_end();
}

static const struct test tests[] = {
	{ "edges", edges },
	{ "random_ranges", random_ranges },
	{ "whole_space", whole_space },
	{ "refused", refused },
	{ "faults", faults },
	{ "quiet", quiet },
	{ "windows", windows },
};

TAP_MAIN(tests)
