// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the operations of /dev/iommu cost, and those of VFIO's type1 for
 * comparison.  tests/bench/run starts it and makes a table of the figures.
 */
#include "bench.h"

static const struct test tests[] = {
	{ "ioctls", bench_ioctls, 600 },
	{ "map_small", bench_map_small, 600 },
	{ "map_large", bench_map_large, 600 },
	{ "map_scattered", bench_map_scattered, 600 },
	{ "copy", bench_copy, 600 },
	{ "areas", bench_areas, 600 },
	{ "million", bench_million, 1800 },
	{ "map_small_type1", bench_map_small_type1, 600 },
	{ "map_large_type1", bench_map_large_type1, 600 },
	{ "map_scattered_type1", bench_map_scattered_type1, 600 },
	{ "areas_type1", bench_areas_type1, 600 },
	{ "floor", bench_floor, 600 },
	{ "dirty", bench_dirty, 600 },
	{ "dirty_huge", bench_dirty_huge, 600 },
	{ "dirty_device", bench_dirty_device, 1800 },
	{ "dirty_device_huge", bench_dirty_device_huge, 600 },
	{ "dirty_wait", bench_dirty_wait, 1800 },
	{ "nested", bench_nested, 600 },
	{ "parallel", bench_parallel, 600 },
	{ "latency", bench_latency, 600 },
	{ "invalidations", bench_invalidations, 600 },
	{ "invalidations_type1", bench_invalidations_type1, 600 },
	{ "records", bench_records, 600 },
	{ "records_type1", bench_records_type1, 600 },
};

TAP_MAIN("bench", tests)
