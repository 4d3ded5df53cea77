// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that must be able to move (ZONE_MOVABLE).  What is mapped for a device is moved out
 * of there first, so that memory can still be taken from the machine; and where it is then,
 * it stays.  Wants a machine with movablecore=.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "edu.h"
#include "frames.h"
#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "plug.h"
#include "race.h"
#include "rig.h"
#include "stuck.h"
#include "tap.h"

#define BLOCKS	"/sys/devices/system/memory/"
#define BASE	(4 * GIB)
#define SIZE	(64 * PAGE)
#define BIG	(256 * MIB)
#define BYTES	256u	/* of a transfer */
#define BLOCKS_MAX	1024

static struct {
	struct rig r;
	struct mem m;
	long long pins;
} s;

/* Each page begins with bytes of its own. */
static void fill(struct mem *m)
{
	for (size_t at = 0; at < m->size; at += PAGE)
		mem_fill(m->va + at, 64, at / PAGE);
}

static bool is_filled(const struct mem *m)
{
	for (size_t at = 0; at < m->size; at += PAGE)
		if (mem_differs(m->va + at, 64, at / PAGE) >= 0)
			return false;
	return true;
}

/* Memory that is in use, and in ZONE_MOVABLE. */
static void memory_get(enum mem_kind kind, size_t size)
{
	mem_get(&s.m, kind, size);
	/* no copy for a child of what is pinned */
	require(!madvise(s.m.va, size, MADV_DONTFORK));
	fill(&s.m);
	if (!mem_movable(s.m.va, size))
		tap_skip("no %s memory in ZONE_MOVABLE", mem_kind_name[kind]);
	s.pins = meters_pins();
}

static void scene_up(enum mem_kind kind, size_t size)
{
	rig_up(&s.r);
	s.r.edu.limit = UINT64_MAX;
	memory_get(kind, size);
}

static int map(void)
{
	return ioas_map_at(s.r.fd, s.r.ioas, s.m.va, s.m.size, BASE);
}

static int map_read(void)
{
	return ioas_map_fixed(s.r.fd, s.r.ioas, MAP_R, s.m.va, s.m.size, BASE);
}

static int map_file(void)
{
	return ioas_map_file_at(s.r.fd, s.r.ioas, s.m.fd, s.m.size, BASE);
}

static void unmap(void)
{
	check_ret(ioas_unmap(s.r.fd, s.r.ioas, BASE, s.m.size, NULL), 0);
	check_eq(meters_wait_pins(s.pins), s.pins);
}

static void check_reads(uint64_t at)
{
	check(rig_reads(&s.r, BASE + at, s.m.va + at, BYTES));
}

static void check_both(uint64_t at)
{
	check(rig_reaches(&s.r, BASE + at, s.m.va + at, BYTES, 9));
}

/* All is where it may stay, is what it was, and is what the device sees. */
static void check_moved(void)
{
	check_eq(mem_movable(s.m.va, s.m.size), 0);
	check(is_filled(&s.m));
	check_reads(0);
	check_reads(s.m.size - BYTES);
}

static void check_kind(enum mem_kind kind, size_t size, int (*map_it)(void))
{
	int ret;

	scene_up(kind, size);
	ret = map_it();
	/* Linux 6.1 finds none that isn't in the pool. */
	if (ret == -ENOMEM && (kind == MEM_HUGETLB || kind == MEM_MEMFD_HUGE)) {
		check_eq(meters_wait_pins(s.pins), s.pins);
		tap_skip("no huge page to move to");
	}
	require_ok(ret);
	check_moved();
	if (map_it != map_read)
		check_both(size / 2 + 64);
	unmap();
}

static void anon(void) { check_kind(MEM_ANON, SIZE, map); }
static void anon_one(void) { check_kind(MEM_ANON, PAGE, map); }
static void anon_read(void) { check_kind(MEM_ANON, SIZE, map_read); }
static void thp(void) { check_kind(MEM_THP, 4 * HUGE, map); }
static void hugetlb(void) { check_kind(MEM_HUGETLB, 2 * HUGE, map); }
static void memfd(void) { check_kind(MEM_MEMFD, SIZE, map); }
static void file(void) { check_kind(MEM_MEMFD, SIZE, map_file); }
static void file_one(void) { check_kind(MEM_MEMFD, PAGE, map_file); }
static void file_huge(void) { check_kind(MEM_MEMFD_HUGE, 2 * HUGE, map_file); }

/* A file that no process has mapped. */
static void file_unmapped(void)
{
	scene_up(MEM_MEMFD, SIZE);
	require(!munmap(s.m.va, SIZE));
	require_ok(map_file());
	s.m.va = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, s.m.fd, 0);
	require(s.m.va != MAP_FAILED);
	check(is_filled(&s.m));
	check_moved();
	unmap();
}

/* Nothing of how it is done counts for the process's locked memory, or stays mapped. */
static void file_locked(void)
{
	long locked;

	scene_up(MEM_MEMFD, SIZE);
	require(!mlockall(MCL_CURRENT | MCL_FUTURE));
	locked = meters_vmlck();
	require(locked > 0);
	require_ok(map_file());
	check_eq(meters_vmlck(), locked);
	check_moved();
	unmap();
	check_eq(meters_vmlck(), locked);
}

/* By the attach, of what was mapped before. */
static void attached_later(void)
{
	uint64_t iova = BASE + GIB;
	struct mem file;

	scene_up(MEM_ANON, SIZE);
	require_ok(device_detach(&s.r.dev));
	mem_get(&file, MEM_MEMFD, SIZE);
	fill(&file);
	require_ok(map());
	require_ok(ioas_map_file(s.r.fd, s.r.ioas, MAP_RW | MAP_FIX, file.fd, 0, SIZE, &iova));
	check(mem_movable(s.m.va, SIZE) && mem_movable(file.va, SIZE));
	require_ok(device_attach(&s.r.dev, s.r.ioas));
	check_moved();
	check_eq(mem_movable(file.va, SIZE), 0);
	check(rig_reaches(&s.r, iova + PAGE, file.va + PAGE, BYTES, 3));
}

/* The machine's memory comes and goes in blocks. */
static uint64_t block_pages(void)
{
	FILE *f = fopen(BLOCKS "block_size_bytes", "re");
	unsigned long long size = 0;

	if (!f)
		tap_skip("no memory blocks");
	require(fscanf(f, "%llx", &size) == 1 && size >= PAGE);
	fclose(f);
	return size / PAGE;
}

static unsigned int block_of(const void *va)
{
	uint64_t pfn = mem_pfn(va);

	require(pfn);
	return pfn / block_pages();
}

static const char *block_state(unsigned int block)
{
	static char path[64];

	snprintf(path, sizeof(path), BLOCKS "memory%u/state", block);
	return path;
}

static bool block_is_online(unsigned int block)
{
	FILE *f = fopen(block_state(block), "re");
	char state[16] = "";
	bool online;

	online = f && fscanf(f, "%15s", state) == 1 && !strcmp(state, "online");
	if (f)
		fclose(f);
	return online;
}

/* One in two zones can't be taken away. */
static bool block_is_movable(unsigned int block)
{
	char path[64], zone[16] = "";
	FILE *f;

	snprintf(path, sizeof(path), BLOCKS "memory%u/valid_zones", block);
	f = fopen(path, "re");
	require(f);
	require(fscanf(f, "%15s", zone) == 1);
	fclose(f);
	return !strcmp(zone, "Movable");
}

/* The offset of memory in a block that can be taken away, if nothing is pinned there. */
static size_t find_movable_block(void)
{
	for (size_t at = 0; at < s.m.size; at += PAGE)
		if (block_is_movable(block_of(s.m.va + at)))
			return at;
	tap_skip("the memory isn't in a block that is all of ZONE_MOVABLE");
}

/* Another process, as it may try until it is killed. */
static int block_start_offline(unsigned int block)
{
	int pid = fork();

	require(pid >= 0);
	if (!pid)
		_exit(-write_file(block_state(block), "offline"));
	return pid;
}

/* What the memory has left can be taken away, while the device uses the memory. */
static void check_offline_from(enum mem_kind kind, int (*map_it)(void))
{
	unsigned int block;
	int status = 0;
	pid_t pid;
	size_t at;

	scene_up(kind, SIZE);
	at = find_movable_block();
	block = block_of(s.m.va + at);
	require_ok(map_it());
	check(block_of(s.m.va + at) != block);
	pid = block_start_offline(block);
	require(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	/* Others may have pages there that can't be moved, or it may have holes. */
	if (WEXITSTATUS(status) == EBUSY || WEXITSTATUS(status) == EINVAL)
		tap_skip("the kernel doesn't take this block: %s",
			 strerror(WEXITSTATUS(status)));
	check_eq(WEXITSTATUS(status), 0);
	check(!block_is_online(block));
	check_moved();
	check_both(SIZE / 2);
	check_ret(write_file(block_state(block), "online_movable"), 0);
	check(block_is_online(block));
	check_both(PAGE);
	unmap();
}

static void offline_from(void) { check_offline_from(MEM_ANON, map); }
static void offline_from_file(void) { check_offline_from(MEM_MEMFD, map_file); }

/* The block that has most of the mapped pages, and one of them. */
static unsigned int fullest_block(uint8_t **va)
{
	static unsigned int pages[BLOCKS_MAX];
	unsigned int best = 0;

	for (size_t at = 0; at < s.m.size; at += 64 * PAGE) {
		unsigned int block = block_of(s.m.va + at);

		require(block < ARRAY_SIZE(pages));
		if (++pages[block] > pages[best]) {
			best = block;
			*va = s.m.va + at;
		}
	}
	tap_diag("block %u has %u of %llu pages", best, 64 * pages[best],
		 (unsigned long long)block_pages());
	return best;
}

/*
 * Where the mapped memory is can't be taken away.  The kernel says so, or tries until the
 * process that asks is killed; either way the device has its pages as before.
 */
static void check_offline_of(enum mem_kind kind, int (*map_it)(void))
{
	unsigned int block;
	uint8_t *va = NULL;
	uint64_t pfn;
	int pid;

	scene_up(kind, BIG);
	require_ok(map_it());
	check_moved();
	block = fullest_block(&va);
	pfn = mem_pfn(va);
	pid = block_start_offline(block);
	if (!ended(pid, 3000)) {
		tap_diag("tried until it was killed");
		kill(pid, SIGKILL);
	}
	check(child_ends(pid));
	check(block_is_online(block));
	check_eq(mem_pfn(va), pfn);
	check_both(va - s.m.va);
	unmap();
}

static void offline_of(void) { check_offline_of(MEM_ANON, map); }
static void offline_of_thp(void) { check_offline_of(MEM_THP, map); }
static void offline_of_file(void) { check_offline_of(MEM_MEMFD, map_file); }

/* Can it be taken away?  Others may have pages in it that can't be moved, or it has holes. */
static bool block_is_loose(unsigned int block)
{
	if (!block_is_online(block) || !block_is_movable(block) ||
	    write_file(block_state(block), "offline"))
		return false;
	require_ok(write_file(block_state(block), "online_movable"));
	return true;
}

/* A block that comes and goes, @block if possible; -1 if there is none. */
static int find_loose_block(unsigned int block)
{
	if (block_is_loose(block))
		return block;
	for (int other = 0; other < BLOCKS_MAX; other++)
		if (block_is_loose(other))
			return other;
	return -1;
}

static int (*race_map)(void);

static bool block_round(struct race *race, struct race_side *side)
{
	int block = *(int *)race->data, ret;

	race_begin(side);
	ret = write_file(block_state(block), "offline");
	race_end(side, !ret);
	check_msg(!ret || ret == -EBUSY || ret == -EINTR, "offline: %d", ret);
	return ret || check_msg(!write_file(block_state(block), "online_movable"), "online");
}

/* New pages each time, which are in ZONE_MOVABLE before they are mapped. */
static bool map_round(struct race *race, struct race_side *side)
{
	int ret;

	(void)race;
	if (madvise(s.m.va, SIZE, s.m.fd < 0 ? MADV_DONTNEED : MADV_REMOVE))
		return check(false);
	fill(&s.m);
	race_begin(side);
	ret = race_map();
	race_end(side, !ret);
	if (!ret) {
		check_eq(mem_movable(s.m.va, SIZE), 0);
		check(is_filled(&s.m));
		return !ioas_unmap(s.r.fd, s.r.ioas, BASE, SIZE, NULL);
	}
	return check_msg(ret == -EBUSY || ret == -EAGAIN || ret == -ENOMEM, "the map: %d", ret);
}

/* Memory is mapped while a block of ZONE_MOVABLE comes and goes. */
static void check_race(enum mem_kind kind, int (*map_it)(void))
{
	int block;
	struct race race = {
		.side = { { "map", map_round }, { "block", block_round } },
		.data = &block,
		.seconds = 6,
	};

	scene_up(kind, SIZE);
	race_map = map_it;
	block = find_loose_block(block_of(s.m.va + find_movable_block()));
	if (block < 0)
		tap_skip("the kernel takes no block away");
	tap_diag("block %d", block);
	race_run(&race);
	check_eq(meters_wait_pins(s.pins), s.pins);
	require_ok(map_it());
	check_both(PAGE);
	unmap();
}

static void race(void) { check_race(MEM_ANON, map); }
static void race_file(void) { check_race(MEM_MEMFD, map_file); }

static const struct test tests[] = {
	{ "anon", anon },
	{ "anon_one", anon_one },
	{ "anon_read", anon_read },
	{ "thp", thp },
	{ "hugetlb", hugetlb },
	{ "memfd", memfd },
	{ "file", file },
	{ "file_one", file_one },
	{ "file_huge", file_huge },
	{ "file_unmapped", file_unmapped },
	{ "file_locked", file_locked },
	{ "attached_later", attached_later },
	{ "offline_from", offline_from, 180 },
	{ "offline_from_file", offline_from_file, 180 },
	{ "offline_of", offline_of, 180 },
	{ "offline_of_thp", offline_of_thp, 180 },
	{ "offline_of_file", offline_of_file, 180 },
	{ "race", race, 180 },
	{ "race_file", race_file, 180 },
};

TAP_MAIN("memory_move", tests)
