/* SPDX-License-Identifier: GPL-2.0-only */
/* What iommufdctl found out, as lines for people or as JSON. */
#ifndef IOMMUFDCTL_REPORT_H
#define IOMMUFDCTL_REPORT_H

#include <stdbool.h>
#include <stdio.h>

/* Exit status */
enum {
	EXIT_GOOD,		/* no check failed */
	EXIT_CHECK_FAILED,
	EXIT_USAGE,
	EXIT_NO_LOOK,		/* what was asked for can't be looked at */
};

enum status { PASS, INFO, WARN, FAIL };

extern bool report_json;

/*
 * One result of doctor or try.  Names are an interface: scripts go by them.  @fix is a
 * command, or several with a newline between them, that an administrator may run, or NULL.
 */
__attribute__((format(printf, 4, 5)))
void report(const char *name, enum status status, const char *fix, const char *format, ...);
/* Did this check fail? Those that depend on it aren't made then. */
bool report_failed(const char *name);
/* Prints what was collected; returns the exit status. */
int report_end(const char *command, const char *device);

/* For other output: "text" with what JSON wants escaped. */
void json_string(FILE *out, const char *text);

/* Collects a string, e.g. the names of several processes. */
struct text {
	char *chars;
	size_t length;
};
__attribute__((format(printf, 2, 3)))
void text_add(struct text *text, const char *format, ...);
/* The string, which stays valid until the program ends. */
const char *text_end(const struct text *text);

/* printf() into memory that stays valid until the program ends. */
__attribute__((format(printf, 1, 2)))
const char *text_print(const char *format, ...);

#endif
