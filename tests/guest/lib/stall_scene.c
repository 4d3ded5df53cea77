// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <sys/mman.h>

#include "iommu.h"
#include "stall_scene.h"
#include "tap.h"

struct stall_scene stall;

void stall_up(void)
{
	stall.fd = iommu_open();
	stall.ioas = ioas_new(stall.fd);
	device_get(&stall.dev, "edu", 0, stall.fd);
	mem_get(&stall.m, MEM_ANON, 2 * STALL_PAGES * PAGE);
	mem_fill(stall.m.va, stall.m.size, 1);
	require_ok(ioas_map_at(stall.fd, stall.ioas, stall.m.va, STALL_PAGES * PAGE, STALL_BASE));
	trap_set(&stall.trap, STALL_PAGES * PAGE);
}

int stall_map_trap(void *arg)
{
	(void)arg;
	return ioas_map_at(stall.fd, stall.ioas, stall.trap.va, stall.trap.size, STALL_TRAP);
}

int stall_alloc_table(void *arg)
{
	(void)arg;
	return hwpt_alloc(stall.fd, stall.dev.id, stall.ioas, 0, &stall.table);
}

int stall_attach(void *arg)
{
	(void)arg;
	return device_attach(&stall.dev, stall.ioas);
}

int stall_get_info(void *arg)
{
	struct iommu_hw_info info = {};

	(void)arg;
	return hw_info(stall.fd, stall.dev.id, stall.trap.va, stall.trap.size, &info);
}

void stall_map_apart(void)
{
	uint8_t *half = mmap(stall.trap.va - PAGE, PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	require(half == stall.trap.va - PAGE);
	stall.apart = ioas_new(stall.fd);
	require_ok(ioas_map_at(stall.fd, stall.apart, half, PAGE + stall.trap.size, STALL_TRAP));
}

int stall_copy_half(void *arg)
{
	uint64_t at = STALL_HALF;

	(void)arg;
	return ioas_copy(stall.fd, stall.ioas, stall.apart, MAP_RW | MAP_FIX, STALL_TRAP, PAGE,
			 &at);
}

static int map_other(void *arg)
{
	(void)arg;
	return ioas_map_at(stall.fd, stall.ioas, stall.m.va + STALL_PAGES * PAGE, PAGE,
			   STALL_BASE + 64 * PAGE);
}

static int unmap_other(void *arg)
{
	uint64_t bytes = 0;
	int ret = ioas_unmap(stall.fd, stall.ioas, STALL_BASE + 64 * PAGE, PAGE, &bytes);

	(void)arg;
	return ret ? ret : bytes == PAGE ? 0 : -ERANGE;
}

static int ask_ranges(void *arg)
{
	struct iommu_iova_range ranges[16];
	uint32_t n = ARRAY_SIZE(ranges);
	uint64_t align;

	(void)arg;
	return ioas_ranges(stall.fd, stall.ioas, ranges, &n, &align);
}

static int copy_other(void *arg)
{
	uint64_t at = STALL_BASE + 96 * PAGE;
	int ret = ioas_copy(stall.fd, stall.ioas, stall.ioas, MAP_RW | MAP_FIX, STALL_BASE, PAGE,
			    &at);

	(void)arg;
	return ret ? ret : ioas_unmap(stall.fd, stall.ioas, at, PAGE, NULL);
}

void stall_check_space(void)
{
	check_returns(map_other, NULL, 0);
	check_returns(unmap_other, NULL, 0);
	check_returns(ask_ranges, NULL, 0);
	check_returns(copy_other, NULL, 0);
}

void stall_need_fault_in_pin(void)
{
	if (!kernel_before(6, 3))
		return;
	stall_up();
	require_ok(device_attach(&stall.dev, stall.ioas));
	check_returns(stall_map_trap, NULL, -EFAULT);
	if (!tap_failures())
		tap_skip("this Linux doesn't wait for a userfaultfd to pin");
	tap_end();
}

void stall_begin(int (*fn)(void *arg))
{
	call_start(&stall.call, fn, NULL);
	trap_wait(&stall.trap);
	check(!call_over(&stall.call));
}

void stall_release(int want)
{
	trap_release(&stall.trap);
	require(call_returns(&stall.call));
	check_ret(stall.call.ret, want);
}
