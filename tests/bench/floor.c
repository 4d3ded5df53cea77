// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel's own calls cost on the same memory (floor/floor.c).  Where there are
 * two ways both are printed, and the cheaper one is the floor.
 */
#include <fcntl.h>
#include <sys/ioctl.h>

#include "bench.h"
#include "floor/floor.h"

#define DEVICE "/dev/iommufd_floor"

static void print(const char *call, uint64_t value, enum memory_kind kind, const char *size)
{
	figure(value, "bare/%s/%s-%s", call, memory_name[kind], size);
}

static void print_ways(const char *call, const char *const ways[2], uint64_t a,
		       uint64_t b, enum memory_kind kind, const char *size)
{
	print(ways[0], a, kind, size);
	print(ways[1], b, kind, size);
	print(call, a < b ? a : b, kind, size);
}

static void keep_least(__u64 *least, uint64_t value)
{
	if (!*least || value < *least)
		*least = value;
}

/* The first time warms up. */
static struct floor_times least_of(int fd, const struct mem *m, unsigned int times)
{
	struct floor_times least = {};

	for (unsigned int i = 0; i <= times; i++) {
		struct floor_times t = { .va = (uintptr_t)m->va, .length = m->size };

		require(!ioctl(fd, FLOOR_MEASURE, &t));
		if (!i)
			continue;
		keep_least(&least.pin, t.pin);
		keep_least(&least.pin_batches, t.pin_batches);
		keep_least(&least.unpin, t.unpin);
		keep_least(&least.unpin_runs, t.unpin_runs);
		keep_least(&least.map, t.map);
		keep_least(&least.map_sg, t.map_sg);
		keep_least(&least.unmap, t.unmap);
	}
	return least;
}

static void measure(int fd, enum memory_kind kind, uint64_t length,
		    unsigned int times, const char *size)
{
	static const char *const pin[] = { "pin-at-once", "pin-batches" };
	static const char *const unpin[] = { "unpin-pages", "unpin-runs" };
	static const char *const map[] = { "map-runs", "map-sg" };
	struct floor_times t;
	struct mem m;

	memory_get(&m, kind, length);
	t = least_of(fd, &m, times);
	print_ways("pin", pin, t.pin, t.pin_batches, kind, size);
	print_ways("unpin", unpin, t.unpin, t.unpin_runs, kind, size);
	print_ways("map", map, t.map, t.map_sg, kind, size);
	print("unmap", t.unmap, kind, size);
	mem_put(&m);
}

void bench_floor(void)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		tap_skip("needs the floor module");
	measure(fd, M_SMALL, 4 * KIB, 20, "4K");
	measure(fd, M_SMALL, 64 * KIB, 20, "64K");
	measure(fd, M_SMALL, 2 * MIB, 5, "2M");
	measure(fd, M_THP, 2 * MIB, 5, "2M");
	for (unsigned int kind = 0; kind < M_KINDS; kind++)
		measure(fd, kind, GIB, 2, "1G");
}
