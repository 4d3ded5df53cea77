/* SPDX-License-Identifier: GPL-2.0-only */
/* The user to check for: the one who runs the program, or another. */
#ifndef IOMMUFDCTL_WHO_H
#define IOMMUFDCTL_WHO_H

#include <stdbool.h>
#include <sys/types.h>

struct who {
	char name[64];
	uid_t uid;
	gid_t gid;
	bool other;		/* not the one who runs the program */
};

/*
 * Look up a user; NULL is the one who runs the program.  Returns false if
 * unknown.
 */
bool who_find(const char *name, struct who *who);
/* Returns true if the user may open the file for reading and writing. */
bool who_may_open(const struct who *who, const char *path);
/* Switch to the user for good.  Returns 0 or an errno. */
int who_become(const struct who *who);
/* Returns true if RLIMIT_MEMLOCK doesn't apply to the user. */
bool who_is_unlimited(const struct who *who);
/*
 * Get the user's soft RLIMIT_MEMLOCK, or that of one of their processes.
 * Returns false if unknown.
 */
bool who_memlock(const struct who *who, unsigned long long *bytes);

#endif
