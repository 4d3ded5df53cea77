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
	{ "kinds_of_memory", kinds_of_memory },
};

TAP_MAIN("dirty_holes", tests)
