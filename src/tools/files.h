/* SPDX-License-Identifier: GPL-2.0-only */
/* Access to files in /sys, /proc, /dev and /lib/modules. */
#ifndef IOMMUFDCTL_FILES_H
#define IOMMUFDCTL_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Format a path, below $IOMMUFDCTL_ROOT in a test build.  Returns a static
 * buffer, valid for the next few calls.
 */
__attribute__((format(printf, 1, 2)))
const char *path_at(const char *format, ...);

bool file_exists(const char *path);
/* Read a file without its final newline.  Returns false on failure. */
bool file_read(const char *path, char *text, size_t size);
/* Returns true if a line of the file begins with @start. */
bool file_has(const char *path, const char *start);
/* Returns true if the file contains @word. */
bool file_mentions(const char *path, const char *word);
/*
 * Get the last component of a symbolic link's target.  Returns false if there
 * is no link.
 */
bool link_name(const char *path, char *name, size_t size);

/*
 * Call @fn for each entry not beginning with a dot.  Returns false if there is
 * no directory.
 */
typedef void entry_fn(const char *name, void *data);
bool directory_each(const char *path, entry_fn *fn, void *data);
/* Get the only or first entry.  Returns false if there is none. */
bool directory_first(const char *path, char *name, size_t size);

/* Returns the release of the running kernel. */
const char *kernel_release(void);

#endif
