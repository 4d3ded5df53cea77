// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA by a device: it reaches exactly what is mapped for it, and nothing else.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "rig.h"
#include "tap.h"

struct spot {
	uint32_t at, size;
};

static void check_spots(const struct spot *spots, size_t n)
{
	struct rig r;

	rig_up(&r);
	for (size_t i = 0; i < n; i++) {
		uint32_t at = spots[i].at, size = spots[i].size;

		mem_fill(r.m.va, RIG_SIZE, i);
		check_msg(rig_reads(&r, RIG_BASE + at, r.m.va + at, size),
			  "read of %u bytes at 0x%x", size, at);
		rig_charge(&r, size, i + 100);
		require_ok(edu_store(&r.edu, RIG_BASE + at, 0, size));
		check_msg(mem_differs(r.m.va + at, size, i + 100) < 0,
			  "write of %u bytes at 0x%x", size, at);
		/* the neighbours are as they were */
		if (at)
			check_eq(mem_differs(r.m.va, at < 64 ? at : 64, i), -1);
		mem_fill(r.m.va + at, size, i + 200);
		check_msg(rig_reads(&r, RIG_BASE + at, r.m.va + at, size),
			  "second read of %u bytes at 0x%x", size, at);
	}
}

static void reach(void)
{
	static const struct spot spots[] = {
		{ 0, 64 }, { PAGE - 64, 64 }, { 1, 1 }, { 3, 5 }, { 7, 8 },
		{ 60, 8 }, { PAGE - 4, 8 }, { 2 * PAGE - 13, 333 },
		{ RIG_SIZE - EDU_MAX, EDU_MAX }, { RIG_SIZE - 1, 1 },
		{ 512, EDU_MAX },
	};

	check_spots(spots, ARRAY_SIZE(spots));
}

static void reach_last_byte(void)
{
	static const struct spot spots[] = { { PAGE - 1, 1 }, { PAGE - 1, 2 } };

	if (klog_iommu() == IOMMU_VIRTIO)
		tap_skip("QEMU's virtio-iommu takes the next page for a transfer that begins at a page's last byte");
	check_spots(spots, ARRAY_SIZE(spots));
}

/* Neighbours of a written range keep their bytes, to the byte. */
static void exact(void)
{
	static const uint32_t at[] = { 1, 63, 2047, PAGE - 2 };
	struct rig r;

	rig_up(&r);
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		memset(r.m.va, 0x11, RIG_SIZE);
		rig_charge(&r, 3, i);
		require_ok(edu_store(&r.edu, RIG_BASE + at[i], 0, 3));
		check_eq(mem_differs_from(r.m.va, at[i], 0x11), -1);
		check_eq(mem_differs(r.m.va + at[i], 3, i), -1);
		check_eq(mem_differs_from(r.m.va + at[i] + 3,
					  RIG_SIZE - at[i] - 3, 0x11), -1);
	}
}

/* Memory of this process that isn't mapped for the device stays untouched. */
static void outside(void)
{
	struct rig r;

	rig_up(&r);
	mem_fill(r.m.va, RIG_SIZE, 1);
	rig_charge(&r, 8, 2);
	rig_check_fault(&r, true, RIG_OUTSIDE, true);
	rig_check_fault(&r, true, RIG_BASE + RIG_SIZE, true);
	rig_check_fault(&r, true, RIG_BASE - PAGE, true);
	rig_check_fault(&r, false, RIG_BASE + RIG_SIZE + PAGE, true);
	check_eq(mem_differs(r.m.va, RIG_SIZE, 1), -1);
	/* a transfer that runs over the end writes no more than the inside */
	rig_charge(&r, 128, 3);
	require_ok(edu_store(&r.edu, RIG_BASE + RIG_SIZE - 64, 0, 128));
	check_eq(mem_differs(r.m.va, RIG_SIZE - 64, 1), -1);
	check(rig_reaches(&r, RIG_BASE, r.m.va, 64, 4));
}

static void after_unmap(void)
{
	uint64_t bytes;
	struct rig r;

	rig_up(&r);
	check(rig_reaches(&r, RIG_BASE, r.m.va, 64, 5));
	require_ok(ioas_unmap(r.fd, r.ioas, RIG_BASE, RIG_SIZE, &bytes));
	check_eq(bytes, RIG_SIZE);
	mem_fill(r.m.va, RIG_SIZE, 6);
	rig_charge(&r, 64, 7);
	require_ok(edu_store(&r.edu, RIG_BASE, 0, 64));
	check_eq(mem_differs(r.m.va, RIG_SIZE, 6), -1);
	check(!rig_reads(&r, RIG_BASE, r.m.va, 64));
	rig_check_fault(&r, true, RIG_BASE, true);
	check_eq(mem_differs(r.m.va, RIG_SIZE, 6), -1);
	/* and mapped again it is back */
	require_ok(ioas_map_at(r.fd, r.ioas, r.m.va, RIG_SIZE, RIG_BASE));
	check(rig_reaches(&r, RIG_BASE, r.m.va, 64, 8));
}

static void unattached(void)
{
	struct rig r;

	rig_bind(&r);
	rig_map(&r);
	mem_fill(r.m.va, RIG_SIZE, 1);
	rig_check_fault(&r, true, RIG_BASE, false);
	check_eq(mem_differs(r.m.va, RIG_SIZE, 1), -1);
	require_ok(device_attach(&r.dev, r.ioas));
	check(rig_reaches(&r, RIG_BASE, r.m.va, 64, 2));
	require_ok(device_detach(&r.dev));
	mem_fill(r.m.va, RIG_SIZE, 3);
	rig_check_fault(&r, true, RIG_BASE, false);
	check_eq(mem_differs(r.m.va, RIG_SIZE, 3), -1);
	require_ok(device_detach(&r.dev));	/* a second time does nothing */
	require_ok(device_attach(&r.dev, r.ioas));
	check(rig_reaches(&r, RIG_BASE, r.m.va, 64, 4));
}

static void read_only(void)
{
	uint64_t iova = RIG_OUTSIDE;
	struct mem m;
	struct rig r;

	rig_up(&r);
	mem_get(&m, MEM_ANON, PAGE);
	mem_fill(m.va, PAGE, 1);
	require_ok(ioas_map(r.fd, r.ioas, MAP_R | MAP_FIX, m.va, PAGE, &iova));
	/* QEMU's VT-d reports no write by a translation cached for a read */
	rig_charge(&r, 64, 2);
	rig_check_fault(&r, true, RIG_OUTSIDE, true);
	check_eq(mem_differs(m.va, PAGE, 1), -1);
	check(rig_reads(&r, RIG_OUTSIDE, m.va, 64));
	rig_charge(&r, 64, 3);
	require_ok(edu_store(&r.edu, RIG_OUTSIDE, 0, 64));
	check_eq(mem_differs(m.va, PAGE, 1), -1);
}

/* Memory that this process may only read can be mapped so for the device. */
static void read_only_memory(void)
{
	uint64_t iova = RIG_OUTSIDE;
	struct mem m;
	struct rig r;

	rig_up(&r);
	mem_get(&m, MEM_ANON, PAGE);
	mem_fill(m.va, PAGE, 1);
	require(!mprotect(m.va, PAGE, PROT_READ));
	check_ret(ioas_map_at(r.fd, r.ioas, m.va, PAGE, RIG_OUTSIDE), -EFAULT);
	require_ok(ioas_map(r.fd, r.ioas, MAP_R | MAP_FIX, m.va, PAGE, &iova));
	check(rig_reads(&r, RIG_OUTSIDE, m.va, 64));
	check_ret(ioas_copy(r.fd, r.ioas, r.ioas, MAP_RW | MAP_FIX, RIG_OUTSIDE,
			    PAGE, &(uint64_t){ RIG_OUTSIDE + PAGE }), -EPERM);
}

static void replace(void)
{
	uint32_t other, pt;
	struct mem m;
	struct rig r;

	rig_up(&r);
	other = ioas_new(r.fd);
	mem_get(&m, MEM_ANON, RIG_SIZE);
	require_ok(ioas_map_at(r.fd, other, m.va, RIG_SIZE, RIG_BASE));
	require_ok(ioas_map_at(r.fd, other, r.copy, PAGE, RIG_SCRATCH));
	for (int i = 0; i < 4; i++) {
		struct mem *now = i & 1 ? &r.m : &m;
		struct mem *not = i & 1 ? &m : &r.m;

		pt = i & 1 ? r.ioas : other;
		require_ok(device_attach(&r.dev, pt));
		mem_fill(not->va, RIG_SIZE, 50 + i);
		check(rig_reaches(&r, RIG_BASE, now->va, 64, 60 + i));
		check_eq(mem_differs(not->va, RIG_SIZE, 50 + i), -1);
	}
	/* a failed replace leaves the device where it was */
	check_ret(device_attach(&r.dev, 0xfffffff), -ENOENT);
	check_ret(device_attach(&r.dev, r.dev.id), -EINVAL);
	check(rig_reaches(&r, RIG_BASE, r.m.va, 64, 70));
}

static void explicit_table(void)
{
	uint32_t a = 0, b = 0, pt;
	struct mem m;
	struct rig r;

	rig_bind(&r);
	rig_map(&r);
	require_ok(hwpt_alloc(r.fd, r.dev.id, r.ioas, 0, &a));
	require_ok(hwpt_alloc(r.fd, r.dev.id, r.ioas, 0, &b));
	check(a != b);
	pt = a;
	require_ok(device_attach_out(&r.dev, &pt));
	check_eq(pt, a);
	check(rig_reaches(&r, RIG_BASE, r.m.va, 64, 1));
	check_ret(iommu_destroy(r.fd, a), -EBUSY);
	check_ret(iommu_destroy(r.fd, r.ioas), -EBUSY);
	/* both tables follow the address space */
	mem_get(&m, MEM_ANON, PAGE);
	require_ok(ioas_map_at(r.fd, r.ioas, m.va, PAGE, RIG_OUTSIDE));
	require_ok(device_attach(&r.dev, b));
	check(rig_reaches(&r, RIG_OUTSIDE, m.va, 64, 2));
	check(rig_reaches(&r, RIG_BASE, r.m.va, 64, 3));
	require_ok(iommu_destroy(r.fd, a));
	check(rig_reaches(&r, RIG_BASE, r.m.va, 64, 4));
	require_ok(device_detach(&r.dev));
	require_ok(iommu_destroy(r.fd, b));
	require_ok(iommu_destroy(r.fd, r.ioas));
}

/* A table made by ATTACH goes with the last device that uses it. */
static void automatic_table(void)
{
	uint32_t pt;
	struct rig r;

	rig_bind(&r);
	rig_map(&r);
	pt = r.ioas;
	require_ok(device_attach_out(&r.dev, &pt));
	check(pt != r.ioas);
	check(rig_reaches(&r, RIG_BASE, r.m.va, 64, 1));
	check_ret(iommu_destroy(r.fd, pt), -EBUSY);
	require_ok(device_detach(&r.dev));
	check_ret(iommu_destroy(r.fd, pt), -ENOENT);
	require_ok(iommu_destroy(r.fd, r.ioas));
}

/* The IOMMU's reports; the tests above ask for them where there are any. */
static void reported(void)
{
	struct rig r;

	if (!klog_reports(true))
		tap_skip("QEMU's AMD IOMMU reports nothing");
	rig_up(&r);
	rig_charge(&r, 8, 1);
	rig_check_fault(&r, true, RIG_OUTSIDE, true);
	rig_check_fault(&r, false, RIG_OUTSIDE + PAGE, true);
}

static void reported_unattached(void)
{
	struct rig r;

	if (!klog_reports(false))
		tap_skip("this IOMMU reports nothing of a device without a page table");
	rig_bind(&r);
	rig_check_fault(&r, true, RIG_OUTSIDE, false);
}

static const struct test tests[] = {
	{ "reach", reach },
	{ "reach_last_byte", reach_last_byte },
	{ "exact", exact },
	{ "outside", outside, 90 },
	{ "after_unmap", after_unmap },
	{ "unattached", unattached },
	{ "read_only", read_only },
	{ "read_only_memory", read_only_memory },
	{ "replace", replace },
	{ "explicit_table", explicit_table },
	{ "automatic_table", automatic_table },
	{ "reported", reported },
	{ "reported_unattached", reported_unattached },
};

TAP_MAIN("dma", tests)
