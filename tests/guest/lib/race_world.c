// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "race_world.h"
#include "tap.h"

void race_world_up(struct race_world *w, bool device)
{
	memset(w, 0, sizeof(*w));
	w->fd = iommu_open();
	w->ioas[0] = ioas_new(w->fd);
	w->ioas[1] = ioas_new(w->fd);
	w->shared_fd = -1;
	w->slots = SLOTS;
	mem_get(&w->m, MEM_ANON, SLOTS * SLOT);
	memset(w->m.va, 1, w->m.size);
	if (!device)
		return;
	device_get(&w->dev, "edu", 0, w->fd);
	require_ok(device_attach(&w->dev, w->ioas[0]));
}

void race_world_down(struct race_world *w, bool device)
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

void race_world_run(struct race_world *w, struct race *race)
{
	race->data = w;
	race_run(race);
}

static uint64_t race_slot(struct race_world *w, struct race_side *side)
{
	return race_random(side) % w->slots * SLOT;
}

bool map_slot(struct race *race, struct race_side *side)
{
	struct race_world *w = race->data;
	uint64_t at = race_slot(w, side);
	struct iommu_ioas_map c = {
		.size = sizeof(c),
		.flags = MAP_RW | MAP_FIX,
		.ioas_id = w->ioas[race_random(side) % 2],
		.user_va = (uintptr_t)w->m.va + at,
		.length = SLOT,
		.iova = RACE_BASE + at,
	};

	race_ioctl(side, w->fd, IOMMU_IOAS_MAP, &c, "map",
		   MAY(-EEXIST, w->memory_moves ? -EFAULT : 0));
	return true;
}

bool map_anywhere(struct race *race, struct race_side *side)
{
	struct race_world *w = race->data;
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
bool unmap_slot(struct race *race, struct race_side *side)
{
	struct race_world *w = race->data;
	struct iommu_ioas_unmap c = {
		.size = sizeof(c),
		.ioas_id = w->ioas[race_random(side) % 2],
		.iova = RACE_BASE + race_slot(w, side),
		.length = SLOT,
	};

	race_ioctl(side, w->fd, IOMMU_IOAS_UNMAP, &c, "unmap",
		   MAY(-ENOENT, -EBUSY));
	return true;
}

bool unmap_everything(struct race *race, struct race_side *side)
{
	struct race_world *w = race->data;
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

bool copy_slot(struct race *race, struct race_side *side)
{
	struct race_world *w = race->data;
	uint32_t from = race_random(side) % 2;
	struct iommu_ioas_copy c = {
		.size = sizeof(c),
		.flags = MAP_RW | MAP_FIX,
		.src_ioas_id = w->ioas[from],
		.dst_ioas_id = w->ioas[!from],
		.src_iova = RACE_BASE + race_slot(w, side),
		.length = SLOT,
	};

	c.dst_iova = c.src_iova;
	race_ioctl(side, w->fd, IOMMU_IOAS_COPY, &c, "copy",
		   MAY(-ENOENT, -EEXIST, -EBUSY, w->memory_moves ? -EFAULT : 0));
	return true;
}

bool replace_memory(struct race *race, struct race_side *side)
{
	struct race_world *w = race->data;
	uint8_t *at = w->m.va + race_slot(w, side);
	bool good;

	race_begin(side);
	munmap(at, SLOT);
	good = mmap(at, SLOT, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at;
	memset(at, 1, SLOT);
	race_end(side, good);
	return check(good);
}
