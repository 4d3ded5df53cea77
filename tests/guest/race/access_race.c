// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races of the in-kernel API with the ioctls and with itself: a driver pins,
 * copies, attaches and goes while mappings come and go.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "access.h"
#include "race_world.h"
#include "tap.h"

#define RACE_SLOTS	16

struct world {
	struct race_world common;	/* first: what race->data points to */
	struct access a[2];
};

static void world_up(struct world *w, bool device)
{
	access_open(&w->a[0]);
	access_open(&w->a[1]);
	race_world_up(&w->common, device);
	w->common.slots = RACE_SLOTS;
	w->common.memory_moves = true;
	for (int i = 0; i < 2; i++) {
		require_ok(access_create(&w->a[i], w->common.fd, ACCESS_TEST_PINS));
		require_ok(access_attach(&w->a[i], w->common.ioas[i]));
	}
}

/* What is left is unmapped while the objects still have it pinned. */
static void world_down(struct world *w, bool device)
{
	for (int i = 0; i < 2; i++) {
		access_behave(&w->a[i], 0, 0);
		check(ioas_unmap_all(w->common.fd, w->common.ioas[i]) >= 0);
		check_eq(access_pins(&w->a[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		close(w->a[i].fd);
	race_world_down(&w->common, device);
}

static void run(struct race *race, bool device)
{
	struct world w;

	world_up(&w, device);
	race->data = &w.common;
	race_run(race);
	world_down(&w, device);
}

/*
 * Pins up to three slots, looks at them, and gives them back unless that was
 * done by an unmap.  -EINVAL: a mapping is about to go.
 */
static bool pin_unpin(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct access *a = &w->a[race_random(side) % 2];
	uint64_t pfns[3 * SLOT / PAGE];
	struct access_test_pin c = {
		.iova = RACE_BASE + race_random(side) % RACE_SLOTS * SLOT +
			race_random(side) % 3 * PAGE,
		.length = (1 + race_random(side) % 9) * PAGE,
		.pfns = (uintptr_t)pfns,
		.flags = race_random(side) % 8 ? WRITE : WRITE | KTHREAD,
	};
	struct access_test_unpin d = { .iova = c.iova, .length = c.length };
	uint8_t b;
	int ret;

	if (race_ioctl(side, a->fd, ACCESS_TEST_PIN, &c, "pin",
		       MAY(-ENOENT, -EINVAL, -EFAULT, -EBADFD)))
		return true;
	ret = access_copy(a, c.iova + 1, &b, 1, BY_PAGES);
	check(ret ? ret == -ENOENT || ret == -EBADFD : b == 1);
	race_ioctl(side, a->fd, ACCESS_TEST_UNPIN, &d, "unpin",
		   MAY(-ENOENT, -EBADFD));
	return true;
}

static void pin_map(void)
{
	struct race race = { {
		{ "pin", pin_unpin }, { "map", map_slot },
		{ "unmap", unmap_slot }, { "copy", copy_slot },
	} };

	run(&race, false);
}

static void pin_map_attached(void)
{
	struct race race = { {
		{ "pin", pin_unpin }, { "map", map_slot },
		{ "unmap", unmap_slot }, { "pin too", pin_unpin },
	} };

	run(&race, true);
}

static bool attach_one(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct access *a = &w->a[race_random(side) % 2];
	struct access_test_target c = {
		.ioas_id = w->common.ioas[race_random(side) % 2],
	};

	if (race_random(side) % 2)
		race_ioctl(side, a->fd, ACCESS_TEST_REPLACE, &c, "replace",
			   MAY(-ENOENT));
	else if (!race_ioctl(side, a->fd, ACCESS_TEST_DETACH, NULL, "detach",
			     MAY(-ENOTCONN)))
		race_ioctl(side, a->fd, ACCESS_TEST_ATTACH, &c, "attach",
			   MAY(0));
	return true;
}

static void detach_pin(void)
{
	struct race race = { {
		{ "attach", attach_one }, { "pin", pin_unpin },
		{ "map", map_slot },
	} };

	run(&race, false);
}

static void detach_unmap(void)
{
	struct race race = { {
		{ "attach", attach_one }, { "pin", pin_unpin },
		{ "map", map_slot }, { "unmap", unmap_slot },
	} };

	run(&race, true);
}

static bool read_write(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	uint8_t buf[2 * SLOT];
	struct access_test_copy c = {
		.iova = RACE_BASE + race_random(side) % (RACE_SLOTS * SLOT),
		.length = 1 + race_random(side) % sizeof(buf),
		.buffer = (uintptr_t)buf,
		.flags = race_random(side) % 4,		/* WRITE, KTHREAD */
	};

	memset(buf, 1, sizeof(buf));
	if (!race_ioctl(side, w->a[race_random(side) % 2].fd, ACCESS_TEST_COPY,
			&c, "copy bytes", MAY(-ENOENT, -EFAULT, -EBADFD)))
		check_eq(mem_differs_from(buf, c.length, 1), -1);
	return true;
}

static void rw_unmap(void)
{
	struct race race = { {
		{ "copy bytes", read_write }, { "map", map_slot },
		{ "unmap", unmap_slot }, { "pin", pin_unpin },
	} };

	run(&race, false);
}

/* Both objects go and come back while unmaps call on them. */
static bool destroy_create(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	uint32_t i = race_random(side) % 2;
	int ret;

	race_begin(side);
	ret = access_destroy(&w->a[i]);
	race_end(side, !ret);
	if (!check_ret(ret, 0) ||
	    !check_ret(access_create(&w->a[i], w->common.fd, ACCESS_TEST_PINS), 0) ||
	    !check_ret(access_attach(&w->a[i], w->common.ioas[race_random(side) % 2]), 0))
		return false;
	return true;
}

static void destroy_unmap(void)
{
	struct race race = { {
		{ "destroy", destroy_create }, { "unmap", unmap_slot },
		{ "map", map_slot }, { "pin", pin_unpin },
	} };

	run(&race, false);
}

static bool map_pin_unmap(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	uint64_t at = race_random(side) % RACE_SLOTS * SLOT;
	uint32_t i = race_random(side) % 2;
	struct iommu_ioas_unmap c = {
		.size = sizeof(c),
		.ioas_id = w->common.ioas[i],
		.iova = RACE_BASE + at,
		.length = SLOT,
	};

	if (!check_ret(ioas_map_at(w->common.fd, c.ioas_id, w->common.m.va + at, SLOT,
				   c.iova), 0))
		return false;
	access_pin(&w->a[0], RACE_BASE + at, SLOT, 0, NULL);
	access_pin(&w->a[1], RACE_BASE + at + PAGE, PAGE, 0, NULL);
	return !race_ioctl(side, w->common.fd, IOMMU_IOAS_UNMAP, &c, "unmap", MAY(0));
}

/* The callbacks take their time, so that the object's end meets them. */
static void destroy_slow_unmap(void)
{
	struct race race = { {
		{ "destroy", destroy_create }, { "unmap", map_pin_unmap },
	} };
	struct world w;

	world_up(&w, false);
	access_behave(&w.a[0], 0, 300);
	access_behave(&w.a[1], 0, 1000);
	race.data = &w.common;
	race_run(&race);
	world_down(&w, false);
}

/* As pin_unpin, of memory that may not have been written yet. */
static bool pin_moving(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct access *a = &w->a[0];
	struct access_test_pin c = {
		.iova = RACE_BASE + race_random(side) % (RACE_SLOTS * SLOT / PAGE) * PAGE,
		.length = (1 + race_random(side) % 9) * PAGE,
	};

	if (!race_ioctl(side, a->fd, ACCESS_TEST_PIN, &c, "pin",
			MAY(-ENOENT, -EINVAL, -EFAULT)) &&
	    race_random(side) % 2)
		access_unpin(a, c.iova, c.length);
	return true;
}

static void memory_moves(void)
{
	struct race race = { {
		{ "replace memory", replace_memory }, { "pin", pin_moving },
		{ "map", map_slot }, { "unmap", unmap_slot },
	} };

	run(&race, true);
}

static const struct test tests[] = {
	{ "pin_map", pin_map },
	{ "pin_map_attached", pin_map_attached },
	{ "detach_pin", detach_pin },
	{ "detach_unmap", detach_unmap },
	{ "rw_unmap", rw_unmap },
	{ "destroy_unmap", destroy_unmap },
	{ "destroy_slow_unmap", destroy_slow_unmap },
	{ "memory_moves", memory_moves },
};

TAP_MAIN("access_race", tests)
