// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that the kernel merges because their content is the same (KSM).  One that is mapped
 * for a device is the process's own: what the device writes changes no twin, and it isn't
 * merged as long as it is mapped.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"
#include "edu.h"
#include "frames.h"
#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "plug.h"
#include "rig.h"
#include "tap.h"

#define KSM		"/sys/kernel/mm/ksm/"
#define TWIN_BASE	(EDU_IOVA + 128 * MIB)
#define PAGES		8ull
#define SIZE		(PAGES * PAGE)
#define PATIENCE	30	/* seconds */

/* Two ranges with the same content. */
static struct {
	struct rig r;
	struct mem a, b;
} s;

static void ksm_set(const char *name, const char *value)
{
	char path[64];

	snprintf(path, sizeof(path), KSM "%s", name);
	check_ret(write_file(path, value), 0);
}

static long ksm_get(const char *name)
{
	char path[64];
	long value = -1;
	FILE *f;

	snprintf(path, sizeof(path), KSM "%s", name);
	f = fopen(path, "re");
	require(f && fscanf(f, "%ld", &value) == 1);
	fclose(f);
	return value;
}

/* Every page is looked at in every scan, and these are frequent. */
static void ksm_start(void)
{
	if (access(KSM "run", F_OK))
		tap_skip("no KSM");
	ksm_set("sleep_millisecs", "10");
	ksm_set("pages_to_scan", "1000");
	if (!access(KSM "smart_scan", F_OK))
		ksm_set("smart_scan", "0");
	ksm_set("run", "1");
}

static void ksm_stop(void)
{
	ksm_set("run", "0");
	ksm_set("use_zero_pages", "0");
}

/* A scan is whole when two more have ended. */
static void ksm_scan(void)
{
	double end = tap_now() + PATIENCE * tap_patience();
	long last = ksm_get("full_scans") + 3;

	while (ksm_get("full_scans") < last && tap_now() < end)
		usleep(10000);
	require(ksm_get("full_scans") >= last);
}

static void twin_fill(struct mem *m, uint32_t seed)
{
	for (unsigned int i = 0; i < PAGES; i++)
		mem_fill(m->va + i * PAGE, PAGE, seed + i);
}

static void twin_get(struct mem *m)
{
	mem_get(m, MEM_ANON, SIZE);
	twin_fill(m, 50);
	if (madvise(m->va, SIZE, MADV_MERGEABLE))
		tap_skip("no KSM for a process: %s", strerror(errno));
}

/* How many pages of both are the same. */
static unsigned int merged(const struct mem *a, const struct mem *b)
{
	unsigned int n = 0;

	for (uint64_t at = 0; at < SIZE; at += PAGE) {
		uint64_t pfn = mem_pfn(a->va + at);

		n += pfn && pfn == mem_pfn(b->va + at) && frame_flags(pfn) & FRAME_KSM;
	}
	return n;
}

static void wait_merged(const struct mem *a, const struct mem *b)
{
	double end = tap_now() + PATIENCE * tap_patience();

	while (merged(a, b) < PAGES && tap_now() < end)
		usleep(10000);
	require(merged(a, b) == PAGES);
}

static void twins_up(void)
{
	rig_up(&s.r);
	ksm_start();
	twin_get(&s.a);
	twin_get(&s.b);
}

static int map_twin(uint32_t flags)
{
	return ioas_map_fixed(s.r.fd, s.r.ioas, flags, s.a.va, SIZE, TWIN_BASE);
}

static void unmap_twin(void)
{
	check_ret(ioas_unmap(s.r.fd, s.r.ioas, TWIN_BASE, SIZE, NULL), 0);
}

/* The device has the process's pages, and not the twin's. */
static void check_apart(void)
{
	check_eq(merged(&s.a, &s.b), 0);
	for (unsigned int i = 0; i < PAGES; i += PAGES - 1) {
		uint64_t at = i * PAGE + 128;

		check(rig_reads(&s.r, TWIN_BASE + at, s.a.va + at, 256));
		check(rig_reaches(&s.r, TWIN_BASE + at, s.a.va + at, 256, 7));
	}
	for (unsigned int i = 0; i < PAGES; i++)
		check_eq(mem_differs(s.b.va + i * PAGE, PAGE, 50 + i), -1);
}

/* Merged before it is mapped. */
static void before(void)
{
	twins_up();
	wait_merged(&s.a, &s.b);
	require_ok(map_twin(MAP_RW));
	check_apart();
	unmap_twin();
	ksm_stop();
}

/* The same if the device may only read: what the process writes later, it sees. */
static void before_read(void)
{
	twins_up();
	wait_merged(&s.a, &s.b);
	require_ok(map_twin(MAP_R));
	check_eq(merged(&s.a, &s.b), 0);
	for (unsigned int i = 0; i < PAGES; i += PAGES - 1) {
		uint64_t at = i * PAGE + 128;

		check(rig_reads(&s.r, TWIN_BASE + at, s.b.va + at, 256));
		mem_fill(s.a.va + at, 256, 7);
		check(rig_reads(&s.r, TWIN_BASE + at, s.a.va + at, 256));
		check_eq(mem_differs(s.b.va + i * PAGE, PAGE, 50 + i), -1);
	}
	unmap_twin();
	ksm_stop();
}

/* Mapped while nothing is pinned, merged, and pinned by the device's attach. */
static void attached_later(void)
{
	twins_up();
	require_ok(device_detach(&s.r.dev));
	require_ok(map_twin(MAP_RW));
	wait_merged(&s.a, &s.b);
	require_ok(device_attach(&s.r.dev, s.r.ioas));
	check_apart();
	unmap_twin();
	ksm_stop();
}

/*
 * What is mapped isn't merged, though others with the same content are meanwhile; when it
 * isn't mapped any more, it is.
 */
static void check_not_merged(uint32_t flags)
{
	struct mem c;

	twins_up();
	require_ok(map_twin(flags));
	twin_get(&c);
	wait_merged(&s.b, &c);
	ksm_scan();
	check_eq(merged(&s.a, &s.b), 0);
	if (flags & MAP_W)
		check_apart();
	twin_fill(&s.a, 50);
	ksm_scan();
	check_eq(merged(&s.a, &s.b), 0);
	check(rig_reads(&s.r, TWIN_BASE + 128, s.a.va + 128, 256));
	unmap_twin();
	wait_merged(&s.a, &s.b);
	ksm_stop();
}

static void mapped(void) { check_not_merged(MAP_RW); }
static void mapped_read(void) { check_not_merged(MAP_R); }

/* What the device has written is merged like any other content, once it is unmapped. */
static void written(void)
{
	twins_up();
	wait_merged(&s.a, &s.b);
	require_ok(map_twin(MAP_RW));
	rig_charge(&s.r, 256, 9);
	require_ok(edu_store(&s.r.edu, TWIN_BASE, 0, 256));
	mem_fill(s.b.va, 256, 9);
	check(!memcmp(s.a.va, s.b.va, SIZE));
	ksm_scan();
	check_eq(merged(&s.a, &s.b), 0);
	unmap_twin();
	wait_merged(&s.a, &s.b);
	check_eq(mem_differs(s.a.va, 256, 9), -1);
	ksm_stop();
}

static bool all_zero_page(void)
{
	for (uint64_t at = 0; at < SIZE; at += PAGE) {
		uint64_t pfn = mem_pfn(s.a.va + at);

		if (!pfn || !(frame_flags(pfn) & FRAME_ZERO))
			return false;
	}
	return true;
}

/* Empty pages may become the kernel's page of zeros, which nobody may change. */
static void zero(void)
{
	double end;

	twins_up();
	ksm_set("use_zero_pages", "1");
	memset(s.a.va, 0, SIZE);
	memset(s.b.va, 0, SIZE);
	end = tap_now() + PATIENCE * tap_patience();
	while (!all_zero_page() && tap_now() < end)
		usleep(10000);
	require(all_zero_page());
	require_ok(map_twin(MAP_RW));
	check(rig_reads(&s.r, TWIN_BASE + 128, s.b.va + 128, 256));
	check(rig_reaches(&s.r, TWIN_BASE + 128, s.a.va + 128, 256, 7));
	check_eq(mem_differs_from(s.b.va, SIZE, 0), -1);
	ksm_scan();
	check(!all_zero_page());
	check(rig_reads(&s.r, TWIN_BASE + SIZE - 256, s.b.va + SIZE - 256, 256));
	unmap_twin();
	ksm_stop();
}

/* A huge page that is mapped isn't split for its small ones to be merged. */
static void huge(void)
{
	struct mem thp, small;

	if (!mem_has_thp())
		tap_skip("no transparent huge pages");
	rig_up(&s.r);
	ksm_start();
	mem_get(&thp, MEM_THP, HUGE);
	mem_get(&small, MEM_ANON, HUGE);
	memset(thp.va, 0x77, HUGE);
	memset(small.va, 0x77, HUGE);
	if (!(frame_flags(mem_pfn(thp.va)) & FRAME_THP))
		tap_skip("no huge page to be had");
	require_ok(ioas_map_at(s.r.fd, s.r.ioas, thp.va, HUGE, TWIN_BASE));
	require(!madvise(thp.va, HUGE, MADV_MERGEABLE));
	require(!madvise(small.va, HUGE, MADV_MERGEABLE));
	ksm_scan();
	check(frame_flags(mem_pfn(small.va)) & FRAME_KSM);
	for (uint64_t at = 0; at < HUGE; at += HUGE / 8)
		check(!(frame_flags(mem_pfn(thp.va + at)) & FRAME_KSM));
	check(rig_reaches(&s.r, TWIN_BASE + 5 * PAGE, thp.va + 5 * PAGE, 256, 7));
	check(rig_reaches(&s.r, TWIN_BASE + HUGE - 256, thp.va + HUGE - 256, 256, 8));
	check_eq(mem_differs_from(small.va, HUGE, 0x77), -1);
	check_ret(ioas_unmap(s.r.fd, s.r.ioas, TWIN_BASE, HUGE, NULL), 0);
	ksm_stop();
}

static const struct test tests[] = {
	{ "before", before, 120 },
	{ "before_read", before_read, 120 },
	{ "attached_later", attached_later, 120 },
	{ "mapped", mapped, 180 },
	{ "mapped_read", mapped_read, 180 },
	{ "written", written, 180 },
	{ "zero", zero, 120 },
	{ "huge", huge, 180 },
};

TAP_MAIN("memory_ksm", tests)
