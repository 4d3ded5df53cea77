// SPDX-License-Identifier: GPL-2.0-only
/*
 * On which node the pages lie that a large mapping populates: where the policy of the process,
 * that of its memory, or its cpuset says, whoever pins them.  Needs two nodes with memory, such as
 * numa=fake=2 makes, whose CPUs then are those of both.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/mempolicy.h>

#include "cgroup.h"
#include "iommu.h"
#include "mem.h"
#include "pin_scene.h"
#include "tap.h"
#include "trace.h"

#define GROUP	CGROUPS "numa"
#define PAGES	(PIN_SIZE / PAGE)
#define BITS	(8 * sizeof(long) + 1)
#define BOTH	(BIT(0) | BIT(1))
#define BIT(n)	(1ul << (n))

static unsigned int most_helpers;

static void set_up(void)
{
	if (access("/sys/devices/system/node/node1", F_OK))
		tap_skip("the machine has one node");
	require(!strncmp(slurp("/sys/devices/system/node/has_memory"), "0-1", 3));
	pin_attach();
	mem_get(&pin.m, MEM_ANON, PIN_SIZE);
}

static void policy(int mode, unsigned long nodes)
{
	require(!syscall(SYS_set_mempolicy, mode, nodes ? &nodes : NULL, nodes ? BITS : 0));
}

static void policy_of(uint64_t at, uint64_t size, int mode, unsigned long nodes)
{
	require(!syscall(SYS_mbind, pin.m.va + at, size, mode, &nodes, BITS, 0));
}

/* How many pages of a part of the memory lie on a node. */
static uint64_t pages_on(int node, uint64_t at, uint64_t size)
{
	static void *page[PAGES];
	static int status[PAGES];
	uint64_t n = size / PAGE, on = 0;

	for (uint64_t i = 0; i < n; i++)
		page[i] = pin.m.va + at + i * PAGE;
	require(!syscall(SYS_move_pages, 0, n, page, NULL, status, 0));
	for (uint64_t i = 0; i < n; i++)
		on += status[i] == node;
	return on;
}

static void map_anew(void)
{
	unsigned int helpers;

	require(!madvise(pin.m.va, pin.m.size, MADV_DONTNEED));
	helpers = pin_map_watched(0);
	most_helpers = helpers > most_helpers ? helpers : most_helpers;
}

static void check_all_on(int node)
{
	map_anew();
	check_eq(pages_on(node, 0, PIN_SIZE), PAGES);
	pin_unmap();
}

/* What was seen is about more than one thread. */
static void check_helped(void)
{
	check(most_helpers || !pin_is_shared());
}

static void check_task(int mode)
{
	set_up();
	for (int i = 0; i < 4; i++) {
		policy(mode, BIT(i % 2));
		check_all_on(i % 2);
	}
	check_helped();
}

static void bind_task(void) { check_task(MPOL_BIND); }
static void prefer_task(void) { check_task(MPOL_PREFERRED); }

/* The memory's own policy counts, and not the task's. */
static void bind_memory(void)
{
	set_up();
	policy(MPOL_BIND, BIT(0));
	policy_of(0, PIN_SIZE, MPOL_BIND, BIT(1));
	check_all_on(1);
	policy_of(PIN_SIZE / 2, PIN_SIZE / 2, MPOL_BIND, BIT(0));
	map_anew();
	check_eq(pages_on(1, 0, PIN_SIZE / 2), PAGES / 2);
	check_eq(pages_on(0, PIN_SIZE / 2, PIN_SIZE / 2), PAGES / 2);
	pin_unmap();
	policy_of(0, PIN_SIZE, MPOL_DEFAULT, 0);
	check_all_on(0);
	check_helped();
}

/* Every other page: near enough if several threads count for themselves. */
static void interleave(void)
{
	uint64_t first;

	set_up();
	policy(MPOL_INTERLEAVE, BOTH);
	map_anew();
	first = pages_on(0, 0, PIN_SIZE);
	check_eq(first + pages_on(1, 0, PIN_SIZE), PAGES);
	check_msg(first > PAGES * 4 / 10 && first < PAGES * 6 / 10,
		  "%llu of %llu pages are on one node", (unsigned long long)first, PAGES);
	pin_unmap();
	check_helped();
}

static void enter_cpuset(const char *nodes)
{
	cgroup_enter(GROUP);
	if (!cgroup_has(GROUP, "cpuset.mems"))
		tap_skip("no cgroup for cpusets");
	cgroup_set(GROUP, "cpuset.mems", nodes);
}

static void leave_cpuset(void)
{
	cgroup_set(CGROUPS, "cgroup.procs", "0");
	cgroup_remove(GROUP);
}

static void cpuset(void)
{
	set_up();
	enter_cpuset("1");
	check_all_on(1);
	cgroup_set(GROUP, "cpuset.mems", "0");
	check_all_on(0);
	cgroup_set(GROUP, "cpuset.mems", "1");
	check_all_on(1);
	check_helped();
	leave_cpuset();
}

static int bound_to(void)
{
	unsigned long nodes = 0;
	int mode = -1;

	require(!syscall(SYS_get_mempolicy, &mode, &nodes, BITS, NULL, 0));
	return mode == MPOL_BIND ? (int)nodes : -1;
}

/* The cpuset changes under way, which moves the policy to other nodes. */
static void cpuset_changes(void)
{
	const uint64_t at[] = { 0, PIN_SIZE / 2, PIN_SIZE - PAGE };

	set_up();
	enter_cpuset("0");
	policy(MPOL_BIND, BIT(0));
	for (int i = 1; i < 9; i++) {
		require(!madvise(pin.m.va, pin.m.size, MADV_DONTNEED));
		call_start(&pin.call, pin_map, NULL);
		usleep(i * 5000);
		cgroup_set(GROUP, "cpuset.mems", i % 2 ? "1" : "0");
		require(call_returns(&pin.call));
		check_ret(pin.call.ret, 0);
		check_eq(pages_on(0, 0, PIN_SIZE) + pages_on(1, 0, PIN_SIZE), PAGES);
		check_eq(bound_to(), BIT(i % 2));
		if (i == 8)
			pin_check_places(at, ARRAY_SIZE(at));
		pin_unmap();
		check_all_on(i % 2);
	}
	check_helped();
	leave_cpuset();
}

static const struct test tests[] = {
	{ "bind_task", bind_task, 120 },
	{ "prefer_task", prefer_task, 120 },
	{ "bind_memory", bind_memory, 120 },
	{ "interleave", interleave },
	{ "cpuset", cpuset, 120 },
	{ "cpuset_changes", cpuset_changes, 240 },
};

TAP_MAIN("numa", tests)
