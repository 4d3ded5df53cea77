// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that a userfaultfd protects against writes, as a VM's monitor does for a snapshot.
 * What is mapped for a device stays the process's: both see what the other writes, before,
 * during and after.  To map it for writing waits until the protection is lifted.
 */
#include <errno.h>
#include <signal.h>
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
#include "rig.h"
#include "stuck.h"
#include "tap.h"

#define WP_BASE	(EDU_IOVA + 128 * MIB)
#define BYTES	256u	/* of a transfer */

static struct {
	struct rig r;
	struct mem m;
	struct trap trap;
	long long pins;
} s;

static void scene_up(enum mem_kind kind, size_t size)
{
	rig_up(&s.r);
	mem_get(&s.m, kind, size);
	mem_fill(s.m.va, size, 1);
	s.pins = meters_pins();
}

static int map(void *arg)
{
	(void)arg;
	return ioas_map_at(s.r.fd, s.r.ioas, s.m.va, s.m.size, WP_BASE);
}

static int map_read(void)
{
	return ioas_map_fixed(s.r.fd, s.r.ioas, MAP_R, s.m.va, s.m.size, WP_BASE);
}

static int map_file(void)
{
	return ioas_map_file_at(s.r.fd, s.r.ioas, s.m.fd, s.m.size, WP_BASE);
}

static void unmap(void)
{
	check_ret(ioas_unmap(s.r.fd, s.r.ioas, WP_BASE, s.m.size, NULL), 0);
	check_eq(meters_wait_pins(s.pins), s.pins);
}

/* What the device writes arrives, though the process may only look. */
static void check_device_writes(uint64_t at, uint32_t seed)
{
	check(rig_writes(&s.r, WP_BASE + at, s.m.va + at, BYTES, seed));
}

static void check_both(uint64_t at, uint32_t seed)
{
	check(rig_reaches(&s.r, WP_BASE + at, s.m.va + at, BYTES, seed));
}

/* The process's own write, which may have to wait. */
static int write_process(void *arg)
{
	mem_fill(arg, BYTES, 33);
	return 0;
}

/*
 * A write of the process waits for the protection's end, while those of the device don't.
 * It goes to the device's page then, and not to a copy.
 */
static void check_protected(uint64_t from, uint64_t size, uint64_t at)
{
	uint64_t pfn = mem_pfn(s.m.va + at);
	struct call call;

	trap_protect(&s.trap, &s.m, from, size);
	check_device_writes(at, 2);
	call_start(&call, write_process, s.m.va + at);
	trap_wait(&s.trap);
	check(!call_over(&call));
	check_device_writes(at, 3);
	trap_release(&s.trap);
	require(call_returns(&call));
	check_eq(mem_differs(s.m.va + at, BYTES, 33), -1);
	check(rig_reads(&s.r, WP_BASE + at, s.m.va + at, BYTES));
	check_eq(mem_pfn(s.m.va + at), pfn);
	check_both(at, 4);
	check_both(s.m.size - BYTES, 5);
	unmap();
}

static void mapped(void)
{
	scene_up(MEM_ANON, 16 * PAGE);
	require_ok(map(NULL));
	check_protected(0, s.m.size, 5 * PAGE + 64);
}

static void mapped_read(void)
{
	scene_up(MEM_ANON, 16 * PAGE);
	require_ok(map_read());
	trap_protect(&s.trap, &s.m, 0, s.m.size);
	trap_release(&s.trap);
	mem_fill(s.m.va, BYTES, 6);
	check(rig_reads(&s.r, WP_BASE, s.m.va, BYTES));
	unmap();
}

/* All of a huge page, and one small page of it, which splits its mapping. */
static void mapped_thp(void)
{
	scene_up(MEM_THP, 2 * HUGE);
	require_ok(map(NULL));
	check_protected(0, s.m.size, HUGE + 5 * PAGE + 64);
}

static void mapped_thp_part(void)
{
	scene_up(MEM_THP, 2 * HUGE);
	require_ok(map(NULL));
	check_protected(HUGE + 5 * PAGE, PAGE, HUGE + 5 * PAGE + 64);
}

static void mapped_memfd(void)
{
	scene_up(MEM_MEMFD, 16 * PAGE);
	require_ok(map(NULL));
	check_protected(0, s.m.size, 5 * PAGE + 64);
}

static void mapped_file(void)
{
	scene_up(MEM_MEMFD, 16 * PAGE);
	require_ok(map_file());
	check_protected(0, s.m.size, 5 * PAGE + 64);
}

static void mapped_file_huge(void)
{
	scene_up(MEM_MEMFD_HUGE, 2 * HUGE);
	require_ok(map_file());
	check_protected(0, s.m.size, HUGE + 5 * PAGE + 64);
}

/* A file is mapped by its position, so how a process protects its own mapping is nothing. */
static void file(void)
{
	scene_up(MEM_MEMFD, 16 * PAGE);
	trap_protect(&s.trap, &s.m, 0, s.m.size);
	check_ret(map_file(), 0);
	check_device_writes(5 * PAGE, 2);
	trap_release(&s.trap);
	check_both(5 * PAGE, 3);
	unmap();
}

/* To read is no write. */
static void read_only(void)
{
	scene_up(MEM_ANON, 16 * PAGE);
	trap_protect(&s.trap, &s.m, 0, s.m.size);
	check_ret(map_read(), 0);
	check(rig_reads(&s.r, WP_BASE + PAGE, s.m.va + PAGE, BYTES));
	trap_release(&s.trap);
	mem_fill(s.m.va + PAGE, BYTES, 6);
	check(rig_reads(&s.r, WP_BASE + PAGE, s.m.va + PAGE, BYTES));
	unmap();
}

/* Linux 6.1 can't wait while it pins for long: it refuses, and leaves nothing pinned. */
static bool refused(void)
{
	if (!kernel_before(6, 3))
		return false;
	check_returns(map, NULL, -EFAULT);
	check_eq(meters_wait_pins(s.pins), s.pins);
	trap_release(&s.trap);
	check_ret(map(NULL), 0);
	check_both(0, 3);
	unmap();
	return true;
}

static void check_waits(enum mem_kind kind, size_t size, uint64_t from, uint64_t length)
{
	struct call call;

	scene_up(kind, size);
	trap_protect(&s.trap, &s.m, from, length);
	if (refused())
		return;
	call_start(&call, map, NULL);
	trap_wait(&s.trap);
	check(!call_over(&call));
	trap_release(&s.trap);
	require(call_returns(&call));
	check_ret(call.ret, 0);
	check_eq(mem_differs(s.m.va, size, 1), -1);
	check_both(from, 3);
	check_both(from + length - BYTES, 4);
	check_both(0, 5);
	check_both(size - BYTES, 6);
	unmap();
}

static void waits(void) { check_waits(MEM_ANON, 16 * PAGE, 0, 16 * PAGE); }
static void waits_within(void) { check_waits(MEM_ANON, 64 * PAGE, 41 * PAGE, PAGE); }
static void waits_one(void) { check_waits(MEM_ANON, PAGE, 0, PAGE); }
static void waits_thp(void) { check_waits(MEM_THP, 2 * HUGE, HUGE, HUGE); }
static void waits_thp_part(void) { check_waits(MEM_THP, 2 * HUGE, HUGE + PAGE, PAGE); }
static void waits_memfd(void) { check_waits(MEM_MEMFD, 16 * PAGE, 4 * PAGE, 4 * PAGE); }
static void waits_huge(void) { check_waits(MEM_MEMFD_HUGE, 2 * HUGE, HUGE, HUGE); }

/* Who waits can be killed, and what was pinned before is given back. */
static void killed(void)
{
	int pid;

	scene_up(MEM_ANON, 64 * PAGE);
	/* the child inherits the memory's protection with the event, so it has its own */
	pid = fork();
	require(pid >= 0);
	if (!pid) {
		mem_fill(s.m.va, s.m.size, 2);
		trap_protect(&s.trap, &s.m, 41 * PAGE, PAGE);
		_exit(-map(NULL));
	}
	if (!kernel_before(6, 3)) {
		double end = tap_now() + 10 * tap_patience();

		while (meters_pins() < s.pins + 41 && tap_now() < end)
			usleep(2000);
		check(meters_pins() >= s.pins + 41);
	}
	kill(pid, SIGKILL);
	check(child_ends(pid));
	check_eq(meters_wait_pins(s.pins), s.pins);
	require_ok(map(NULL));
	check_both(41 * PAGE, 3);
	unmap();
}

static const struct test tests[] = {
	{ "mapped", mapped },
	{ "mapped_read", mapped_read },
	{ "mapped_thp", mapped_thp },
	{ "mapped_thp_part", mapped_thp_part },
	{ "mapped_memfd", mapped_memfd },
	{ "mapped_file", mapped_file },
	{ "mapped_file_huge", mapped_file_huge },
	{ "file", file },
	{ "read_only", read_only },
	{ "waits", waits },
	{ "waits_within", waits_within },
	{ "waits_one", waits_one },
	{ "waits_thp", waits_thp },
	{ "waits_thp_part", waits_thp_part },
	{ "waits_memfd", waits_memfd },
	{ "waits_huge", waits_huge },
	{ "killed", killed },
};

TAP_MAIN("memory_wp", tests)
