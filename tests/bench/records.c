// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory that the record of a mapping takes, in bytes: what the kernel allocates for
 * it beside the IOMMU's page tables.
 */
#include <stdio.h>
#include <unistd.h>

#include "bench.h"
#include "meters.h"

#define IOVA	(256 * MIB)
#define AREAS	65536

static long long used(void)
{
	long long kib;

	/* what is freed by RCU, and what was charged in stocks */
	usleep(200000);
	kib = meters_field("/proc/meminfo", "Slab") +
	      meters_field("/proc/meminfo", "VmallocUsed");
	return kib * 1024;
}

static void print(const struct space *s, long long before, uint32_t each,
		  const char *what)
{
	long long bytes = used() - before;

	figure(bytes < 0 ? 0 : bytes / each, "%s/record/%s", space_name(s), what);
}

static void many_areas(struct space *s, const char *what)
{
	long long before;
	struct call clear;
	struct mem m;

	memory_get(&m, M_SMALL, 2 * MIB);
	before = used();
	for (uint64_t i = 0; i < AREAS; i++) {
		struct call map = call_map(s, m.va + i % 512 * PAGE, PAGE,
					   IOVA + i * 2 * PAGE, true);

		timed(&map);
	}
	print(s, before, AREAS, what);
	clear = call_unmap_all(s);
	timed(&clear);
	mem_put(&m);
}

static void one_area(struct space *s, enum memory_kind kind)
{
	long long before;
	struct call call;
	struct mem m;
	char what[64];

	memory_get(&m, kind, GIB);
	before = used();
	call = call_map(s, m.va, GIB, IOVA, true);
	timed(&call);
	snprintf(what, sizeof(what), "%s-1G", memory_name[kind]);
	print(s, before, 1, what);
	call = call_unmap(s, IOVA, GIB);
	timed(&call);
	mem_put(&m);
}

static void records(bool type1)
{
	struct space s, alone;

	space_open(&s, type1);
	many_areas(&s, "each-of-65536");
	if (!type1) {
		alone = s;
		alone.ioas = ioas_new(s.fd);
		many_areas(&alone, "each-of-65536-not-pinned");
	}
	one_area(&s, M_SMALL);
	one_area(&s, M_THP);
	one_area(&s, M_FILE_SCATTERED);
	space_close(&s);
}

void bench_records(void)
{
	records(false);
}

void bench_records_type1(void)
{
	records(true);
}
