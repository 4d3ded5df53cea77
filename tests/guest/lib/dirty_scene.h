/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DIRTY_SCENE_H
#define DIRTY_SCENE_H

/* A mock device that tracks dirty pages */

#include <inttypes.h>

#include "dirty.h"
#include "mem.h"

#define BASE 0x2000000ull

extern struct dirty dirty;

extern struct mem dirty_mem;

/* @pages of memory at BASE, in a page table with small entries. */
void dirty_scene_up(size_t pages);

int dirty_scene_get(uint64_t first, uint64_t pages, void *bitmap, uint32_t flags);

#endif
