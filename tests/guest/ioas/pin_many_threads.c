// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel threads that pin large mappings together: who may be helped by them, and
 * whose memory and rights they use.
 */
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "pin_scene.h"
#include "tap.h"

/* Who may use one CPU uses one. */
static void one_cpu(void)
{
	cpu_set_t one;

	pin_attach();
	mem_get(&pin.m, MEM_ANON, PIN_SIZE);
	CPU_ZERO(&one);
	CPU_SET(get_nprocs() - 1, &one);
	require(!sched_setaffinity(0, sizeof(one), &one));
	check_eq(pin_map_watched(0), 0);
	pin_unmap();
}

/* What a kernel thread can't be: it works without. */
static void real_time(void)
{
	struct sched_param param = { .sched_priority = 1 };

	pin_attach();
	mem_get(&pin.m, MEM_ANON, PIN_SIZE);
	require(!sched_setscheduler(0, SCHED_FIFO, &param));
	check_eq(pin_map_watched(0), 0);
	pin_unmap();
}

/* Keys keep from the kernel what they keep from the process, whoever helps. */
static void keys(void)
{
	int key = pkey_alloc(0, 0);

	if (key < 0)
		tap_skip("no protection keys: %s", strerror(errno));
	pin_attach();
	mem_get(&pin.m, MEM_ANON, PIN_SIZE);
	require(!pkey_mprotect(pin.m.va, PIN_SIZE, PROT_READ | PROT_WRITE, key));
	require_ok(pin_map(NULL));
	pin_unmap();
	mem_put(&pin.m);
	mem_get(&pin.m, MEM_ANON, PIN_SIZE);
	require(!pkey_mprotect(pin.m.va + PIN_SIZE / 2, PIN_SIZE / 2, PROT_READ | PROT_WRITE, key));
	require(!pkey_set(key, PKEY_DISABLE_WRITE));
	check_ret(pin_map(NULL), -EFAULT);
	check_eq(meters_vmpin(), 0);
}

/* When the call returns the process has no other thread, and may leave its namespace. */
static int map_and_leave(void)
{
	struct dirent *entry;
	unsigned int n = 0;
	DIR *dir;

	mem_get(&pin.m, MEM_ANON, PIN_SIZE);
	if (pin_map(NULL))
		return 1;
	if (unshare(CLONE_NEWUSER))
		return errno == EINVAL ? 2 : 3;
	dir = opendir("/proc/self/task");
	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	return n == 1 ? 0 : 4;
}

static void alone(void)
{
	int pid, status;

	pin_attach();
	for (int i = 0; i < 40; i++) {
		pid = fork();
		require(pid >= 0);
		if (!pid)
			_exit(map_and_leave());
		require(waitpid(pid, &status, 0) == pid);
		check_msg(!status, "round %d: status 0x%x", i, status);
		check_eq(ioas_unmap_all(pin.fd, pin.ioas), PIN_SIZE);
	}
}

/* What the threads allocate is charged to the group of who called. */
static void cgroup(void)
{
	char text[32];
	bool seen = false;
	long long used;
	FILE *f;

	cgroup_enter(CGROUPS "pin_many");
	if (access(CGROUPS "pin_many/memory.current", R_OK))
		tap_skip("no cgroup for memory");
	pin_attach();
	mem_get(&pin.m, MEM_ANON, PIN_SIZE);
	call_start(&pin.call, pin_map, NULL);
	while (!call_over(&pin.call)) {
		seen |= pin_helpers_in(getpid(), "/pin_many\n");
		usleep(500);
	}
	check_ret(pin.call.ret, 0);
	check(seen || !pin_is_shared());
	f = fopen(CGROUPS "pin_many/memory.current", "re");
	require(f && fgets(text, sizeof(text), f));
	fclose(f);
	used = atoll(text);
	check_msg(used >= (long long)PIN_SIZE, "%lld bytes are charged", used);
	pin_unmap();
	umount2(CGROUPS, MNT_DETACH);
}

static const struct test tests[] = {
	{ "one_cpu", one_cpu, 120 },
	{ "real_time", real_time, 120 },
	{ "keys", keys, 120 },
	{ "alone", alone, 600 },
	{ "cgroup", cgroup },
};

TAP_MAIN("pin_many_threads", tests)
