// SPDX-License-Identifier: GPL-2.0-only
/*
 * fork() while another thread has a call under way: the child's address space is its
 * parent's with nothing added, nothing is charged to it, and what it writes or how it ends
 * doesn't part the parent from the pages that are pinned.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "edu.h"
#include "forked.h"
#include "iommu.h"
#include "meters.h"
#include "pin_scene.h"
#include "race.h"
#include "tap.h"

#define SIZE		(2 * MIB)
#define PAGES		(SIZE / PAGE)

static struct forks {
	uint32_t source;	/* an IOAS without a device, with the same memory */
	int file;
	bool known;		/* what a child's address space is to be */
} s;

static bool fork_and_look(struct race *race, struct race_side *side)
{
	int pid, status;

	(void)race;
	/* All threads are there, and the other one waits for this. */
	if (!s.known)
		forked_expect();
	__atomic_store_n(&s.known, true, __ATOMIC_SEQ_CST);
	race_begin(side);
	pid = fork();
	if (!pid)
		_exit(forked_look(&pin.m));
	race_end(side, pid > 0);
	return check(pid > 0 && waitpid(pid, &status, 0) == pid) &&
	       check_msg(!status, "a child's status is 0x%x", status);
}

static void wait_until_known(void)
{
	while (!__atomic_load_n(&s.known, __ATOMIC_SEQ_CST))
		usleep(1000);
}

static int map_it(struct race_side *side)
{
	struct iommu_ioas_map c = {
		.size = sizeof(c), .flags = MAP_RW | MAP_FIX, .ioas_id = pin.ioas,
		.user_va = (uintptr_t)pin.m.va, .length = pin.m.size, .iova = PIN_BASE,
	};

	return race_ioctl(side, pin.fd, IOMMU_IOAS_MAP, &c, "map", MAY(0));
}

static int unmap_it(struct race_side *side)
{
	struct iommu_ioas_unmap c = {
		.size = sizeof(c), .ioas_id = pin.ioas, .iova = PIN_BASE, .length = pin.m.size,
	};

	return race_ioctl(side, pin.fd, IOMMU_IOAS_UNMAP, &c, "unmap", MAY(0));
}

/* Every other time the memory isn't there yet; else a child may have a share in it. */
static bool vary(struct race_side *side)
{
	wait_until_known();
	return side->calls / 2 % 2 || check(!madvise(pin.m.va, pin.m.size, MADV_DONTNEED));
}

static bool map_round(struct race *race, struct race_side *side)
{
	(void)race;
	return vary(side) && !map_it(side) && forked_keeps(&pin.m) && !unmap_it(side);
}

static bool map_file_round(struct race *race, struct race_side *side)
{
	struct iommu_ioas_map_file c = {
		.size = sizeof(c), .flags = MAP_RW | MAP_FIX, .ioas_id = pin.ioas,
		.fd = s.file, .length = SIZE, .iova = PIN_BASE,
	};

	(void)race;
	wait_until_known();
	return !race_ioctl(side, pin.fd, IOMMU_IOAS_MAP_FILE, &c, "map file", MAY(0)) &&
	       !unmap_it(side) &&
	       check(!fallocate(s.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE));
}

static bool copy_round(struct race *race, struct race_side *side)
{
	struct iommu_ioas_copy c = {
		.size = sizeof(c), .flags = MAP_RW | MAP_FIX, .dst_ioas_id = pin.ioas,
		.src_ioas_id = s.source, .length = SIZE, .dst_iova = PIN_BASE,
		.src_iova = PIN_BASE,
	};

	(void)race;
	return vary(side) && !race_ioctl(side, pin.fd, IOMMU_IOAS_COPY, &c, "copy", MAY(0)) &&
	       forked_keeps(&pin.m) && !unmap_it(side);
}

static bool alloc_round(struct race *race, struct race_side *side)
{
	struct iommu_hwpt_alloc c = {
		.size = sizeof(c), .dev_id = pin.dev.id, .pt_id = s.source,
	};
	struct iommu_destroy d = { .size = sizeof(d) };

	(void)race;
	if (!vary(side) ||
	    race_ioctl(side, pin.fd, IOMMU_HWPT_ALLOC, &c, "alloc", MAY(0)))
		return false;
	d.id = c.out_hwpt_id;
	return forked_keeps(&pin.m) && !race_ioctl(side, pin.fd, IOMMU_DESTROY, &d, "destroy", MAY(0));
}

/* From an empty page table to a full one, and back */
static bool attach_round(struct race *race, struct race_side *side)
{
	struct cdev_attach c = { .argsz = sizeof(c), .pt_id = s.source };

	(void)race;
	if (!vary(side) || race_ioctl(side, pin.dev.fd, CDEV_ATTACH, &c, "attach", MAY(0)))
		return false;
	c.pt_id = pin.ioas;
	return forked_keeps(&pin.m) &&
	       !race_ioctl(side, pin.dev.fd, CDEV_ATTACH, &c, "attach again", MAY(0));
}

static bool change_round(struct race *race, struct race_side *side)
{
	struct iommu_ioas_change_process c = { .size = sizeof(c) };

	(void)race;
	wait_until_known();
	return !race_ioctl(side, pin.fd, IOMMU_IOAS_CHANGE_PROCESS, &c, "change", MAY(0));
}

static void set_up(enum mem_kind kind, uint64_t size)
{
	pin_attach();
	mem_get(&pin.m, kind, size);
}

static void run(const char *name, bool (*round)(struct race *race, struct race_side *side))
{
	struct race race = { { { name, round }, { "fork", fork_and_look } } };

	race_run(&race);
	require(s.known);
}

static void set_source(void)
{
	set_up(MEM_ANON, SIZE);
	s.source = ioas_new(pin.fd);
	require_ok(ioas_map_at(pin.fd, s.source, pin.m.va, SIZE, PIN_BASE));
}

/* After all of it the device has what the process has. */
static void check_dma(void)
{
	const uint64_t at[] = { 0, pin.m.size / 2, pin.m.size - PAGE };

	if (tap_failures())
		return;
	require_ok(pin_map(NULL));
	pin_check_places(at, ARRAY_SIZE(at));
	pin_unmap();
}

static void map_kind(enum mem_kind kind, uint64_t size)
{
	set_up(kind, size);
	run("map", map_round);
	check_dma();
}

static void map(void) { map_kind(MEM_ANON, SIZE); }
static void map_thp(void) { map_kind(MEM_THP, 2 * HUGE); }
static void map_hugetlb(void) { map_kind(MEM_HUGETLB, 2 * HUGE); }
static void map_together(void) { map_kind(MEM_ANON, PIN_SIZE); }

static void map_file(void)
{
	set_up(MEM_MEMFD, SIZE);
	s.file = pin.m.fd;
	run("map file", map_file_round);
	check_dma();
}

static void copy(void)
{
	set_source();
	run("copy", copy_round);
	check_dma();
}

static void alloc(void)
{
	set_source();
	/* a page table for a device that is detached is filled at once */
	require_ok(device_detach(&pin.dev));
	run("alloc", alloc_round);
	require_ok(device_attach(&pin.dev, pin.ioas));
	check_dma();
}

static void attach(void)
{
	set_source();
	run("attach", attach_round);
	check_dma();
}

/* Only file mappings can change hands. */
static void change(void)
{
	uint64_t iova = PIN_BASE;

	set_up(MEM_MEMFD, SIZE);
	require_ok(ioas_map_file(pin.fd, pin.ioas, MAP_RW | MAP_FIX, pin.m.fd, 0, SIZE, &iova));
	/* what is charged to the parent isn't to a child */
	require(meters_vmpin() == PAGES);
	run("change", change_round);
	check_eq(meters_vmpin(), PAGES);
	pin_unmap();
	check_dma();
}

static const struct test tests[] = {
	{ "map", map, 120 },
	{ "map_thp", map_thp, 120 },
	{ "map_hugetlb", map_hugetlb, 120 },
	{ "map_together", map_together, 240 },
	{ "map_file", map_file, 120 },
	{ "copy", copy, 120 },
	{ "alloc", alloc, 120 },
	{ "attach", attach, 120 },
	{ "change", change, 120 },
};

TAP_MAIN("fork_call", tests)
