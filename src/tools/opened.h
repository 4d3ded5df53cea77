/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Open files of processes, and their fdinfo (/proc/PID/fd and
 * /proc/PID/fdinfo).
 */
#ifndef IOMMUFDCTL_OPENED_H
#define IOMMUFDCTL_OPENED_H

#include <stdbool.h>
#include <sys/types.h>

#include "report.h"

struct opened {
	pid_t pid;
	int fd;
	char program[32];
	char path[64];			/* of the open file */
};

/*
 * Call @fn for each open file whose path begins with @start.  Returns false if
 * the files of some processes aren't accessible to this user.
 */
typedef void opened_fn(const struct opened *opened, void *data);
bool opened_each(const char *start, opened_fn *fn, void *data);
/* Same for one process.  Returns false if its files aren't accessible. */
bool opened_by(pid_t pid, const char *start, opened_fn *fn, void *data);
/*
 * Returns "qemu (123), other (45)": processes with exactly this path open, or
 * "".
 */
const char *opened_names(const char *path);

/*
 * Call @fn for each line of fdinfo, as name and value, without those common to
 * all files.  src/core/fdinfo.h has the names; Linux's own iommufd has fewer.
 */
typedef void info_fn(const char *name, const char *value, void *data);
void opened_info(const struct opened *opened, info_fn *fn, void *data);

#endif
