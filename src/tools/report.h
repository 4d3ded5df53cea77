/* SPDX-License-Identifier: GPL-2.0-only */
/* Results, as text or JSON. */
#ifndef IOMMUFDCTL_REPORT_H
#define IOMMUFDCTL_REPORT_H

#include <stdbool.h>
#include <stdio.h>

/* Exit status. */
enum {
	EXIT_GOOD,		/* no check failed */
	EXIT_CHECK_FAILED,
	EXIT_USAGE,
	EXIT_NO_LOOK,		/* couldn't check */
};

enum status { PASS, INFO, WARN, FAIL };

extern bool report_json;

/*
 * Add one result of doctor or try.  @name is an interface to scripts.  @fix:
 * one or more commands, separated by newlines, for an administrator to run, or
 * NULL.
 */
__attribute__((format(printf, 4, 5)))
void report(const char *name, enum status status, const char *fix, const char *format, ...);
/* Returns true if this check has failed; skip those that depend on it. */
bool report_failed(const char *name);
/* Print the results.  Returns the exit status. */
int report_end(const char *command, const char *device);

/* Print "text" with JSON escapes. */
void json_string(FILE *out, const char *text);

/* A string under construction, e.g. names of processes. */
struct text {
	char *chars;
	size_t length;
};
__attribute__((format(printf, 2, 3)))
void text_add(struct text *text, const char *format, ...);
/* Returns the string; it is never freed. */
const char *text_end(const struct text *text);

/* printf() to memory that is never freed. */
__attribute__((format(printf, 1, 2)))
const char *text_print(const char *format, ...);

#endif
