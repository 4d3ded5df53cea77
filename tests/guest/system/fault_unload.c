// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests that come while what they are for ends, and the modules with it.  The device
 * isn't reset when its file is closed, so nothing but the IOMMU stops it.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "page_scene.h"
#include "plug.h"
#include "reload.h"
#include "tap.h"

#define ROUNDS	3

/* How a device is reset by its functions: "\n" for not at all. */
static int set_reset(const char *how)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset_method",
		 device_find("edu", 0));
	return write_file(path, how);
}

/* Leaves with a device that asks on and on, and with requests on their way. */
static void leave(int round)
{
	fault_t fault[4];

	pages_up();
	edu_ask_more(&pages.edu, 3);
	for (int i = 0; i < 100; i++)
		edu_ask(&pages.edu, PAGES_IOVA);
	for (int i = 0; i < round; i++)
		check_eq(pages_next(fault, 4), 4);
	edu_set_tries(&pages.edu, 1000000);
	edu_repeat(&pages.edu, true);
	pages_start(PAGES_IOVA + 4 * PAGE);
}

static void unload(void)
{
	int pid, status;

	if (tap_oracle())
		tap_skip("VFIO has Linux's own module in use");
	/* Is there anything to ask with? */
	pages_up();
	pages_down();
	close(pages.queue.fd);
	close(pages.fd);
	pages_need_guard();
	require_ok(set_reset("\n"));
	for (int round = 0; round < ROUNDS; round++) {
		pid = fork();
		if (!pid) {
			leave(round);
			_exit(tap_failures() ? 1 : 7);
		}
		/* Nothing ends the test here: the device is given its reset back. */
		if (!check(pid > 0 && waitpid(pid, &status, 0) == pid &&
			   WIFEXITED(status) && WEXITSTATUS(status) == 7) ||
		    !check(modules_unload()) || !check(modules_load("")))
			break;
	}
	require_ok(set_reset("default"));
	pages_up();
	pages_check_works(0);
	pages_down();
}

static const struct test tests[] = {
	{ "unload", unload, 180 },
};

TAP_MAIN("fault_unload", tests)
