/* SPDX-License-Identifier: GPL-2.0-only */
/* What the module tells by its tracepoints, in tracefs. */
#ifndef TESTS_GUEST_TRACE_H
#define TESTS_GUEST_TRACE_H

#include <stdbool.h>
#include <stdio.h>

#include "tap.h"

/* The whole of a file, as a string that lasts until the next call. */
const char *slurp(const char *path);

/* So are tracefs's files emptied. */
void empty_file(const char *path);

/* The number that follows a word of a text; ends the test without that word. */
unsigned long long number_after(const char *text, const char *word);

/* Our tracepoints only; the test is skipped where there are none. */
void trace_begin(void);
void trace_end(void);

/* Was there an event with these words? */
bool traced(const char *event, const char *words);

#define check_traced(event, ...) do {					\
		char words_[256];					\
									\
		snprintf(words_, sizeof(words_), __VA_ARGS__);		\
		check(traced(event, words_));				\
	} while (0)

#endif
