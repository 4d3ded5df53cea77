// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/slab.h>

#include "tap.h"

#define MANY 20

static unsigned int failures;
static char context[512];

void tap_diag(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
}

unsigned int tap_failures(void)
{
	return failures;
}

void tap_context(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(context, sizeof(context), fmt, ap);
	va_end(ap);
}

/* Counts a failed check; false if it isn't to be shown. */
static bool count_failure(void)
{
	failures++;
	if (context[0])
		tap_diag("%s", context);
	context[0] = 0;
	if (failures == MANY + 1)
		tap_diag("and more");
	return failures <= MANY;
}

bool tap_check(const char *file, int line, bool ok, const char *what)
{
	if (!ok && count_failure())
		tap_diag("%s:%d: failed: %s", file, line, what);
	return ok;
}

bool tap_check_eq(const char *file, int line, const char *what,
		  unsigned long long got, unsigned long long want)
{
	if (got != want && count_failure())
		tap_diag("%s:%d: %s is %lld (0x%llx), not %lld (0x%llx)", file, line,
			 what, got, got, want, want);
	return got == want;
}

static bool wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc < 2;
}

static bool run_one(const struct test *test, size_t number)
{
	size_t before = shim_allocs_live();

	failures = 0;
	context[0] = 0;
	test->run();
	shim_fail_alloc(0);
	if (shim_allocs_live() != before) {
		tap_diag("%zu allocations were not freed", shim_allocs_live() - before);
		failures++;
	}
	printf("%sok %zu - %s\n", failures ? "not " : "", number, test->name);
	return !failures;
}

int tap_main(int argc, char **argv, const struct test *tests, size_t count)
{
	size_t i, number = 0;
	bool good = true;

	setlinebuf(stdout);	/* kept in order with what sanitizers say */
	for (i = 0; i < count; i++)
		if (wanted(tests[i].name, argc, argv))
			good &= run_one(&tests[i], ++number);
	printf("1..%zu\n", number);
	return good ? 0 : 1;
}
