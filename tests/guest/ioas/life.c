// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lifetimes: memory that is mapped for a device stays its memory, whatever
 * becomes of the process, the files and the mappings that it came from.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frames.h"
#include "meters.h"
#include "rig.h"
#include "tap.h"

static void second_device(void)
{
	uint32_t table = 0;
	struct device dev;
	struct rig r, s;

	rig_up(&r);
	s = r;
	device_get(&dev, "edu", 1, r.fd);
	s.dev = dev;
	edu_init(&s.edu, &s.dev);
	/* its own page table is filled from what is recorded */
	require_ok(hwpt_alloc(r.fd, dev.id, r.ioas, 0, &table));
	require_ok(device_attach(&dev, table));
	check(rig_reaches(&s, RIG_BASE, r.m.va, 64, 1));
	check(rig_reaches(&s, RIG_BASE + RIG_SIZE - 64,
			  r.m.va + RIG_SIZE - 64, 64, 2));
	/* the first one's table may go away, the memory stays for the other */
	require_ok(device_detach(&r.dev));
	check(rig_reaches(&s, RIG_BASE, r.m.va, 64, 3));
	require_ok(ioas_unmap(r.fd, r.ioas, RIG_BASE, RIG_SIZE, NULL));
	mem_fill(r.m.va, RIG_SIZE, 4);
	rig_charge(&s, 64, 5);
	require_ok(edu_store(&s.edu, RIG_BASE, 0, 64));
	check_eq(mem_differs(r.m.va, RIG_SIZE, 4), -1);
}

static void shared_table(void)
{
	struct device dev;
	struct rig r, s;
	uint32_t a, b;

	rig_bind(&r);
	s = r;
	device_get(&dev, "edu", 1, r.fd);
	s.dev = dev;
	edu_init(&s.edu, &s.dev);
	a = b = r.ioas;
	require_ok(device_attach_out(&r.dev, &a));
	require_ok(device_attach_out(&dev, &b));
	check_eq(a, b);		/* one automatic table serves both */
	rig_map(&r);
	s.m = r.m;
	s.copy = r.copy;
	check(rig_reaches(&r, RIG_BASE, r.m.va, 64, 1));
	check(rig_reaches(&s, RIG_BASE, r.m.va, 64, 2));
	require_ok(device_detach(&r.dev));
	check_ret(iommu_destroy(r.fd, a), -EBUSY);
	check(rig_reaches(&s, RIG_BASE, r.m.va, 64, 3));
	require_ok(device_detach(&dev));
	check_ret(iommu_destroy(r.fd, a), -ENOENT);
}

/* The child writes to every page before it ends, the parent's stay its own. */
static void forked(void)
{
	int status, pid, go[2];
	struct rig r;
	char c;

	rig_up(&r);
	mem_fill(r.m.va, RIG_SIZE, 1);
	require(!pipe(go));
	pid = fork();
	require(pid >= 0);
	if (!pid) {
		if (read(go[0], &c, 1) != 1 ||
		    mem_differs(r.m.va, RIG_SIZE, 1) >= 0)
			_exit(3);
		memset(r.m.va, 0xcc, RIG_SIZE);
		_exit(0);
	}
	memset(r.m.va, 0x77, RIG_SIZE);
	check(rig_reaches(&r, RIG_BASE, r.m.va, 64, 2));
	require(write(go[1], "x", 1) == 1);
	require(waitpid(pid, &status, 0) == pid);
	check(WIFEXITED(status) && !WEXITSTATUS(status));
	check_eq(mem_differs_from(r.m.va + 64, RIG_SIZE - 64, 0x77), -1);
	check(rig_reaches(&r, RIG_BASE, r.m.va, 64, 3));
	check(rig_reaches(&r, RIG_BASE + RIG_SIZE - 64,
			  r.m.va + RIG_SIZE - 64, 64, 4));
}

static void map_and_vanish(void *arg)
{
	struct rig r;

	(void)arg;
	rig_up(&r);
	rig_charge(&r, 64, 1);
	edu_start(&r.edu, true, RIG_BASE, 0, 64);
	_exit(0);
}

/* Ends with a transfer in flight and everything open. */
static void exit_uncleanly(void)
{
	long long pins = meters_pins();
	struct rig r;

	if (!device_find("edu", 0))
		tap_skip("needs an edu device on vfio-pci");
	tap_join(tap_spawn(map_and_vanish, NULL));
	check_eq(meters_wait_pins(pins), pins);
	rig_up(&r);
	require_ok(edu_wait(&r.edu));
	check(rig_reaches(&r, RIG_BASE, r.m.va, 64, 2));
}

#define BIG (256 * MIB)

static void map_big(void *arg)
{
	struct mem m;
	struct rig r;

	(void)arg;
	rig_bind(&r);
	require_ok(device_attach(&r.dev, r.ioas));
	mem_get(&m, MEM_ANON, BIG);
	ioas_map_at(r.fd, r.ioas, m.va, BIG, 4 * GIB);
	pause();
}

/* Returns the number of pages that were pinned when the process was killed. */
static long long kill_once(long long pins)
{
	double end = tap_now() + 30 * tap_patience(), then;
	int pid = tap_spawn(map_big, NULL);
	long long now;

	while ((now = meters_pins() - pins) < 1000 && tap_now() < end)
		;
	kill(pid, SIGKILL);
	then = tap_now();
	tap_join(pid);
	tap_diag("killed with %lld of %llu pages pinned, ended after %.3f s",
		 now, BIG / PAGE, tap_now() - then);
	check_eq(meters_wait_pins(pins), pins);
	return now;
}

static void kill_in_map(void)
{
	unsigned int met = 0;
	long long pins = meters_pins(), now;

	if (!device_find("edu", 0))
		tap_skip("needs an edu device on vfio-pci");
	if (mem_available() < BIG + BIG / 4)
		tap_skip("needs %llu MiB of free memory", BIG * 5 / 4 / MIB);
	for (int i = 0; i < 6 && met < 3; i++) {
		now = kill_once(pins);
		met += now >= 1000 && now < (long long)(BIG / PAGE);
	}
	check_msg(met > 0, "no kill fell into the middle of a map");
}

/* The device's file keeps the context and its mappings. */
static void context_closed_first(void)
{
	long long pins = meters_pins();
	struct rig r;

	rig_up(&r);
	close(r.fd);
	check(rig_reaches(&r, RIG_BASE, r.m.va, 64, 1));
	rig_close_device(&r);
	check_eq(meters_wait_pins(pins), pins);
}

/* The context keeps the mappings, for the next device. */
static void device_closed_first(void)
{
	long long pins = meters_pins();
	struct rig r;

	rig_up(&r);
	rig_close_device(&r);
	check_eq(meters_wait_pins(pins), pins);
	device_get(&r.dev, "edu", 0, r.fd);
	edu_init(&r.edu, &r.dev);
	require_ok(device_attach(&r.dev, r.ioas));
	check(rig_reaches(&r, RIG_BASE, r.m.va, 64, 1));
	rig_close_device(&r);
	check_eq(ioas_unmap_all(r.fd, r.ioas), RIG_SIZE + PAGE);
	close(r.fd);
}

/* DMA at both ends and across the middle of each kind of memory. */
static void check_kind(enum mem_kind kind, bool by_file)
{
	static const uint64_t at[] = { 0, HUGE - 32, HUGE + 5 * PAGE,
				       2 * HUGE - 64 };
	uint64_t iova = RIG_OUTSIDE, bytes = 0;
	struct mem m;
	struct rig r;

	rig_up(&r);
	mem_get(&m, kind, 2 * HUGE);
	if (by_file)
		require_ok(ioas_map_file(r.fd, r.ioas, MAP_RW | MAP_FIX, m.fd,
					 0, m.size, &iova));
	else
		require_ok(ioas_map_at(r.fd, r.ioas, m.va, m.size, iova));
	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		check_msg(rig_reaches(&r, iova + at[i], m.va + at[i], 64, i),
			  "%s at 0x%llx", mem_kind_name[kind],
			  (unsigned long long)at[i]);
	require_ok(ioas_unmap(r.fd, r.ioas, iova, m.size, &bytes));
	check_eq(bytes, m.size);
	mem_put(&m);
}

static void thp(void) { check_kind(MEM_THP, false); }
static void hugetlb(void) { check_kind(MEM_HUGETLB, false); }
static void memfd(void) { check_kind(MEM_MEMFD, false); }
static void memfd_huge(void) { check_kind(MEM_MEMFD_HUGE, false); }
static void file(void) { check_kind(MEM_MEMFD, true); }
static void file_huge(void) { check_kind(MEM_MEMFD_HUGE, true); }

/* What the device wrote can be read back by it alone. */
static void check_alive(struct rig *r, uint64_t iova, uint32_t seed)
{
	rig_charge(r, 64, seed);
	require_ok(edu_store(&r->edu, iova, 0, 64));
	rig_charge(r, 64, seed + 1);
	memset(r->copy, 0, 64);
	require_ok(edu_load(&r->edu, iova, 0, 64));
	require_ok(edu_store(&r->edu, RIG_SCRATCH, 0, 64));
	check_eq(mem_differs(r->copy, 64, seed), -1);
}

static void file_outlives(void)
{
	uint64_t iova = RIG_OUTSIDE;
	struct mem m;
	struct rig r;

	rig_up(&r);
	mem_get(&m, MEM_MEMFD, RIG_SIZE);
	require_ok(ioas_map_file(r.fd, r.ioas, MAP_RW | MAP_FIX, m.fd, PAGE,
				 2 * PAGE, &iova));
	check(rig_reaches(&r, iova, m.va + PAGE, 64, 1));
	require(!ftruncate(m.fd, 0));
	check_alive(&r, iova + PAGE, 2);
	mem_put(&m);
	check_alive(&r, iova, 3);
	require_ok(ioas_unmap(r.fd, r.ioas, iova, 2 * PAGE, NULL));
}

/* The device keeps the old pages when the process replaces its memory. */
static void unmapped_by_process(void)
{
	struct rig r;

	rig_up(&r);
	require(mmap(r.m.va, RIG_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		r.m.va);
	memset(r.m.va, 0x33, RIG_SIZE);
	check_alive(&r, RIG_BASE, 1);
	check_eq(mem_differs_from(r.m.va, RIG_SIZE, 0x33), -1);
	munmap(r.m.va, RIG_SIZE);
	check_alive(&r, RIG_BASE + RIG_SIZE - 64, 2);
	require_ok(ioas_unmap(r.fd, r.ioas, RIG_BASE, RIG_SIZE, NULL));
}

static void kick(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, 1) < 0)
		tap_diag("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* Compaction, reclaim and page-out leave what is mapped in its place. */
static void stays_in_place(void)
{
	uint64_t before[RIG_SIZE / PAGE];
	struct rig r;

	rig_up(&r);
	mem_fill(r.m.va, RIG_SIZE, 1);
	for (size_t i = 0; i < RIG_SIZE / PAGE; i++)
		before[i] = mem_pfn(r.m.va + i * PAGE);
	require(before[0] != 0);
	madvise(r.m.va, RIG_SIZE, 21 /* MADV_PAGEOUT */);
	kick("/proc/sys/vm/drop_caches", "3");
	kick("/proc/sys/vm/compact_memory", "1");
	for (size_t i = 0; i < RIG_SIZE / PAGE; i++)
		check_eq(mem_pfn(r.m.va + i * PAGE), before[i]);
	check_eq(mem_differs(r.m.va, RIG_SIZE, 1), -1);
	check(rig_reaches(&r, RIG_BASE, r.m.va, 64, 2));
}

/* A copy shares the memory, and outlives the mapping it was made from. */
static void copied(void)
{
	uint64_t iova = RIG_OUTSIDE;
	long long pins;
	uint32_t other;
	struct rig r;

	rig_up(&r);
	pins = meters_pins();
	other = ioas_new(r.fd);
	require_ok(ioas_copy(r.fd, other, r.ioas, MAP_RW | MAP_FIX, RIG_BASE,
			     RIG_SIZE, &iova));
	iova = RIG_SCRATCH;
	require_ok(ioas_copy(r.fd, other, r.ioas, MAP_RW | MAP_FIX,
			     RIG_SCRATCH, PAGE, &iova));
	require_ok(device_attach(&r.dev, other));
	check_eq(meters_wait_pins(pins), pins);
	check_eq(ioas_unmap_all(r.fd, r.ioas), RIG_SIZE + PAGE);
	require_ok(iommu_destroy(r.fd, r.ioas));
	check(rig_reaches(&r, RIG_OUTSIDE, r.m.va, 64, 1));
	check(rig_reaches(&r, RIG_OUTSIDE + RIG_SIZE - 64,
			  r.m.va + RIG_SIZE - 64, 64, 2));
	check_eq(ioas_unmap_all(r.fd, other), RIG_SIZE + PAGE);
}

static const struct test tests[] = {
	{ "second_device", second_device },
	{ "shared_table", shared_table },
	{ "forked", forked },
	{ "exit_uncleanly", exit_uncleanly },
	{ "kill_in_map", kill_in_map, 180 },
	{ "context_closed_first", context_closed_first },
	{ "device_closed_first", device_closed_first },
	{ "thp", thp },
	{ "hugetlb", hugetlb },
	{ "memfd", memfd },
	{ "memfd_huge", memfd_huge },
	{ "file", file },
	{ "file_huge", file_huge },
	{ "file_outlives", file_outlives },
	{ "unmapped_by_process", unmapped_by_process },
	{ "stays_in_place", stays_in_place },
	{ "copied", copied },
};

TAP_MAIN("life", tests)
