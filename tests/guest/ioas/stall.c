// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program can make its ioctls wait in a page fault for ever.  That must not
 * hold up others: the close of a device, other mappings, other contexts.
 *
 * The memory is a "trap": its pages come when the test says so.
 */
#include <errno.h>
#include <unistd.h>

#include "device.h"
#include "iommu.h"
#include "stall_scene.h"
#include "stuck.h"
#include "tap.h"

static int close_device(void *arg)
{
	(void)arg;
	device_close(&stall.dev);
	return 0;
}

/* Another address space of the same context, and another context. */
static int use_apart(void *arg)
{
	uint64_t at = STALL_BASE;
	int fds[2] = { stall.fd, iommu_open() };

	(void)arg;
	for (int i = 0; i < 2; i++) {
		uint32_t ioas;
		int ret = ioas_alloc(fds[i], &ioas);

		if (!ret)
			ret = ioas_map(fds[i], ioas, MAP_RW | MAP_FIX, stall.m.va,
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
		ret = device_bind(&dev, stall.fd);
	if (!ret)
		ret = ioas_alloc(stall.fd, &ioas);
	if (!ret)
		ret = device_attach(&dev, ioas);
	if (!ret)
		ret = device_detach(&dev);
	if (!ret) {
		device_close(&dev);
		ret = iommu_destroy(stall.fd, ioas);
	}
	return ret;
}

/* Starts a call that waits, and checks that it holds up none of the others. */
static void begin(int (*fn)(void *arg))
{
	stall_begin(fn);
	stall_check_space();
	check_returns(use_apart, NULL, 0);
	check_returns(use_second, NULL, 0);
}

/* Nor may it hold up the close of its device. */
static void begin_and_close(int (*fn)(void *arg))
{
	begin(fn);
	check_returns(close_device, NULL, 0);
	trap_release(&stall.trap);
	check(call_returns(&stall.call));
}

static void in_map(void)
{
	stall_need_fault_in_pin();
	stall_up();
	require_ok(device_attach(&stall.dev, stall.ioas));
	begin(stall_map_trap);
	/* what isn't mapped yet can't be unmapped, and is taken */
	check_ret(ioas_map_at(stall.fd, stall.ioas, stall.m.va, PAGE, STALL_TRAP), -EEXIST);
	stall_release(0);
	check_eq(ioas_unmap_all(stall.fd, stall.ioas), 2 * STALL_PAGES * PAGE);
}

static void in_info(void)
{
	if (tap_oracle())
		tap_skip("Linux holds up the close for a GET_HW_INFO in a fault");
	stall_up();
	begin_and_close(stall_get_info);
}

static void in_alloc(void)
{
	if (tap_oracle())
		tap_skip("Linux holds up the address space while it fills a table");
	stall_need_fault_in_pin();
	stall_up();
	require_ok(stall_map_trap(NULL));
	begin_and_close(stall_alloc_table);
}

/* This may hold up the same device, and nothing else. */
static void in_attach(void)
{
	if (tap_oracle())
		tap_skip("Linux holds up the address space while it fills a table");
	stall_need_fault_in_pin();
	stall_up();
	require_ok(stall_map_trap(NULL));
	begin(stall_attach);
	stall_release(0);
	check_returns(close_device, NULL, 0);
	check_eq(ioas_unmap_all(stall.fd, stall.ioas), 2 * STALL_PAGES * PAGE);
}

static struct trap late;

static int map_late(void *arg)
{
	(void)arg;
	return ioas_map_at(stall.fd, stall.ioas, late.va, late.size, 2 * STALL_TRAP);
}

/* Nor does an ATTACH wait for what is mapped after it has begun, with others behind it. */
static void mapped_meanwhile(void)
{
	struct call map;

	if (tap_oracle())
		tap_skip("Linux holds up the address space while it fills a table");
	stall_need_fault_in_pin();
	stall_up();
	trap_set(&late, PAGE);
	require_ok(stall_map_trap(NULL));
	stall_begin(stall_attach);
	call_start(&map, map_late, NULL);
	usleep(300000);
	stall_release(0);
	stall_check_space();
	trap_release(&late);
	require(call_returns(&map));
	check_ret(map.ret, 0);
	check_returns(close_device, NULL, 0);
	check_eq(ioas_unmap_all(stall.fd, stall.ioas), (2 * STALL_PAGES + 1) * PAGE);
}

static const struct test tests[] = {
	{ "in_map", in_map },
	{ "in_info", in_info },
	{ "in_alloc", in_alloc },
	{ "in_attach", in_attach },
	{ "mapped_meanwhile", mapped_meanwhile },
};

TAP_MAIN("stall", tests)
