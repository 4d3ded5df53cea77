// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races with the device: attaching, binding and DMA while mappings change.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "race_world.h"
#include "tap.h"

/* The device goes from one space to the other while both are changed. */

static bool attach_one(struct race *race, struct race_side *side)
{
	struct race_world *w = race->data;
	struct cdev_attach c = {
		.argsz = sizeof(c),
		.pt_id = w->ioas[race_random(side) % 2],
	};
	struct cdev_detach d = { .argsz = sizeof(d) };

	/* -EADDRINUSE: the kernel chose an IOVA that this device reserves */
	if (race_random(side) % 4)
		race_ioctl(side, w->dev.fd, CDEV_ATTACH, &c, "attach",
			   MAY(-EADDRINUSE));
	else
		race_ioctl(side, w->dev.fd, CDEV_DETACH, &d, "detach",
			   MAY(0));
	return true;
}

static void attach_map(void)
{
	struct race race = { {
		{ "attach", attach_one }, { "map", map_slot },
		{ "unmap", unmap_slot }, { "copy", copy_slot },
	} };
	struct race_world w;

	race_world_up(&w, true);
	race_world_run(&w, &race);
	race_world_down(&w, true);
}

static bool table(struct race *race, struct race_side *side)
{
	struct race_world *w = race->data;
	struct iommu_hwpt_alloc c = {
		.size = sizeof(c),
		.dev_id = w->dev.id,
		.pt_id = w->ioas[race_random(side) % 2],
	};
	struct iommu_destroy d = { .size = sizeof(d) };

	if (race_ioctl(side, w->fd, IOMMU_HWPT_ALLOC, &c, "hwpt alloc",
		       MAY(-ENOENT)))
		return true;
	d.id = c.out_hwpt_id;
	race_ioctl(side, w->fd, IOMMU_DESTROY, &d, "destroy", MAY(-EBUSY));
	return true;
}

static void tables_map(void)
{
	struct race race = { {
		{ "tables", table }, { "map", map_slot },
		{ "unmap", unmap_slot }, { "copy", copy_slot },
	} };
	struct race_world w;

	race_world_up(&w, true);
	race_world_run(&w, &race);
	race_world_down(&w, true);
}

static bool look(struct race *race, struct race_side *side)
{
	struct iommu_iova_range r[16];
	struct race_world *w = race->data;
	struct iommu_ioas_iova_ranges c = {
		.size = sizeof(c),
		.ioas_id = w->ioas[race_random(side) % 2],
		.num_iovas = 16,
		.allowed_iovas = (uintptr_t)r,
	};

	if (!race_ioctl(side, w->fd, IOMMU_IOAS_IOVA_RANGES, &c, "ranges",
			MAY(-EMSGSIZE)))
		check(c.num_iovas >= 1 && c.num_iovas <= 16 && !r[0].start);
	return true;
}

/* Allowed ranges that a device can live with. */
static bool allow(struct race *race, struct race_side *side)
{
	struct iommu_iova_range r = { RACE_BASE, RACE_BASE + 64 * MIB };
	struct race_world *w = race->data;
	struct iommu_ioas_allow_iovas c = {
		.size = sizeof(c),
		.ioas_id = w->ioas[race_random(side) % 2],
		.num_iovas = race_random(side) % 2,
		.allowed_iovas = (uintptr_t)&r,
	};

	race_ioctl(side, w->fd, IOMMU_IOAS_ALLOW_IOVAS, &c, "allow",
		   MAY(-EADDRINUSE));
	return true;
}

static void attach_ranges(void)
{
	struct race race = { {
		{ "attach", attach_one }, { "ranges", look },
		{ "allow", allow }, { "map", map_anywhere },
	} };
	struct race_world w;

	race_world_up(&w, true);
	race_world_run(&w, &race);
	race_world_down(&w, true);
}

/* Binding and closing the device while the context is used. */

static bool bind_close(struct race *race, struct race_side *side)
{
	struct race_world *w = race->data;
	struct device dev;
	int ret;

	ret = device_open(&dev, w->dev.bdf);
	if (!check_ret(ret, 0))
		return false;
	race_begin(side);
	ret = device_bind(&dev, w->fd);
	if (!ret) {
		__atomic_store_n(&w->shared, dev.id, __ATOMIC_SEQ_CST);
		ret = device_attach(&dev, w->ioas[0]);
	}
	device_close(&dev);
	race_end(side, !ret);
	return check_ret(ret, 0);
}

static bool destroy_device(struct race *race, struct race_side *side)
{
	struct race_world *w = race->data;
	struct iommu_destroy c = {
		.size = sizeof(c),
		.id = __atomic_load_n(&w->shared, __ATOMIC_SEQ_CST),
	};
	struct iommu_ioas_unmap any = {
		.size = sizeof(any),
		.ioas_id = w->ioas[1],
		.length = UINT64_MAX,
	};

	/* never granted: the device belongs to its file */
	if (c.id)
		check(race_ioctl(side, w->fd, IOMMU_DESTROY, &c, "destroy",
				 MAY(-ENOENT, -EBUSY)) != 0);
	race_ioctl(side, w->fd, IOMMU_IOAS_UNMAP, &any, "unmap",
		   MAY(-EBUSY, -ENOENT));
	return true;
}

static bool info_of_device(struct race *race, struct race_side *side)
{
	struct race_world *w = race->data;
	struct iommu_hw_info c = {
		.size = sizeof(c),
		.dev_id = __atomic_load_n(&w->shared, __ATOMIC_SEQ_CST),
	};

	race_ioctl(side, w->fd, IOMMU_GET_HW_INFO, &c, "hw info",
		   MAY(-ENOENT));
	return true;
}

/*
 * In Linux 7.2 a stream of calls that name the device holds up its close, for
 * up to a minute.  In ours it must not.
 */
static void bind_use(void)
{
	struct race race = { {
		{ "bind and close", bind_close },
		{ "destroy", destroy_device }, { "map", map_slot },
		{ "info", info_of_device },
	} };
	struct race_world w;

	if (tap_oracle())
		race.side[3] = (struct race_side){};
	race_world_up(&w, true);
	device_detach(&w.dev);
	device_close(&w.dev);
	race_world_run(&w, &race);
	race_world_down(&w, false);
}

/* The process unmaps and remaps the memory that is being mapped. */
static void memory_moves(void)
{
	struct race race = { {
		{ "replace memory", replace_memory }, { "map", map_slot },
		{ "unmap", unmap_slot },
	} };
	struct race_world w;

	race_world_up(&w, true);
	w.memory_moves = true;
	race_world_run(&w, &race);
	race_world_down(&w, true);
}

/* The device writes all the time; after an unmap it writes there no more. */

static bool transfer(struct race *race, struct race_side *side)
{
	struct race_world *w = race->data;

	race_begin(side);
	edu_start(&w->edu, true, RACE_BASE, 0, 64);
	if (edu_wait(&w->edu))
		return check(!"a transfer ends");
	race_end(side, true);
	return true;
}

static bool unmap_watch(struct race *race, struct race_side *side)
{
	struct race_world *w = race->data;
	struct iommu_ioas_unmap c = {
		.size = sizeof(c),
		.ioas_id = w->ioas[0],
		.iova = RACE_BASE,
		.length = SLOT,
	};
	double end;

	if (!check_ret(ioas_map_at(w->fd, w->ioas[0], w->m.va, SLOT, RACE_BASE), 0))
		return false;
	/* for as long as a transfer takes, at the longest */
	end = tap_now() + race_random(side) % 100 / 1e3;
	while (tap_now() < end)
		;
	if (race_ioctl(side, w->fd, IOMMU_IOAS_UNMAP, &c, "unmap", MAY(-EIO)))
		return false;
	memset(w->m.va, 0x33, 64);
	end = tap_now() + 0.12;
	while (tap_now() < end)
		if (!check_eq(mem_differs_from(w->m.va, 64, 0x33), -1))
			return false;
	return true;
}

static void unmap_is_final(void)
{
	struct race race = {
		.side = {
			{ "transfer", transfer }, { "unmap", unmap_watch },
		},
		.seconds = 5,
	};
	struct race_world w;

	race_world_up(&w, true);
	edu_init(&w.edu, &w.dev);
	race_world_run(&w, &race);
	edu_fini(&w.edu);
	race_world_down(&w, true);
}

static const struct test tests[] = {
	{ "attach_map", attach_map },
	{ "tables_map", tables_map },
	{ "attach_ranges", attach_ranges },
	{ "bind_use", bind_use },
	{ "memory_moves", memory_moves },
	{ "unmap_is_final", unmap_is_final },
};

TAP_MAIN("threads_device", tests)
