// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large mappings of memory that isn't there yet, which several kernel threads pin
 * together: what comes of it is what would if one did it, also if the memory changes
 * meanwhile.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "pin_scene.h"
#include "tap.h"

/* Each page has to stand where it should; these are on both sides of what may be a seam. */
static void check_places(void)
{
	static const uint64_t at[] = {
		0, PAGE, HUGE - PAGE, HUGE, 7 * HUGE - PAGE, 7 * HUGE, 20 * HUGE + 5 * PAGE,
		31 * HUGE, 32 * HUGE - PAGE, 33 * HUGE + 300 * PAGE, PIN_SIZE - PAGE,
	};

	pin_check_places(at, ARRAY_SIZE(at));
}

static void check_kind(enum mem_kind kind, uint64_t shift)
{
	struct mem all;
	unsigned int most;

	pin_attach();
	mem_get(&all, kind, PIN_SIZE + HUGE);
	pin.m = (struct mem){ .va = all.va + shift, .size = PIN_SIZE, .fd = -1 };
	/* some is there already */
	memset(pin.m.va + 9 * HUGE + PAGE, 1, 3 * PAGE);
	memset(pin.m.va + 30 * HUGE, 1, HUGE);
	most = pin_map_watched(0);
	check_eq(meters_vmpin(), PIN_SIZE / PAGE);
	check_places();
	pin_unmap();
	pin_check_alone();
	tap_diag("%u threads helped", most);
	if (kind == MEM_ANON && pin_is_shared())
		check(most > 0);
	require_ok(pin_map(NULL));
	check_places();
	pin_unmap();
}

static void small(void) { check_kind(MEM_ANON, 0); }
static void odd(void) { check_kind(MEM_ANON, 5 * PAGE); }
static void thp(void) { check_kind(MEM_THP, 0); }
static void thp_odd(void) { check_kind(MEM_THP, 7 * PAGE); }
static void memfd(void) { check_kind(MEM_MEMFD, 0); }

/* Of two holes, as of one: an error, and nothing stays pinned. */
static void hole(void)
{
	long long pins = meters_pins();

	pin_attach();
	mem_get(&pin.m, MEM_ANON, PIN_SIZE);
	require(!mprotect(pin.m.va + 60 * MIB, PAGE, PROT_NONE));
	check_ret(pin_map(NULL), -EFAULT);
	check_eq(meters_wait_pins(pins), pins);
	require(!munmap(pin.m.va + 40 * MIB + PAGE, PAGE));
	check_ret(pin_map(NULL), -EFAULT);
	check_eq(meters_wait_pins(pins), pins);
	check_eq(meters_vmpin(), 0);
	/* up to the hole all is well */
	pin.m.size = 40 * MIB + PAGE;
	require_ok(pin_map(NULL));
	pin_unmap();
	pin_check_alone();
}

/* The process forks, or takes memory away, while it's pinned. */
static volatile bool stop;

static void *keep_forking(void *arg)
{
	while (!stop) {
		int pid = fork();

		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	return arg;
}

static void forking(void)
{
	pthread_t thread;

	pin_attach();
	mem_get(&pin.m, MEM_ANON, PIN_SIZE);
	pthread_create(&thread, NULL, keep_forking, NULL);
	require_ok(pin_map(NULL));
	stop = true;
	pthread_join(thread, NULL);
	check_places();
	pin_unmap();
}

static void *keep_dropping(void *arg)
{
	unsigned int at = 1;

	while (!stop) {
		at = at * 1103515245 + 12345;
		madvise(pin.m.va + at % (PIN_SIZE / PAGE) * PAGE, 16 * PAGE, MADV_DONTNEED);
	}
	munmap(pin.m.va + 50 * MIB, 16 * PAGE);
	return arg;
}

static void dropping(void)
{
	long long pins = meters_pins();
	pthread_t thread;

	pin_attach();
	for (int i = 0; i < 3; i++) {
		mem_get(&pin.m, i % 2 ? MEM_THP : MEM_ANON, PIN_SIZE);
		stop = false;
		pthread_create(&thread, NULL, keep_dropping, NULL);
		require_ok(pin_map(NULL));
		check_eq(meters_vmpin(), PIN_SIZE / PAGE);
		stop = true;
		pthread_join(thread, NULL);
		pin_unmap();
		check_eq(meters_wait_pins(pins), pins);
		mem_put(&pin.m);
	}
}

static void *hole_soon(void *arg)
{
	usleep((uintptr_t)arg);
	munmap(pin.m.va + 66 * MIB, 16 * PAGE);
	return NULL;
}

static void unmapping(void)
{
	long long pins = meters_pins();
	pthread_t thread;
	int ret;

	pin_attach();
	for (uintptr_t wait = 1000; wait < 100000; wait *= 3) {
		mem_get(&pin.m, MEM_ANON, PIN_SIZE);
		pthread_create(&thread, NULL, hole_soon, (void *)wait);
		ret = pin_map(NULL);
		check_msg(!ret || ret == -EFAULT, "map says %d", ret);
		pthread_join(thread, NULL);
		if (!ret)
			pin_unmap();
		check_eq(meters_wait_pins(pins), pins);
		munmap(pin.m.va, PIN_SIZE);
	}
}

static const struct test tests[] = {
	{ "small", small, 120 },
	{ "odd", odd, 120 },
	{ "thp", thp, 120 },
	{ "thp_odd", thp_odd, 120 },
	{ "memfd", memfd, 120 },
	{ "hole", hole },
	{ "forking", forking, 120 },
	{ "dropping", dropping, 120 },
	{ "unmapping", unmapping, 120 },
};

TAP_MAIN("pin_many", tests)
