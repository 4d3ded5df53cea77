// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program can make its ioctls wait in a page fault for ever.  That must not
 * hold up others: the close of a device, other mappings, other contexts.
 *
 * The memory is a "trap": its pages come when the test says so.
 */
#include <errno.h>
#include <sys/ioctl.h>
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

static int detach_device(void *arg)
{
	(void)arg;
	return device_detach(&stall.dev);
}

/* The call itself uses the file, so it isn't closed meanwhile. */
static void in_attach(void)
{
	if (tap_oracle())
		tap_skip("Linux holds up the address space while it fills a table");
	stall_need_fault_in_pin();
	stall_up();
	require_ok(stall_map_trap(NULL));
	begin(stall_attach);
	check_returns(detach_device, NULL, 0);
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

/* Two devices of a group, which also are reset together. */
static char pair[2][16];
static struct device sibling;

static int open_sibling(void *arg)
{
	int ret = device_open(&sibling, pair[1]);

	(void)arg;
	return ret ? ret : device_bind(&sibling, stall.fd);
}

static void pair_up(void)
{
	device_find_pair("edu", pair[0], pair[1]);
	stall_up();
	device_close(&stall.dev);
	require_ok(device_open(&stall.dev, pair[0]));
	require_ok(open_sibling(NULL));
}

static int detach_sibling(void *arg)
{
	(void)arg;
	return device_detach(&sibling);
}

static int close_sibling(void *arg)
{
	(void)arg;
	device_close(&sibling);
	return 0;
}

/* An ATTACH that moves the whole group doesn't hold up what leaves the group. */
static void sibling_leaves(void)
{
	uint32_t empty;

	if (tap_oracle())
		tap_skip("Linux holds up the other devices of a group and of a reset");
	stall_need_fault_in_pin();
	pair_up();
	require_ok(device_bind(&stall.dev, stall.fd));
	empty = ioas_new(stall.fd);
	require_ok(device_attach(&stall.dev, empty));
	require_ok(device_attach(&sibling, empty));
	require_ok(stall_map_trap(NULL));
	begin(stall_attach);
	check_returns(detach_sibling, NULL, 0);
	check_returns(close_sibling, NULL, 0);
	stall_release(0);
	check_returns(close_device, NULL, 0);
}

static int bind_trapped(void *arg)
{
	(void)arg;
	return ioctl(stall.dev.fd, CDEV_BIND, stall.trap.va) ? -errno : 0;
}

/* Nor does a BIND whose caller's memory isn't there for the answer. */
static void in_bind(void)
{
	struct cdev_bind bind = { .argsz = sizeof(bind) };

	if (tap_oracle())
		tap_skip("Linux holds up the other devices of a group and of a reset");
	pair_up();
	bind.iommufd = stall.fd;
	trap_set_write(&stall.trap, &bind, sizeof(bind));
	stall_begin(bind_trapped);
	check_returns(close_sibling, NULL, 0);
	check_returns(open_sibling, NULL, 0);
	/* the file is taken, but has no calls yet */
	check_ret(device_attach(&stall.dev, stall.ioas), -EINVAL);
	stall_release(0);
	check_ret(device_attach(&stall.dev, stall.ioas), 0);
}

/* Who pins the trap apart holds up who maps the page before it elsewhere, but nobody else. */
static int alloc_apart(void *arg)
{
	uint32_t table;

	(void)arg;
	return hwpt_alloc(stall.fd, stall.dev.id, stall.apart, 0, &table);
}

static void need_apart(void)
{
	if (tap_oracle())
		tap_skip("Linux holds up the address space while it fills a table");
	stall_need_fault_in_pin();
	pair_up();
	require_ok(device_bind(&stall.dev, stall.fd));
	stall_map_apart();
}

/* An ATTACH that has to map the page. */
static void other_half(void)
{
	struct call attach;
	uint32_t table;

	need_apart();
	require_ok(stall_copy_half(NULL));
	require_ok(hwpt_alloc(stall.fd, stall.dev.id, stall.ioas, 0, &table));
	require_ok(device_attach(&sibling, table));
	stall_begin(alloc_apart);
	/* no automatic page table is there yet */
	require_ok(device_detach(&sibling));
	call_start(&attach, stall_attach, NULL);
	usleep(300000);
	check(!call_over(&attach));
	stall_check_space();
	check_returns(close_sibling, NULL, 0);
	stall_release(0);
	require(call_returns(&attach));
	check_ret(attach.ret, 0);
}

/* A COPY that has to map the page. */
static void other_half_mapped(void)
{
	struct call copy;

	need_apart();
	require_ok(device_attach(&stall.dev, stall.ioas));
	require_ok(device_attach(&sibling, stall.ioas));
	stall_begin(alloc_apart);
	call_start(&copy, stall_copy_half, NULL);
	usleep(300000);
	check(!call_over(&copy));
	stall_check_space();
	check_returns(detach_sibling, NULL, 0);
	check_returns(close_sibling, NULL, 0);
	stall_release(0);
	require(call_returns(&copy));
	check_ret(copy.ret, 0);
	check_returns(close_device, NULL, 0);
}

static const struct test tests[] = {
	{ "in_map", in_map },
	{ "in_info", in_info },
	{ "in_alloc", in_alloc },
	{ "in_attach", in_attach },
	{ "mapped_meanwhile", mapped_meanwhile },
	{ "sibling_leaves", sibling_leaves },
	{ "in_bind", in_bind },
	{ "other_half", other_half },
	{ "other_half_mapped", other_half_mapped },
};

TAP_MAIN("stall", tests)
