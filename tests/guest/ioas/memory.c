// SPDX-License-Identifier: GPL-2.0-only
/*
 * What contexts and mappings cost in kernel memory.
 *
 * Two meters are read, and both have to stay below the limit: what a memory
 * cgroup is charged for kernel memory, less page tables (those of the IOMMU
 * are the hardware's need, those of the process aren't ours); and the growth
 * of the slab of the whole system, which also sees what is charged to nobody.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cgroup.h"
#include "device.h"
#include "iommu.h"
#include "klog.h"
#include "mem.h"
#include "meters.h"
#include "tap.h"

#define BASE	0x100000000ull
#define GROUP	CGROUPS "memory-test"

struct cost {
	long long group, slab;
};

static void enter_group(void)
{
	cgroup_enter(GROUP);
	if (access(GROUP "/memory.stat", R_OK))
		tap_skip("the kernel has no memory cgroups");
}

static long long stat_of(const char *name)
{
	long long v = meters_field(GROUP "/memory.stat", name);

	return v < 0 ? 0 : v;
}

/* In bytes, apart from all page tables. */
static struct cost now(void)
{
	struct cost c;

	/* the counters are folded no more than every two seconds */
	for (double end = tap_now() + 2.1; tap_now() < end; )
		usleep(100000);
	c.group = stat_of("kernel") - stat_of("pagetables") -
		  stat_of("sec_pagetables");
	c.slab = meters_field("/proc/meminfo", "SUnreclaim") * 1024;
	return c;
}

/* Red zones and the like make everything larger. */
static bool debug_kernel(void)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char text[256];
	bool found = false;

	while (f && !found && fgets(text, sizeof(text), f))
		found = strstr(text, " kasan_report\n") != NULL;
	if (f)
		fclose(f);
	return found;
}

/* What the IOMMU's driver is known to take of the slab for each of the things. */
static double driver_slab;

/* @limit: for one of @n things. */
static void check_cost(const char *what, const struct cost *before,
		       const struct cost *after, double n, double limit)
{
	double group = (after->group - before->group) / n;
	double slab = (after->slab - before->slab) / n - driver_slab;

	if (debug_kernel())
		limit *= 2;
	tap_diag("%s: %.0f bytes charged, %.0f of slab, allowed %.0f", what,
		 group, slab, limit);
	check_msg(group < limit, "%s costs %.0f bytes", what, group);
	check_msg(slab < limit, "%s costs %.0f bytes of slab", what, slab);
}

#define CONTEXTS 4000

static void idle_context(void)
{
	struct rlimit r = { CONTEXTS + 100, CONTEXTS + 100 };
	struct cost before, after;
	static int fd[CONTEXTS];

	enter_group();
	require(!setrlimit(RLIMIT_NOFILE, &r));
	/* grow the table of descriptors first */
	require(dup2(0, CONTEXTS + 50) >= 0);
	fd[0] = iommu_open();
	before = now();
	for (int i = 1; i < CONTEXTS; i++)
		fd[i] = iommu_open();
	after = now();
	check_cost("an idle context", &before, &after, CONTEXTS - 1, 4 * KIB);
	check(after.group > before.group);	/* it is charged to somebody */
	for (int i = 0; i < CONTEXTS; i++)
		close(fd[i]);
}

static void idle_space(void)
{
	struct cost before, after;
	int fd = iommu_open();

	enter_group();
	before = now();
	for (int i = 0; i < CONTEXTS; i++)
		ioas_new(fd);
	after = now();
	check_cost("an empty address space", &before, &after, CONTEXTS,
		   4 * KIB);
	check(after.group > before.group);
}

struct target {
	int fd;
	uint32_t ioas;
	struct device dev;
};

static void target_up(struct target *t)
{
	t->fd = iommu_open();
	t->ioas = ioas_new(t->fd);
	device_get(&t->dev, "edu", 0, t->fd);
	require_ok(device_attach(&t->dev, t->ioas));
}

/* The cost of mapping @m @times times, beside the first which warms up. */
static void check_map(const char *what, struct mem *m, int times, double limit)
{
	struct cost start, before, after;
	struct target t;

	target_up(&t);
	start = now();
	require_ok(ioas_map_at(t.fd, t.ioas, m->va, m->size, BASE));
	before = now();
	for (int i = 1; i <= times; i++)
		require_ok(ioas_map_at(t.fd, t.ioas, m->va, m->size,
				       BASE + i * GIB));
	after = now();
	check_cost(what, &before, &after, times, limit);
	check_eq(ioas_unmap_all(t.fd, t.ioas), m->size * (times + 1));
	after = now();
	/* The kernel charges a group up to 64 pages ahead. */
	check_msg(after.group - start.group < (long long)(64 * KIB + 64 * PAGE),
		  "%lld bytes more than at first after the unmap",
		  after.group - start.group);
}

/* A whole GiB where there is that much, a part of it elsewhere. */
static size_t some_memory(void)
{
	uint64_t size = GIB;

	while (size > 64 * MIB && size * 5 / 2 > mem_available())
		size /= 2;
	return size;
}

static void huge_pages(void)
{
	size_t size = some_memory();
	struct mem m;

	mem_get(&m, MEM_HUGETLB, size);
	memset(m.va, 1, size);
	enter_group();
	tap_diag("a mapping of %zu MiB", size >> 20);
	check_map("a mapping of huge pages", &m, 16,
		  64.0 * KIB * size / GIB);
}

/* Two buffers touched in turns, so that neither's pages lie side by side. */
static void scatter(struct mem *m, struct mem *other, size_t size)
{
	mem_get(m, MEM_ANON, size);
	mem_get(other, MEM_ANON, size);
	for (size_t at = 0; at < size; at += PAGE) {
		m->va[at] = 1;
		other->va[at] = 1;
	}
}

/* How many runs of neighbouring frames the memory consists of. */
static size_t count_runs(const struct mem *m)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t last = 0, frame;
	size_t runs = 0;

	require(fd >= 0);
	for (size_t at = 0; at < m->size; at += PAGE) {
		require(pread(fd, &frame, 8,
			      (uintptr_t)(m->va + at) / PAGE * 8) == 8);
		frame &= (1ull << 55) - 1;
		runs += frame != last + 1;
		last = frame;
	}
	close(fd);
	return runs;
}

static void scattered_pages(void)
{
	size_t size = some_memory() / 2, runs;
	struct mem m, other;

	scatter(&m, &other, size);
	runs = count_runs(&m);
	tap_diag("%zu MiB in %zu runs", size >> 20, runs);
	require(runs > size / PAGE / 4);
	/* virtio-iommu's keeps a record of 64 bytes for each run, below Linux's too */
	if (klog_iommu() == IOMMU_VIRTIO)
		driver_slab = 64.0 * runs;
	enter_group();
	check_map("a mapping of scattered pages", &m, 4, 0.004 * size);
}

/* Neighbouring pages of 4 KiB, as an ordinary program gets them. */
static void ordinary_pages(void)
{
	size_t size = some_memory() / 2;
	struct mem m;

	mem_get(&m, MEM_ANON, size);
	memset(m.va, 1, size);
	tap_diag("%zu MiB in %zu runs", size >> 20, count_runs(&m));
	enter_group();
	check_map("a mapping of ordinary pages", &m, 4, 0.004 * size);
}

static void small_mappings(void)
{
	struct cost before, after;
	struct target t;
	struct mem m;

	mem_get(&m, MEM_ANON, PAGE);
	m.va[0] = 1;
	enter_group();
	target_up(&t);
	require_ok(ioas_map_at(t.fd, t.ioas, m.va, PAGE, BASE));
	before = now();
	for (int i = 1; i <= 20000; i++)
		require_ok(ioas_map_at(t.fd, t.ioas, m.va, PAGE,
				       BASE + i * 2 * PAGE));
	after = now();
	check_cost("a mapping of one page", &before, &after, 20000, KIB);
}

static const struct test tests[] = {
	{ "idle_context", idle_context },
	{ "idle_space", idle_space },
	{ "huge_pages", huge_pages },
	{ "scattered_pages", scattered_pages },
	{ "ordinary_pages", ordinary_pages },
	{ "small_mappings", small_mappings },
};

TAP_MAIN("memory", tests)
