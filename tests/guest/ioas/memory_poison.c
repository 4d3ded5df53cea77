// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that the machine reports as broken, and those that it takes out of use before they
 * break.  A mapped one stays pinned until it's unmapped; a broken one can't be mapped again.
 *
 * The kernel's reports of the frames that were poisoned here are no complaints of the log.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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
#include "probe.h"
#include "rig.h"
#include "tap.h"

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

#define BASE	(EDU_IOVA + 128 * MIB)
#define PAGES	16ull
#define SIZE	(PAGES * PAGE)
#define BAD	5ull		/* the broken one */
#define BYTES	256u		/* of a transfer */

static struct {
	struct rig r;
	struct mem m;
	long long pins;
} s;

static void scene_up(enum mem_kind kind, size_t size)
{
	rig_up(&s.r);
	mem_get(&s.m, kind, size);
	mem_fill(s.m.va, size, 1);
	s.pins = meters_pins();
	probe_prepare();
}

static int map(uint32_t flags)
{
	return ioas_map_fixed(s.r.fd, s.r.ioas, flags, s.m.va, s.m.size, BASE);
}

static int map_file(void)
{
	return ioas_map_file_at(s.r.fd, s.r.ioas, s.m.fd, s.m.size, BASE);
}

static void unmap(void)
{
	check_ret(ioas_unmap(s.r.fd, s.r.ioas, BASE, s.m.size, NULL), 0);
	check_eq(meters_wait_pins(s.pins), s.pins);
}

static int advise(void *va, int advice)
{
	int ret = madvise(va, PAGE, advice) ? -errno : 0;

	if (ret == -EINVAL)
		tap_skip("the kernel handles no memory failures");
	return ret;
}

/* @want: 0, or -EBUSY for a page that stays in its file and is used besides */
static void poison(uint64_t at, int want)
{
	uint64_t pfn = mem_pfn(s.m.va + at);

	check_ret(advise(s.m.va + at, MADV_HWPOISON), want);
	check(frame_flags(pfn) & FRAME_POISONED);
	check_eq(probe(s.m.va + at), SIGBUS);
}

static void check_both(uint64_t at)
{
	check(rig_reaches(&s.r, BASE + at, s.m.va + at, BYTES, 9));
}

/* Nothing of a range with a broken page is mapped; without it, all can be. */
static void check_refused(uint64_t at, uint64_t length)
{
	uint64_t iova = BASE;

	check_ret(map(MAP_RW), -EFAULT);
	check_ret(map(MAP_R), -EFAULT);
	check_ret(ioas_map_at(s.r.fd, s.r.ioas, s.m.va + at, PAGE, BASE), -EFAULT);
	check_eq(meters_wait_pins(s.pins), s.pins);
	require_ok(ioas_map(s.r.fd, s.r.ioas, MAP_RW | MAP_FIX, s.m.va, at, &iova));
	check_both(0);
	check_both(at - BYTES);
	check_ret(ioas_unmap(s.r.fd, s.r.ioas, BASE, at, NULL), 0);
	iova = BASE + at + length;
	require_ok(ioas_map_at(s.r.fd, s.r.ioas, s.m.va + at + length, s.m.size - at - length,
			       iova));
	check_both(at + length);
	check_ret(ioas_unmap(s.r.fd, s.r.ioas, iova, s.m.size - at - length, NULL), 0);
	check_eq(meters_wait_pins(s.pins), s.pins);
}

static void before(void)
{
	scene_up(MEM_ANON, SIZE);
	poison(BAD * PAGE, 0);
	check_refused(BAD * PAGE, PAGE);
}

static void before_attach(void)
{
	scene_up(MEM_ANON, SIZE);
	require_ok(device_detach(&s.r.dev));
	require_ok(map(MAP_RW));
	poison(BAD * PAGE, 0);
	s.pins = meters_pins();
	check_ret(device_attach(&s.r.dev, s.r.ioas), -EFAULT);
	unmap();
	require_ok(device_attach(&s.r.dev, s.r.ioas));
}

/* The process loses the page; the device has it until it's unmapped, and the others. */
static void mapped(void)
{
	uint8_t want[BYTES];
	long long pins;

	scene_up(MEM_ANON, SIZE);
	require_ok(map(MAP_RW));
	pins = meters_pins();
	memcpy(want, s.m.va + BAD * PAGE, BYTES);
	poison(BAD * PAGE, 0);
	check_eq(meters_pins(), pins);
	check(rig_reads(&s.r, BASE + BAD * PAGE, want, BYTES));
	check_both((BAD - 1) * PAGE);
	check_both((BAD + 1) * PAGE);
	unmap();
	check_refused(BAD * PAGE, PAGE);
}

/* It may be thrown away, and then others take its place in the process. */
static void replaced(void)
{
	scene_up(MEM_ANON, SIZE);
	require_ok(map(MAP_RW));
	poison(BAD * PAGE, 0);
	require(mmap(s.m.va + BAD * PAGE, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	memset(s.m.va + BAD * PAGE, 7, PAGE);
	rig_charge(&s.r, BYTES, 3);
	require_ok(edu_store(&s.r.edu, BASE + BAD * PAGE, 0, BYTES));
	check_eq(mem_differs_from(s.m.va + BAD * PAGE, PAGE, 7), -1);
	unmap();
	require_ok(map(MAP_RW));
	check_both(BAD * PAGE);
	unmap();
}

/* A page of a file, which keeps it. */
static void check_file(int (*map_it)(void))
{
	scene_up(MEM_MEMFD, SIZE);
	require_ok(map_it());
	poison(BAD * PAGE, -EBUSY);
	check_both((BAD + 1) * PAGE);
	unmap();
	check_refused(BAD * PAGE, PAGE);
}

static int map_va(void) { return map(MAP_RW); }

static void file(void) { check_file(map_file); }
static void memfd(void) { check_file(map_va); }

/* A hole gives the file another page for it. */
static void file_punched(void)
{
	scene_up(MEM_MEMFD, SIZE);
	require_ok(map_file());
	poison(BAD * PAGE, -EBUSY);
	unmap();
	require(!fallocate(s.m.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, BAD * PAGE, PAGE));
	/* the process's own mapping keeps the mark */
	require(mmap(s.m.va, s.m.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, s.m.fd,
		     0) == s.m.va);
	require_ok(map_file());
	check_both(BAD * PAGE);
	unmap();
}

/* A page that may break soon is moved away, unless it is mapped for a device. */
static void soft(void)
{
	uint64_t pfn, other;

	scene_up(MEM_ANON, SIZE);
	require_ok(map(MAP_RW));
	pfn = mem_pfn(s.m.va + BAD * PAGE);
	other = mem_pfn(s.m.va + (BAD + 2) * PAGE);
	check(advise(s.m.va + BAD * PAGE, MADV_SOFT_OFFLINE) < 0);
	check_eq(mem_pfn(s.m.va + BAD * PAGE), pfn);
	check_both(BAD * PAGE);
	check_eq(probe(s.m.va + BAD * PAGE), 0);
	unmap();
	check_ret(advise(s.m.va + (BAD + 2) * PAGE, MADV_SOFT_OFFLINE), 0);
	check(mem_pfn(s.m.va + (BAD + 2) * PAGE) != other);
	require_ok(map(MAP_RW));
	check_both((BAD + 2) * PAGE);
	unmap();
}

static const struct test tests[] = {
	{ "before", before },
	{ "before_attach", before_attach },
	{ "mapped", mapped },
	{ "replaced", replaced },
	{ "file", file },
	{ "memfd", memfd },
	{ "file_punched", file_punched },
	{ "soft", soft },
};

TAP_MAIN("memory_poison", tests)
