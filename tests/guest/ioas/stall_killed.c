// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process whose call waits in a page fault can be killed, and nothing stays half done:
 * the address space and the device can be used by others.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"
#include "iommu.h"
#include "meters.h"
#include "stall_scene.h"
#include "stuck.h"
#include "tap.h"

/* What a process does that gets stuck and is killed then. */
struct victim {
	int (*fn)(void *arg);
	bool mapped;	/* the trap is mapped before */
	int up[2];
};

static void be_stuck(void *arg)
{
	struct victim *v = arg;

	trap_set(&stall.trap, STALL_PAGES * PAGE);	/* it isn't inherited */
	if (v->mapped)
		require_ok(stall_map_trap(NULL));
	stall_begin(v->fn);
	require(write(v->up[1], "x", 1) == 1);
	pause();
}

static void check_killed(int (*fn)(void *arg), bool mapped, bool attached)
{
	struct victim v = { fn, mapped };
	char c;
	int pid;

	stall_up();
	if (attached)
		require_ok(device_attach(&stall.dev, stall.ioas));
	require(!pipe(v.up));
	pid = tap_spawn(be_stuck, &v);
	close(v.up[1]);
	require(read(v.up[0], &c, 1) == 1);
	require(!kill(pid, SIGKILL));
	require(child_ends(pid));
	/* nothing is left half done; if the trap was mapped it still is */
	stall_check_space();
	check_eq(ioas_unmap_all(stall.fd, stall.ioas), (mapped + 1) * STALL_PAGES * PAGE);
	check_ret(stall_attach(NULL), 0);
	check_ret(device_detach(&stall.dev), 0);
	check_ret(iommu_destroy(stall.fd, stall.ioas), 0);
}

static void killed_info(void) { check_killed(stall_get_info, false, false); }

static void killed_map(void)
{
	stall_need_fault_in_pin();
	check_killed(stall_map_trap, false, true);
}

/* A write to a file has its lock as long as its buffer isn't there. */
static int file;

static int write_trapped(void *arg)
{
	(void)arg;
	return pwrite(file, stall.trap.va, PAGE, 0) == (ssize_t)PAGE ? 0 : -errno;
}

static void map_file(void *arg)
{
	uint64_t iova = STALL_TRAP;

	(void)arg;
	ioas_map_file(stall.fd, stall.ioas, MAP_RW | MAP_FIX, file, 0, PAGE, &iova);
}

static void killed_map_file(void)
{
	int pid;

	stall_up();
	require_ok(device_attach(&stall.dev, stall.ioas));
	file = memfd_create("stall", MFD_CLOEXEC);
	require(file >= 0 && !ftruncate(file, PAGE));
	stall_begin(write_trapped);
	pid = tap_spawn(map_file, NULL);
	usleep(300000);
	require(!kill(pid, SIGKILL));
	check(child_ends(pid));
	stall_check_space();
	stall_release(0);
	ioas_unmap_all(stall.fd, stall.ioas);
}

/* A charge that moves waits for who pins the memory, and the next one for that. */
static void change_process(void *arg)
{
	(void)arg;
	ioas_change_process(stall.fd);
}

static void killed_change(void)
{
	uint64_t iova = STALL_TRAP;
	struct call attach;
	int pid[2];

	if (tap_oracle())
		tap_skip("Linux never moves VmPin of who has CAP_IPC_LOCK, and takes it back there");
	stall_up();
	/* anonymous memory can't change hands */
	ioas_unmap_all(stall.fd, stall.ioas);
	file = memfd_create("stall", MFD_CLOEXEC);
	require(file >= 0 && !ftruncate(file, PAGE));
	require_ok(ioas_map_file(stall.fd, stall.ioas, MAP_RW | MAP_FIX, file, 0, PAGE, &iova));
	stall_begin(write_trapped);
	call_start(&attach, stall_attach, NULL);
	usleep(100000);
	for (int i = 0; i < 2; i++) {
		pid[i] = tap_spawn(change_process, NULL);
		usleep(200000);
	}
	for (int i = 1; i >= 0; i--) {
		require(!kill(pid[i], SIGKILL));
		check(child_ends(pid[i]));
	}
	stall_release(0);
	require(call_returns(&attach));
	check_ret(attach.ret, 0);
	require_ok(ioas_map_at(stall.fd, stall.ioas, stall.m.va, PAGE, STALL_BASE));
	stall_check_space();
	ioas_unmap_all(stall.fd, stall.ioas);
}

/* Who pins one half of a piece of memory holds up who unmaps the other. */
static int copy_trap(void *arg)
{
	uint64_t at = 2 * STALL_TRAP;

	(void)arg;
	return ioas_copy(stall.fd, stall.ioas, stall.apart, MAP_RW | MAP_FIX, STALL_TRAP + PAGE,
			 stall.trap.size, &at);
}

static void unmap_half(void *arg)
{
	(void)arg;
	ioas_unmap(stall.fd, stall.ioas, STALL_TRAP, PAGE, NULL);
}

static void killed_unmap(void)
{
	uint64_t at = STALL_TRAP;
	long long pins;
	int pid;

	if (tap_oracle())
		tap_skip("Linux waits there and can't be killed");
	stall_need_fault_in_pin();
	stall_up();
	stall_map_apart();
	require_ok(device_attach(&stall.dev, stall.ioas));
	pins = meters_pins();
	require_ok(ioas_copy(stall.fd, stall.ioas, stall.apart, MAP_RW | MAP_FIX, STALL_TRAP, PAGE,
			     &at));
	stall_begin(copy_trap);
	pid = tap_spawn(unmap_half, NULL);
	usleep(300000);
	require(!kill(pid, SIGKILL));
	check(child_ends(pid));
	/* it has gone, but for its pin */
	require_ok(ioas_map_at(stall.fd, stall.ioas, stall.m.va, PAGE, STALL_TRAP));
	stall_check_space();
	stall_release(0);
	check_eq(meters_pins(), pins + 1 + STALL_PAGES);
	check_eq(ioas_unmap_all(stall.fd, stall.ioas), (2 * STALL_PAGES + 1) * PAGE);
	check_eq(meters_wait_pins(pins - STALL_PAGES), pins - STALL_PAGES);
}

static void killed_alloc(void)
{
	stall_need_fault_in_pin();
	check_killed(stall_alloc_table, true, false);
}

static void killed_attach(void)
{
	stall_need_fault_in_pin();
	check_killed(stall_attach, true, false);
}

/*
 * ATTACH has pinned one half of a piece of memory and waits for other memory, while who pins
 * the other half gets stuck: then ATTACH can't give its pins back.
 */
static uint32_t others;
static int attach_up[2], attach_go[2];

static int alloc_others(void *arg)
{
	(void)arg;
	return hwpt_alloc(stall.fd, stall.dev.id, others, 0, &stall.table);
}

static void attach_two(void *arg)
{
	struct trap own;
	struct call call;
	char c;

	(void)arg;
	trap_set(&own, PAGE);
	require_ok(ioas_map_at(stall.fd, stall.ioas, own.va, PAGE, STALL_TRAP));
	call_start(&call, stall_attach, NULL);
	trap_wait(&own);
	require(write(attach_up[1], "x", 1) == 1);
	require(read(attach_go[0], &c, 1) == 1);
	trap_release(&own);
	pause();
}

static void killed_attach_end(void)
{
	uint64_t half_at = 2 * STALL_TRAP, trap_at = STALL_TRAP;
	char c;
	int pid;

	if (tap_oracle())
		tap_skip("Linux pins otherwise");
	stall_need_fault_in_pin();
	stall_up();
	stall_map_apart();
	others = ioas_new(stall.fd);
	require_ok(ioas_copy(stall.fd, stall.ioas, stall.apart, MAP_RW | MAP_FIX, STALL_TRAP, PAGE,
			     &half_at));
	require_ok(ioas_copy(stall.fd, others, stall.apart, MAP_RW | MAP_FIX, STALL_TRAP + PAGE,
			     stall.trap.size, &trap_at));
	require(!pipe(attach_up) && !pipe(attach_go));
	pid = tap_spawn(attach_two, NULL);
	require(read(attach_up[0], &c, 1) == 1);
	stall_begin(alloc_others);
	require(write(attach_go[1], "x", 1) == 1);
	usleep(300000);
	require(!kill(pid, SIGKILL));
	check(child_ends(pid));
	stall_check_space();
	stall_release(0);
	check_ret(iommu_destroy(stall.fd, stall.table), 0);
}

/*
 * Its owner closes the device by its end, while another process that knows
 * the context has an ioctl in a fault.
 */
static void owner_killed(void)
{
	struct victim v = { stall_get_info, false };
	int owner, other;
	char c;

	if (tap_oracle())
		tap_skip("Linux holds up the close for a GET_HW_INFO in a fault");
	stall_up();
	require(!pipe(v.up));
	owner = fork();
	require(owner >= 0);
	if (!owner)
		for (;;)
			pause();
	other = fork();
	require(other >= 0);
	if (!other) {
		device_close(&stall.dev);
		be_stuck(&v);
	}
	close(v.up[1]);
	device_close(&stall.dev);
	require(read(v.up[0], &c, 1) == 1);
	require(!kill(owner, SIGKILL));
	check(child_ends(owner));
	require(!kill(other, SIGKILL));
	check(child_ends(other));
	/* and the device is free */
	device_get(&stall.dev, "edu", 0, stall.fd);
	check_ret(stall_attach(NULL), 0);
}

static const struct test tests[] = {
	{ "killed_map", killed_map },
	{ "killed_map_file", killed_map_file },
	{ "killed_change", killed_change },
	{ "killed_unmap", killed_unmap },
	{ "killed_alloc", killed_alloc },
	{ "killed_attach", killed_attach },
	{ "killed_attach_end", killed_attach_end },
	{ "killed_info", killed_info },
	{ "owner_killed", owner_killed },
};

TAP_MAIN("stall_killed", tests)
