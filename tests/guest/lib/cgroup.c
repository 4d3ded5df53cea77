// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "cgroup.h"
#include "plug.h"
#include "tap.h"

void cgroup_enter(const char *path)
{
	char procs[128];

	mkdir(CGROUPS, 0755);
	/* -EBUSY: another test has left it there */
	if (mount("none", CGROUPS, "cgroup2", 0, NULL) && errno != EBUSY)
		tap_skip("no cgroup2: %s", strerror(errno));
	write_file(CGROUPS "cgroup.subtree_control", "+memory");
	mkdir(path, 0755);
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
	require_ok(write_file(procs, "0"));
}
