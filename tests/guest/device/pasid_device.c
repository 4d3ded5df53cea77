// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA with PASIDs by a real driver: each reaches the page table that it is attached to, and
 * nothing else.  node_pasid.c has the rules, on the mock.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dirty.h"
#include "edu.h"
#include "mem.h"
#include "iommu.h"
#include "tap.h"

#define IOVA		(64 * MIB)
#define TABLES		4
#define SIZE		64u
#define SEED		0x31u
#define WITH_PASID	1
#define TRACKED		64u		/* pages, a bit each of one word */

static struct world {
	int fd;
	struct device dev;
	struct edu edu;
	struct mem m;			/* a page for each table */
	uint32_t ioas[TABLES];
	uint32_t hwpt[TABLES];
} w;

/* A page table of its own for an address space that maps one page. */
static int table(int n)
{
	w.ioas[n] = ioas_new(w.fd);
	require_ok(ioas_map_at(w.fd, w.ioas[n], w.m.va + n * PAGE, PAGE, IOVA));
	return hwpt_alloc(w.fd, w.dev.id, w.ioas[n], IOMMU_HWPT_ALLOC_PASID, &w.hwpt[n]);
}

static void up(void)
{
	struct iommu_hw_info info;
	int ret = 0;

	memset(&w, 0, sizeof(w));
	w.fd = iommu_open();
	device_get(&w.dev, "edu", 0, w.fd);
	edu_init(&w.edu, &w.dev);
	w.edu.limit = UINT64_MAX;
	if (!edu_has_more(&w.edu))
		tap_skip("needs the edu of tests/qemu");
	require_ok(hw_info(w.fd, w.dev.id, NULL, 0, &info));
	mem_get(&w.m, MEM_ANON, TABLES * PAGE);
	memset(w.m.va, 0, w.m.size);
	for (int n = 0; n < TABLES && !ret; n++)
		ret = table(n);
	if (ret == -EOPNOTSUPP && !info.out_max_pasid_log2)
		tap_skip("no PASIDs here, and none promised");
	require_ok(ret);
	check(info.out_max_pasid_log2 >= 3);
	require_ok(device_attach(&w.dev, w.hwpt[0]));
	mem_fill(w.m.va, SIZE, SEED);
	require_ok(edu_load(&w.edu, IOVA, 0, SIZE));
}

static int attach(uint32_t pasid, uint32_t pt)
{
	struct cdev_attach arg = { .argsz = sizeof(arg), .flags = WITH_PASID,
				   .pt_id = pt, .pasid = pasid };

	return iommu_ioctl(w.dev.fd, CDEV_ATTACH, &arg);
}

static int detach(uint32_t pasid)
{
	struct cdev_detach arg = { .argsz = sizeof(arg), .flags = WITH_PASID,
				   .pasid = pasid };

	return iommu_ioctl(w.dev.fd, CDEV_DETACH, &arg);
}

/* Which table's page does a write with that PASID arrive in?  -1: none. */
static int where(uint32_t pasid)
{
	int found = -1;

	memset(w.m.va, 0, w.m.size);
	edu_use_pasid(&w.edu, pasid);
	require_ok(edu_store(&w.edu, IOVA, 0, SIZE));
	for (int n = 0; n < TABLES; n++) {
		if (mem_differs(w.m.va + n * PAGE, SIZE, SEED) < 0) {
			check(found < 0);
			found = n;
		}
	}
	return found;
}

static void check_where(int own, int five, int six)
{
	check_eq(where(EDU_NO_PASID), own);
	check_eq(where(5), five);
	check_eq(where(6), six);
	check_eq(where(7), -1);
}

static void several(void)
{
	up();
	check_where(0, -1, -1);
	require_ok(attach(5, w.hwpt[1]));
	check_where(0, 1, -1);
	require_ok(attach(6, w.hwpt[2]));
	check_where(0, 1, 2);
	/* Replaced, and one table at two places. */
	require_ok(attach(5, w.hwpt[3]));
	check_where(0, 3, 2);
	require_ok(attach(6, w.hwpt[3]));
	check_where(0, 3, 3);
	require_ok(detach(5));
	check_where(0, -1, 3);
	require_ok(attach(5, w.hwpt[0]));
	check_where(0, 0, 3);
	require_ok(detach(6));
	require_ok(detach(5));
	check_where(0, -1, -1);
}

/* The device's own DMA moves; those with a PASID stay. */
static void own_moves(void)
{
	up();
	require_ok(attach(5, w.hwpt[1]));
	require_ok(device_attach(&w.dev, w.hwpt[2]));
	check_where(2, 1, -1);
	require_ok(device_attach(&w.dev, w.hwpt[0]));
	check_where(0, 1, -1);
	require_ok(device_detach(&w.dev));
	check_where(-1, 1, -1);
	require_ok(device_attach(&w.dev, w.hwpt[0]));
	check_where(0, 1, -1);
}

/* What is unmapped is unmapped for a PASID too, though it was cached. */
static void unmapped(void)
{
	uint64_t gone;

	up();
	require_ok(attach(5, w.hwpt[1]));
	check_where(0, 1, -1);
	require_ok(ioas_unmap(w.fd, w.ioas[1], IOVA, PAGE, &gone));
	check_where(0, -1, -1);
	require_ok(ioas_map_at(w.fd, w.ioas[1], w.m.va + PAGE, PAGE, IOVA));
	check_where(0, 1, -1);
	require_ok(ioas_unmap(w.fd, w.ioas[0], IOVA, PAGE, &gone));
	check_where(-1, 1, -1);
}

static void rules(void)
{
	uint32_t plain;

	up();
	require_ok(hwpt_alloc(w.fd, w.dev.id, w.ioas[0], 0, &plain));
	check_ret(attach(5, plain), -EINVAL);
	check_ret(attach(1u << 20, w.hwpt[1]) < 0, 1);
	check_ret(attach(1u << 10, w.hwpt[1]) < 0, 1);
	check_ret(attach(UINT32_MAX, w.hwpt[1]) < 0, 1);
	check_where(0, -1, -1);
	require_ok(attach(5, w.hwpt[1]));
	check_ret(iommu_destroy(w.fd, w.hwpt[1]), -EBUSY);
	check_ret(device_attach(&w.dev, plain), -EINVAL);
	check_where(0, 1, -1);
	require_ok(detach(5));
	check_ret(iommu_destroy(w.fd, w.hwpt[1]), 0);
}

/* The device is closed with PASIDs in use; the next owner finds none. */
static void closed(void)
{
	up();
	require_ok(attach(5, w.hwpt[1]));
	check_where(0, 1, -1);
	edu_fini(&w.edu);
	device_close(&w.dev);
	check_ret(iommu_destroy(w.fd, w.hwpt[1]), 0);
	up();
	check_where(0, -1, -1);
}

/* Do page tables that track dirty pages fit PASIDs, where the IOMMU has both? */
static bool tracks_with_pasids(void)
{
	const char *iommu = getenv("IOMMU");

	if (!iommu)
		return true;
	/* AMD-Vi has tables of one format for dirty bits, of another for PASIDs. */
	if (!strncmp(iommu, "amd", 3))
		return false;
	/* 6.12's driver refuses to attach such a table to a PASID. */
	return strncmp(iommu, "vtd", 3) || !kernel_before(7, 2);
}

/* A page table that tracks and fits PASIDs, in entries of single pages. */
static void track(struct dirty *d)
{
	struct iommu_hw_info info;
	struct mem m;
	int ret;

	*d = (struct dirty){ .fd = w.fd, .ioas = ioas_new(w.fd) };
	require_ok(hw_info(w.fd, w.dev.id, NULL, 0, &info));
	require_ok(option_set(w.fd, IOMMU_OPTION_HUGE_PAGES, d->ioas, 0));
	mem_get(&m, MEM_ANON, TRACKED * PAGE);
	memset(m.va, 1, m.size);
	require_ok(ioas_map_at(w.fd, d->ioas, m.va, m.size, IOVA));
	ret = hwpt_alloc(w.fd, w.dev.id, d->ioas,
			 IOMMU_HWPT_ALLOC_PASID | IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &d->hwpt);
	if (ret == -EOPNOTSUPP && !(info.out_capabilities & IOMMU_HW_CAP_DIRTY_TRACKING))
		tap_skip("this IOMMU doesn't track, and says so");
	if (!tracks_with_pasids()) {
		check_ret(ret, -EOPNOTSUPP);
		tap_end();
	}
	require_ok(ret);
}

static void write_page(uint32_t pasid, unsigned int page)
{
	edu_use_pasid(&w.edu, pasid);
	require_ok(edu_store(&w.edu, IOVA + page * PAGE, 0, 8));
}

static void read_page(uint32_t pasid, unsigned int page)
{
	edu_use_pasid(&w.edu, pasid);
	require_ok(edu_load(&w.edu, IOVA + page * PAGE, 0, 8));
}

/* Which pages are told; made clean, unless @flags. */
static uint64_t told(const struct dirty *d, uint32_t flags)
{
	uint64_t bits = 0;

	require_ok(dirty_get(d, IOVA, TRACKED * PAGE, PAGE, &bits, flags));
	return bits;
}

#define PAGE_BIT(page) (1ull << (page))

/* Writes by PASIDs are told, exactly, and nothing that goes to another page table. */
static void tracked(void)
{
	struct dirty d;

	up();
	track(&d);
	require_ok(attach(5, d.hwpt));
	write_page(5, 1);
	require_ok(dirty_set(w.fd, d.hwpt, true));
	check_eq(told(&d, 0), 0);
	/* One that comes when it tracks already. */
	require_ok(attach(6, d.hwpt));
	write_page(5, 3);
	read_page(5, 4);
	write_page(6, 15);
	read_page(6, 17);
	check_eq(told(&d, NO_CLEAR), PAGE_BIT(3) | PAGE_BIT(15));
	check_eq(told(&d, 0), PAGE_BIT(3) | PAGE_BIT(15));
	check_eq(told(&d, 0), 0);
	/* The same pages again: what was made clean isn't cached as dirty for any PASID. */
	write_page(6, 3);
	check_eq(told(&d, 0), PAGE_BIT(3));
	write_page(5, 3);
	write_page(5, 15);
	check_eq(told(&d, 0), PAGE_BIT(3) | PAGE_BIT(15));
	/* read first, and cached by that */
	read_page(5, 63);
	write_page(5, 63);
	check_eq(told(&d, 0), PAGE_BIT(63));
	/* The device's own DMA is elsewhere, and then there too. */
	write_page(EDU_NO_PASID, 0);
	check_eq(told(&d, 0), 0);
	require_ok(device_attach(&w.dev, d.hwpt));
	write_page(EDU_NO_PASID, 0);
	write_page(6, 16);
	check_eq(told(&d, 0), PAGE_BIT(0) | PAGE_BIT(16));
}

/* A PASID leaves: what it wrote is told. Tracking goes off and on with PASIDs only. */
static void tracked_away(void)
{
	struct dirty d;

	up();
	track(&d);
	require_ok(attach(5, d.hwpt));
	require_ok(attach(6, d.hwpt));
	require_ok(dirty_set(w.fd, d.hwpt, true));
	write_page(5, 8);
	require_ok(detach(5));
	write_page(6, 9);
	check_eq(told(&d, 0), PAGE_BIT(8) | PAGE_BIT(9));
	require_ok(attach(5, w.hwpt[1]));
	write_page(5, 0);
	check_eq(told(&d, 0), 0);
	require_ok(attach(5, d.hwpt));
	for (unsigned int i = 0; i < 3; i++) {
		write_page(5, 20 + i);
		check_eq(told(&d, 0), PAGE_BIT(20 + i));
		require_ok(dirty_set(w.fd, d.hwpt, false));
		write_page(6, 30 + i);
		require_ok(dirty_set(w.fd, d.hwpt, true));
		check_eq(told(&d, 0), 0);
		write_page(6, 30 + i);
		check_eq(told(&d, 0), PAGE_BIT(30 + i));
	}
}

static const struct test tests[] = {
	{ "several", several },
	{ "own_moves", own_moves },
	{ "unmapped", unmapped },
	{ "rules", rules },
	{ "closed", closed },
	{ "tracked", tracked },
	{ "tracked_away", tracked_away },
};

TAP_MAIN("pasid_device", tests)
