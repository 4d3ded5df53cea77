/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Test programs that print TAP.  A program is a table of named tests; each
 * runs in a child of its own, so that it may fail, hang or be killed without
 * harm to the rest, and whatever it leaves open is closed by its end.
 *
 * After each test the harness compares the system-wide meters (meters.h) with
 * those from before it: a test that leaves memory pinned fails.  Before that the
 * test's own process closes all files, and nothing may be charged to it then.
 *
 * A check that fails prints where and what and lets the test go on; require()
 * ends it.  Functions under test return 0 or a negative errno.
 */
#ifndef TESTS_GUEST_TAP_H
#define TESTS_GUEST_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test {
	const char *name;
	void (*run)(void);
	unsigned int seconds;	/* time limit, 0 for the default of 60 */
};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define TAP_MAIN(program, tests)					\
	int main(int argc, char **argv)					\
	{								\
		return tap_main(argc, argv, program, tests,		\
				ARRAY_SIZE(tests));			\
	}

int tap_main(int argc, char **argv, const char *program,
	     const struct test *tests, size_t count);

/* True when the module under test is Linux's own (ORACLE=1). */
bool tap_oracle(void);

/* Is the running kernel older than this? */
bool kernel_before(unsigned int major, unsigned int minor);

/* How much slower the kernel is than a stock one (TIME_FACTOR): a test may do less by it. */
unsigned int tap_time_factor(void);

/* The same with the machine's slowness when it started: multiplies time limits. */
unsigned int tap_patience(void);

/* Counts the checks of the running test that failed so far. */
unsigned int tap_failures(void);

void tap_diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void tap_skip(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));
void tap_end(void) __attribute__((noreturn));

bool tap_check(const char *file, int line, bool ok, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
bool tap_check_eq(const char *file, int line, const char *what,
		  unsigned long long got, unsigned long long want);
bool tap_check_ret(const char *file, int line, const char *what, int got,
		   int want);

#define check(cond) tap_check(__FILE__, __LINE__, (cond), "%s", #cond)
#define check_msg(cond, ...) \
	tap_check(__FILE__, __LINE__, (cond), __VA_ARGS__)
#define check_eq(got, want)						\
	tap_check_eq(__FILE__, __LINE__, #got,				\
		     (unsigned long long)(got), (unsigned long long)(want))
#define check_ret(expr, want) \
	tap_check_ret(__FILE__, __LINE__, #expr, (expr), (want))

#define require(cond)							\
	do {								\
		if (!check(cond))					\
			tap_end();					\
	} while (0)
#define require_ok(expr)						\
	do {								\
		if (!check_ret(expr, 0))				\
			tap_end();					\
	} while (0)

/*
 * For a helper process of a test: runs fn(arg) in a child and returns the
 * child's ID.  Its failed checks count as soon as tap_join() has seen its end.
 */
int tap_spawn(void (*fn)(void *arg), void *arg);
void tap_join(int pid);

/* Monotonic time in seconds. */
double tap_now(void);

#endif
