// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process that maps is frozen by its cgroup, or stopped: as soon as its call has returned, and
 * without harm to others; it goes on, and can be killed meanwhile.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "pin_scene.h"
#include "stuck.h"
#include "tap.h"

#define GROUP	CGROUPS "frozen"
#define ROUNDS	12

/* Shared with the processes that map. */
static struct shared {
	unsigned int calls, returned;
	int ret;
	struct trap trap;
} *s;

static void set_up(void)
{
	cgroup_new(GROUP);
	if (!cgroup_has(GROUP, "cgroup.freeze"))
		tap_skip("no freezer");
	pin_attach();
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(s != MAP_FAILED);
}

static void freeze(bool on)
{
	cgroup_set(GROUP, "cgroup.freeze", on ? "1" : "0");
}

static bool is_frozen(long long want)
{
	return cgroup_becomes(GROUP, "cgroup.events", "frozen", want);
}

static unsigned int get(unsigned int *n)
{
	return __atomic_load_n(n, __ATOMIC_SEQ_CST);
}

static void add(unsigned int *n)
{
	__atomic_fetch_add(n, 1, __ATOMIC_SEQ_CST);
}

static bool exceeds(unsigned int *n, unsigned int value)
{
	double end = tap_now() + 10 * tap_patience();

	while (get(n) <= value) {
		if (tap_now() > end)
			return false;
		usleep(1000);
	}
	return true;
}

/* Maps over and over, each time memory that isn't there. */
static void map_forever(void)
{
	cgroup_enter(GROUP);
	for (;;) {
		mem_get(&pin.m, MEM_ANON, PIN_SIZE);
		add(&s->calls);
		if (pin_map(NULL))
			_exit(1);
		add(&s->returned);
		if (ioas_unmap(pin.fd, pin.ioas, PIN_BASE, PIN_SIZE, NULL))
			_exit(1);
		mem_put(&pin.m);
	}
}

/* Comes to some place in a call, with help if there is any. */
static bool meet(int pid, int i)
{
	bool met = false;

	require(exceeds(&s->calls, get(&s->calls)));
	for (int tries = 0; tries < 50 && pin_is_shared() && !met; tries++) {
		met = pin_helpers_in(pid, "/frozen\n");
		if (!met)
			usleep(1000);
	}
	usleep(i % 4 * 3700);
	return met;
}

/* Nothing that it has keeps others from the address space. */
static void check_space(void)
{
	static struct mem m;
	uint64_t unmapped = 0;

	if (!m.va)
		mem_get(&m, MEM_ANON, 16 * PAGE);
	check_ret(ioas_map_at(pin.fd, pin.ioas, m.va, m.size, PIN_BASE2), 0);
	check_ret(ioas_unmap(pin.fd, pin.ioas, PIN_BASE2, m.size, &unmapped), 0);
	check_eq(unmapped, m.size);
}

static void check_still(void)
{
	unsigned int calls = get(&s->calls), returned = get(&s->returned);

	check_space();
	usleep(50000);
	check_eq(get(&s->calls), calls);
	check_eq(get(&s->returned), returned);
}

static void frozen(void)
{
	unsigned int met = 0;
	int pid;

	set_up();
	pid = child_start(map_forever);
	for (int i = 0; i < ROUNDS && !tap_failures(); i++) {
		met += meet(pid, i);
		freeze(true);
		if (check_msg(is_frozen(1), "round %d: the group isn't frozen", i))
			check_still();
		freeze(false);
		check(is_frozen(0));
		check(exceeds(&s->returned, get(&s->returned)));
	}
	check(met || !pin_is_shared());
	check(!waitpid(pid, NULL, WNOHANG));
	kill(pid, SIGKILL);
	check(child_ends(pid));
	cgroup_remove(GROUP);
	ioas_unmap_all(pin.fd, pin.ioas);
}

/* Killed where it is frozen, or on the way to it */
static void killed(void)
{
	long long pins;
	int pid;

	set_up();
	pins = meters_pins();
	for (int i = 0; i < ROUNDS && !tap_failures(); i++) {
		pid = child_start(map_forever);
		meet(pid, i);
		freeze(true);
		check(i % 2 || is_frozen(1));
		kill(pid, SIGKILL);
		check(child_ends(pid));
		freeze(false);
		ioas_unmap_all(pin.fd, pin.ioas);
		check_eq(meters_wait_pins(pins), pins);
	}
	cgroup_remove(GROUP);
}

static int map_trap(void *arg)
{
	(void)arg;
	return ioas_map_at(pin.fd, pin.ioas, s->trap.va, s->trap.size, PIN_BASE);
}

/* Its call waits for a page until somebody else provides it. */
static void map_stuck(void)
{
	struct call c;

	cgroup_enter(GROUP);
	trap_set(&s->trap, PAGE);
	call_start(&c, map_trap, NULL);
	trap_wait(&s->trap);
	add(&s->calls);
	while (!call_over(&c))
		usleep(1000);
	s->ret = c.ret;
	add(&s->returned);
	pause();
}

static int start_stuck(void)
{
	int pid, pidfd;

	if (kernel_before(6, 3))
		tap_skip("this Linux doesn't wait for a userfaultfd to pin");
	set_up();
	pid = child_start(map_stuck);
	require(exceeds(&s->calls, 0));
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	s->trap.fd = syscall(SYS_pidfd_getfd, pidfd, s->trap.fd, 0);
	require(pidfd >= 0 && s->trap.fd >= 0);
	close(pidfd);
	return pid;
}

static void check_returned(int pid)
{
	check(exceeds(&s->returned, 0));
	check_ret(s->ret, 0);
	check_eq(ioas_unmap_all(pin.fd, pin.ioas), PAGE);
	kill(pid, SIGKILL);
	check(child_ends(pid));
	cgroup_remove(GROUP);
}

static void frozen_stuck(void)
{
	int pid = start_stuck();

	freeze(true);
	check_still();
	check_eq(cgroup_field(GROUP, "cgroup.events", "frozen"), 0);
	trap_release(&s->trap);
	check(is_frozen(1));
	check_still();
	freeze(false);
	check_returned(pid);
}

static void killed_stuck(void)
{
	int pid = start_stuck();

	freeze(true);
	check_still();
	kill(pid, SIGKILL);
	check(child_ends(pid));
	check_space();
	check_eq(ioas_unmap_all(pin.fd, pin.ioas), 0);
	cgroup_remove(GROUP);
}

static void stopped_stuck(void)
{
	int pid = start_stuck(), status = 0;

	kill(pid, SIGSTOP);
	check_still();
	check_eq(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	trap_release(&s->trap);
	require(waitpid(pid, &status, WUNTRACED) == pid);
	check(WIFSTOPPED(status));
	check_still();
	kill(pid, SIGCONT);
	check_returned(pid);
}

static const struct test tests[] = {
	{ "frozen", frozen, 240 },
	{ "killed", killed, 240 },
	{ "frozen_stuck", frozen_stuck },
	{ "killed_stuck", killed_stuck },
	{ "stopped_stuck", stopped_stuck },
};

TAP_MAIN("frozen", tests)
