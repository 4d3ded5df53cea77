// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mem.h"
#include "meters.h"
#include "tap.h"

enum { EXIT_PASS = 0, EXIT_FAIL = 1, EXIT_SKIP = 77 };

#define DEFAULT_SECONDS 60

/* Shared by the harness, its children and theirs. */
static struct shared {
	unsigned int failures;
	char skip[256];
} *shared;

/* The process that runs the test, and helpers that it started. */
static int test_pid;
static int helpers[64];
static unsigned int num_helpers;

bool tap_oracle(void)
{
	const char *s = getenv("ORACLE");

	return s && !strcmp(s, "1");
}

bool kernel_before(unsigned int major, unsigned int minor)
{
	unsigned int a = 0, b = 0;
	struct utsname u;

	uname(&u);
	sscanf(u.release, "%u.%u", &a, &b);
	return a < major || (a == major && b < minor);
}

static unsigned int factor_of(const char *name)
{
	const char *s = getenv(name);
	int n = s ? atoi(s) : 1;

	return n > 0 ? n : 1;
}

unsigned int tap_time_factor(void)
{
	return factor_of("TIME_FACTOR");
}

unsigned int tap_patience(void)
{
	return tap_time_factor() * factor_of("SLOWNESS");
}

unsigned int tap_failures(void)
{
	return __atomic_load_n(&shared->failures, __ATOMIC_SEQ_CST);
}

double tap_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* One write a line, so that lines of several processes do not mix. */
static void line(const char *prefix, const char *fmt, va_list ap)
{
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	printf("%s%s\n", prefix, text);
	fflush(stdout);
}

void tap_diag(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line("# ", fmt, ap);
	va_end(ap);
}

void tap_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(shared->skip, sizeof(shared->skip), fmt, ap);
	va_end(ap);
	_exit(EXIT_SKIP);
}

static void forget_helper(int pid)
{
	for (unsigned int i = 0; i < num_helpers; i++)
		if (helpers[i] == pid)
			helpers[i] = 0;
}

/* What is mapped of a device keeps its file open. */
static void unmap_devices(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long start, end;
	char text[512];

	while (f && fgets(text, sizeof(text), f))
		if ((strstr(text, "/dev/vfio/") || strstr(text, "[vfio")) &&
		    sscanf(text, "%lx-%lx", &start, &end) == 2)
			munmap((void *)start, end - start);
	if (f)
		fclose(f);
}

/*
 * Closes what the test left open.  Nothing is charged to this process then,
 * except for files that other processes hold, so its helpers end first.
 */
static void check_nothing_pinned(void)
{
	for (unsigned int i = 0; i < num_helpers; i++) {
		if (helpers[i] && !kill(helpers[i], SIGKILL))
			waitpid(helpers[i], NULL, 0);
	}
	munlockall();
	unmap_devices();
	fflush(stdout);
	close_range(3, ~0U, 0);
	meters_settle_process();
}

void tap_end(void)
{
	if (getpid() == test_pid && !tap_failures())
		check_nothing_pinned();
	fflush(stdout);
	_exit(tap_failures() ? EXIT_FAIL : EXIT_PASS);
}

bool tap_check(const char *file, int lineno, bool ok, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (ok)
		return true;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	tap_diag("%s:%d: failed: %s", file, lineno, text);
	__atomic_fetch_add(&shared->failures, 1, __ATOMIC_SEQ_CST);
	return false;
}

bool tap_check_eq(const char *file, int lineno, const char *what,
		  unsigned long long got, unsigned long long want)
{
	return tap_check(file, lineno, got == want,
			 "%s is %llu (0x%llx), not %llu (0x%llx)", what, got,
			 got, want, want);
}

static const char *errname(int ret)
{
	const char *name = ret < 0 ? strerrorname_np(-ret) : NULL;

	return name ? name : ret ? "?" : "success";
}

bool tap_check_ret(const char *file, int lineno, const char *what, int got,
		   int want)
{
	return tap_check(file, lineno, got == want, "%s: %d (%s), not %d (%s)",
			 what, got, errname(got), want, errname(want));
}

int tap_spawn(void (*fn)(void *arg), void *arg)
{
	int pid = fork();

	if (pid < 0) {
		tap_diag("fork: %s", strerror(errno));
		exit(EXIT_FAIL);
	}
	if (!pid) {
		fn(arg);
		tap_end();
	}
	if (num_helpers < ARRAY_SIZE(helpers))
		helpers[num_helpers++] = pid;
	return pid;
}

void tap_join(int pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	forget_helper(pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		check_msg(false, "helper process ended by signal %d",
			  WTERMSIG(status));
}

/* Runs one test in a child; the child leads a process group of its own. */
static int run_child(const struct test *t, unsigned int seconds)
{
	int status, pid = fork();

	if (pid < 0)
		return -1;
	if (!pid) {
		setpgid(0, 0);
		signal(SIGALRM, SIG_DFL);
		alarm(seconds);
		test_pid = getpid();
		t->run();
		tap_end();
	}
	setpgid(pid, pid);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	kill(-pid, SIGKILL);	/* helper processes that it left behind */
	return status;
}

/* Returns true unless the test failed. */
static bool run_one(const char *program, const struct test *t, size_t number)
{
	unsigned int seconds = (t->seconds ? t->seconds : DEFAULT_SECONDS) * tap_patience();
	struct meters before;
	double start = tap_now();
	long pool = mem_huge_pool();
	bool ok = false, skip = false;
	int status;

	shared->failures = 0;
	shared->skip[0] = 0;
	meters_read(&before);
	status = run_child(t, seconds);
	mem_huge_restore(pool);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		tap_diag("%s.%s: no end within %u s", program, t->name,
			 seconds);
	else if (WIFSIGNALED(status))
		tap_diag("%s.%s: ended by signal %d", program, t->name,
			 WTERMSIG(status));
	else if (WEXITSTATUS(status) == EXIT_SKIP)
		skip = true;
	else
		ok = WEXITSTATUS(status) == EXIT_PASS;
	if (!meters_settle(&before) || shared->failures)
		ok = skip = false;
	printf("%sok %zu - %s.%s%s%s\n", ok || skip ? "" : "not ", number,
	       program, t->name, skip ? " # SKIP " : "",
	       skip ? shared->skip : "");
	if (tap_now() - start > 10)
		tap_diag("%s.%s took %.0f s", program, t->name,
			 tap_now() - start);
	fflush(stdout);
	return ok || skip;
}

static bool wanted(const char *name, int argc, char **argv)
{
	if (argc < 2)
		return true;
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return false;
}

static bool known(const char *name, const struct test *tests, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(tests[i].name, name))
			return true;
	return false;
}

int tap_main(int argc, char **argv, const char *program,
	     const struct test *tests, size_t count)
{
	size_t planned = 0, number = 0;
	bool good = true;

	for (int i = 1; i < argc; i++) {
		if (known(argv[i], tests, count))
			continue;
		printf("Bail out! %s has no test \"%s\"; it has:", program,
		       argv[i]);
		for (size_t j = 0; j < count; j++)
			printf(" %s", tests[j].name);
		printf("\n");
		return 2;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		printf("Bail out! no memory\n");
		return 2;
	}
	for (size_t i = 0; i < count; i++)
		planned += wanted(tests[i].name, argc, argv);
	printf("TAP version 13\n1..%zu\n", planned);
	fflush(stdout);
	for (size_t i = 0; i < count; i++)
		if (wanted(tests[i].name, argc, argv))
			good &= run_one(program, &tests[i], ++number);
	return good ? 0 : 1;
}
