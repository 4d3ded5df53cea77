// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "meters.h"
#include "plug.h"
#include "tap.h"
#include "trace.h"

#define PATIENCE 10	/* seconds */

static const char *file_of(const char *path, const char *file)
{
	static char full[160];

	snprintf(full, sizeof(full), "%s/%s", path, file);
	return full;
}

void cgroup_new(const char *path)
{
	mkdir(CGROUPS, 0755);
	/* -EBUSY: another test has left it there */
	if (mount("none", CGROUPS, "cgroup2", 0, NULL) && errno != EBUSY)
		tap_skip("no cgroup2: %s", strerror(errno));
	write_file(CGROUPS "cgroup.subtree_control", "+memory");
	write_file(CGROUPS "cgroup.subtree_control", "+cpuset");
	mkdir(path, 0755);
}

void cgroup_enter(const char *path)
{
	cgroup_new(path);
	cgroup_set(path, "cgroup.procs", "0");
}

bool cgroup_has(const char *path, const char *file)
{
	return !access(file_of(path, file), R_OK);
}

void cgroup_set(const char *path, const char *file, const char *text)
{
	require_ok(write_file(file_of(path, file), text));
}

long long cgroup_number(const char *path, const char *file)
{
	return atoll(slurp(file_of(path, file)));
}

long long cgroup_field(const char *path, const char *file, const char *name)
{
	return meters_field(file_of(path, file), name);
}

bool cgroup_becomes(const char *path, const char *file, const char *name, long long want)
{
	double end = tap_now() + PATIENCE * tap_patience();

	while (cgroup_field(path, file, name) != want) {
		if (tap_now() > end)
			return false;
		usleep(2000);
	}
	return true;
}

void cgroup_remove(const char *path)
{
	double end = tap_now() + PATIENCE * tap_patience();

	while (rmdir(path)) {
		if (!check_msg(errno == EBUSY && tap_now() < end, "%s can't be removed: %s", path,
			       strerror(errno)))
			return;
		usleep(2000);
	}
}
