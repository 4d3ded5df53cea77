/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Measuring what mapping costs.  Under QEMU's -icount a tick is one instruction of
 * the guest, so two runs agree.  A figure is printed as a line of TAP's comments:
 *
 *   # figure NAME n=SAMPLES min=TICKS median=TICKS
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"
#include "iommu.h"
#include "legacy.h"
#include "mem.h"
#include "tap.h"

/* The time stamp counter. */
static inline uint64_t ticks(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

#define MAX_SAMPLES 1024

struct samples {
	unsigned int n;
	uint64_t at[MAX_SAMPLES];
};

void sample(struct samples *s, uint64_t value);
/* Prints what came together under a name, and empties it. */
void samples_print(struct samples *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A figure that was measured once. */
void figure(uint64_t value, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A repeatable random number below @limit, and random orders. */
uint32_t random_below(uint32_t limit);
uint32_t *random_order(uint32_t n);

/* An address space with an edu attached: an IOAS or a type1 container. */
struct space {
	bool type1;
	int fd;
	uint32_t ioas;
	struct device dev;
	struct legacy legacy;
};

/* The test is skipped without an edu. */
void space_open(struct space *s, bool type1);
void space_close(struct space *s);
/* What comes first in the names of its figures. */
const char *space_name(const struct space *s);

/*
 * A map call that is only to be made, so that nothing else is timed.  Its iova is
 * chosen by the kernel unless @fixed.
 */
struct call {
	unsigned long cmd;
	int fd;
	union {
		struct iommu_ioas_map map;
		struct iommu_ioas_map_file map_file;
		struct iommu_ioas_copy copy;
		struct iommu_ioas_unmap unmap;
		struct iommu_option option;
		uint32_t type1[16];
	};
};

struct call call_map(const struct space *s, const void *va, uint64_t length,
		     uint64_t iova, bool fixed);
struct call call_map_file(const struct space *s, int file, uint64_t length,
			  uint64_t iova);
struct call call_unmap(const struct space *s, uint64_t iova, uint64_t length);
struct call call_unmap_all(const struct space *s);

/* Makes the call, which has to succeed; returns how long it took. */
uint64_t timed(struct call *call);

/* Memory that is there already; the kinds beyond mem.h's say how it lies. */
enum memory_kind {
	M_SMALL,		/* single pages, side by side */
	M_THP,
	M_HUGETLB,
	M_FILE_THP,
	M_FILE_HUGE,
	M_FILE_SCATTERED,	/* single pages, most of them alone */
	M_KINDS,
};

extern const char *const memory_name[M_KINDS];

void memory_get(struct mem *m, enum memory_kind kind, uint64_t size);

/* The subjects, each a TAP test. */
void bench_ioctls(void);
void bench_map_small(void);
void bench_map_small_type1(void);
void bench_map_large(void);
void bench_map_large_type1(void);
void bench_map_scattered(void);
void bench_map_scattered_type1(void);
void bench_copy(void);
void bench_areas(void);
void bench_areas_type1(void);
void bench_million(void);
void bench_floor(void);
void bench_dirty(void);
void bench_dirty_huge(void);
void bench_dirty_device(void);
void bench_dirty_device_huge(void);
void bench_dirty_wait(void);
void bench_nested(void);
void bench_parallel(void);
void bench_latency(void);
void bench_invalidations(void);
void bench_invalidations_type1(void);
void bench_records(void);
void bench_records_type1(void);

#endif
