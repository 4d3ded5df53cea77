// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping memory that isn't there yet, by one CPU and by all, in turn.  Needs a machine
 * whose CPUs really run at once; times are microseconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define WORKERS "/sys/module/iommufd/parameters/pin_workers"
#define ROUNDS	5

static unsigned int workers(void)
{
	unsigned int n = 0;
	FILE *f = fopen(WORKERS, "re");

	if (!f)
		return 0;
	if (fscanf(f, "%u", &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

static void set_workers(unsigned int n)
{
	FILE *f = fopen(WORKERS, "we");

	require(f);
	fprintf(f, "%u", n);
	require(!fclose(f));
}

static uint64_t map_fresh(struct space *s, enum mem_kind kind, uint64_t size)
{
	struct call map, unmap = call_unmap(s, 0x10000000, size);
	struct mem m;
	double start;

	mem_get(&m, kind, size);
	map = call_map(s, m.va, size, 0x10000000, true);
	start = tap_now();
	timed(&map);
	start = tap_now() - start;
	timed(&unmap);
	mem_put(&m);
	return start * 1e6;
}

static void both_ways(struct space *s, enum mem_kind kind, const char *what)
{
	static struct samples serial, parallel;
	unsigned int all = workers();

	for (unsigned int i = 0; i < ROUNDS; i++) {
		if (all)
			set_workers(1);
		sample(&serial, map_fresh(s, kind, GIB));
		if (!all)
			continue;
		set_workers(all);
		sample(&parallel, map_fresh(s, kind, GIB));
	}
	samples_print(&serial, "iommufd/serial/%s", what);
	if (all)
		samples_print(&parallel, "iommufd/parallel/%s", what);
}

void bench_parallel(void)
{
	struct space s;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		tap_skip("needs two CPUs");
	space_open(&s, false);
	both_ways(&s, MEM_ANON, "small-1G");
	both_ways(&s, MEM_THP, "thp-1G");
	both_ways(&s, MEM_MEMFD, "memfd-1G");
	both_ways(&s, MEM_HUGETLB, "hugetlb-1G");
	space_close(&s);
}
