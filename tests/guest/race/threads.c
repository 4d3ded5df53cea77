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

#include "race_world.h"
#include "tap.h"

static void map_unmap(void)
{
	struct race race = { {
		{ "map", map_slot }, { "unmap", unmap_slot },
		{ "copy", copy_slot },
	} };
	struct race_world w;

	race_world_up(&w, false);
	race_world_run(&w, &race);
	race_world_down(&w, false);
}

static void map_unmap_attached(void)
{
	struct race race = { {
		{ "map", map_slot }, { "unmap", unmap_slot },
		{ "copy", copy_slot },
	} };
	struct race_world w;

	race_world_up(&w, true);
	race_world_run(&w, &race);
	race_world_down(&w, true);
}

static void map_unmap_all(void)
{
	struct race race = { {
		{ "map", map_anywhere }, { "map again", map_anywhere },
		{ "unmap all", unmap_everything },
	} };
	struct race_world w;

	race_world_up(&w, true);
	race_world_run(&w, &race);
	race_world_down(&w, true);
}

/* An address space is made, used and destroyed by three threads. */

static bool make(struct race *race, struct race_side *side)
{
	struct race_world *w = race->data;
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
	struct race_world *w = race->data;
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
	struct race_world *w = race->data;
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
	struct race_world w;

	race_world_up(&w, false);
	race_world_run(&w, &race);
	race_world_down(&w, false);
}

/* A file is closed under the calls that use it. */

static bool open_close(struct race *race, struct race_side *side)
{
	struct race_world *w = race->data;
	int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	unsigned long users;
	uint32_t id;
	double end;

	if (!check(fd >= 0))
		return false;
	race_begin(side);
	ioas_alloc(fd, &id);
	ioas_map_at(fd, id, w->m.va, SLOT, RACE_BASE);
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
	struct race_world *w = race->data;
	struct iommu_ioas_copy c = {
		.size = sizeof(c),
		.flags = MAP_RW,
		.src_iova = RACE_BASE,
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
	struct race_world w;

	race_world_up(&w, false);
	race_world_run(&w, &race);
	race_world_down(&w, false);
}

/* Taking over the charge while file mappings come and go. */

static bool map_file_slot(struct race *race, struct race_side *side)
{
	struct race_world *w = race->data;
	uint64_t at = race_random(side) % SLOTS * SLOT;
	struct iommu_ioas_map_file c = {
		.size = sizeof(c),
		.flags = MAP_RW | MAP_FIX,
		.ioas_id = w->ioas[race_random(side) % 2],
		.fd = w->m.fd,
		.start = at,
		.length = SLOT,
		.iova = RACE_BASE + at,
	};

	race_ioctl(side, w->fd, IOMMU_IOAS_MAP_FILE, &c, "map file",
		   MAY(-EEXIST));
	return true;
}

/* -EBUSY: a mapping is being made at this moment. */
static bool take_over(struct race *race, struct race_side *side)
{
	struct race_world *w = race->data;
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
	struct race_world w;

	race_world_up(&w, true);
	mem_put(&w.m);
	mem_get(&w.m, MEM_MEMFD, SLOTS * SLOT);
	race_world_run(&w, &race);
	race_world_down(&w, true);
}

static const struct test tests[] = {
	{ "map_unmap", map_unmap },
	{ "map_unmap_attached", map_unmap_attached },
	{ "map_unmap_all", map_unmap_all },
	{ "destroy_use", destroy_use },
	{ "close_ioctl", close_ioctl },
	{ "change_process", change_process },
};

TAP_MAIN("threads", tests)
