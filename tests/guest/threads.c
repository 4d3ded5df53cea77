// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races between ioctls: whatever meets whatever, each call succeeds or is
 * refused for a reason, and in the end everything can be taken down and
 * nothing is left pinned.  Meant for the debug kernels above all.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "edu.h"
#include "iommu.h"
#include "mem.h"
#include "race.h"
#include "tap.h"

#define BASE	EDU_IOVA
#define SLOTS	64
#define SLOT	(4 * PAGE)

struct world {
	int fd;
	uint32_t ioas[2];
	uint32_t shared;	/* an object that comes and goes */
	int shared_fd;
	struct device dev;
	struct edu edu;
	struct mem m;
	unsigned long users;	/* calls on shared_fd that have begun */
};

static void world_up(struct world *w, bool device)
{
	memset(w, 0, sizeof(*w));
	w->fd = iommu_open();
	w->ioas[0] = ioas_new(w->fd);
	w->ioas[1] = ioas_new(w->fd);
	w->shared_fd = -1;
	mem_get(&w->m, MEM_ANON, SLOTS * SLOT);
	memset(w->m.va, 1, w->m.size);
	if (!device)
		return;
	device_get(&w->dev, "edu", 0, w->fd);
	require_ok(device_attach(&w->dev, w->ioas[0]));
}

static void world_down(struct world *w, bool device)
{
	if (device) {
		check_ret(device_detach(&w->dev), 0);
		device_close(&w->dev);
	}
	for (int i = 0; i < 2; i++) {
		check(ioas_unmap_all(w->fd, w->ioas[i]) >= 0);
		check_ret(iommu_destroy(w->fd, w->ioas[i]), 0);
	}
	close(w->fd);
}

static void run(struct world *w, struct race *race)
{
	race->data = w;
	race_run(race);
}

/* Rounds that several races use. */

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

	race_ioctl(side, w->fd, IOMMU_IOAS_MAP, &c, "map", MAY(-EEXIST));
	return true;
}

static bool map_anywhere(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct iommu_ioas_map c = {
		.size = sizeof(c),
		.flags = MAP_RW,
		.ioas_id = w->ioas[0],
		.user_va = (uintptr_t)w->m.va,
		.length = (1 + race_random(side) % 8) * PAGE,
	};

	race_ioctl(side, w->fd, IOMMU_IOAS_MAP, &c, "map", MAY(-ENOSPC));
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

static bool unmap_everything(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct iommu_ioas_unmap c = {
		.size = sizeof(c),
		.ioas_id = w->ioas[race_random(side) % 2],
		.length = UINT64_MAX,
	};

	/* -ENOENT: what was mapped meanwhile lies across where it had got to */
	race_ioctl(side, w->fd, IOMMU_IOAS_UNMAP, &c, "unmap all",
		   MAY(-EBUSY, -ENOENT));
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
		   MAY(-ENOENT, -EEXIST, -EBUSY));
	return true;
}

static void map_unmap(void)
{
	struct race race = { {
		{ "map", map_slot }, { "unmap", unmap_slot },
		{ "copy", copy_slot },
	} };
	struct world w;

	world_up(&w, false);
	run(&w, &race);
	world_down(&w, false);
}

static void map_unmap_attached(void)
{
	struct race race = { {
		{ "map", map_slot }, { "unmap", unmap_slot },
		{ "copy", copy_slot },
	} };
	struct world w;

	world_up(&w, true);
	run(&w, &race);
	world_down(&w, true);
}

static void map_unmap_all(void)
{
	struct race race = { {
		{ "map", map_anywhere }, { "map again", map_anywhere },
		{ "unmap all", unmap_everything },
	} };
	struct world w;

	world_up(&w, true);
	run(&w, &race);
	world_down(&w, true);
}

/* An address space is made, used and destroyed by three threads. */

static bool make(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct iommu_ioas_alloc c = { .size = sizeof(c) };

	if (__atomic_load_n(&w->shared, __ATOMIC_SEQ_CST))
		return true;
	if (!race_ioctl(side, w->fd, IOMMU_IOAS_ALLOC, &c, "alloc",
			MAY(-ENOMEM)))
		__atomic_store_n(&w->shared, c.out_ioas_id, __ATOMIC_SEQ_CST);
	return true;
}

static bool use(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct iommu_ioas_map c = {
		.size = sizeof(c),
		.flags = MAP_RW,
		.ioas_id = __atomic_load_n(&w->shared, __ATOMIC_SEQ_CST),
		.user_va = (uintptr_t)w->m.va,
		.length = PAGE,
	};
	struct iommu_ioas_unmap d = {
		.size = sizeof(d),
		.ioas_id = c.ioas_id,
		.length = PAGE,
	};

	if (race_ioctl(side, w->fd, IOMMU_IOAS_MAP, &c, "map", MAY(-ENOENT)))
		return true;
	d.iova = c.iova;
	/* -EBUSY: a new space has this ID, and is mapped there just now */
	race_ioctl(side, w->fd, IOMMU_IOAS_UNMAP, &d, "unmap",
		   MAY(-ENOENT, -EBUSY));
	return true;
}

/* -EBUSY: somebody holds it for an ordinary call, which is short. */
static bool unmake(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct iommu_destroy c = {
		.size = sizeof(c),
		.id = __atomic_load_n(&w->shared, __ATOMIC_SEQ_CST),
	};

	if (c.id && !race_ioctl(side, w->fd, IOMMU_DESTROY, &c, "destroy",
				MAY(-ENOENT, -EBUSY)))
		__atomic_store_n(&w->shared, 0, __ATOMIC_SEQ_CST);
	return true;
}

static void destroy_use(void)
{
	struct race race = { {
		{ "make", make }, { "use", use }, { "use too", use },
		{ "destroy", unmake },
	} };
	struct world w;

	world_up(&w, false);
	run(&w, &race);
	world_down(&w, false);
}

/* A file is closed under the calls that use it. */

static bool open_close(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	unsigned long users;
	uint32_t id;
	double end;

	if (!check(fd >= 0))
		return false;
	race_begin(side);
	ioas_alloc(fd, &id);
	ioas_map_at(fd, id, w->m.va, SLOT, BASE);
	__atomic_store_n(&w->shared, id, __ATOMIC_SEQ_CST);
	users = __atomic_load_n(&w->users, __ATOMIC_SEQ_CST);
	__atomic_store_n(&w->shared_fd, fd, __ATOMIC_SEQ_CST);
	/* close it as soon as somebody is about to use it */
	end = tap_now() + 0.01;
	while (__atomic_load_n(&w->users, __ATOMIC_SEQ_CST) == users &&
	       tap_now() < end)
		;
	__atomic_store_n(&w->shared_fd, -1, __ATOMIC_SEQ_CST);
	close(fd);
	race_end(side, true);
	return true;
}

static bool call_shared(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct iommu_ioas_copy c = {
		.size = sizeof(c),
		.flags = MAP_RW,
		.src_iova = BASE,
		.length = SLOT,
	};
	int fd = __atomic_load_n(&w->shared_fd, __ATOMIC_SEQ_CST);

	if (fd < 0)
		return true;
	c.src_ioas_id = c.dst_ioas_id =
		__atomic_load_n(&w->shared, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&w->users, 1, __ATOMIC_SEQ_CST);
	race_ioctl(side, fd, IOMMU_IOAS_COPY, &c, "copy",
		   MAY(-EBADF, -ENOENT, -ENOTTY));
	return true;
}

static void close_ioctl(void)
{
	struct race race = { {
		{ "open and close", open_close }, { "call", call_shared },
		{ "call too", call_shared },
	} };
	struct world w;

	world_up(&w, false);
	run(&w, &race);
	world_down(&w, false);
}

/* The device goes from one space to the other while both are changed. */

static bool attach_one(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct cdev_attach c = {
		.argsz = sizeof(c),
		.pt_id = w->ioas[race_random(side) % 2],
	};
	struct cdev_detach d = { .argsz = sizeof(d) };

	if (race_random(side) % 4)
		race_ioctl(side, w->dev.fd, CDEV_ATTACH, &c, "attach",
			   MAY(-ENOENT));
	else
		race_ioctl(side, w->dev.fd, CDEV_DETACH, &d, "detach",
			   MAY(-ENOENT));
	return true;
}

static void attach_map(void)
{
	struct race race = { {
		{ "attach", attach_one }, { "map", map_slot },
		{ "unmap", unmap_slot }, { "copy", copy_slot },
	} };
	struct world w;

	world_up(&w, true);
	run(&w, &race);
	world_down(&w, true);
}

static bool table(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
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
	struct world w;

	world_up(&w, true);
	run(&w, &race);
	world_down(&w, true);
}

static bool look(struct race *race, struct race_side *side)
{
	struct iommu_iova_range r[16];
	struct world *w = race->data;
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
	struct iommu_iova_range r = { BASE, BASE + 64 * MIB };
	struct world *w = race->data;
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
	struct world w;

	world_up(&w, true);
	run(&w, &race);
	world_down(&w, true);
}

/* Binding and closing the device while the context is used. */

static bool bind_close(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
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
	struct world *w = race->data;
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
	struct world *w = race->data;
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
	struct world w;

	if (tap_oracle())
		race.side[3] = (struct race_side){};
	world_up(&w, true);
	device_detach(&w.dev);
	device_close(&w.dev);
	run(&w, &race);
	world_down(&w, false);
}

/* The process unmaps and remaps the memory that is being mapped. */

static bool replace_memory(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	uint8_t *at = w->m.va + race_random(side) % SLOTS * SLOT;
	bool good;

	race_begin(side);
	munmap(at, SLOT);
	good = mmap(at, SLOT, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at;
	race_end(side, good);
	return check(good);
}

static bool map_moving(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	uint64_t at = race_random(side) % SLOTS * SLOT;
	struct iommu_ioas_map c = {
		.size = sizeof(c),
		.flags = MAP_RW | MAP_FIX,
		.ioas_id = w->ioas[0],
		.user_va = (uintptr_t)w->m.va + at,
		.length = SLOT,
		.iova = BASE + at,
	};

	race_ioctl(side, w->fd, IOMMU_IOAS_MAP, &c, "map",
		   MAY(-EEXIST, -EFAULT));
	return true;
}

static void memory_moves(void)
{
	struct race race = { {
		{ "replace memory", replace_memory }, { "map", map_moving },
		{ "unmap", unmap_slot },
	} };
	struct world w;

	world_up(&w, true);
	run(&w, &race);
	world_down(&w, true);
}

/* The device writes all the time; after an unmap it writes there no more. */

static bool transfer(struct race *race, struct race_side *side)
{
	struct world *w = race->data;

	race_begin(side);
	edu_start(&w->edu, true, BASE, 0, 64);
	if (edu_wait(&w->edu))
		return check(!"a transfer ends");
	race_end(side, true);
	return true;
}

static bool unmap_watch(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct iommu_ioas_unmap c = {
		.size = sizeof(c),
		.ioas_id = w->ioas[0],
		.iova = BASE,
		.length = SLOT,
	};
	double end;

	if (!check_ret(ioas_map_at(w->fd, w->ioas[0], w->m.va, SLOT, BASE), 0))
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
	struct world w;

	world_up(&w, true);
	edu_init(&w.edu, &w.dev);
	run(&w, &race);
	edu_fini(&w.edu);
	world_down(&w, true);
}

/* Taking over the charge while file mappings come and go. */

static bool map_file_slot(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	uint64_t at = race_random(side) % SLOTS * SLOT;
	struct iommu_ioas_map_file c = {
		.size = sizeof(c),
		.flags = MAP_RW | MAP_FIX,
		.ioas_id = w->ioas[race_random(side) % 2],
		.fd = w->m.fd,
		.start = at,
		.length = SLOT,
		.iova = BASE + at,
	};

	race_ioctl(side, w->fd, IOMMU_IOAS_MAP_FILE, &c, "map file",
		   MAY(-EEXIST));
	return true;
}

/* -EBUSY: a mapping is being made at this moment. */
static bool take_over(struct race *race, struct race_side *side)
{
	struct world *w = race->data;
	struct iommu_ioas_change_process c = { .size = sizeof(c) };

	race_ioctl(side, w->fd, IOMMU_IOAS_CHANGE_PROCESS, &c,
		   "change process", MAY(-EBUSY));
	return true;
}

static void change_process(void)
{
	struct race race = { {
		{ "map file", map_file_slot }, { "unmap", unmap_slot },
		{ "copy", copy_slot }, { "change process", take_over },
	} };
	struct world w;

	world_up(&w, true);
	mem_put(&w.m);
	mem_get(&w.m, MEM_MEMFD, SLOTS * SLOT);
	run(&w, &race);
	world_down(&w, true);
}

static const struct test tests[] = {
	{ "map_unmap", map_unmap },
	{ "map_unmap_attached", map_unmap_attached },
	{ "map_unmap_all", map_unmap_all },
	{ "destroy_use", destroy_use },
	{ "close_ioctl", close_ioctl },
	{ "attach_map", attach_map },
	{ "tables_map", tables_map },
	{ "attach_ranges", attach_ranges },
	{ "bind_use", bind_use },
	{ "memory_moves", memory_moves },
	{ "unmap_is_final", unmap_is_final },
	{ "change_process", change_process },
};

TAP_MAIN("threads", tests)
