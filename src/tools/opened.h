/* SPDX-License-Identifier: GPL-2.0-only */
/* Who has a file open, and what the kernel tells of it (/proc/PID/fd and fdinfo). */
#ifndef IOMMUFDCTL_OPENED_H
#define IOMMUFDCTL_OPENED_H

#include <stdbool.h>
#include <sys/types.h>

#include "report.h"

struct opened {
	pid_t pid;
	int fd;
	char program[32];
	char path[64];			/* of the file that is open */
};

/*
 * Calls back for each open file whose path begins with this.  Returns false if there were
 * processes whose files this user may not see.
 */
typedef void opened_fn(const struct opened *opened, void *data);
bool opened_each(const char *start, opened_fn *fn, void *data);
/* The same for one process; false if that can't be seen. */
bool opened_by(pid_t pid, const char *start, opened_fn *fn, void *data);
/* "qemu (123), other (45)" for those that have exactly this path open, else "" */
const char *opened_names(const char *path);

/*
 * The kernel's lines for an open file, each as name and value, without those of every file.
 * See src/core/fdinfo.h for the names; Linux's own iommufd has fewer.
 */
typedef void info_fn(const char *name, const char *value, void *data);
void opened_info(const struct opened *opened, info_fn *fn, void *data);

#endif
