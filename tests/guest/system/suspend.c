// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine is suspended while a process maps: its tasks are frozen in time, what helps them
 * to pin is no obstacle, and all goes on afterwards, at first without suspending devices
 * (pm_test).  What is mapped stays so when devices are suspended, too, to idle (s2idle; emulated
 * machines have nothing that ends it, so pm_test does) and to memory (S3; the clock ends it).
 *
 * A call that waits for a userfaultfd keeps the machine from being suspended on any kernel, which
 * logs the traces of all tasks then; that isn't tested.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "iommu.h"
#include "mem.h"
#include "pin_scene.h"
#include "plug.h"
#include "stuck.h"
#include "tap.h"
#include "trace.h"

#define POWER	"/sys/power/"
#define DELAY	"/sys/module/suspend/parameters/pm_test_delay"
#define CLOCK	"/sys/class/rtc/rtc0/"
#define ROUNDS	6

/* Shared with the process that maps: its calls. */
static unsigned int *returned;

static void set_up(const char *level)
{
	if (access(POWER "state", W_OK) || !strstr(slurp(POWER "state"), "freeze"))
		tap_skip("this kernel can't be suspended");
	if (access(POWER "pm_test", W_OK))
		tap_skip("this kernel can't be suspended without its devices (CONFIG_PM_DEBUG)");
	returned = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(returned != MAP_FAILED);
	require_ok(write_file(POWER "pm_test", level));
	require_ok(write_file(DELAY, "1"));
}

/* The kernel gives up after twenty seconds, and logs whom it has waited for. */
static void sleep_idle(void)
{
	check_ret(write_file(POWER "state", "freeze"), 0);
}

/*
 * Until the clock's alarm, without which the machine never wakes: if that comes while the machine
 * still gets ready, the kernel gives up, as the alarm is one wakeup more than were counted.
 */
static int sleep_in_memory(unsigned int seconds)
{
	char alarm[16];

	snprintf(alarm, sizeof(alarm), "+%u", seconds);
	require_ok(write_file(CLOCK "wakealarm", "0"));
	/* There was another one meanwhile. */
	if (write_file(POWER "wakeup_count", slurp(POWER "wakeup_count")))
		return -EBUSY;
	require_ok(write_file(CLOCK "wakealarm", alarm));
	return write_file(POWER "state", "mem");
}

static void sleep_memory(void)
{
	int ret = -EBUSY;

	for (unsigned int seconds = 4; ret == -EBUSY && seconds < 100; seconds *= 2)
		ret = sleep_in_memory(seconds);
	check_ret(ret, 0);
}

static unsigned int calls(void)
{
	return __atomic_load_n(returned, __ATOMIC_SEQ_CST);
}

static bool goes_on(void)
{
	double end = tap_now() + 10 * tap_patience();
	unsigned int before = calls();

	while (calls() == before) {
		if (tap_now() > end)
			return false;
		usleep(1000);
	}
	return true;
}

static void map_forever(void)
{
	pin_attach();
	pin_map_forever(returned);
}

static int start(void)
{
	int pid = child_start(map_forever);

	require(goes_on());
	return pid;
}

static void mapping(void)
{
	unsigned int met = 0;
	int pid;

	set_up("freezer");
	pid = start();
	for (int i = 0; i < ROUNDS && !tap_failures(); i++) {
		for (int tries = 0; tries < 200 && !pin_helpers(pid); tries++)
			usleep(1000);
		usleep(i * 3700);
		met += !!pin_helpers(pid);
		sleep_idle();
		check(goes_on());
	}
	tap_diag("threads helped before %u of %u times", met, ROUNDS);
	check(met || !pin_is_shared());
	require_ok(write_file(POWER "pm_test", "none"));
	kill(pid, SIGKILL);
	check(child_ends(pid));
}

/* Memory that is pinned is no obstacle, and is mapped afterwards as it was. */
static void pinned_through(void (*sleep)(void))
{
	const uint64_t at[] = { 0, PIN_SIZE / 2 };

	pin_attach();
	mem_get(&pin.m, MEM_ANON, PIN_SIZE);
	require_ok(pin_map(NULL));
	sleep();
	require_ok(write_file(POWER "pm_test", "none"));
	pin_check_places(at, ARRAY_SIZE(at));
	pin_unmap();
}

static void pinned(void)
{
	set_up("freezer");
	pinned_through(sleep_idle);
}

static void idle(void)
{
	set_up("platform");
	pinned_through(sleep_idle);
}

static void memory(void)
{
	set_up("none");
	if (access(CLOCK "wakealarm", W_OK) || access(POWER "mem_sleep", W_OK) ||
	    !strstr(slurp(POWER "mem_sleep"), "deep"))
		tap_skip("this machine can't be suspended to memory by its clock");
	require_ok(write_file(POWER "mem_sleep", "deep"));
	require_ok(write_file(CLOCK "device/power/wakeup", "enabled"));
	pinned_through(sleep_memory);
}

static const struct test tests[] = {
	{ "pinned", pinned },
	{ "idle", idle },
	{ "memory", memory, 240 },
	{ "mapping", mapping, 240 },
};

TAP_MAIN("suspend", tests)
