// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that lose pages while these are mapped for a device: by holes and by truncation.
 * The pages stay pinned, and the device's, until they are unmapped; the file gets others,
 * which the device doesn't reach.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"
#include "edu.h"
#include "frames.h"
#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "probe.h"
#include "race.h"
#include "rig.h"
#include "tap.h"

#define FILE_BASE	(EDU_IOVA + 128 * MIB)
#define OTHER_BASE	(EDU_IOVA + 160 * MIB)
#define UNITS		8ull
#define BYTES		256u	/* of a transfer */

/* A file of eight pages, small or huge, and where this process has it. */
static struct {
	struct rig r;
	struct mem m;
	uint64_t unit;
	long long pins;		/* before the file is mapped for the device */
	long long none;		/* before anything is */
} s;

/* The position of a piece of a transfer's size, not at the beginning of its page. */
static uint64_t piece(unsigned int unit)
{
	return unit * s.unit + s.unit - PAGE + 512;
}

static int map_file(uint64_t iova)
{
	return ioas_map_file_at(s.r.fd, s.r.ioas, s.m.fd, s.m.size, iova);
}

static int map_va(uint64_t iova)
{
	return ioas_map_at(s.r.fd, s.r.ioas, s.m.va, s.m.size, iova);
}

static void unmap(uint64_t iova)
{
	check_ret(ioas_unmap(s.r.fd, s.r.ioas, iova, s.m.size, NULL), 0);
}

static void scene_up(enum mem_kind kind)
{
	s.none = meters_pins();
	rig_up(&s.r);
	s.unit = kind == MEM_MEMFD_HUGE ? HUGE : PAGE;
	/* what a hole loses stays in use, and the file takes more */
	if (kind == MEM_MEMFD_HUGE && !mem_huge_reserve(2 * UNITS))
		tap_skip("no room for %llu huge pages", 2 * UNITS);
	mem_get(&s.m, kind, UNITS * s.unit);
	for (unsigned int i = 0; i < UNITS; i++)
		mem_fill(s.m.va + piece(i), BYTES, 100 + i);
	s.pins = meters_pins();
	probe_prepare();
}

/* The way to map, and a way to lose pages 2 to 5. */
struct way {
	enum mem_kind kind;
	int (*map)(uint64_t iova);
	void (*lose)(void);
};

static void punch(void)
{
	check(!fallocate(s.m.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * s.unit,
			 4 * s.unit));
}

/* The same hole by address. */
static void remove_range(void)
{
	check(!madvise(s.m.va + 2 * s.unit, 4 * s.unit, MADV_REMOVE));
}

/* Down to two pages: the process has nothing there until the file grows again. */
static void truncate_grow(void)
{
	check(!ftruncate(s.m.fd, 2 * s.unit));
	check_eq(probe(s.m.va + piece(1)), 0);
	check_eq(probe(s.m.va + piece(2)), SIGBUS);
	check_eq(probe(s.m.va + piece(5)), SIGBUS);
	check(!ftruncate(s.m.fd, s.m.size));
}

/* The device still has its own page, and nobody else sees what it writes there. */
static void check_lost(uint64_t iova, unsigned int unit, uint64_t old_pfn)
{
	uint8_t *mine = s.m.va + piece(unit), old[BYTES];
	uint64_t at = iova + piece(unit);

	mem_fill(old, BYTES, 100 + unit);
	check(rig_reads(&s.r, at, old, BYTES));
	/* the file's new page is empty, and another */
	check_eq(mem_differs_from(mine, BYTES, 0), -1);
	check(mem_pfn(mine) && mem_pfn(mine) != old_pfn);
	mem_fill(mine, BYTES, 1);
	rig_charge(&s.r, BYTES, 2);
	require_ok(edu_store(&s.r.edu, at, 0, BYTES));
	check_eq(mem_differs(mine, BYTES, 1), -1);
	mem_fill(old, BYTES, 2);
	check(rig_reads(&s.r, at, old, BYTES));
}

/* What isn't lost is the process's and the device's, as before. */
static void check_kept(uint64_t iova, unsigned int unit)
{
	check(rig_reaches(&s.r, iova + piece(unit), s.m.va + piece(unit), BYTES, 10 + unit));
}

static void check_way(const struct way *w)
{
	uint64_t pfns[UNITS];
	long long pinned;

	scene_up(w->kind);
	require_ok(w->map(FILE_BASE));
	for (unsigned int i = 0; i < UNITS; i++)
		require((pfns[i] = mem_pfn(s.m.va + piece(i))) != 0);
	pinned = meters_pins();
	check(pinned > s.pins);
	w->lose();
	check_eq(meters_pins(), pinned);
	check_kept(FILE_BASE, 1);
	check_lost(FILE_BASE, 2, pfns[2]);
	check_lost(FILE_BASE, 5, pfns[5]);
	if (w->lose != truncate_grow)
		check_kept(FILE_BASE, 6);
	check_eq(meters_pins(), pinned);
	unmap(FILE_BASE);
	check_eq(meters_wait_pins(s.pins), s.pins);
	/* from now on it's the new pages, and those that the map itself puts into holes */
	require_ok(w->map(FILE_BASE));
	check_kept(FILE_BASE, 2);
	check_kept(FILE_BASE, 3);
	unmap(FILE_BASE);
}

static void punched(void) { check_way(&(struct way){ MEM_MEMFD, map_file, punch }); }
static void punched_va(void) { check_way(&(struct way){ MEM_MEMFD, map_va, punch }); }
static void punched_huge(void) { check_way(&(struct way){ MEM_MEMFD_HUGE, map_file, punch }); }

static void punched_huge_va(void)
{
	check_way(&(struct way){ MEM_MEMFD_HUGE, map_va, punch });
}

static void removed(void) { check_way(&(struct way){ MEM_MEMFD, map_file, remove_range }); }
static void removed_va(void) { check_way(&(struct way){ MEM_MEMFD, map_va, remove_range }); }
static void truncated(void) { check_way(&(struct way){ MEM_MEMFD, map_file, truncate_grow }); }
static void truncated_va(void) { check_way(&(struct way){ MEM_MEMFD, map_va, truncate_grow }); }

static void truncated_huge(void)
{
	check_way(&(struct way){ MEM_MEMFD_HUGE, map_file, truncate_grow });
}

/* A file that ends within a page keeps the page, whose rest is emptied for the device too. */
static void truncated_within(void)
{
	uint8_t want[BYTES] = {};

	scene_up(MEM_MEMFD);
	require_ok(map_file(FILE_BASE));
	require(!ftruncate(s.m.fd, piece(3) + BYTES / 2));
	mem_fill(want, BYTES / 2, 103);
	check(rig_reads(&s.r, FILE_BASE + piece(3), want, BYTES));
	check_eq(probe(s.m.va + piece(4)), SIGBUS);
	check_kept(FILE_BASE, 3);
	unmap(FILE_BASE);
	check_eq(meters_wait_pins(s.pins), s.pins);
}

/* Nothing of it remains: it is gone from the file system while the device has its pages. */
static void truncated_closed(void)
{
	uint8_t want[BYTES];

	scene_up(MEM_MEMFD);
	require_ok(map_file(FILE_BASE));
	require(!ftruncate(s.m.fd, 0));
	mem_put(&s.m);
	for (unsigned int i = 0; i < UNITS; i += UNITS - 1) {
		mem_fill(want, BYTES, 100 + i);
		check(rig_reads(&s.r, FILE_BASE + piece(i), want, BYTES));
	}
	check_eq(meters_pins(), s.pins + (long long)UNITS);
	unmap(FILE_BASE);
	check_eq(meters_wait_pins(s.pins), s.pins);
}

/* A copy has the pages of what it was made from; a new mapping has those of the file. */
static void copied(void)
{
	uint64_t copy = OTHER_BASE, pfn, third = OTHER_BASE + s.m.size + 16 * PAGE;
	uint8_t old[BYTES];

	scene_up(MEM_MEMFD);
	require_ok(map_file(FILE_BASE));
	pfn = mem_pfn(s.m.va + piece(2));
	punch();
	require_ok(ioas_copy(s.r.fd, s.r.ioas, s.r.ioas, MAP_RW | MAP_FIX, FILE_BASE, s.m.size,
			     &copy));
	require_ok(map_file(third));
	check_lost(copy, 2, pfn);
	mem_fill(old, BYTES, 2);
	check(rig_reads(&s.r, FILE_BASE + piece(2), old, BYTES));
	unmap(FILE_BASE);
	check(rig_reads(&s.r, copy + piece(2), old, BYTES));
	check_kept(third, 2);
	check(rig_reads(&s.r, copy + piece(2), old, BYTES));
	unmap(copy);
	check_kept(third, 2);
	unmap(third);
	check_eq(meters_wait_pins(s.pins), s.pins);
}

/* While no device is attached nothing is pinned, and a hole is filled by the attach. */
static void punched_detached(void)
{
	scene_up(MEM_MEMFD);
	require_ok(device_detach(&s.r.dev));
	check_eq(meters_wait_pins(s.none), s.none);
	require_ok(map_file(FILE_BASE));
	for (int i = 0; i < 2; i++) {
		punch();
		check_eq(meters_pins(), s.none);
		require_ok(device_attach(&s.r.dev, s.r.ioas));
		check_eq(mem_differs_from(s.m.va + piece(3), BYTES, 0), -1);
		check_kept(FILE_BASE, 3);
		check_kept(FILE_BASE, 6);
		require_ok(device_detach(&s.r.dev));
		check_eq(meters_wait_pins(s.none), s.none);
	}
}

/* A file that is too short by then can't be attached to, and leaves nothing pinned. */
static void truncated_detached(void)
{
	scene_up(MEM_MEMFD);
	require_ok(device_detach(&s.r.dev));
	check_eq(meters_wait_pins(s.none), s.none);
	require_ok(map_file(FILE_BASE));
	require(!ftruncate(s.m.fd, 3 * PAGE));
	check_ret(device_attach(&s.r.dev, s.r.ioas), -EINVAL);
	check_eq(meters_wait_pins(s.none), s.none);
	require(!ftruncate(s.m.fd, s.m.size));
	require_ok(device_attach(&s.r.dev, s.r.ioas));
	check_kept(FILE_BASE, 0);
	check_kept(FILE_BASE, 3);
	unmap(FILE_BASE);
}

static bool lose_round(struct race *race, struct race_side *side)
{
	(void)race;
	race_begin(side);
	punch();
	check(!ftruncate(s.m.fd, 3 * s.unit));
	check(!ftruncate(s.m.fd, s.m.size));
	race_end(side, true);
	return true;
}

/*
 * All of the file is mapped or none: it is too short, or pages weren't found again.  Of huge
 * pages those may be missing that were reserved for the file.
 */
static bool map_round(struct race *race, struct race_side *side)
{
	int ret;

	(void)race;
	race_begin(side);
	ret = map_file(FILE_BASE);
	race_end(side, !ret);
	if (!ret)
		unmap(FILE_BASE);
	return check_msg(!ret || ret == -EINVAL || ret == -EFAULT ||
			 (s.unit == HUGE && ret == -ENOMEM), "the map: %d", ret);
}

/* Pages come and go while they are looked up. */
static void check_race(enum mem_kind kind)
{
	struct race race = {
		.side = { { "map", map_round }, { "lose", lose_round } },
	};

	scene_up(kind);
	race_run(&race);
	check_eq(meters_wait_pins(s.pins), s.pins);
	/* Linux's own lookup loses reservations of huge pages, until none is left to map. */
	if (kind == MEM_MEMFD_HUGE)
		return;
	require_ok(map_file(FILE_BASE));
	check_kept(FILE_BASE, 4);
	unmap(FILE_BASE);
}

static void race(void) { check_race(MEM_MEMFD); }
static void race_huge(void) { check_race(MEM_MEMFD_HUGE); }

static const struct test tests[] = {
	{ "punched", punched },
	{ "punched_va", punched_va },
	{ "punched_huge", punched_huge },
	{ "punched_huge_va", punched_huge_va },
	{ "removed", removed },
	{ "removed_va", removed_va },
	{ "truncated", truncated },
	{ "truncated_va", truncated_va },
	{ "truncated_huge", truncated_huge },
	{ "truncated_within", truncated_within },
	{ "truncated_closed", truncated_closed },
	{ "copied", copied },
	{ "punched_detached", punched_detached },
	{ "truncated_detached", truncated_detached },
	{ "race", race },
	{ "race_huge", race_huge },
};

TAP_MAIN("memory_file_holes", tests)
