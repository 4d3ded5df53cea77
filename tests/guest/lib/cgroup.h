/* SPDX-License-Identifier: GPL-2.0-only */
/* cgroups of tests, below CGROUPS. */
#ifndef TESTS_GUEST_CGROUP_H
#define TESTS_GUEST_CGROUP_H

#include <stdbool.h>

#define CGROUPS	"/tmp/cgroup/"

/* Makes a cgroup, with the controllers of memory and cpusets if the kernel has them. */
void cgroup_new(const char *path);
/* The same, and moves this process into it. */
void cgroup_enter(const char *path);

/* Does it have that file?  Writes it; reads the number that is all of it. */
bool cgroup_has(const char *path, const char *file);
void cgroup_set(const char *path, const char *file, const char *text);
long long cgroup_number(const char *path, const char *file);
/* The number that follows a name in it, or -1. */
long long cgroup_field(const char *path, const char *file, const char *name);
/* Waits, for a bounded time, until the number that follows a name is @want. */
bool cgroup_becomes(const char *path, const char *file, const char *name, long long want);

/* Checks that it can be removed, waiting for a bounded time until it has no task. */
void cgroup_remove(const char *path);

#endif
