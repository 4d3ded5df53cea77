// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races about vIOMMUs, on the mock: vDEVICEs against their device's unplug, nested
 * page tables against what they stand on, invalidations against destroying, hardware
 * queues against unmap, windows against destroying.
 *
 * Sides tell each other IDs without a lock: one may be old, and then it is unknown
 * or another object's.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mem.h"
#include "mock.h"
#include "race.h"
#include "tap.h"

#define BASE	((uint64_t)MOCK_APERTURE_START)
#define SLOTS	4

struct world {
	int fd;
	uint32_t ioas, parent, viommu;
	struct mock mock;		/* stays */
	struct mem m;
	/* What comes and goes: */
	volatile uint32_t dev, coming;
	volatile uint32_t made[SLOTS];
	volatile uint32_t top;		/* the highest ID that was seen */
	volatile uint64_t window;
};

static void saw(struct world *w, uint32_t id)
{
	uint32_t top;

	do
		top = w->top;
	while (id > top && !__sync_bool_compare_and_swap(&w->top, top, id));
}

static void note(struct world *w, uint32_t slot, uint32_t id)
{
	w->made[slot] = id;
	saw(w, id);
}

static void up(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->fd = mock_open();
	w->ioas = ioas_new(w->fd);
	require_ok(mock_device(w->fd, w->ioas, 0, &w->mock));
	require_ok(hwpt_alloc(w->fd, w->mock.dev, w->ioas,
			      IOMMU_HWPT_ALLOC_NEST_PARENT, &w->parent));
	require_ok(mock_viommu(w->fd, w->mock.dev, w->parent, NULL, &w->viommu));
	mem_get(&w->m, MEM_ANON, 4 * PAGE);
	memset(w->m.va, 1, w->m.size);
}

static bool is_part(const struct world *w, uint32_t id)
{
	return id == w->ioas || id == w->parent || id == w->viommu ||
	       id == w->mock.stdev || id == w->mock.dev || id == w->mock.hwpt;
}

/* Twice, as one may hold another. */
static void clear(struct world *w)
{
	for (uint32_t i = 0; i < 2 * w->top; i++)
		if (!is_part(w, 1 + i % w->top))
			iommu_destroy(w->fd, 1 + i % w->top);
}

/* What the sides left goes, and then nothing holds the rest. */
static void run(struct race *race)
{
	struct world w;

	up(&w);
	race->data = &w;
	race_run(race);
	clear(&w);
	check(ioas_unmap_all(w.fd, w.ioas) >= 0);
	check_ret(iommu_destroy(w.fd, w.viommu), 0);
	check_ret(iommu_destroy(w.fd, w.parent), 0);
	check_ret(mock_unplug(w.fd, &w.mock), 0);
	check_ret(iommu_destroy(w.fd, w.ioas), 0);
	close(w.fd);
}

static bool destroy_id(struct race *race, struct race_side *side, uint32_t id,
		       const char *what, const int *allowed)
{
	struct world *w = race->data;
	struct iommu_destroy c = { .size = sizeof(c), .id = id };

	race_ioctl(side, w->fd, IOMMU_DESTROY, &c, what, allowed);
	return true;
}

/* One call of plug and unplug. */
static bool replug(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct mock mock;
	int ret;

	race_begin(side);
	ret = mock_device(w->fd, w->ioas, 0, &mock);
	if (!ret) {
		w->dev = mock.dev;
		if (race_random(side) % 2)
			usleep(race_random(side) % 3000);
		ret = mock_unplug(w->fd, &mock);
	}
	race_end(side, !ret);
	return check_ret(ret, 0);
}

static bool name_device(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct iommu_vdevice_alloc c = {
		.size = sizeof(c), .viommu_id = w->viommu, .dev_id = w->dev,
		.virt_id = race_random(side) % 2,
	};

	if (!race_ioctl(side, w->fd, IOMMU_VDEVICE_ALLOC, &c, "vdevice",
			MAY(-ENOENT, -EEXIST)))
		note(w, c.virt_id, c.out_vdevice_id);
	return true;
}

/* Only vDEVICEs and mock devices come and go, and the other side is quicker there. */
static bool forget_device(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	uint32_t id = w->made[race_random(side) % 2];

	if (!id || is_part(w, id))
		return true;
	return destroy_id(race, side, id, "destroy vdevice", MAY(-ENOENT, -EBUSY));
}

static bool invalidate_devices(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct iommu_viommu_invalidate_selftest e = {
		.vdev_id = race_random(side) % 2,
	};
	struct iommu_hwpt_invalidate c = {
		.size = sizeof(c), .hwpt_id = w->viommu, .entry_num = 1,
		.data_type = IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST,
		.data_uptr = (uintptr_t)&e, .entry_len = sizeof(e),
	};

	race_ioctl(side, w->fd, IOMMU_HWPT_INVALIDATE, &c, "invalidate", MAY(-EINVAL));
	return true;
}

static void vdevice_unplug(void)
{
	struct race race = { .side = {
		{ "unplug", replug }, { "name", name_device },
		{ "forget", forget_device }, { "invalidate", invalidate_devices },
	} };

	run(&race);
}

/* A nested page table of the parent's or of the vIOMMU's */
static bool make_nested(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct iommu_hwpt_selftest data = {};
	struct iommu_hwpt_alloc c = {
		.size = sizeof(c), .dev_id = w->mock.dev, .pt_id = w->coming,
		.data_type = IOMMU_HWPT_DATA_SELFTEST,
		.data_len = sizeof(data), .data_uptr = (uintptr_t)&data,
	};

	/* -EINVAL: what it should stand on is gone */
	if (!race_ioctl(side, w->fd, IOMMU_HWPT_ALLOC, &c, "nested",
			MAY(-EINVAL, -ENOENT)))
		note(w, race_random(side) % SLOTS, c.out_hwpt_id);
	return true;
}

static bool drop_nested(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	uint32_t id = w->made[race_random(side) % SLOTS];

	if (!id || is_part(w, id))
		return true;
	return destroy_id(race, side, id, "destroy nested", MAY(-ENOENT, -EBUSY));
}

static bool invalidate_nested(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct iommu_hwpt_invalidate_selftest e[4] = {};
	struct iommu_hwpt_invalidate c = {
		.size = sizeof(c), .hwpt_id = w->made[race_random(side) % SLOTS],
		.entry_num = 4,
		.data_type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST,
		.data_uptr = (uintptr_t)e, .entry_len = sizeof(e[0]),
	};

	race_ioctl(side, w->fd, IOMMU_HWPT_INVALIDATE, &c, "invalidate",
		   MAY(-ENOENT, -EINVAL));
	return true;
}

/* What nested ones stand on comes and goes. */
static bool move_ground(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct iommu_destroy d = { .size = sizeof(d), .id = w->coming };
	uint32_t id = 0;
	int ret;

	if (d.id) {
		/* -EBUSY: one stands on it.  -ENOENT: who drops those had an old ID */
		ret = race_ioctl(side, w->fd, IOMMU_DESTROY, &d, "destroy ground",
				 MAY(-EBUSY, -ENOENT));
		if (ret == -EBUSY && race_random(side) % 8)
			return true;
		w->coming = 0;
	}
	race_begin(side);
	if (race_random(side) % 2)
		ret = mock_viommu(w->fd, w->mock.dev, w->parent, NULL, &id);
	else
		ret = hwpt_alloc(w->fd, w->mock.dev, w->ioas,
				 IOMMU_HWPT_ALLOC_NEST_PARENT, &id);
	race_end(side, !ret);
	w->coming = id;
	saw(w, id);
	return check_ret(ret, 0);
}

static void nested_ground(void)
{
	struct race race = { .side = {
		{ "ground", move_ground }, { "nested", make_nested },
		{ "drop", drop_nested }, { "invalidate", invalidate_nested },
	} };

	run(&race);
}

static bool make_queue(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct iommu_hw_queue_alloc c = {
		.size = sizeof(c), .viommu_id = w->viommu,
		.type = IOMMU_HW_QUEUE_TYPE_SELFTEST,
		.index = race_random(side) % 2,
		.nesting_parent_iova = BASE + race_random(side) % 2 * PAGE,
		.length = 64,
	};

	if (!race_ioctl(side, w->fd, IOMMU_HW_QUEUE_ALLOC, &c, "queue",
			MAY(-ENOENT, -EEXIST, -EIO)))
		note(w, c.index, c.out_hw_queue_id);
	return true;
}

static bool drop_queue(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	uint32_t id = w->made[race_random(side) % 2];

	if (!id || is_part(w, id))
		return true;
	return destroy_id(race, side, id, "destroy queue", MAY(-ENOENT, -EBUSY));
}

static bool map(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	uint64_t at = race_random(side) % 2 * PAGE;
	struct iommu_ioas_map c = {
		.size = sizeof(c), .flags = MAP_RW | MAP_FIX, .ioas_id = w->ioas,
		.user_va = (uintptr_t)w->m.va + at, .length = PAGE, .iova = BASE + at,
	};

	race_ioctl(side, w->fd, IOMMU_IOAS_MAP, &c, "map", MAY(-EEXIST));
	return true;
}

static bool unmap(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct iommu_ioas_unmap c = {
		.size = sizeof(c), .ioas_id = w->ioas,
		.iova = BASE + race_random(side) % 2 * PAGE, .length = PAGE,
	};

	race_ioctl(side, w->fd, IOMMU_IOAS_UNMAP, &c, "unmap",
		   MAY(-ENOENT, -EBUSY));
	return true;
}

static void queue_unmap(void)
{
	struct race race = { .side = {
		{ "queue", make_queue }, { "drop", drop_queue },
		{ "map", map }, { "unmap", unmap },
	} };

	run(&race);
}

static bool move_window(struct race *race, struct race_side *side)
{
	struct iommu_viommu_selftest data = { .in_data = 0x77 };
	struct world *w = race->data;
	uint32_t id = 0;
	int ret;

	race_begin(side);
	ret = mock_viommu(w->fd, w->mock.dev, w->parent, &data, &id);
	if (!ret) {
		w->window = data.out_mmap_offset;
		do
			ret = iommu_destroy(w->fd, id);
		while (ret == -EBUSY);
	}
	race_end(side, !ret);
	return check_ret(ret, 0);
}

static bool look(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	uint32_t *p;

	race_begin(side);
	p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, w->fd, w->window);
	race_end(side, p != MAP_FAILED);
	if (p == MAP_FAILED)
		return check_msg(errno == ENXIO, "mmap: %s", strerror(errno));
	check_eq(*p, 0x77);
	munmap(p, 2 * PAGE);
	return true;
}

static void window_destroy(void)
{
	struct race race = { .side = {
		{ "window", move_window }, { "map", look }, { "map too", look },
	} };

	run(&race);
}

static const struct test tests[] = {
	{ "vdevice_unplug", vdevice_unplug, 120 },
	{ "nested_ground", nested_ground, 120 },
	{ "queue_unmap", queue_unmap, 120 },
	{ "window_destroy", window_destroy, 120 },
};

TAP_MAIN("viommu_race", tests)
