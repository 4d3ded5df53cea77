// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "meters.h"
#include "sweep.h"
#include "tap.h"

#define DOOR	"/sys/kernel/debug/iommufd_inject/"
#define LATE	"/sys/module/iommufd/parameters/attachment_late_ms"

/* More calls than any sequence makes. */
#define RUNS_MAX	3000

/* What a run came to, told by the child. */
static struct outcome {
	unsigned long fired;	/* how many calls failed */
	unsigned long seen;	/* and how many there were */
	char where[64];		/* the first that failed */
	bool whole;		/* the sequence came to its end */
} *outcome;

static int door = -1;
static bool failed_once;	/* a step of this run failed, so nothing does any more */

static void read_outcome(void)
{
	char text[160] = {};

	outcome->where[0] = 0;
	if (pread(door, text, sizeof(text) - 1, 0) < 0 ||
	    sscanf(text, "fired %lu of %lu %63[^\n]", &outcome->fired, &outcome->seen,
		   outcome->where) < 2)
		check_msg(false, "cannot read what failed: '%s'", text);
}

static const char *errname(int rc)
{
	const char *name = rc < 0 ? strerrorname_np(-rc) : NULL;

	return name ? name : "success";
}

bool sweep_again(const char *file, int line, const char *what, int rc)
{
	if (failed_once) {
		tap_check(file, line, false, "%s: %s, after a failure of %s", what,
			  errname(rc), outcome->where);
		tap_end();
	}
	read_outcome();
	failed_once = true;
	if (!tap_check(file, line, outcome->fired, "%s: %s, and nothing was made to fail",
		       what, errname(rc)))
		tap_end();
	return true;
}

void sweep_again_gave(const char *file, int line, const char *what, int rc, int late)
{
	if (!tap_check(file, line, rc >= 0 || rc == late,
		       "%s: %s when done again, after a failure of %s", what,
		       errname(rc), outcome->where))
		tap_end();
}

/* In the child: one run. */
static void run_once(void (*prepare)(void), void (*run)(void), unsigned long nth,
		     bool onward)
{
	char text[32];

	door = open(DOOR "fail", O_RDWR | O_CLOEXEC);
	require(door >= 0);
	prepare();
	snprintf(text, sizeof(text), "%lu%s", nth, onward ? "+" : "");
	require(pwrite(door, text, strlen(text), 0) > 0);
	run();
	if (!failed_once)
		read_outcome();
	outcome->whole = true;
	/* Nothing may be charged to this process any more. */
	fflush(stdout);
	close_range(3, ~0U, 0);
	meters_settle_process();
	tap_end();
}

/* Memory that is still there though all files are closed; how many pieces. */
static unsigned int live(bool tell)
{
	FILE *f = fopen(DOOR "live", "re");
	unsigned int n = 0;
	char text[128];

	while (f && fgets(text, sizeof(text), f)) {
		text[strcspn(text, "\n")] = 0;
		if (tell && n < 16)
			tap_diag("still allocated: %s", text);
		n++;
	}
	if (f)
		fclose(f);
	return n;
}

static void track(const char *value)
{
	int fd = open(DOOR "live", O_WRONLY | O_CLOEXEC);

	require(fd >= 0 && write(fd, value, 1) == 1);
	close(fd);
}

/*
 * How long an ended attachment is kept for a page fault that may have found it, 1000 if
 * nobody says otherwise.  No fault of a sweep comes late, and there are thousands of runs,
 * each of which waits for that memory.
 */
static void keep_attachments(const char *ms)
{
	int fd = open(LATE, O_WRONLY | O_CLOEXEC);

	require(fd >= 0 && write(fd, ms, strlen(ms)) > 0);
	close(fd);
}

/* Files may be released a little after they are closed, and devices are. */
static bool settle(const struct meters *before)
{
	double end = tap_now() + 5 * tap_patience();

	while (live(false) && tap_now() < end)
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	if (live(false)) {
		live(true);
		track("0");
		track("1");
		return false;
	}
	return meters_settle(before);
}

/* One run in a child; false when the sweep has to end. */
static bool run_child(void (*prepare)(void), void (*run)(void), unsigned long nth,
		      bool onward)
{
	struct meters before;
	int pid;

	memset(outcome, 0, sizeof(*outcome));
	meters_read(&before);
	pid = fork();
	if (!pid)
		run_once(prepare, run, nth, onward);
	require(pid > 0);
	tap_join(pid);
	if (!settle(&before))
		check_msg(false, "leaked after a failure of %s (%lu%s)", outcome->where, nth,
			  onward ? " and on" : "");
	if (!outcome->whole && !tap_failures())
		check_msg(false, "the run ended early after a failure of %s",
			  outcome->where);
	return outcome->fired && !tap_failures();
}

void sweep(void (*prepare)(void), void (*run)(void))
{
	unsigned long n, step, calls = 0;

	if (access(DOOR "fail", W_OK))
		tap_skip("without iommufd_inject.ko, which test builds have");
	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(outcome != MAP_FAILED);
	keep_attachments("0");
	track("1");
	for (int onward = 0; onward < 2 && !tap_failures(); onward++) {
		/* Slow kernels only sample the second half. */
		step = onward && tap_time_factor() > 1 ? 4 : 1;
		for (n = 1; run_child(prepare, run, n, onward); n += step)
			require(n < RUNS_MAX);
		if (!onward)
			calls = outcome->seen;
	}
	track("0");
	keep_attachments("1000");
	if (!tap_failures())
		tap_diag("%lu calls failed, one at a time; then all from one on", calls);
}

void sweep_sites(void)
{
	FILE *f = fopen(DOOR "sites", "re");
	unsigned long hits, fired, n = 0, reached = 0;
	char file[96], what[48], text[256];
	unsigned int line;

	if (!f)
		tap_skip("without iommufd_inject.ko, which test builds have");
	while (fgets(text, sizeof(text), f)) {
		if (sscanf(text, "%95s %u %47s %lu %lu", file, &line, what, &hits,
			   &fired) != 5 || strncmp(file, "src/", 4))
			continue;
		n++;
		reached += !!fired;
		if (!fired)
			tap_diag("not reached: %s:%u %s", file, line, what);
	}
	fclose(f);
	tap_diag("%lu of %lu calls were made to fail", reached, n);
	/* All of it, where every ioctl can work; a lone test reaches less. */
	check(n > 50);
}
