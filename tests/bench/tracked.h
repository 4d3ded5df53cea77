/* SPDX-License-Identifier: GPL-2.0-only */
/* A page table that tracks, and the device that writes through it, which sets dirty bits. */
#ifndef TESTS_BENCH_TRACKED_H
#define TESTS_BENCH_TRACKED_H

#include "bench.h"
#include "dirty.h"
#include "edu.h"

struct tracked {
	struct dirty d;		/* without a mock device */
	struct device dev;
	struct edu edu;
};

/* Entries are of single pages, or as large as can be. */
void tracked_open(struct tracked *t, bool huge);
void tracked_close(struct tracked *t);

/* Writes to @n entries of that size, side by side. */
void tracked_write(struct tracked *t, uint64_t iova, uint64_t entry, unsigned int n);

#endif
