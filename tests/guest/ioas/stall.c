// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program can make its ioctls wait in a page fault for ever.  That must not
 * hold up others: the close of a device, other mappings, other contexts.
 *
 * The memory is a "trap": its pages come when the test says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"
#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "stuck.h"
#include "tap.h"

#define BASE	0x1000000ull
#define PAGES	16ull
#define TRAP	(4 * GIB)	/* where the trap is mapped */

static struct stall {
	int fd;
	uint32_t ioas, table;
	struct device dev;
	struct trap trap;
	struct mem m;		/* mapped at BASE */
	struct call call;
} s;

static void stall_up(void)
{
	s.fd = iommu_open();
	s.ioas = ioas_new(s.fd);
	device_get(&s.dev, "edu", 0, s.fd);
	mem_get(&s.m, MEM_ANON, 2 * PAGES * PAGE);
	mem_fill(s.m.va, s.m.size, 1);
	require_ok(ioas_map_at(s.fd, s.ioas, s.m.va, PAGES * PAGE, BASE));
	trap_set(&s.trap, PAGES * PAGE);
}

/* The calls; none needs its argument. */
static int map_trap(void *arg)
{
	(void)arg;
	return ioas_map_at(s.fd, s.ioas, s.trap.va, s.trap.size, TRAP);
}

static int alloc_table(void *arg)
{
	(void)arg;
	return hwpt_alloc(s.fd, s.dev.id, s.ioas, 0, &s.table);
}

static int attach(void *arg)
{
	(void)arg;
	return device_attach(&s.dev, s.ioas);
}

static int get_info(void *arg)
{
	struct iommu_hw_info info = {};

	(void)arg;
	return hw_info(s.fd, s.dev.id, s.trap.va, s.trap.size, &info);
}

static int close_device(void *arg)
{
	(void)arg;
	device_close(&s.dev);
	return 0;
}

static int map_other(void *arg)
{
	(void)arg;
	return ioas_map_at(s.fd, s.ioas, s.m.va + PAGES * PAGE, PAGE,
			   BASE + 64 * PAGE);
}

static int unmap_other(void *arg)
{
	uint64_t bytes = 0;
	int ret = ioas_unmap(s.fd, s.ioas, BASE + 64 * PAGE, PAGE, &bytes);

	(void)arg;
	return ret ? ret : bytes == PAGE ? 0 : -ERANGE;
}

static int ask_ranges(void *arg)
{
	struct iommu_iova_range ranges[16];
	uint32_t n = ARRAY_SIZE(ranges);
	uint64_t align;

	(void)arg;
	return ioas_ranges(s.fd, s.ioas, ranges, &n, &align);
}

static int copy_other(void *arg)
{
	uint64_t at = BASE + 96 * PAGE;
	int ret = ioas_copy(s.fd, s.ioas, s.ioas, MAP_RW | MAP_FIX, BASE, PAGE,
			    &at);

	(void)arg;
	return ret ? ret : ioas_unmap(s.fd, s.ioas, at, PAGE, NULL);
}

/* Another address space of the same context, and another context. */
static int use_apart(void *arg)
{
	uint64_t at = BASE;
	int fds[2] = { s.fd, iommu_open() };

	(void)arg;
	for (int i = 0; i < 2; i++) {
		uint32_t ioas;
		int ret = ioas_alloc(fds[i], &ioas);

		if (!ret)
			ret = ioas_map(fds[i], ioas, MAP_RW | MAP_FIX, s.m.va,
				       PAGE, &at);
		if (!ret)
			ret = ioas_unmap(fds[i], ioas, at, PAGE, NULL);
		if (!ret)
			ret = iommu_destroy(fds[i], ioas);
		if (ret)
			return ret;
	}
	close(fds[1]);
	return 0;
}

/* A second device, in a group of its own, gets its own address space. */
static int use_second(void *arg)
{
	const char *bdf = device_find("edu", 1);
	struct device dev;
	uint32_t ioas;
	int ret;

	(void)arg;
	ret = bdf ? device_open(&dev, bdf) : -ENODEV;
	if (!ret)
		ret = device_bind(&dev, s.fd);
	if (!ret)
		ret = ioas_alloc(s.fd, &ioas);
	if (!ret)
		ret = device_attach(&dev, ioas);
	if (!ret)
		ret = device_detach(&dev);
	if (!ret) {
		device_close(&dev);
		ret = iommu_destroy(s.fd, ioas);
	}
	return ret;
}

static void check_space_usable(void)
{
	check_returns(map_other, NULL, 0);
	check_returns(unmap_other, NULL, 0);
	check_returns(ask_ranges, NULL, 0);
	check_returns(copy_other, NULL, 0);
}

/* Not before 6.3: there -EFAULT is all that comes of it. */
static void need_fault_in_pin(void)
{
	if (!kernel_before(6, 3))
		return;
	stall_up();
	require_ok(device_attach(&s.dev, s.ioas));
	check_returns(map_trap, NULL, -EFAULT);
	if (!tap_failures())
		tap_skip("this Linux doesn't wait for a userfaultfd to pin");
	tap_end();
}

/* Starts a call that gets into the trap. */
static void stick(int (*fn)(void *arg))
{
	call_start(&s.call, fn, NULL);
	trap_wait(&s.trap);
	check(!call_over(&s.call));
}

static void release(int want)
{
	trap_release(&s.trap);
	require(call_returns(&s.call));
	check_ret(s.call.ret, want);
}

static void in_map(void)
{
	need_fault_in_pin();
	stall_up();
	require_ok(device_attach(&s.dev, s.ioas));
	stick(map_trap);
	check_space_usable();
	check_returns(use_apart, NULL, 0);
	check_returns(use_second, NULL, 0);
	/* what isn't mapped yet can't be unmapped, and is taken */
	check_ret(ioas_map_at(s.fd, s.ioas, s.m.va, PAGE, TRAP), -EEXIST);
	release(0);
	check_eq(ioas_unmap_all(s.fd, s.ioas), 2 * PAGES * PAGE);
}

static void in_info(void)
{
	if (tap_oracle())
		tap_skip("Linux holds up the close for a GET_HW_INFO in a fault");
	stall_up();
	stick(get_info);
	check_space_usable();
	check_returns(use_apart, NULL, 0);
	check_returns(use_second, NULL, 0);
	check_returns(close_device, NULL, 0);
	trap_release(&s.trap);
	check(call_returns(&s.call));
}

static void in_alloc(void)
{
	if (tap_oracle())
		tap_skip("Linux holds up the address space while it fills a table");
	need_fault_in_pin();
	stall_up();
	require_ok(map_trap(NULL));
	stick(alloc_table);
	check_space_usable();
	check_returns(use_apart, NULL, 0);
	check_returns(use_second, NULL, 0);
	check_returns(close_device, NULL, 0);
	trap_release(&s.trap);
	check(call_returns(&s.call));
}

/* This may hold up the same device, and nothing else. */
static void in_attach(void)
{
	if (tap_oracle())
		tap_skip("Linux holds up the address space while it fills a table");
	need_fault_in_pin();
	stall_up();
	require_ok(map_trap(NULL));
	stick(attach);
	check_space_usable();
	check_returns(use_apart, NULL, 0);
	check_returns(use_second, NULL, 0);
	release(0);
	check_returns(close_device, NULL, 0);
	check_eq(ioas_unmap_all(s.fd, s.ioas), 2 * PAGES * PAGE);
}

static struct trap late;

static int map_late(void *arg)
{
	(void)arg;
	return ioas_map_at(s.fd, s.ioas, late.va, late.size, 2 * TRAP);
}

/* Nor does an ATTACH wait for what is mapped after it has begun, with others behind it. */
static void mapped_meanwhile(void)
{
	struct call map;

	if (tap_oracle())
		tap_skip("Linux holds up the address space while it fills a table");
	need_fault_in_pin();
	stall_up();
	trap_set(&late, PAGE);
	require_ok(map_trap(NULL));
	stick(attach);
	call_start(&map, map_late, NULL);
	usleep(300000);
	release(0);
	check_space_usable();
	trap_release(&late);
	require(call_returns(&map));
	check_ret(map.ret, 0);
	check_returns(close_device, NULL, 0);
	check_eq(ioas_unmap_all(s.fd, s.ioas), (2 * PAGES + 1) * PAGE);
}

/* What a process does that gets stuck and is killed then. */
struct victim {
	int (*fn)(void *arg);
	bool mapped;	/* the trap is mapped before */
	int up[2];
};

static void be_stuck(void *arg)
{
	struct victim *v = arg;

	trap_set(&s.trap, PAGES * PAGE);	/* it isn't inherited */
	if (v->mapped)
		require_ok(map_trap(NULL));
	stick(v->fn);
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
		require_ok(device_attach(&s.dev, s.ioas));
	require(!pipe(v.up));
	pid = tap_spawn(be_stuck, &v);
	close(v.up[1]);
	require(read(v.up[0], &c, 1) == 1);
	require(!kill(pid, SIGKILL));
	require(child_ends(pid));
	/* nothing is left half done; if the trap was mapped it still is */
	check_space_usable();
	check_eq(ioas_unmap_all(s.fd, s.ioas), (mapped + 1) * PAGES * PAGE);
	check_ret(attach(NULL), 0);
	check_ret(device_detach(&s.dev), 0);
	check_ret(iommu_destroy(s.fd, s.ioas), 0);
}

static void killed_info(void) { check_killed(get_info, false, false); }

static void killed_map(void)
{
	need_fault_in_pin();
	check_killed(map_trap, false, true);
}

/* A write to a file has its lock as long as its buffer isn't there. */
static int file;

static int write_trapped(void *arg)
{
	(void)arg;
	return pwrite(file, s.trap.va, PAGE, 0) == (ssize_t)PAGE ? 0 : -errno;
}

static void map_file(void *arg)
{
	uint64_t iova = TRAP;

	(void)arg;
	ioas_map_file(s.fd, s.ioas, MAP_RW | MAP_FIX, file, 0, PAGE, &iova);
}

static void killed_map_file(void)
{
	int pid;

	stall_up();
	require_ok(device_attach(&s.dev, s.ioas));
	file = memfd_create("stall", MFD_CLOEXEC);
	require(file >= 0 && !ftruncate(file, PAGE));
	stick(write_trapped);
	pid = tap_spawn(map_file, NULL);
	usleep(300000);
	require(!kill(pid, SIGKILL));
	check(child_ends(pid));
	check_space_usable();
	release(0);
	ioas_unmap_all(s.fd, s.ioas);
}

/* Who pins one half of a piece of memory holds up who unmaps the other. */
static uint32_t apart;

static int copy_trap(void *arg)
{
	uint64_t at = 2 * TRAP;

	(void)arg;
	return ioas_copy(s.fd, s.ioas, apart, MAP_RW | MAP_FIX, TRAP + PAGE, s.trap.size, &at);
}

static void unmap_half(void *arg)
{
	(void)arg;
	ioas_unmap(s.fd, s.ioas, TRAP, PAGE, NULL);
}

static void killed_unmap(void)
{
	uint64_t at = TRAP;
	long long pins;
	uint8_t *half;
	int pid;

	if (tap_oracle())
		tap_skip("Linux waits there and can't be killed");
	need_fault_in_pin();
	stall_up();
	half = mmap(s.trap.va - PAGE, PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	require(half == s.trap.va - PAGE);
	apart = ioas_new(s.fd);
	require_ok(ioas_map_at(s.fd, apart, half, PAGE + s.trap.size, TRAP));
	require_ok(device_attach(&s.dev, s.ioas));
	pins = meters_pins();
	require_ok(ioas_copy(s.fd, s.ioas, apart, MAP_RW | MAP_FIX, TRAP, PAGE, &at));
	stick(copy_trap);
	pid = tap_spawn(unmap_half, NULL);
	usleep(300000);
	require(!kill(pid, SIGKILL));
	check(child_ends(pid));
	/* it has gone, but for its pin */
	require_ok(ioas_map_at(s.fd, s.ioas, s.m.va, PAGE, TRAP));
	check_space_usable();
	release(0);
	check_eq(meters_pins(), pins + 1 + PAGES);
	check_eq(ioas_unmap_all(s.fd, s.ioas), (2 * PAGES + 1) * PAGE);
	check_eq(meters_wait_pins(pins - PAGES), pins - PAGES);
}

static void killed_alloc(void)
{
	need_fault_in_pin();
	check_killed(alloc_table, true, false);
}

static void killed_attach(void)
{
	need_fault_in_pin();
	check_killed(attach, true, false);
}

/*
 * Its owner closes the device by its end, while another process that knows
 * the context has an ioctl in a fault.
 */
static void owner_killed(void)
{
	struct victim v = { get_info, false };
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
		device_close(&s.dev);
		be_stuck(&v);
	}
	close(v.up[1]);
	device_close(&s.dev);
	require(read(v.up[0], &c, 1) == 1);
	require(!kill(owner, SIGKILL));
	check(child_ends(owner));
	require(!kill(other, SIGKILL));
	check(child_ends(other));
	/* and the device is free */
	device_get(&s.dev, "edu", 0, s.fd);
	check_ret(attach(NULL), 0);
}

static const struct test tests[] = {
	{ "in_map", in_map },
	{ "in_info", in_info },
	{ "in_alloc", in_alloc },
	{ "in_attach", in_attach },
	{ "mapped_meanwhile", mapped_meanwhile },
	{ "killed_map", killed_map },
	{ "killed_map_file", killed_map_file },
	{ "killed_unmap", killed_unmap },
	{ "killed_alloc", killed_alloc },
	{ "killed_attach", killed_attach },
	{ "killed_info", killed_info },
	{ "owner_killed", owner_killed },
};

TAP_MAIN("stall", tests)
