/* SPDX-License-Identifier: GPL-2.0-only */
/* Dirty tracking, on the mock IOMMU. */
#ifndef TESTS_GUEST_DIRTY_H
#define TESTS_GUEST_DIRTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mock.h"

#define NO_CLEAR IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR

/* A device on a page table that tracks. */
struct dirty {
	int fd;
	uint32_t ioas, hwpt;
	struct mock dev;
};

/*
 * Opens all that, with entries of single pages or as large as can be (MOCK_IOMMUPT_HUGE),
 * and begins tracking.  The test is skipped without the mock.
 */
void dirty_open(struct dirty *d, bool huge);

int dirty_set(int fd, uint32_t hwpt, bool enable);
int dirty_get(const struct dirty *d, uint64_t iova, uint64_t length,
	      uint64_t page_size, void *bitmap, uint32_t flags);

/* The device writes to that page of 4 KiB, or to @n of them side by side. */
void dirty_write(const struct dirty *d, uint64_t iova, size_t n);
int dirty_try_write(const struct dirty *d, uint64_t iova, size_t n);

static inline bool bit(const void *bitmap, uint64_t n)
{
	return ((const uint8_t *)bitmap)[n / 8] >> n % 8 & 1;
}

#endif
