/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory of all kinds, and patterns to fill and compare it with. */
#ifndef TESTS_GUEST_MEM_H
#define TESTS_GUEST_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mem_kind {
	MEM_ANON,		/* pages of 4 KiB, never huge */
	MEM_THP,		/* aligned, and asked to be huge */
	MEM_HUGETLB,		/* 2 MiB pages from the pool */
	MEM_MEMFD,		/* shared memory file */
	MEM_MEMFD_HUGE,		/* the same of huge pages */
	MEM_KINDS,
};

extern const char *const mem_kind_name[MEM_KINDS];

struct mem {
	uint8_t *va;
	size_t size;
	int fd;			/* -1 unless it is a file */
};

#define PAGE	4096ull
#define HUGE	(2ull << 20)

/*
 * Allocates, does not touch.  The test is skipped when the huge page pool is
 * too small and can't be grown, and ends as failed for any other reason.
 */
void mem_get(struct mem *m, enum mem_kind kind, size_t size);
void mem_put(struct mem *m);

/* Does the kernel have transparent huge pages?  PREEMPT_RT has none. */
bool mem_has_thp(void);

/* Makes room for @pages more huge pages; the harness undoes it. */
bool mem_huge_reserve(unsigned int pages);
long mem_huge_pool(void);
void mem_huge_restore(long pages);

/* Bytes that depend on @seed and on the offset. */
void mem_fill(void *p, size_t size, uint32_t seed);
/* Where the first byte differs from mem_fill()'s, or -1. */
long mem_differs(const void *p, size_t size, uint32_t seed);
/* The same for a single value. */
long mem_differs_from(const void *p, size_t size, uint8_t value);

/* Free memory of the machine, in bytes. */
uint64_t mem_available(void);

/* The last @size bytes of a page, at the most that, behind which nothing is mapped. */
void *before_hole(size_t size);

#endif
