/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of /sys, /proc, /dev and /lib/modules. */
#ifndef IOMMUFDCTL_FILES_H
#define IOMMUFDCTL_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A path as printf() makes it, below the root that a test build takes from the environment.
 * Of the last few calls only.
 */
__attribute__((format(printf, 1, 2)))
const char *path_at(const char *format, ...);

bool file_exists(const char *path);
/* A file's text without a last newline; false if it can't be read. */
bool file_read(const char *path, char *text, size_t size);
/* Does it have a line that begins with this? */
bool file_has(const char *path, const char *start);
/* Does the text of a file have this anywhere? */
bool file_mentions(const char *path, const char *word);
/* The last part of what a link leads to; false if there is no link. */
bool link_name(const char *path, char *name, size_t size);

/* Calls back for each entry but those with a dot; false if there is no such directory. */
typedef void entry_fn(const char *name, void *data);
bool directory_each(const char *path, entry_fn *fn, void *data);
/* The only entry, or the first; false if there is none. */
bool directory_first(const char *path, char *name, size_t size);

/* The running kernel's release */
const char *kernel_release(void);

#endif
