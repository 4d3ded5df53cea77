// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process forks while a call of another thread waits in a page fault: the child is there at
 * once and has what its parent has, and the call goes on with pages that no child shares.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "forked.h"
#include "iommu.h"
#include "mem.h"
#include "stall_scene.h"
#include "stuck.h"
#include "tap.h"

static struct mem trap_mem(void)
{
	return (struct mem){ .va = stall.trap.va, .size = stall.trap.size, .fd = -1 };
}

/* A child that has looked, and stays. */
struct child {
	int pid, go[2];
};

static void start(struct child *c)
{
	struct mem m = trap_mem();
	int up[2], status;
	char byte = 0;

	require(!pipe(c->go) && !pipe(up));
	forked_expect();
	c->pid = fork();
	require(c->pid >= 0);
	if (!c->pid) {
		/* its memory isn't a trap */
		byte = forked_look(&m);
		if (write(up[1], &byte, 1) != 1 || read(c->go[0], &byte, 1) != 1)
			_exit(1);
		_exit(forked_look(&m));
	}
	close(up[1]);
	require(read(up[0], &byte, 1) == 1);
	check_eq(byte, 0);
	check(waitpid(c->pid, &status, WNOHANG) == 0);
	close(up[0]);
}

static void end(struct child *c)
{
	int status;

	require(write(c->go[1], "x", 1) == 1);
	require(waitpid(c->pid, &status, 0) == c->pid);
	check_msg(!status, "a child's status is 0x%x", status);
}

static void kill_one(struct child *c)
{
	require(!kill(c->pid, SIGKILL));
	check(child_ends(c->pid));
}

/* Children come while @fn waits; some go before it returns, in both ways, and one after. */
static void check_forks(int (*fn)(void *arg), bool pins)
{
	struct child ended, killed, lasting;
	struct mem m = trap_mem();

	stall_begin(fn);
	start(&ended);
	start(&killed);
	start(&lasting);
	end(&ended);
	kill_one(&killed);
	check(!call_over(&stall.call));
	stall_release(0);
	if (pins)
		forked_keeps(&m);
	end(&lasting);
	if (pins)
		forked_keeps(&m);
}

static void map(void)
{
	stall_need_fault_in_pin();
	stall_up();
	require_ok(device_attach(&stall.dev, stall.ioas));
	check_forks(stall_map_trap, true);
}

static void alloc(void)
{
	stall_need_fault_in_pin();
	stall_up();
	require_ok(stall_map_trap(NULL));
	check_forks(stall_alloc_table, true);
}

static void attach(void)
{
	stall_need_fault_in_pin();
	stall_up();
	require_ok(stall_map_trap(NULL));
	check_forks(stall_attach, true);
}

static void get_info(void)
{
	stall_up();
	check_forks(stall_get_info, false);
}

/* Memory of a space without a device is pinned by the copy. */
static uint32_t apart;

static int copy_trap(void *arg)
{
	uint64_t at = STALL_TRAP;

	(void)arg;
	return ioas_copy(stall.fd, stall.ioas, apart, MAP_RW | MAP_FIX, STALL_TRAP,
			 stall.trap.size, &at);
}

static void copy(void)
{
	stall_need_fault_in_pin();
	stall_up();
	apart = ioas_new(stall.fd);
	require_ok(ioas_map_at(stall.fd, apart, stall.trap.va, stall.trap.size, STALL_TRAP));
	require_ok(device_attach(&stall.dev, stall.ioas));
	check_forks(copy_trap, true);
}

static const struct test tests[] = {
	{ "map", map },
	{ "alloc", alloc },
	{ "attach", attach },
	{ "copy", copy },
	{ "get_info", get_info },
};

TAP_MAIN("stall_fork", tests)
