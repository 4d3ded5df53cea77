/* SPDX-License-Identifier: GPL-2.0-only */
/* The page frames behind a process's memory, and what the kernel tells about them. */
#ifndef TESTS_GUEST_FRAMES_H
#define TESTS_GUEST_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits of frame_flags() */
#define FRAME_HUGETLB	(1ull << 17)
#define FRAME_POISONED	(1ull << 19)
#define FRAME_KSM	(1ull << 21)
#define FRAME_THP	(1ull << 22)
#define FRAME_ZERO	(1ull << 24)

/* Page frame numbers of @n pages from @va on, 0 for what is not present. */
void mem_pfns(const void *va, uint64_t n, uint64_t *pfns);
uint64_t mem_pfn(const void *va);

/* /proc/kpageflags of a frame. */
uint64_t frame_flags(uint64_t pfn);

/* Is it in ZONE_MOVABLE, where nothing may stay for long? */
bool frame_is_movable(uint64_t pfn);
/* How many of a range's pages are, of those present. */
size_t mem_movable(const void *va, size_t size);

#endif
