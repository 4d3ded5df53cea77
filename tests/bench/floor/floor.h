/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel's own calls cost, without anything around them. */
#ifndef TESTS_BENCH_FLOOR_H
#define TESTS_BENCH_FLOOR_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * Pins the memory, maps it in a domain of the edu's that nothing is attached to,
 * unmaps and unpins it.  The times are those of the calls alone.
 */
struct floor_times {
	__u64 va;
	__u64 length;
	__u64 runs;		/* out: contiguous pieces of memory */
	__u64 pin;		/* pin_user_pages_fast(), one call */
	__u64 pin_batches;	/* the same, 512 pages a call */
	__u64 unpin;		/* unpin_user_pages_dirty_lock(), one call */
	__u64 unpin_runs;	/* unpin_user_page_range_dirty_lock(), a call a run */
	__u64 map;		/* iommu_map(), a call a run */
	__u64 map_sg;		/* iommu_map_sg() of all runs */
	__u64 unmap;		/* iommu_unmap(), one call */
};

#define FLOOR_MEASURE _IOWR('F', 0, struct floor_times)

#endif
