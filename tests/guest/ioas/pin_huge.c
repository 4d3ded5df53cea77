// SPDX-License-Identifier: GPL-2.0-only
/*
 * Huge pages, of which one pin and a count are taken: those that aren't whole any more,
 * that may not be written to, or that are shared with another process.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "edu.h"
#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "pin_scene.h"
#include "tap.h"

/* The pages of a huge one that were taken away, moved, or may not be written to. */
static void broken(void)
{
	static const uint64_t at[] = {
		PAGE, 100 * PAGE, 101 * PAGE, 102 * PAGE, HUGE - PAGE, HUGE, HUGE + PAGE,
		2 * HUGE - PAGE, 3 * HUGE + 5 * PAGE, 4 * HUGE - PAGE,
	};
	struct mem other;

	pin_attach();
	mem_get(&pin.m, MEM_THP, 4 * HUGE);
	mem_get(&other, MEM_ANON, PAGE);
	memset(pin.m.va, 1, pin.m.size);
	memset(other.va, 2, PAGE);
	require(!madvise(pin.m.va + 101 * PAGE, PAGE, MADV_DONTNEED));
	require(mremap(other.va, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       pin.m.va + 2 * HUGE - PAGE) != MAP_FAILED);
	require_ok(pin_map(NULL));
	check_eq(meters_vmpin(), pin.m.size / PAGE);
	pin_check_places(at, ARRAY_SIZE(at));
	pin_unmap();
	require(!mprotect(pin.m.va + HUGE, HUGE, PROT_READ));
	check_ret(pin_map(NULL), -EFAULT);
	check_ret(ioas_map(pin.fd, pin.ioas, MAP_R | MAP_FIX, pin.m.va, pin.m.size,
			   &(uint64_t){ PIN_BASE }), 0);
	pin_unmap();
	require(!mprotect(pin.m.va + HUGE, HUGE, PROT_NONE));
	check_ret(pin_map(NULL), -EFAULT);
	check_ret(ioas_map(pin.fd, pin.ioas, MAP_R | MAP_FIX, pin.m.va, pin.m.size,
			   &(uint64_t){ PIN_BASE }), -EFAULT);
	check_eq(meters_vmpin(), 0);
}

/* Huge pages that are shared with a child until somebody writes. */
static void forked(void)
{
	struct mem other;
	struct edu edu;
	int pid, status;

	pin_attach();
	mem_get(&pin.m, MEM_THP, 4 * HUGE);
	mem_get(&other, MEM_ANON, PAGE);
	memset(pin.m.va, 1, pin.m.size);
	pid = fork();
	require(pid >= 0);
	if (!pid) {
		pause();
		_exit(0);
	}
	check_ret(ioas_map(pin.fd, pin.ioas, MAP_R | MAP_FIX, pin.m.va, pin.m.size,
			   &(uint64_t){ PIN_BASE }), 0);
	require_ok(ioas_map_at(pin.fd, pin.ioas, other.va, PAGE, PIN_BASE2));
	edu_init(&edu, &pin.dev);
	device_bus_master(&pin.dev);
	for (uint64_t at = PAGE; at < pin.m.size; at += HUGE + PAGE) {
		uint64_t value = at;

		/* the device sees what this process writes, and not the child's */
		memcpy(pin.m.va + at, &value, 8);
		require_ok(edu_load(&edu, PIN_BASE + at, 0, 8));
		require_ok(edu_store(&edu, PIN_BASE2, 0, 8));
		check(!memcmp(other.va, &value, 8));
	}
	require_ok(ioas_unmap(pin.fd, pin.ioas, PIN_BASE2, PAGE, NULL));
	pin_unmap();
	require_ok(pin_map(NULL));
	for (uint64_t at = PAGE; at < pin.m.size; at += HUGE + PAGE)
		check(pin_reads(&edu, at));
	edu_fini(&edu);
	pin_unmap();
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static const struct test tests[] = {
	{ "broken", broken },
	{ "forked", forked },
};

TAP_MAIN("pin_huge", tests)
