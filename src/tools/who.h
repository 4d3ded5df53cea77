/* SPDX-License-Identifier: GPL-2.0-only */
/* The user for whom is looked: who runs the program, or another. */
#ifndef IOMMUFDCTL_WHO_H
#define IOMMUFDCTL_WHO_H

#include <stdbool.h>
#include <sys/types.h>

struct who {
	char name[64];
	uid_t uid;
	gid_t gid;
	bool other;		/* not who runs the program */
};

/* @name is NULL for who runs the program; false if there is no such user. */
bool who_find(const char *name, struct who *who);
/* May they open this for reading and writing? */
bool who_may_open(const struct who *who, const char *path);
/* Becomes the user for good; 0 or an errno. */
int who_become(const struct who *who);
/* Does RLIMIT_MEMLOCK not count for them? */
bool who_is_unlimited(const struct who *who);
/* The soft RLIMIT_MEMLOCK, or of a process of theirs; false if unknown. */
bool who_memlock(const struct who *who, unsigned long long *bytes);

#endif
