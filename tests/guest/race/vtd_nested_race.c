// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races about nested page tables on VT-d, while the device writes all the time: attaching,
 * invalidating, destroying, and the parent's memory that goes away below them.
 *
 * Sides tell each other IDs without a lock: one may be old, and then it is unknown or another
 * page table's.
 */
#include <errno.h>
#include <string.h>

#include "race.h"
#include "tap.h"
#include "vtd.h"

#define FIRST	VTD_DATA
#define SLOTS	4

static struct vtd_guest g;
static struct mem page;		/* at the GPA that the device writes to */
static uint32_t made[SLOTS];	/* nested page tables, 0: none */
static uint32_t plain;

static uint32_t made_at(unsigned int slot)
{
	return __atomic_load_n(&made[slot], __ATOMIC_SEQ_CST);
}

/* Makes a nested page table, or destroys the one that is there; one in use stays. */
static bool make_round(struct race *race, struct race_side *side)
{
	struct iommu_hwpt_vtd_s1 data = { .addr_width = 48 };
	unsigned int slot = race_random(side) % SLOTS;
	struct iommu_destroy d = { .size = sizeof(d), .id = made_at(slot) };
	struct iommu_hwpt_alloc c = {
		.size = sizeof(c), .dev_id = g.dev.id, .pt_id = g.parent,
		.data_type = IOMMU_HWPT_DATA_VTD_S1, .data_len = sizeof(data),
		.data_uptr = (uintptr_t)&data,
	};
	int ret;

	(void)race;
	if (d.id) {
		ret = race_ioctl(side, g.fd, IOMMU_DESTROY, &d, "destroy", MAY(-EBUSY));
		if (!ret)
			__atomic_store_n(&made[slot], 0, __ATOMIC_SEQ_CST);
		return !ret || ret == -EBUSY;
	}
	data.pgtbl_addr = g.root[slot % 2];
	ret = race_ioctl(side, g.fd, IOMMU_HWPT_ALLOC, &c, "alloc", MAY(0));
	if (!ret)
		__atomic_store_n(&made[slot], c.out_hwpt_id, __ATOMIC_SEQ_CST);
	return !ret;
}

static uint32_t any_table(struct race_side *side)
{
	uint32_t n = race_random(side) % (SLOTS + 2);

	return n < SLOTS ? made_at(n) : n == SLOTS ? g.parent : plain;
}

static bool attach_round(struct race *race, struct race_side *side)
{
	struct cdev_attach c = { .argsz = sizeof(c), .pt_id = any_table(side) };
	int ret;

	(void)race;
	if (!c.pt_id)
		return true;
	ret = race_ioctl(side, g.dev.fd, CDEV_ATTACH, &c, "attach", MAY(-ENOENT));
	return !ret || ret == -ENOENT;
}

static bool invalidate_round(struct race *race, struct race_side *side)
{
	struct iommu_hwpt_vtd_s1_invalidate array[] = {
		{ .addr = VTD_IOVA, .npages = 1 },
		{ .addr = 0, .npages = UINT64_MAX },
		{ .addr = VTD_IOVA & ~(HUGE - 1), .npages = 512 },
	};
	struct iommu_hwpt_invalidate c = {
		.size = sizeof(c), .hwpt_id = made_at(race_random(side) % SLOTS),
		.data_uptr = (uintptr_t)array,
		.data_type = IOMMU_HWPT_INVALIDATE_DATA_VTD_S1,
		.entry_len = sizeof(*array), .entry_num = 1 + race_random(side) % 3,
	};
	uint32_t want = c.entry_num;
	int ret;

	(void)race;
	if (!c.hwpt_id)
		return true;
	ret = race_ioctl(side, g.fd, IOMMU_HWPT_INVALIDATE, &c, "invalidate", MAY(-ENOENT));
	return ret ? ret == -ENOENT : check_eq(c.entry_num, want);
}

/* What the parent has unmapped is the process's alone, whatever the device is attached to. */
static bool take_away_round(struct race *race, struct race_side *side)
{
	struct iommu_ioas_unmap u = {
		.size = sizeof(u), .ioas_id = g.ioas, .iova = vtd_gpa(FIRST), .length = PAGE,
	};
	struct iommu_ioas_map m = {
		.size = sizeof(m), .flags = MAP_RW | MAP_FIX, .ioas_id = g.ioas,
		.user_va = (uintptr_t)page.va, .length = PAGE, .iova = vtd_gpa(FIRST),
	};

	(void)race;
	if (race_ioctl(side, g.fd, IOMMU_IOAS_UNMAP, &u, "unmap", MAY(0)))
		return false;
	memset(page.va, 0xa5, PAGE);
	edu_wait_transfers(&g.edu, 2);
	return check_eq(mem_differs_from(page.va, PAGE, 0xa5), -1) &&
	       !race_ioctl(side, g.fd, IOMMU_IOAS_MAP, &m, "map", MAY(0));
}

static void set_up(void)
{
	uint64_t unmapped;

	vtd_up(&g);
	if (!edu_has_more(&g.edu))
		tap_skip("needs the edu of tests/qemu");
	vtd_map(&g, 0, VTD_IOVA, FIRST);
	vtd_map(&g, 1, VTD_IOVA, FIRST);
	require_ok(hwpt_alloc(g.fd, g.dev.id, g.ioas, 0, &plain));
	mem_get(&page, MEM_ANON, PAGE);
	/* The guest's memory, but for its data pages, and one page of these. */
	require_ok(ioas_unmap(g.fd, g.ioas, VTD_GPA, VTD_PAGES * PAGE, &unmapped));
	require_ok(ioas_map_at(g.fd, g.ioas, g.m.va, FIRST * PAGE, VTD_GPA));
	require_ok(ioas_map_at(g.fd, g.ioas, page.va, PAGE, vtd_gpa(FIRST)));
	edu_repeat(&g.edu, true);
	edu_start(&g.edu, true, VTD_IOVA, 0, 64);
}

/* All that was made goes, and a new one translates. */
static void look_after(void)
{
	uint32_t id;

	require_ok(device_attach(&g.dev, g.parent));
	for (int i = 0; i < SLOTS; i++)
		if (made[i])
			check_ret(iommu_destroy(g.fd, made[i]), 0);
	id = vtd_table(&g, 1);
	require_ok(device_attach(&g.dev, id));
	memset(page.va, 0, PAGE);
	edu_wait_transfers(&g.edu, 3);
	check(page.va[1] || page.va[2]);
	edu_repeat(&g.edu, false);
	/* the last one may have begun before the attach */
	edu_wait(&g.edu);
	require_ok(device_detach(&g.dev));
	check_ret(iommu_destroy(g.fd, id), 0);
	check_ret(iommu_destroy(g.fd, plain), 0);
	check_ret(iommu_destroy(g.fd, g.parent), 0);
}

/* Page tables that stay, for sides that don't make any. */
static void make_all(void)
{
	for (int i = 0; i < SLOTS; i++)
		made[i] = vtd_table(&g, i % 2);
}

static void attach_and_take_away(void)
{
	struct race race = { { { "attach", attach_round },
			       { "take away", take_away_round } } };

	set_up();
	make_all();
	race_run(&race);
	look_after();
}

static void invalidate_and_take_away(void)
{
	struct race race = { { { "invalidate", invalidate_round },
			       { "take away", take_away_round } } };

	set_up();
	make_all();
	require_ok(device_attach(&g.dev, made[0]));
	race_run(&race);
	look_after();
}

static void attach_and_make(void)
{
	struct race race = { { { "attach", attach_round }, { "make", make_round },
			       { "invalidate", invalidate_round } } };

	set_up();
	race_run(&race);
	look_after();
}

static void all_at_once(void)
{
	struct race race = { { { "attach", attach_round }, { "make", make_round },
			       { "invalidate", invalidate_round },
			       { "take away", take_away_round } } };

	set_up();
	race_run(&race);
	look_after();
}

static const struct test tests[] = {
	{ "attach_and_take_away", attach_and_take_away, 180 },
	{ "invalidate_and_take_away", invalidate_and_take_away, 180 },
	{ "attach_and_make", attach_and_make, 180 },
	{ "all_at_once", all_at_once, 180 },
};

TAP_MAIN("vtd_nested_race", tests)
