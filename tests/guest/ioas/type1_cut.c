// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO's type1 ioctls on /dev/iommu: unmapping a part of a mapping, which TYPE1 can
 * and TYPE1v2 cannot.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <linux/vfio.h>

#include "meters.h"
#include "rig.h"
#include "tap.h"
#include "type1.h"

/* Where a cut may be, without a device. */
static void cut(void)
{
	struct mem m;
	uint32_t ioas;
	uint64_t iova;
	int fd = type1_space(&ioas, VFIO_TYPE1_IOMMU);

	mem_get(&m, MEM_ANON, SIZE);
	require_ok(type1_map(fd, m.va, SIZE, BASE));
	check_eq(type1_unmap(fd, BASE + 1, PAGE), -EINVAL);
	check_eq(type1_unmap(fd, BASE + PAGE, PAGE + 8), -EINVAL);
	check_eq(type1_unmap(fd, BASE + 8, SIZE), -EINVAL);
	check_eq(type1_unmap(fd, BASE, 8), -EINVAL);
	check_eq(type1_unmap(fd, BASE, 1), -ENOENT);
	check_eq(type1_unmap(fd, BASE - 8, 16), -EINVAL);
	/* first, last, middle, one of those again, and across the holes */
	check_eq(type1_unmap(fd, BASE, PAGE), PAGE);
	check_eq(type1_unmap(fd, BASE + SIZE - PAGE, 9 * PAGE), PAGE);
	check_eq(type1_unmap(fd, BASE + 8 * PAGE, 2 * PAGE), 2 * PAGE);
	check_eq(type1_unmap(fd, BASE + 8 * PAGE, 2 * PAGE), 0);
	check_eq(type1_unmap(fd, BASE + 6 * PAGE, 6 * PAGE), 4 * PAGE);
	/* The holes can be mapped again, and the parts copied. */
	check_ret(type1_map(fd, m.va, 6 * PAGE, BASE + 6 * PAGE), 0);
	check_ret(type1_map(fd, m.va, PAGE, BASE + 5 * PAGE), -EEXIST);
	check_ret(type1_map(fd, m.va, PAGE, BASE + 12 * PAGE), -EEXIST);
	check_ret(ioas_copy(fd, ioas, ioas, MAP_RW, BASE + PAGE, SIZE - 2 * PAGE,
			    &iova), 0);
	check_eq(ioas_unmap_all(fd, ioas), 2 * (SIZE - 2 * PAGE));
}

/* Unmaps pages of a mapping at random, each once, and sees that the rest stays. */
static void cut_everything(struct rig *r, enum mem_kind kind, uint64_t pages,
			   uint64_t step)
{
	uint64_t n = pages / step, order[n], left = pages;
	long long pins = meters_pins();
	struct mem m;

	mem_get(&m, kind, pages * PAGE);
	mem_fill(m.va, m.size, 3);
	require_ok(type1_map(r->fd, m.va, m.size, BASE));
	check_eq(meters_wait_pins(pins + pages), pins + pages);
	for (uint64_t i = 0; i < n; i++)
		order[i] = i;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t j = i + rand() % (n - i), at = order[j];
		uint64_t iova = BASE + at * step * PAGE;

		order[j] = order[i];
		if (i % (n / 4) == 0)
			check(rig_reads(r, iova, m.va + at * step * PAGE, 64));
		if (!check_eq(type1_unmap(r->fd, iova, step * PAGE), step * PAGE))
			break;
		left -= step;
		if (i % (n / 4) == 0) {
			check_eq(meters_wait_pins(pins + left), pins + left);
			check(!rig_reads(r, iova, m.va + at * step * PAGE, 64));
		}
	}
	check_eq(type1_unmap(r->fd, BASE, m.size), 0);
	check_eq(meters_wait_pins(pins), pins);
	mem_put(&m);
}

/* Attached to a space of single pages, where only the scratch page is mapped. */
static void type1_rig(struct rig *r)
{
	struct mem scratch;

	rig_bind(r);
	require_ok(type1_choose(r->fd, r->ioas));
	require_ok(type1_set_type(r->fd, VFIO_TYPE1_IOMMU));
	require_ok(device_attach(&r->dev, r->ioas));
	mem_get(&scratch, MEM_ANON, PAGE);
	r->copy = scratch.va;
	require_ok(type1_map(r->fd, r->copy, PAGE, RIG_SCRATCH));
}

static void cut_attached(void)
{
	struct mem m;
	struct rig r;

	type1_rig(&r);
	mem_get(&m, MEM_ANON, SIZE);
	mem_fill(m.va, SIZE, 1);
	require_ok(type1_map(r.fd, m.va, SIZE, BASE));
	check(rig_reaches(&r, BASE + 9 * PAGE, m.va + 9 * PAGE, 64, 2));
	require(type1_unmap(r.fd, BASE + 9 * PAGE, 2 * PAGE) == 2 * PAGE);
	check(rig_reaches(&r, BASE + 8 * PAGE, m.va + 8 * PAGE, 64, 3));
	check(rig_reaches(&r, BASE + 11 * PAGE, m.va + 11 * PAGE, 64, 4));
	check(!rig_reads(&r, BASE + 9 * PAGE, m.va + 9 * PAGE, 64));
	check(!rig_writes(&r, BASE + 10 * PAGE, m.va + 10 * PAGE, 64, 5));
	/* A second page table is filled with the parts. */
	require_ok(device_detach(&r.dev));
	require_ok(device_attach(&r.dev, r.ioas));
	check(rig_reaches(&r, BASE + 11 * PAGE, m.va + 11 * PAGE, 64, 6));
	check(!rig_reads(&r, BASE + 10 * PAGE, m.va + 10 * PAGE, 64));
	/* Such entries as there are with huge pages can't be cut. */
	require_ok(option_set(r.fd, IOMMU_OPTION_HUGE_PAGES, r.ioas, 1));
	check_ret(type1_set_type(r.fd, VFIO_TYPE1_IOMMU), -EINVAL);
	check_eq(type1_unmap_everything(r.fd), SIZE - 2 * PAGE + PAGE);
	check_ret(type1_set_type(r.fd, VFIO_TYPE1_IOMMU), 0);
}

static void cut_kinds(void)
{
	static const enum mem_kind kinds[] = { MEM_ANON, MEM_THP, MEM_HUGETLB, MEM_MEMFD };
	uint64_t pages = tap_time_factor() > 1 ? 512 : 1024;
	struct rig r;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		type1_rig(&r);
		tap_diag("%s", mem_kind_name[kinds[i]]);
		cut_everything(&r, kinds[i], pages, pages / (i % 2 ? 32 : 128));
		rig_close_device(&r);
		require_ok(iommu_destroy(r.fd, r.ioas));
	}
}

/* Memory that two mappings share stays pinned for the one that isn't cut. */
static void cut_shared(void)
{
	uint64_t iova = BASE + MIB;
	long long pins;
	struct mem m;
	struct rig r;

	type1_rig(&r);
	pins = meters_pins();
	mem_get(&m, MEM_ANON, SIZE);
	mem_fill(m.va, SIZE, 1);
	require_ok(type1_map(r.fd, m.va, SIZE, BASE));
	require_ok(ioas_copy(r.fd, r.ioas, r.ioas, MAP_RW | MAP_FIX, BASE, SIZE, &iova));
	check_eq(meters_wait_pins(pins + PAGES), pins + PAGES);
	require(type1_unmap(r.fd, BASE + 5 * PAGE, 7 * PAGE) == 7 * PAGE);
	check_eq(meters_pins(), pins + PAGES);
	require(type1_unmap(r.fd, iova, 6 * PAGE) == 6 * PAGE);
	check_eq(meters_wait_pins(pins + PAGES - 1), pins + PAGES - 1);
	check_eq(meters_vmpin(), 1 + PAGES - 1);
	require(type1_unmap(r.fd, iova, SIZE) == SIZE - 6 * PAGE);
	check_eq(meters_wait_pins(pins + PAGES - 7), pins + PAGES - 7);
	require(type1_unmap_everything(r.fd) == PAGE + SIZE - 7 * PAGE);
	check_eq(meters_wait_pins(pins - 1), pins - 1);
	check_eq(meters_vmpin(), 0);
}

/* What was charged is given back by parts. */
static void charge(void)
{
	struct mem m;
	struct rig r;

	type1_rig(&r);
	mem_get(&m, MEM_ANON, SIZE);
	require_ok(type1_map(r.fd, m.va, SIZE, BASE));
	check_eq(meters_vmpin(), 1 + PAGES);
	require(type1_unmap(r.fd, BASE + PAGE, PAGE) == PAGE);
	check_eq(meters_vmpin(), 1 + PAGES - 1);
	require(type1_unmap(r.fd, BASE + 8 * PAGE, 8 * PAGE) == 8 * PAGE);
	check_eq(meters_vmpin(), 1 + PAGES - 9);
	require_ok(device_detach(&r.dev));
	check_eq(meters_vmpin(), 0);
	require_ok(device_attach(&r.dev, r.ioas));
	check_eq(meters_vmpin(), 1 + PAGES - 9);
	require(type1_unmap_everything(r.fd) == PAGE + SIZE - 9 * PAGE);
	check_eq(meters_vmpin(), 0);
}

static const struct test tests[] = {
	{ "cut", cut },
	{ "cut_attached", cut_attached },
	{ "cut_kinds", cut_kinds, 180 },
	{ "cut_shared", cut_shared },
	{ "charge", charge },
};

TAP_MAIN("type1_cut", tests)
