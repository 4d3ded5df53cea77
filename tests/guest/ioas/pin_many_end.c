// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large mappings that several kernel threads pin together, and what ends such a call: an
 * error, a page fault that takes its time, the end of the process.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "pin_scene.h"
#include "stuck.h"
#include "tap.h"

/* The last page takes its time. */
static struct trap trap;

static void set_trap(void)
{
	pin_attach();
	trap_set(&trap, PAGE);
	pin.m = (struct mem){ .va = trap.va + PAGE - PIN_SIZE, .size = PIN_SIZE, .fd = -1 };
	require(mmap(pin.m.va, PIN_SIZE - PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == pin.m.va);
}

static void stall(void)
{
	set_trap();
	if (kernel_before(6, 2)) {
		check_ret(pin_map(NULL), -EFAULT);	/* it can't wait there */
		return;
	}
	call_start(&pin.call, pin_map, NULL);
	trap_wait(&trap);
	usleep(200000);
	trap_release(&trap);
	check(call_returns(&pin.call));
	check_ret(pin.call.ret, 0);
	pin_unmap();
	pin_check_alone();
}

/* An error isn't kept waiting by a page fault above it. */
static void error_first(void)
{
	const uint64_t trapped = 30 * HUGE;
	uint8_t *bad;

	pin_attach();
	trap_set(&trap, PIN_SIZE + HUGE);
	pin.m.va = (void *)(uintptr_t)(((uintptr_t)trap.va + HUGE - 1) & -HUGE);
	pin.m.size = PIN_SIZE;
	/* one page is left of the trap */
	require(mmap(pin.m.va, trapped, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == pin.m.va);
	require(mmap(pin.m.va + trapped + PAGE, PIN_SIZE - trapped - PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	for (int i = 0; i < 6; i++) {
		bad = pin.m.va + trapped - i * HUGE - PAGE;
		require(!mprotect(bad, PAGE, PROT_NONE));
		check_returns(pin_map, NULL, -EFAULT);
		check_eq(meters_vmpin(), 0);
		require(!mprotect(bad, PAGE, PROT_READ | PROT_WRITE));
		require(!madvise(pin.m.va, trapped, MADV_DONTNEED));
	}
}

/* A child of fork() has no trap of its own, so it makes one. */
static void stall_child(const int *ready)
{
	set_trap();
	call_start(&pin.call, pin_map, NULL);
	trap_wait(&trap);
	usleep(100000);
	require(write(ready[1], "", 1) == 1);
	pause();
}

static void stall_killed(void)
{
	long long pins = meters_pins();
	int ready[2], pid;
	char c;

	if (kernel_before(6, 2))
		tap_skip("Linux 6.1 doesn't wait there");
	require(!pipe(ready));
	pid = fork();
	require(pid >= 0);
	if (!pid) {
		stall_child(ready);
		_exit(0);
	}
	require(read(ready[0], &c, 1) == 1);
	kill(pid, SIGKILL);
	check(child_ends(pid));
	check_eq(meters_wait_pins(pins), pins);
}

static int start_mapping(void (*also)(void))
{
	int pid = fork();

	require(pid >= 0);
	if (pid)
		return pid;
	if (also)
		also();
	pin_attach();
	pin_map_forever(NULL);
}

/* Lets it come to some place in its work. */
static bool wait_for_help(int pid, int i)
{
	bool met = false;

	for (int tries = 0; tries < 2000 && !met; tries++) {
		met = pin_helpers(pid);
		if (!met)
			usleep(1000);
		if (!pin_is_shared() && tries > 50)
			break;
	}
	usleep(i * 3700);
	return met;
}

static void killed(void)
{
	long long pins = meters_pins();
	unsigned int met = 0;

	for (int i = 0; i < 6; i++) {
		int pid = start_mapping(NULL);

		met += wait_for_help(pid, i);
		kill(pid, SIGKILL);
		check(child_ends(pid));
		check_eq(meters_wait_pins(pins), pins);
	}
	check(met || !pin_is_shared());
}

/*
 * Another thread ends the process, or makes it another one, while threads help: it comes to
 * some place in their work, and tells the test's process, which shares the page.
 */
static struct end {
	unsigned int delay, met;
} *end;

static void wait_to_end(void)
{
	if (wait_for_help(getpid(), 0))
		__atomic_fetch_add(&end->met, 1, __ATOMIC_SEQ_CST);
	usleep(end->delay);
}

static void *end_soon(void *arg)
{
	(void)arg;
	wait_to_end();
	_exit(3);
}

static void *exec_soon(void *arg)
{
	(void)arg;
	wait_to_end();
	execl("/bin/true", "true", NULL);
	execl("/bin/busybox", "true", NULL);
	_exit(4);
}

static void also_end(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, end_soon, NULL);
}

static void also_exec(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, exec_soon, NULL);
}

static void ended_by(void (*also)(void))
{
	long long pins = meters_pins();

	end = mmap(NULL, sizeof(*end), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(end != MAP_FAILED);
	for (int i = 0; i < 8; i++) {
		end->delay = i * 3700;
		check(child_ends(start_mapping(also)));
		check_eq(meters_wait_pins(pins), pins);
	}
	tap_diag("%u of 8 ended while threads helped", end->met);
	check(end->met || !pin_is_shared());
}

static void exited(void) { ended_by(also_end); }
static void executed(void) { ended_by(also_exec); }

/* ^Z stops all of it, and it goes on. */
static void stopped(void)
{
	int pid = start_mapping(NULL), status = 0;
	unsigned int met = 0;

	for (int i = 0; i < 8; i++) {
		met += wait_for_help(pid, i % 5);
		require(!kill(pid, SIGSTOP));
		for (int t = 0; t < 1000 && !status; t++) {
			if (waitpid(pid, &status, WUNTRACED | WNOHANG) != pid)
				usleep(10000);
		}
		check_msg(WIFSTOPPED(status), "round %d: not stopped", i);
		require(!kill(pid, SIGCONT));
		status = 0;
	}
	check(met || !pin_is_shared());
	kill(pid, SIGSTOP);
	usleep(20000);
	kill(pid, SIGKILL);
	check(child_ends(pid));
}

static const struct test tests[] = {
	{ "stall", stall, 120 },
	{ "error_first", error_first, 240 },
	{ "stall_killed", stall_killed },
	{ "killed", killed, 120 },
	{ "exited", exited, 120 },
	{ "executed", executed, 120 },
	{ "stopped", stopped, 120 },
};

TAP_MAIN("pin_many_end", tests)
