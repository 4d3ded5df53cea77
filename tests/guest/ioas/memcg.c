// SPDX-License-Identifier: GPL-2.0-only
/*
 * A cgroup's limit of memory holds for what a mapping populates, whoever pins it: beyond it a
 * process is killed or gets -ENOMEM, and nothing is left of the call.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "pin_scene.h"
#include "plug.h"
#include "stuck.h"
#include "tap.h"

#define GROUP	CGROUPS "memcg"

/* Makes the group; "max" is a limit that nobody reaches. */
static void limit(const char *max)
{
	cgroup_new(GROUP);
	if (!cgroup_has(GROUP, "memory.max"))
		tap_skip("no cgroup for memory");
	cgroup_set(GROUP, "memory.max", max);
}

static void limit_mib(unsigned int mib)
{
	char text[32];

	snprintf(text, sizeof(text), "%uM", mib);
	limit(text);
}

static void be_in_group(void)
{
	cgroup_enter(GROUP);
	pin_attach();
}

/* A process that maps more than its group may have, and tells what came of it. */
static int exceed(enum mem_kind kind)
{
	int pid = fork(), ret;

	require(pid >= 0);
	if (pid)
		return pid;
	be_in_group();
	mem_get(&pin.m, kind, PIN_SIZE);
	ret = pin_map(NULL);
	check_msg(ret == -ENOMEM, "it lives, and IOAS_MAP has returned %d", ret);
	if (ret == -ENOMEM)
		check_eq(meters_vmpin(), 0);
	_exit(tap_failures() != 0);
}

static void check_end(int pid)
{
	int status = 0;
	double end = tap_now() + 20 * tap_patience();

	while (waitpid(pid, &status, WNOHANG) != pid) {
		require(tap_now() < end);
		usleep(2000);
	}
	check_msg(!status || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL),
		  "its status is 0x%x", status);
}

/* The limit was reached and held, and the group is done with. */
static void check_held(unsigned int mib, long long pins)
{
	check_eq(meters_wait_pins(pins), pins);
	check(cgroup_field(GROUP, "memory.events", "max") > 0);
	if (cgroup_has(GROUP, "memory.peak"))
		check(cgroup_number(GROUP, "memory.peak") <= (long long)(mib * MIB));
	cgroup_remove(GROUP);
}

static void killed(void)
{
	static const unsigned int mib[] = { 12, 28, 45, 64 };
	long long pins = meters_pins();

	for (unsigned int i = 0; i < ARRAY_SIZE(mib); i++) {
		limit_mib(mib[i]);
		check_end(exceed(i % 2 ? MEM_THP : MEM_ANON));
		check_held(mib[i], pins);
	}
}

/*
 * With memory.oom.group all tasks of the group are killed, each of which is an event; so is the
 * choice of the first.  Those that help with pinning are no tasks to be killed: they go with the
 * process.
 */
static void killed_as_group(void)
{
	long long pins = meters_pins(), kills;

	for (unsigned int mib = 24; mib < 64; mib += 8) {
		limit_mib(mib);
		cgroup_set(GROUP, "memory.oom.group", "1");
		check_end(exceed(MEM_ANON));
		kills = cgroup_field(GROUP, "memory.events", "oom_kill");
		check_msg(kills <= 2, "a group of one process had %lld events", kills);
		check_held(mib, pins);
	}
}

/*
 * A process that may not be killed for memory gets an error, and may map less.  At the limit, a
 * page fault of its own would never end: what it has is made present, and its own, beforehand,
 * and what the mapping has populated is given back before anything is looked at.
 */
static void spared(void *arg)
{
	int ret, dropped;

	(void)arg;
	require_ok(write_file("/proc/self/oom_score_adj", "-1000"));
	be_in_group();
	require(!mlockall(MCL_CURRENT) && !munlockall());
	mem_get(&pin.m, MEM_ANON, PIN_SIZE);
	for (int i = 0; i < 3; i++) {
		ret = pin_map(NULL);
		dropped = madvise(pin.m.va, pin.m.size, MADV_DONTNEED);
		require(!dropped);
		check_ret(ret, -ENOMEM);
		check_eq(meters_vmpin(), 0);
	}
	pin.m.size = 16 * MIB;
	check_ret(pin_map(NULL), 0);
	pin_unmap();
}

static void refused(void)
{
	long long pins = meters_pins();

	limit_mib(40);
	tap_join(tap_spawn(spared, NULL));
	check_held(40, pins);
}

/* What is pinned outlives its process, and the group too. */
static void map_in_group(void *arg)
{
	(void)arg;
	cgroup_enter(GROUP);
	mem_get(&pin.m, MEM_ANON, PIN_SIZE);
	require_ok(pin_map(NULL));
	check(cgroup_number(GROUP, "memory.current") >= (long long)PIN_SIZE);
	_exit(tap_failures() != 0);
}

static void outlived(void)
{
	long long pins = meters_pins();

	limit("max");
	pin_attach();
	tap_join(tap_spawn(map_in_group, NULL));
	check_eq(meters_pins(), pins + (long long)(PIN_SIZE / PAGE));
	cgroup_remove(GROUP);
	check_eq(ioas_unmap_all(pin.fd, pin.ioas), PIN_SIZE);
	check_eq(meters_wait_pins(pins), pins);
}

static const struct test tests[] = {
	{ "killed", killed, 120 },
	{ "killed_as_group", killed_as_group, 120 },
	{ "refused", refused, 120 },
	{ "outlived", outlived },
};

TAP_MAIN("memcg", tests)
