// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "meters.h"
#include "tap.h"

/* Closing a file may be finished by a worker after close() returned. */
#define SETTLE_SECONDS 5

long long meters_field(const char *file, const char *name)
{
	size_t len = strlen(name);
	long long value = -1;
	char text[256];
	FILE *f = fopen(file, "r");

	if (!f)
		return -1;
	while (fgets(text, sizeof(text), f))
		if (!strncmp(text, name, len) && strchr(": \t", text[len]) &&
		    sscanf(text + len, "%*[: \t]%lld", &value) == 1)
			break;
	fclose(f);
	return value;
}

/* Folds every CPU's share of the counters into the totals. */
static void refresh(void)
{
	int fd = open("/proc/sys/vm/stat_refresh", O_WRONLY);

	if (fd < 0)
		return;
	if (write(fd, "1", 1) < 0)
		tap_diag("cannot refresh /proc/vmstat");
	close(fd);
}

long long meters_pins(void)
{
	refresh();
	return meters_field("/proc/vmstat", "nr_foll_pin_acquired") -
	       meters_field("/proc/vmstat", "nr_foll_pin_released");
}

void meters_read(struct meters *m)
{
	m->pins = meters_pins();
	m->mlocked = meters_field("/proc/vmstat", "nr_mlock");
	m->huge = meters_field("/proc/meminfo", "HugePages_Total") -
		  meters_field("/proc/meminfo", "HugePages_Free");
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

long long meters_wait_pins(long long want)
{
	double end = tap_now() + SETTLE_SECONDS * tap_patience();
	long long now;

	while ((now = meters_pins()) != want && tap_now() < end)
		pause_ms(5);
	return now;
}

static bool settled(const char *what, long long now, long long before)
{
	if (now != before)
		tap_diag("leak: %s: %lld before the test, %lld after it", what,
			 before, now);
	return now == before;
}

bool meters_settle(const struct meters *before)
{
	double end = tap_now() + SETTLE_SECONDS * tap_patience();
	struct meters now;
	bool ok;

	for (;;) {
		meters_read(&now);
		if (!memcmp(&now, before, sizeof(now)))
			return true;
		if (tap_now() > end)
			break;
		pause_ms(10);
	}
	ok = settled("pinned pages", now.pins, before->pins);
	ok &= settled("locked pages", now.mlocked, before->mlocked);
	ok &= settled("huge pages in use", now.huge, before->huge);
	return ok;
}

static long pages(const char *name)
{
	long long kib = meters_field("/proc/self/status", name);

	return kib < 0 ? 0 : kib * 1024 / sysconf(_SC_PAGESIZE);
}

long meters_vmpin(void)
{
	return pages("VmPin");
}

long meters_vmlck(void)
{
	return pages("VmLck");
}

void meters_settle_process(void)
{
	double end = tap_now() + SETTLE_SECONDS * tap_patience();

	while ((meters_vmpin() || meters_vmlck()) && tap_now() < end)
		pause_ms(5);
	check_msg(!meters_vmpin() && !meters_vmlck(),
		  "all is closed, but VmPin is %ld pages, VmLck %ld",
		  meters_vmpin(), meters_vmlck());
}
