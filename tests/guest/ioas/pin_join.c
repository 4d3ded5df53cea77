// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that help a process to pin come into its cgroups, for which the kernel holds up
 * every fork() and exec(): how often that happens isn't the process's to say.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include "cgroup.h"
#include "device.h"
#include "edu.h"
#include "iommu.h"
#include "mem.h"
#include "plug.h"
#include "tap.h"
#include "trace.h"

#define TRACING	"/sys/kernel/tracing/"
#define EVENT	"pin_join"
#define SIZE	(64 * MIB)
#define ROUNDS	150

/* Joins in a second, those at once, and what a clock of ticks may add. */
#define RATE	50
#define BURST	16
#define SLACK	2

static void count_joins(void)
{
	int rc;

	rc = write_file(TRACING "kprobe_events", "p:" EVENT " cgroup_attach_task_all");
	if (rc)
		tap_skip("no kprobe for the kernel's function: %s", strerror(-rc));
	require_ok(write_file(TRACING "events/kprobes/" EVENT "/enable", "1"));
}

static void stop_counting(void)
{
	require_ok(write_file(TRACING "events/kprobes/" EVENT "/enable", "0"));
	require_ok(write_file(TRACING "kprobe_events", "-:kprobes/" EVENT));
}

static unsigned int joins(void)
{
	return number_after(slurp(TRACING "kprobe_profile"), EVENT);
}

static void rate(void)
{
	double begin, seconds;
	unsigned int n, most;
	struct device dev;
	struct mem m;
	uint32_t ioas;
	int fd;

	if (tap_oracle() || get_nprocs() < 2)
		tap_skip("no threads help here");
	cgroup_enter(CGROUPS EVENT);
	count_joins();
	fd = iommu_open();
	ioas = ioas_new(fd);
	device_get(&dev, "edu", 0, fd);
	require_ok(device_attach(&dev, ioas));
	mem_get(&m, MEM_THP, SIZE);
	begin = tap_now();
	for (int i = 0; i < ROUNDS; i++) {
		require(!madvise(m.va, m.size, MADV_DONTNEED));
		require_ok(ioas_map_at(fd, ioas, m.va, m.size, EDU_IOVA));
		check_eq(ioas_unmap_all(fd, ioas), m.size);
	}
	seconds = tap_now() - begin;
	n = joins();
	stop_counting();
	most = BURST + (unsigned int)(seconds * RATE) + SLACK;
	tap_diag("%u threads joined in %.1f s", n, seconds);
	check(n > 0);
	if (most >= 2 * ROUNDS)
		tap_skip("this machine is too slow to reach the limit");
	check_msg(n <= most, "%u threads joined, not %u", n, most);
}

static const struct test tests[] = {
	{ "rate", rate, 120 },
};

TAP_MAIN("pin_join", tests)
