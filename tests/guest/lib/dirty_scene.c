// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>

#include "dirty.h"
#include "dirty_scene.h"
#include "mem.h"
#include "tap.h"

struct dirty dirty;

struct mem dirty_mem;

void dirty_scene_up(size_t pages)
{
	dirty_open(&dirty, false);
	mem_get(&dirty_mem, MEM_ANON, pages * PAGE);
	require_ok(ioas_map_at(dirty.fd, dirty.ioas, dirty_mem.va, pages * PAGE, BASE));
}

int dirty_scene_get(uint64_t first, uint64_t pages, void *bitmap, uint32_t flags)
{
	return dirty_get(&dirty, BASE + first * PAGE, pages * PAGE, PAGE, bitmap, flags);
}
