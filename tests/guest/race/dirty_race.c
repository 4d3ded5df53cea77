// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty pages are read while what is read is unmapped, written to, or destroyed.
 */
#include <errno.h>
#include <string.h>

#include "dirty.h"
#include "mem.h"
#include "race.h"
#include "tap.h"

#define BASE 0x2000000ull

#define RACE_PAGES 512
#define RACE_SIZE (RACE_PAGES * PAGE)

static struct dirty d;
static struct mem m;

static void scene(void)
{
	dirty_open(&d, false);
	mem_get(&m, MEM_ANON, RACE_SIZE);
	require_ok(ioas_map_at(d.fd, d.ioas, m.va, RACE_SIZE, BASE));
}

/* One area that comes and goes beside one that stays. */
static bool round_map(struct race *race, struct race_side *side)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map), .flags = MAP_RW | MAP_FIX, .ioas_id = d.ioas,
		.user_va = (uintptr_t)m.va, .length = RACE_SIZE, .iova = BASE + RACE_SIZE,
	};
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap), .ioas_id = d.ioas, .iova = BASE + RACE_SIZE,
		.length = RACE_SIZE,
	};

	(void)race;
	if (race_ioctl(side, d.fd, IOMMU_IOAS_MAP, &map, "map", MAY(-EEXIST)) == 0)
		dirty_try_write(&d, BASE + RACE_SIZE, RACE_PAGES / 2);
	race_ioctl(side, d.fd, IOMMU_IOAS_UNMAP, &unmap, "unmap", MAY(-ENOENT, -EBUSY));
	return true;
}

static bool round_get(struct race *race, struct race_side *side)
{
	uint8_t bits[2 * RACE_PAGES / 8] = {};
	uint32_t first = race_random(side) % RACE_PAGES;
	struct iommu_hwpt_get_dirty_bitmap c = {
		.size = sizeof(c), .hwpt_id = d.hwpt, .iova = BASE + first * PAGE,
		.length = 2 * RACE_SIZE - first * PAGE, .page_size = PAGE,
		.data = (uintptr_t)bits, .flags = race_random(side) & 1 ? NO_CLEAR : 0,
	};

	(void)race;
	race_ioctl(side, d.fd, IOMMU_HWPT_GET_DIRTY_BITMAP, &c, "get", MAY(0));
	/* The area that stays is never written to, nor is the second half of the other. */
	for (uint32_t i = 0; i < 2 * RACE_PAGES - first; i++)
		if (bit(bits, i) && !check(i + first >= RACE_PAGES &&
					   i + first < RACE_PAGES + RACE_PAGES / 2))
			return false;
	return true;
}

static bool round_set(struct race *race, struct race_side *side)
{
	struct iommu_hwpt_set_dirty_tracking c = {
		.size = sizeof(c), .hwpt_id = d.hwpt,
		.flags = IOMMU_HWPT_DIRTY_TRACKING_ENABLE,
	};

	(void)race;
	race_ioctl(side, d.fd, IOMMU_HWPT_SET_DIRTY_TRACKING, &c, "set", MAY(0));
	return true;
}

static void race_unmap(void)
{
	struct race race = {
		.side = {
			{ .name = "map and unmap", .round = round_map },
			{ .name = "read", .round = round_get },
			{ .name = "read too", .round = round_get },
			{ .name = "begin", .round = round_set },
		},
	};

	scene();
	race_run(&race);
}

/* What is written while it's read is seen this time or the next. */
static uint8_t race_written[RACE_PAGES], race_seen[RACE_PAGES / 8];

static bool round_write(struct race *race, struct race_side *side)
{
	uint32_t page = race_random(side) % RACE_PAGES;

	(void)race;
	race_begin(side);
	dirty_write(&d, BASE + page * PAGE, 1);
	race_end(side, true);
	race_written[page] = 1;
	return true;
}

static bool round_collect(struct race *race, struct race_side *side)
{
	(void)race;
	race_begin(side);
	race_end(side, !dirty_get(&d, BASE, RACE_SIZE, PAGE, race_seen, 0));
	return true;
}

static void race_write(void)
{
	struct race race = {
		.side = {
			{ .name = "write", .round = round_write },
			{ .name = "read", .round = round_collect },
		},
		.seconds = 1,
	};

	scene();
	for (int i = 0; i < 3 && !tap_failures(); i++) {
		memset(race_seen, 0, sizeof(race_seen));
		memset(race_written, 0, sizeof(race_written));
		race.stop = false;
		race_run(&race);
		require_ok(dirty_get(&d, BASE, RACE_SIZE, PAGE, race_seen, 0));
		for (uint32_t p = 0; p < RACE_PAGES; p++)
			if (!check_eq(bit(race_seen, p), race_written[p]))
				break;
	}
}

/* The page table goes, and another one comes, while somebody reads it. */
static bool round_destroy(struct race *race, struct race_side *side)
{
	struct iommu_hwpt_alloc c = {
		.size = sizeof(c), .flags = IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
		.dev_id = d.dev.dev, .pt_id = d.ioas,
	};
	struct iommu_destroy gone = { .size = sizeof(gone) };

	(void)race;
	if (race_ioctl(side, d.fd, IOMMU_HWPT_ALLOC, &c, "alloc", MAY(0)))
		return false;
	__atomic_store_n(&d.hwpt, c.out_hwpt_id, __ATOMIC_SEQ_CST);
	gone.id = c.out_hwpt_id;
	dirty_set(d.fd, d.hwpt, true);
	dirty_try_write(&d, BASE, RACE_PAGES);
	race_ioctl(side, d.fd, IOMMU_DESTROY, &gone, "destroy", MAY(-EBUSY));
	return true;
}

static bool round_get_any(struct race *race, struct race_side *side)
{
	uint8_t bits[RACE_PAGES / 8] = {};
	struct iommu_hwpt_get_dirty_bitmap c = {
		.size = sizeof(c), .hwpt_id = __atomic_load_n(&d.hwpt, __ATOMIC_SEQ_CST),
		.iova = BASE, .length = RACE_SIZE, .page_size = PAGE,
		.data = (uintptr_t)bits,
	};

	(void)race;
	race_ioctl(side, d.fd, IOMMU_HWPT_GET_DIRTY_BITMAP, &c, "get", MAY(-ENOENT));
	return true;
}

static void race_destroy(void)
{
	struct race race = {
		.side = {
			{ .name = "make and destroy", .round = round_destroy },
			{ .name = "read", .round = round_get_any },
		},
	};

	scene();
	race_run(&race);
}

static const struct test tests[] = {
	{ "unmap", race_unmap },
	{ "write", race_write },
	{ "destroy", race_destroy },
};

TAP_MAIN("dirty_race", tests)
