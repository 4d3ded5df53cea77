// SPDX-License-Identifier: GPL-2.0-only
/*
 * How nested translation ends: its owner is killed at any step or in the midst of one, and
 * the device is reset, taken from its driver or removed.  Afterwards no DMA goes by the old
 * tables, nothing is left, and the next owner has all of the device.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "legacy.h"
#include "nested_guest.h"
#include "plug.h"
#include "tap.h"

#define ELSEWHERE	0x4000000ull	/* no address of a guest's */

static struct nested_guest n;
static struct mem memory;
static long uses;

/* The guest's memory outlives its owner, so that DMA by its tables would be seen. */
static void prepare(void)
{
	if (!device_find("edu", 0))
		tap_skip("needs an edu");
	uses = module_uses();
	nested_memory(&memory);
}

static void check_no_uses(void)
{
	double end = tap_now() + 5 * tap_patience();

	while (module_uses() != uses && tap_now() < end)
		usleep(10000);
	check_eq(module_uses(), uses);
}

/* Nothing that the device does goes by an earlier owner's tables. */
static void check_unreached(struct edu *edu)
{
	require_ok(edu_store(edu, nested_iova(&n), 0, 64));
	require_ok(edu_store(edu, nested_gpa(&n, 0), 0, 64));
	check(nested_is_filled(&memory));
}

/*
 * Who has the device next: not attached, attached to an address space, and with nested page
 * tables of its own.
 */
static void check_next_owner(void)
{
	struct device dev;
	struct edu edu;
	struct mem own;
	uint32_t ioas;
	int fd;

	check_no_uses();
	nested_fill(&memory);
	fd = iommu_open();
	ioas = ioas_new(fd);
	device_get(&dev, "edu", 0, fd);
	edu_init(&edu, &dev);
	edu.limit = UINT64_MAX;
	/* what the last owner has begun */
	edu_wait(&edu);
	check_unreached(&edu);
	mem_get(&own, MEM_ANON, PAGE);
	mem_fill(own.va, 64, 9);
	require_ok(ioas_map_at(fd, ioas, own.va, PAGE, ELSEWHERE));
	require_ok(device_attach(&dev, ioas));
	check_unreached(&edu);
	require_ok(edu_load(&edu, ELSEWHERE, 0, 64));
	require_ok(edu_store(&edu, ELSEWHERE + 64, 0, 64));
	check_eq(mem_differs(own.va + 64, 64, 9), -1);
	check_unreached(&edu);
	edu_fini(&edu);
	device_close(&dev);
	close(fd);
	mem_put(&own);
	nested_up(&n, &memory, 0, NESTED_ATTACHED);
	check_eq(nested_where(&n, nested_iova(&n)), 0);
	check_eq(nested_where(&n, nested_gpa(&n, 0)), -1);
	nested_close(&n);
	check_no_uses();
}

/* What an owner does until it is killed. */
static struct owner {
	int last;			/* step; all, and the context is closed: NESTED_STEPS */
	bool dma;			/* the device is at work then */
	void (*goes_on)(void);		/* again and again */
	volatile unsigned int *rounds;
} owner;

static void owner_runs(void *arg)
{
	(void)arg;
	nested_open(&n, &memory, 0);
	for (int step = 0; step <= owner.last && step < NESTED_STEPS; step++)
		require_ok(nested_try(&n, step));
	/* The context goes before the device. */
	if (owner.last == NESTED_STEPS)
		close(n.fd);
	if (owner.dma)
		nested_dma(&n);
	for (*owner.rounds = 1;; ++*owner.rounds) {
		if (owner.goes_on)
			owner.goes_on();
		else
			usleep(10000);
	}
}

static int owner_start(int last, bool dma, void (*goes_on)(void))
{
	owner.rounds = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
	require(owner.rounds != MAP_FAILED);
	owner.last = last;
	owner.dma = dma;
	owner.goes_on = goes_on;
	return tap_spawn(owner_runs, NULL);
}

/* It has been there so often; false if it ended before. */
static bool owner_has_run(int pid, unsigned int rounds)
{
	double end = tap_now() + 30 * tap_patience();

	while (*owner.rounds < rounds && !ended(pid, 10) && tap_now() < end)
		;
	return *owner.rounds >= rounds;
}

static void owner_killed(int pid)
{
	kill(pid, SIGKILL);
	tap_join(pid);
	munmap((void *)owner.rounds, PAGE);
}

/* Is there nesting at all?  Says why not. */
static void need_nesting(void)
{
	prepare();
	nested_up(&n, &memory, 0, NESTED_PARENT);
	nested_close(&n);
	check_no_uses();
}

static void killed_after(int last, bool dma)
{
	int pid = owner_start(last, dma, NULL);

	check(owner_has_run(pid, 1));
	owner_killed(pid);
	check_next_owner();
}

static void killed_at_each_step(void)
{
	need_nesting();
	/* Slow kernels take every third. */
	for (int step = -1; step <= NESTED_STEPS && !tap_failures();
	     step += tap_time_factor() > 1 ? 3 : 1) {
		killed_after(step, false);
		if (tap_failures())
			tap_diag("killed after step %d", step);
	}
}

static void killed_with_dma(void)
{
	static const int steps[] = { NESTED_ATTACHED, NESTED_REPLACED, NESTED_BACK };

	need_nesting();
	for (size_t i = 0; i < ARRAY_SIZE(steps) && !tap_failures(); i++)
		killed_after(steps[i], true);
}

static void invalidates(void)
{
	require_ok(nested_invalidate(&n));
}

static void moves(void)
{
	require_ok(nested_try(&n, NESTED_REPLACED));
	require_ok(nested_try(&n, NESTED_BACK));
	require_ok(nested_try(&n, NESTED_ATTACHED));
}

static void comes_and_goes(void)
{
	require_ok(device_detach(n.dev));
	require_ok(device_attach(n.dev, n.table[0]));
}

static void makes(void)
{
	require_ok(iommu_destroy(n.fd, n.table[1]));
	require_ok(nested_try(&n, NESTED_OTHER_TABLE));
}

/* In the kernel, most likely. */
static void killed_in_the_midst(void)
{
	static void (*const what[])(void) = { invalidates, moves, comes_and_goes, makes };
	size_t times = tap_time_factor() > 1 ? 1 : 2;

	need_nesting();
	for (size_t i = 0; i < times * ARRAY_SIZE(what) && !tap_failures(); i++) {
		int pid = owner_start(NESTED_ATTACHED, true, what[i / times]);

		check(owner_has_run(pid, 3 + i));
		owner_killed(pid);
		check_next_owner();
		if (tap_failures())
			tap_diag("killed doing %zu", i / times);
	}
}

/* The guest's tables translate after a reset, or nothing does. */
static void reset(void)
{
	unsigned int nth;

	prepare();
	for (nth = 0; device_find("edu", nth); nth++) {
		nested_up(&n, &memory, nth, NESTED_PARENT);
		if (!device_reset(n.dev))
			break;
		nested_close(&n);
	}
	if (!device_find("edu", nth))
		tap_skip("no edu can be reset");
	nested_close(&n);
	nested_up(&n, &memory, nth, NESTED_ATTACHED);
	for (int i = 0; i < 3; i++) {
		check_eq(nested_where(&n, nested_iova(&n)), 0);
		/* While it's at work; what its engine does after a reset is its own affair. */
		nested_dma(&n);
		require_ok(device_reset(n.dev));
		require_ok(device_bus_master(n.dev));
		nested_dma_ends(&n);
		check_eq(nested_where(&n, nested_gpa(&n, 0)), -1);
		check_eq(nested_where(&n, nested_iova(&n)), 0);
		nested_map(&n, 0, 1);
		require_ok(nested_invalidate(&n));
		check_eq(nested_where(&n, nested_iova(&n)), 1);
		nested_map(&n, 0, 0);
		require_ok(nested_invalidate(&n));
		/* And between other tables. */
		require_ok(nested_try(&n, NESTED_REPLACED));
		check_eq(nested_where(&n, nested_iova(&n)), 1);
		require_ok(device_reset(n.dev));
		require_ok(device_bus_master(n.dev));
		check_eq(nested_where(&n, nested_iova(&n)), 1);
		require_ok(nested_try(&n, NESTED_BACK));
		require_ok(device_reset(n.dev));
		require_ok(device_bus_master(n.dev));
		check_eq(nested_where(&n, nested_iova(&n)), -1);
		check_eq(nested_where(&n, nested_gpa(&n, 1)), 1);
		require_ok(nested_try(&n, NESTED_ATTACHED));
	}
	nested_close(&n);
}

/* Takes the driver away, or the whole device, which lasts until its files are closed. */
static int start_to_lose(const char *bdf, bool remove)
{
	struct write_alone w = { .path = "/sys/bus/pci/drivers/vfio-pci/unbind" };

	snprintf(w.text, sizeof(w.text), "%s", remove ? "1" : bdf);
	if (remove)
		snprintf(w.path, sizeof(w.path), "/sys/bus/pci/devices/%s/remove", bdf);
	return tap_spawn(write_alone, &w);
}

static void bring_back(const char *bdf)
{
	double end = tap_now() + 5 * tap_patience();
	char path[96];
	struct device dev;

	write_file("/sys/bus/pci/rescan", "1");
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override", bdf);
	write_file(path, "vfio-pci");
	write_file("/sys/bus/pci/drivers_probe", bdf);
	while (device_open(&dev, bdf)) {
		if (!check_msg(tap_now() < end, "no node after the device came back"))
			tap_end();
		usleep(10000);
	}
	device_close(&dev);
}

/* Nested, at work, and asked to give the device back, by a process whose ID is returned. */
static int lose_in_use(char bdf[16], bool remove)
{
	struct pollfd p = { .events = POLLIN };
	int pid;

	nested_up(&n, &memory, 0, NESTED_ATTACHED);
	snprintf(bdf, 16, "%s", n.dev->bdf);
	/* The other process isn't to have the device open by these. */
	require(!madvise((void *)n.edu->regs, n.edu->size, MADV_DONTFORK));
	nested_dma(&n);
	p.fd = request_eventfd(n.dev);
	pid = start_to_lose(bdf, remove);
	check_eq(poll(&p, 1, 10000 * tap_patience()), 1);
	close(p.fd);
	/* Who has it may use it to the end. */
	nested_dma_ends(&n);
	check_eq(nested_where(&n, nested_iova(&n)), 0);
	require_ok(nested_try(&n, NESTED_REPLACED));
	check_eq(nested_where(&n, nested_iova(&n)), 1);
	nested_map(&n, 1, 2);
	require_ok(nested_invalidate(&n));
	check_eq(nested_where(&n, nested_iova(&n)), 2);
	check(!ended(pid, 100));
	nested_dma(&n);
	return pid;
}

static void check_gone(int pid, const char *bdf, bool remove)
{
	char path[96];

	check(ended(pid, 15000 * tap_patience()));
	tap_join(pid);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", bdf);
	check_eq(!access(path, F_OK), !remove);
}

/* Its owner closes the device before the context, or after it. */
static void lost(bool remove)
{
	char bdf[16];
	int pid;

	need_nesting();
	for (int context_first = 0; context_first < 2 && !tap_failures(); context_first++) {
		pid = lose_in_use(bdf, remove);
		if (context_first)
			close(n.fd);
		nested_close_device(&n);
		check_gone(pid, bdf, remove);
		if (!context_first)
			close(n.fd);
		bring_back(bdf);
		check_next_owner();
	}
}

static void unbound(void)
{
	lost(false);
}

static void removed(void)
{
	lost(true);
}

/* Its owner doesn't listen, and is killed. */
static void lost_and_killed(bool remove)
{
	char bdf[16];
	int pid, loser;

	need_nesting();
	snprintf(bdf, sizeof(bdf), "%s", device_find("edu", 0));
	pid = owner_start(NESTED_ATTACHED, true, moves);
	check(owner_has_run(pid, 2));
	loser = start_to_lose(bdf, remove);
	check(!ended(loser, 200));
	owner_killed(pid);
	check_gone(loser, bdf, remove);
	bring_back(bdf);
	check_next_owner();
}

static void unbound_and_killed(void)
{
	lost_and_killed(false);
}

static void removed_and_killed(void)
{
	lost_and_killed(true);
}

/*
 * The context stays, with its tables.  The device that comes back in the place of the removed
 * one, with the same ID for the IOMMU, can use them.
 */
static void comes_back(void)
{
	char bdf[16];
	int pid;

	need_nesting();
	for (int i = 0; i < 2 && !tap_failures(); i++) {
		pid = lose_in_use(bdf, true);
		nested_close_device(&n);
		/* Invalidating is for the cache, not for the device. */
		require_ok(nested_invalidate(&n));
		check_gone(pid, bdf, true);
		require_ok(nested_invalidate(&n));
		bring_back(bdf);
		require_ok(nested_invalidate(&n));
		nested_open_again(&n);
		nested_fill(&memory);
		edu_wait(n.edu);
		check_unreached(n.edu);
		require_ok(nested_try(&n, NESTED_ON_PARENT));
		check_eq(nested_where(&n, nested_gpa(&n, 1)), 1);
		require_ok(nested_try(&n, NESTED_VDEVICE));
		require_ok(nested_try(&n, NESTED_ATTACHED));
		check_eq(nested_where(&n, nested_iova(&n)), 0);
		check_eq(nested_where(&n, nested_gpa(&n, 1)), -1);
		nested_map(&n, 0, 3);
		check_eq(nested_where(&n, nested_iova(&n)), 0);
		require_ok(nested_invalidate(&n));
		check_eq(nested_where(&n, nested_iova(&n)), 3);
		require_ok(nested_try(&n, NESTED_REPLACED));
		check_eq(nested_where(&n, nested_iova(&n)), 2);
		nested_close(&n);
		check_next_owner();
	}
}

static const struct test tests[] = {
	{ "killed_at_each_step", killed_at_each_step, 240 },
	{ "killed_with_dma", killed_with_dma, 120 },
	{ "killed_in_the_midst", killed_in_the_midst, 240 },
	{ "reset", reset, 120 },
	{ "unbound", unbound, 120 },
	{ "removed", removed, 120 },
	{ "unbound_and_killed", unbound_and_killed, 120 },
	{ "removed_and_killed", removed_and_killed, 120 },
	{ "comes_back", comes_back, 120 },
};

TAP_MAIN("nested_end", tests)
