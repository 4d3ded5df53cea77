// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races of the in-kernel API with the ioctls and with itself: a driver pins,
 * copies, attaches and goes while mappings come and go.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "access.h"
#include "device.h"
#include "iommu.h"
#include "mem.h"
#include "race.h"
#include "tap.h"

#define BASE	0x1000000ull
#define SLOTS	16
#define SLOT	(4 * PAGE)

struct world {
	int fd;
	uint32_t ioas[2];
	struct access a[2];
	struct device dev;
	struct mem m;
};

static void world_up(struct world *w, bool device)
{
	memset(w, 0, sizeof(*w));
	access_open(&w->a[0]);
	access_open(&w->a[1]);
	w->fd = iommu_open();
	for (int i = 0; i < 2; i++) {
		w->ioas[i] = ioas_new(w->fd);
		require_ok(access_create(&w->a[i], w->fd, ACCESS_TEST_PINS));
		require_ok(access_attach(&w->a[i], w->ioas[i]));
	}
	mem_get(&w->m, MEM_ANON, SLOTS * SLOT);
	memset(w->m.va, 1, w->m.size);
	if (!device)
		return;
	device_get(&w->dev, "edu", 0, w->fd);
	require_ok(device_attach(&w->dev, w->ioas[0]));
}

/* What's left is taken down in the order that asks most of it. */
static void world_down(struct world *w, bool device)
{
	for (int i = 0; i < 2; i++) {
		access_behave(&w->a[i], 0, 0);
		check(ioas_unmap_all(w->fd, w->ioas[i]) >= 0);
		check_eq(access_pins(&w->a[i]), 0);
	}
	if (device) {
		check_ret(device_detach(&w->dev), 0);
		device_close(&w->dev);
	}
	for (int i = 0; i < 2; i++)
		close(w->a[i].fd);
	for (int i = 0; i < 2; i++)
		check_ret(iommu_destroy(w->fd, w->ioas[i]), 0);
	close(w->fd);
}

static void run(struct race *race, bool device)
{
	struct world w;

	world_up(&w, device);
	race->data = &w;
	race_run(race);
	world_down(&w, device);
}

static bool map_slot(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	uint64_t at = race_random(side) % SLOTS * SLOT;
	struct iommu_ioas_map c = {
		.size = sizeof(c),
		.flags = MAP_RW | MAP_FIX,
		.ioas_id = w->ioas[race_random(side) % 2],
		.user_va = (uintptr_t)w->m.va + at,
		.length = SLOT,
		.iova = BASE + at,
	};

	race_ioctl(side, w->fd, IOMMU_IOAS_MAP, &c, "map",
		   MAY(-EEXIST, -EFAULT));
	return true;
}

/* -EBUSY: another call works on that very mapping. */
static bool unmap_slot(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct iommu_ioas_unmap c = {
		.size = sizeof(c),
		.ioas_id = w->ioas[race_random(side) % 2],
		.iova = BASE + race_random(side) % SLOTS * SLOT,
		.length = SLOT,
	};

	race_ioctl(side, w->fd, IOMMU_IOAS_UNMAP, &c, "unmap",
		   MAY(-ENOENT, -EBUSY));
	return true;
}

static bool copy_slot(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	uint32_t from = race_random(side) % 2;
	struct iommu_ioas_copy c = {
		.size = sizeof(c),
		.flags = MAP_RW | MAP_FIX,
		.src_ioas_id = w->ioas[from],
		.dst_ioas_id = w->ioas[!from],
		.src_iova = BASE + race_random(side) % SLOTS * SLOT,
		.length = SLOT,
	};

	c.dst_iova = c.src_iova;
	race_ioctl(side, w->fd, IOMMU_IOAS_COPY, &c, "copy",
		   MAY(-ENOENT, -EEXIST, -EBUSY, -EFAULT));
	return true;
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
		.iova = BASE + race_random(side) % SLOTS * SLOT +
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
		.ioas_id = w->ioas[race_random(side) % 2],
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
		.iova = BASE + race_random(side) % (SLOTS * SLOT),
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
	    !check_ret(access_create(&w->a[i], w->fd, ACCESS_TEST_PINS), 0) ||
	    !check_ret(access_attach(&w->a[i], w->ioas[race_random(side) % 2]), 0))
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
	uint64_t at = race_random(side) % SLOTS * SLOT;
	uint32_t i = race_random(side) % 2;
	struct iommu_ioas_unmap c = {
		.size = sizeof(c),
		.ioas_id = w->ioas[i],
		.iova = BASE + at,
		.length = SLOT,
	};

	if (!check_ret(ioas_map_at(w->fd, c.ioas_id, w->m.va + at, SLOT,
				   c.iova), 0))
		return false;
	access_pin(&w->a[0], BASE + at, SLOT, 0, NULL);
	access_pin(&w->a[1], BASE + at + PAGE, PAGE, 0, NULL);
	return !race_ioctl(side, w->fd, IOMMU_IOAS_UNMAP, &c, "unmap", MAY(0));
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
	race.data = &w;
	race_run(&race);
	world_down(&w, false);
}

static bool replace_memory(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	uint8_t *at = w->m.va + race_random(side) % SLOTS * SLOT;
	bool good;

	race_begin(side);
	munmap(at, SLOT);
	good = mmap(at, SLOT, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at;
	memset(at, 1, SLOT);
	race_end(side, good);
	return check(good);
}

/* As pin_unpin, of memory that may not have been written yet. */
static bool pin_moving(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct access *a = &w->a[0];
	struct access_test_pin c = {
		.iova = BASE + race_random(side) % (SLOTS * SLOT / PAGE) * PAGE,
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
