/* SPDX-License-Identifier: GPL-2.0-only */
/* cgroups of tests, below CGROUPS. */
#ifndef TESTS_GUEST_CGROUP_H
#define TESTS_GUEST_CGROUP_H

#define CGROUPS	"/tmp/cgroup/"

/* Moves this process into a cgroup, with the controller of memory if the kernel has it. */
void cgroup_enter(const char *path);

#endif
