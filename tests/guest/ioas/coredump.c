// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process dumps core with memory pinned, or while another thread of it maps: that ends, the
 * core has the memory, and nothing stays pinned.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "pin_scene.h"
#include "plug.h"
#include "stuck.h"
#include "tap.h"
#include "trace.h"

#define PATTERN	"/proc/sys/kernel/core_pattern"
#define CORE	"/tmp/core-of-the-test"

static char former[256];

static void set_up(void)
{
	struct rlimit most = { RLIM_INFINITY, RLIM_INFINITY };

	strncpy(former, slurp(PATTERN), sizeof(former) - 1);
	if (write_file(PATTERN, CORE))
		tap_skip("this kernel dumps no core");
	require(!setrlimit(RLIMIT_CORE, &most));
	unlink(CORE);
}

/* Does this child end by its dump, which has at least @size bytes of memory? */
static void check_dump(int pid, uint64_t size)
{
	double end = tap_now() + 60 * tap_patience();
	struct stat st = {};
	int status = 0;

	while (waitpid(pid, &status, WNOHANG) != pid) {
		require(tap_now() < end);
		usleep(5000);
	}
	check_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && WCOREDUMP(status),
		  "no core: the status is 0x%x", status);
	/* in blocks: a core has holes where memory is zero */
	check(!stat(CORE, &st) && (uint64_t)st.st_blocks * 512 >= size);
	unlink(CORE);
}

static void check_all_unpinned(long long pins)
{
	check_eq(meters_wait_pins(pins), pins);
	require_ok(write_file(PATTERN, former));
}

static void map_and_dump(void)
{
	pin_attach();
	mem_get(&pin.m, MEM_ANON, PIN_SIZE);
	mem_fill(pin.m.va, PIN_SIZE, 1);
	require_ok(pin_map(NULL));
	abort();
}

static void pinned(void)
{
	long long pins = meters_pins();

	set_up();
	check_dump(child_start(map_and_dump), PIN_SIZE);
	check_all_unpinned(pins);
}

/* One thread waits in a page fault for ever. */
static struct trap trap;

static int map_trap(void *arg)
{
	(void)arg;
	return ioas_map_at(pin.fd, pin.ioas, trap.va, trap.size, PIN_BASE2);
}

static void dump_stuck(void)
{
	pin_attach();
	mem_get(&pin.m, MEM_ANON, 8 * MIB);
	mem_fill(pin.m.va, pin.m.size, 1);
	require_ok(pin_map(NULL));
	trap_set(&trap, 16 * PAGE);
	call_start(&pin.call, map_trap, NULL);
	trap_wait(&trap);
	abort();
}

static void stuck(void)
{
	long long pins = meters_pins();

	if (kernel_before(6, 3))
		tap_skip("this Linux doesn't wait for a userfaultfd to pin");
	set_up();
	check_dump(child_start(dump_stuck), 8 * MIB);
	check_all_unpinned(pins);
}

/* Another thread dumps at some time, with or without help for the one that maps. */
static useconds_t delay;

static void *dump_soon(void *arg)
{
	(void)arg;
	usleep(delay);
	abort();
}

static void map_and_be_dumped(void)
{
	pthread_t thread;

	pin_attach();
	require(!pthread_create(&thread, NULL, dump_soon, NULL));
	pin_map_forever(NULL);
}

static void mapping(void)
{
	long long pins = meters_pins();

	set_up();
	for (delay = 30000; delay < 330000; delay += 41000) {
		check_dump(child_start(map_and_be_dumped), 1);
		check_eq(meters_wait_pins(pins), pins);
		pin_check_alone();
	}
	check_all_unpinned(pins);
}

static const struct test tests[] = {
	{ "pinned", pinned, 120 },
	{ "stuck", stuck, 120 },
	{ "mapping", mapping, 240 },
};

TAP_MAIN("coredump", tests)
