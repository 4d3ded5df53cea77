/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unit tests that print TAP.  A program is a table of named tests, which run one
 * after the other in one process; what a sanitizer finds ends it.  After each
 * test everything that kernel code allocated has to be freed.
 *
 * A check that fails prints where and what.  After twenty of them the rest of the
 * test is silent.
 */
#ifndef SHIM_TAP_H
#define SHIM_TAP_H

#include <stdbool.h>
#include <stddef.h>

struct test {
	const char *name;
	void (*run)(void);
};

#define TAP_MAIN(tests)							\
	int main(int argc, char **argv)					\
	{								\
		return tap_main(argc, argv, tests,			\
				sizeof(tests) / sizeof(tests[0]));	\
	}

/* Runs the tests that the arguments name, or all. */
int tap_main(int argc, char **argv, const struct test *tests, size_t count);

void tap_diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Number of failed checks of the running test. */
unsigned int tap_failures(void);

/* What the test is doing now, printed along with the first check that fails. */
void tap_context(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

bool tap_check(const char *file, int line, bool ok, const char *what);
bool tap_check_eq(const char *file, int line, const char *what,
		  unsigned long long got, unsigned long long want);

/* Each is true if it holds. */
#define check(cond) tap_check(__FILE__, __LINE__, (cond), #cond)
#define check_eq(got, want)						\
	tap_check_eq(__FILE__, __LINE__, #got,				\
		     (unsigned long long)(got), (unsigned long long)(want))

#endif
