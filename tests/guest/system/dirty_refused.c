// SPDX-License-Identifier: GPL-2.0-only
/*
 * A page table of Linux 6.12's driver that isn't what the driver translates by: it isn't
 * walked for dirty pages, the driver is asked instead, and that is logged once.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dirty.h"
#include "edu.h"
#include "klog.h"
#include "mem.h"
#include "plug.h"
#include "reload.h"
#include "tap.h"
#include "trace.h"

#define IOVA	(64 * MIB)
#define PAGES	(32u * 512)
#define WHY	"the driver translates otherwise than the page table that was found"
#define TRACING	"/sys/kernel/tracing"
#define PROBE	TRACING "/events/kprobes/reading"

static const unsigned int written[] = { 3, 4095, 4096, 9000, PAGES - 1 };

static struct world {
	struct dirty d;
	struct device dev;
	struct edu edu;
	struct mem m;
	uint8_t bits[PAGES / 8];
	char state[80];			/* the beginning of the shim's line in sysfs */
} w;

/* The shim that finds this machine's page tables, or the test is skipped. */
static void need_shim(void)
{
	static const char *const names[] = { "vtd-dirty", "amd-dirty" };
	const char *shims;

	if (access("/sys/module/iommufd/parameters/driver_pt_spoils", R_OK))
		tap_skip("no test build for a kernel whose drivers' page tables are walked");
	shims = slurp("/sys/module/iommufd/parameters/shims");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(w.state, sizeof(w.state), "\n%s: ", names[i]);
		if (strstr(shims, w.state) &&
		    strncmp(strstr(shims, w.state) + strlen(w.state), "not needed", 10))
			return;
	}
	tap_skip("no IOMMU whose page tables are walked");
}

static bool state_is(const char *text)
{
	const char *at = strstr(slurp("/sys/module/iommufd/parameters/shims"), w.state);

	return at && !strncmp(at + strlen(w.state), text, strlen(text));
}

static void up(void)
{
	w.d.fd = iommu_open();
	w.d.ioas = ioas_new(w.d.fd);
	device_get(&w.dev, "edu", 0, w.d.fd);
	edu_init(&w.edu, &w.dev);
	w.edu.limit = UINT64_MAX;
	require_ok(hwpt_alloc(w.d.fd, w.dev.id, w.d.ioas, IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
			      &w.d.hwpt));
	require_ok(device_attach(&w.dev, w.d.hwpt));
	require_ok(option_set(w.d.fd, IOMMU_OPTION_HUGE_PAGES, w.d.ioas, 0));
	mem_get(&w.m, MEM_ANON, PAGES * PAGE);
	memset(w.m.va, 1, w.m.size);
	require_ok(ioas_map_at(w.d.fd, w.d.ioas, w.m.va, w.m.size, IOVA));
	/* A small area is read before it, with the same lock. */
	require_ok(ioas_map_at(w.d.fd, w.d.ioas, w.m.va, PAGE, IOVA - MIB));
}

static void check_told(bool wrote)
{
	memset(w.bits, 0, sizeof(w.bits));
	require_ok(dirty_get(&w.d, IOVA, PAGES * PAGE, PAGE, w.bits, 0));
	for (unsigned int i = 0; i < PAGES; i++) {
		bool want = false;

		for (size_t n = 0; n < ARRAY_SIZE(written); n++)
			want |= wrote && written[n] == i;
		if (!check_msg(bit(w.bits, i) == want, "page %u is %s", i,
			       want ? "lost" : "told for nothing"))
			return;
	}
}

static void write_pages(void)
{
	for (size_t n = 0; n < ARRAY_SIZE(written); n++)
		require_ok(edu_store(&w.edu, IOVA + written[n] * PAGE, 0, 8));
}

/* Counts how often this process waits for one of the locks of a reading. */
static void probe_begin(void)
{
	char pid[32];

	snprintf(pid, sizeof(pid), "common_pid == %d", getpid());
	require_ok(write_file(TRACING "/kprobe_events", "p:reading down_read_killable\n"));
	require_ok(write_file(PROBE "/filter", pid));
	empty_file(TRACING "/trace");
	require_ok(write_file(PROBE "/enable", "1"));
}

static unsigned int probe_end(void)
{
	const char *text;
	unsigned int n = 0;

	require_ok(write_file(PROBE "/enable", "0"));
	text = slurp(TRACING "/trace");
	for (; (text = strstr(text, "reading: ")); text++)
		n++;
	require_ok(write_file(TRACING "/kprobe_events", "-:reading\n"));
	return n;
}

static void read_spoilt(void *arg)
{
	unsigned int locked;
	int klog = klog_open();

	(void)arg;
	up();
	/* Tracking begins by reading all of it, and that is refused in the midst of it. */
	probe_begin();
	require_ok(dirty_set(w.d.fd, w.d.hwpt, true));
	locked = probe_end();
	tap_diag("%u times for a lock", locked);
	/* Two each time: the lock is held for a quarter of what is mapped at the most. */
	check(locked >= 2 * 4);
	check(state_is(WHY "\n"));
	check(klog_says(klog, WHY, 1000 * tap_patience()));
	for (int i = 0; i < 2; i++) {
		write_pages();
		check_told(true);
		check_told(false);
	}
	check(!klog_says(klog, WHY, 1));
	check(state_is(WHY "\n"));
	edu_fini(&w.edu);
	device_close(&w.dev);
	close(w.d.fd);
}

static void spoilt(const char *what)
{
	char parameter[64];

	need_shim();
	if (access(TRACING "/kprobe_events", W_OK))
		tap_skip("this kernel has no kprobes");
	snprintf(parameter, sizeof(parameter), "driver_pt_spoils=%s", what);
	require(modules_unload() && modules_load(parameter));
	check(state_is("on\n"));
	tap_join(tap_spawn(read_spoilt, NULL));
	/* As it was for the programs that follow, whatever came of it. */
	if (tap_failures())
		write_file(TRACING "/kprobe_events", "-:reading\n");
	require(modules_unload() && modules_load(""));
	check(state_is("on\n"));
}

static void root(void)
{
	spoilt("root");
}

static void levels(void)
{
	spoilt("levels");
}

static const struct test tests[] = {
	{ "root", root, 120 },
	{ "levels", levels, 120 },
};

TAP_MAIN("dirty_refused", tests)
