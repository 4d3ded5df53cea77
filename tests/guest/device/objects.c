// SPDX-License-Identifier: GPL-2.0-only
/*
 * The states of objects: what can be destroyed when, what becomes of IDs, and
 * of a DESTROY that comes while somebody uses the object.
 *
 * On ours it waits for the user, which is in a page fault here for as long as
 * the test likes; Linux's answers -EBUSY.
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "device.h"
#include "iommu.h"
#include "mem.h"
#include "stuck.h"
#include "tap.h"

#define BASE	0x1000000ull

/* Somebody has a call on an address space that doesn't return. */
static struct busy {
	int fd;
	uint32_t ioas;
	struct mem m;
	struct trap trap;
	struct call user, destroyer;
} s;

static int map(void *arg)
{
	(void)arg;
	return iommu_ioctl(s.fd, IOMMU_IOAS_MAP, s.trap.va);
}

static int ask_ranges(void *arg)
{
	uint32_t n = PAGE / sizeof(struct iommu_iova_range);
	uint64_t align;

	(void)arg;
	return ioas_ranges(s.fd, s.ioas, (void *)s.trap.va, &n, &align);
}

static int destroy(void *arg)
{
	(void)arg;
	return iommu_destroy(s.fd, s.ioas);
}

static bool is_found(void)
{
	uint64_t align;
	uint32_t n = 0;
	int ret = ioas_ranges(s.fd, s.ioas, NULL, &n, &align);

	check(ret == -ENOENT || ret == -EMSGSIZE || !ret);
	return ret != -ENOENT;
}

/* Waits for a DESTROY to begin or, by another process that was killed, to end. */
static void wait_found(bool found)
{
	double end = tap_now() + 10 * tap_patience();

	while (is_found() != found && tap_now() < end)
		usleep(1000);
	require(is_found() == found);
}

/* Starts a MAP whose answer can't be written, or IOVA_RANGES likewise. */
static void use(int (*fn)(void *arg))
{
	struct iommu_ioas_map c = {
		.size = sizeof(c), .flags = MAP_RW | MAP_FIX,
		.ioas_id = s.ioas, .user_va = (uintptr_t)s.m.va,
		.iova = BASE, .length = PAGE,
	};

	if (fn == map)
		trap_set_write(&s.trap, &c, sizeof(c));
	else
		trap_set(&s.trap, PAGE);
	call_start(&s.user, fn, NULL);
	trap_wait(&s.trap);
	check(!call_over(&s.user));
}

static void space_up(void)
{
	s.fd = iommu_open();
	s.ioas = ioas_new(s.fd);
	mem_get(&s.m, MEM_ANON, PAGE);
}

static void busy_up(int (*fn)(void *arg))
{
	space_up();
	use(fn);
	if (!tap_oracle())
		return;
	check_returns(destroy, NULL, -EBUSY);
	trap_release(&s.trap);
	require(call_returns(&s.user));
	check_ret(s.user.ret, 0);
	check_ret(destroy(NULL), 0);
	tap_end();
}

/* What others see of an object that is being destroyed. */
static void check_dying(void)
{
	uint32_t id, other = ioas_new(s.fd);
	struct mem m;
	uint64_t value = 0, at = BASE;

	mem_get(&m, MEM_ANON, PAGE);
	check_ret(ioas_map_at(s.fd, s.ioas, m.va, PAGE, 2 * BASE), -ENOENT);
	check_ret(ioas_copy(s.fd, other, s.ioas, MAP_RW, BASE, PAGE, &at),
		  -ENOENT);
	check_ret(ioas_unmap(s.fd, s.ioas, BASE, PAGE, NULL), -ENOENT);
	check_ret(ioas_allow(s.fd, s.ioas, NULL, 0), -ENOENT);
	check_ret(option_get(s.fd, IOMMU_OPTION_HUGE_PAGES, s.ioas, &value),
		  -ENOENT);
	check_ret(destroy(NULL), -ENOENT);
	/* the ID isn't given to another */
	for (int i = 0; i < 1000; i++) {
		require_ok(ioas_alloc(s.fd, &id));
		if (!check(id != s.ioas))
			break;
	}
	check_ret(iommu_destroy(s.fd, other), 0);
}

static void destroy_in_map(void)
{
	busy_up(map);
	call_start(&s.destroyer, destroy, NULL);
	wait_found(false);
	check_dying();
	check(!call_over(&s.destroyer));
	check(!call_over(&s.user));
	trap_release(&s.trap);
	require(call_returns(&s.user));
	check_ret(s.user.ret, 0);
	require(call_returns(&s.destroyer));
	check_ret(s.destroyer.ret, 0);
	check(!is_found());
}

/* Answering a question needs no object any more. */
static void destroy_in_ranges(void)
{
	busy_up(ask_ranges);
	check_returns(destroy, NULL, 0);
	check(!call_over(&s.user));
	trap_release(&s.trap);
	require(call_returns(&s.user));
	check_ret(s.user.ret, 0);
}

/* A DESTROY that waits can be killed; the object lives on. */
static void destroyer_killed(void)
{
	int pid;

	busy_up(map);
	pid = fork();
	require(pid >= 0);
	if (!pid)
		_exit(destroy(NULL) ? 1 : 0);
	wait_found(false);
	require(!kill(pid, SIGKILL));
	check(child_ends(pid));
	wait_found(true);
	check(!call_over(&s.user));
	trap_release(&s.trap);
	require(call_returns(&s.user));
	check_ret(s.user.ret, 0);
	check_ret(ioas_map_at(s.fd, s.ioas, s.m.va, PAGE, 2 * BASE), 0);
	check_eq(ioas_unmap_all(s.fd, s.ioas), 2 * PAGE);
	check_ret(destroy(NULL), 0);
	check(!is_found());
}

/* Both are killed at once, as threads of one process. */
static void use_and_destroy(void *arg)
{
	int *up = arg;

	use(map);
	call_start(&s.destroyer, destroy, NULL);
	wait_found(false);
	require(write(up[1], "x", 1) == 1);
	pause();
}

static void both_killed(void)
{
	int pid, up[2];
	char c;

	if (tap_oracle())
		tap_skip("Linux's DESTROY doesn't wait");
	space_up();
	trap_set_write(&s.trap, up, sizeof(up));	/* skips here if it can't */
	require(!pipe(up));
	pid = tap_spawn(use_and_destroy, up);
	close(up[1]);
	require(read(up[0], &c, 1) == 1);
	require(!kill(pid, SIGKILL));
	require(child_ends(pid));
	/* either the wait or what was waited for ended first */
	if (is_found())
		check_ret(destroy(NULL), 0);
	check(!is_found());
}

/* What holds an object keeps it from being destroyed, and nothing else does. */
static void held(void)
{
	uint32_t ioas, other, a, b;
	uint64_t at = 2 * BASE;
	struct device dev;
	struct mem m;
	int fd = iommu_open();

	device_get(&dev, "edu", 0, fd);
	mem_get(&m, MEM_ANON, PAGE);
	ioas = ioas_new(fd);
	other = ioas_new(fd);
	require_ok(ioas_map_at(fd, ioas, m.va, PAGE, BASE));
	require_ok(ioas_copy(fd, other, ioas, MAP_RW | MAP_FIX, BASE, PAGE,
			     &at));
	/* mappings, and copies of them, hold nothing */
	check_ret(iommu_destroy(fd, ioas), 0);
	check_ret(iommu_destroy(fd, ioas), -ENOENT);

	require_ok(hwpt_alloc(fd, dev.id, other, 0, &a));
	require_ok(hwpt_alloc(fd, dev.id, other, 0, &b));
	check_ret(iommu_destroy(fd, other), -EBUSY);
	check_ret(iommu_destroy(fd, dev.id), -EBUSY);
	require_ok(device_attach(&dev, a));
	check_ret(iommu_destroy(fd, a), -EBUSY);
	check_ret(iommu_destroy(fd, other), -EBUSY);
	check_ret(iommu_destroy(fd, dev.id), -EBUSY);
	require_ok(device_attach(&dev, b));
	check_ret(iommu_destroy(fd, b), -EBUSY);
	check_ret(iommu_destroy(fd, a), 0);
	check_ret(iommu_destroy(fd, a), -ENOENT);
	check_ret(device_attach(&dev, a), -ENOENT);
	require_ok(device_detach(&dev));
	check_ret(iommu_destroy(fd, other), -EBUSY);
	check_ret(iommu_destroy(fd, b), 0);
	check_ret(iommu_destroy(fd, dev.id), -EBUSY);
	check_ret(iommu_destroy(fd, other), 0);
	device_close(&dev);
	check_ret(iommu_destroy(fd, dev.id), -ENOENT);
}

/* A failed attach holds nothing, either. */
static void held_by_failure(void)
{
	uint32_t ioas, table, foreign;
	struct device dev;
	int fd = iommu_open(), fd2 = iommu_open();

	device_get(&dev, "edu", 0, fd);
	ioas = ioas_new(fd);
	foreign = ioas_new(fd2);
	require_ok(hwpt_alloc(fd, dev.id, ioas, 0, &table));
	check_ret(device_attach(&dev, dev.id), -EINVAL);
	check_ret(device_attach(&dev, foreign + 1000), -ENOENT);
	check_ret(hwpt_alloc(fd, dev.id, dev.id, 0, &table), -EINVAL);
	check_ret(iommu_destroy(fd, table), 0);
	check_ret(iommu_destroy(fd, ioas), 0);
	check_ret(iommu_destroy(fd2, foreign), 0);
}

/* A page table made by ATTACH comes and goes with its devices. */
static void automatic(void)
{
	uint32_t ioas, other, pt, pt2, again;
	struct device a, b;
	int fd = iommu_open();

	device_get(&a, "edu", 0, fd);
	device_get(&b, "edu", 1, fd);
	pt = pt2 = ioas = ioas_new(fd);
	again = other = ioas_new(fd);
	require_ok(device_attach_out(&a, &pt));
	check(pt != ioas && pt != other && pt != a.id && pt != b.id);
	check_ret(iommu_destroy(fd, pt), -EBUSY);
	require_ok(device_attach_out(&b, &pt2));
	check_eq(pt2, pt);
	require_ok(device_detach(&a));
	check_ret(iommu_destroy(fd, pt), -EBUSY);
	/* the last one goes to another, and the table with it */
	require_ok(device_attach_out(&b, &again));
	check_ret(iommu_destroy(fd, pt), -ENOENT);
	check_ret(device_attach(&a, pt), -ENOENT);
	check_ret(iommu_destroy(fd, ioas), 0);
	/* so it does with a close */
	device_close(&b);
	check_ret(iommu_destroy(fd, again), -ENOENT);
	check_ret(iommu_destroy(fd, other), 0);
}

static const struct test tests[] = {
	{ "destroy_in_map", destroy_in_map },
	{ "destroy_in_ranges", destroy_in_ranges },
	{ "destroyer_killed", destroyer_killed },
	{ "both_killed", both_killed },
	{ "held", held },
	{ "held_by_failure", held_by_failure },
	{ "automatic", automatic },
};

TAP_MAIN("objects", tests)
