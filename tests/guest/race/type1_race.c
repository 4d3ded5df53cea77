// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings that TYPE1 cuts while others use them: an access object's pins, page
 * tables that come and go, copies, and other cuts of the same.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/vfio.h>

#include "access.h"
#include "meters.h"
#include "mock.h"
#include "race.h"
#include "tap.h"

#define PAGES	32ull
#define SIZE	(PAGES * PAGE)
#define BASE	0x1000000ull
#define COPY	(BASE + 4 * SIZE)

static struct {
	int fd;
	uint32_t ioas, other;
	struct mock mock;
	struct access access;
	struct mem m;
} s;

static void choose(int fd, uint32_t ioas)
{
	struct iommu_vfio_ioas c = {
		.size = sizeof(c), .ioas_id = ioas, .op = IOMMU_VFIO_IOAS_SET,
	};

	require_ok(iommu_ioctl(fd, IOMMU_VFIO_IOAS, &c));
	require(!ioctl(fd, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU));
}

/* The number of bytes unmapped, or a negative errno. */
static int64_t unmap(int fd, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap c = {
		.argsz = sizeof(c), .iova = iova, .size = size,
	};
	int ret = iommu_ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &c);

	return ret ? ret : (int64_t)c.size;
}

/* What an access object has pinned isn't cut, and all else is. */
static void pinned(void)
{
	struct pinner p;

	pinner_up(&p);
	choose(p.fd, p.ioas);
	require_ok(pinner_pin(&p, 3, 2));
	check_eq(unmap(p.fd, PIN_BASE + PAGE, PAGE), -EINVAL);
	require_ok(pinner_unpin(&p, 3, 2));
	check_eq(unmap(p.fd, PIN_BASE + PAGE, PAGE), PAGE);
	require_ok(pinner_pin(&p, 3, 2));
	check_ret(access_unpin(&p.a, PIN_BASE + 3 * PAGE, 2 * PAGE), 0);
	check(access_sees(&p.a, PIN_BASE + 2 * PAGE, p.m.va + 2 * PAGE, 8 * PAGE, 0));
	check_eq(ioas_unmap_all(p.fd, p.ioas), PIN_SIZE - PAGE);
	pinner_down(&p);
}

static bool round_map(struct race *race, struct race_side *side)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map), .vaddr = (uintptr_t)s.m.va,
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = BASE, .size = SIZE,
	};
	struct iommu_ioas_copy copy = {
		.size = sizeof(copy), .flags = MAP_RW | MAP_FIX, .dst_ioas_id = s.ioas,
		.src_ioas_id = s.ioas, .length = SIZE, .src_iova = BASE,
		.dst_iova = COPY,
	};
	struct vfio_iommu_type1_dma_unmap all = {
		.argsz = sizeof(all), .flags = VFIO_DMA_UNMAP_FLAG_ALL,
	};

	(void)race;
	race_ioctl(side, s.fd, VFIO_IOMMU_MAP_DMA, &map, "map", MAY(-EEXIST));
	race_ioctl(side, s.fd, IOMMU_IOAS_COPY, &copy, "copy", MAY(-ENOENT, -EEXIST));
	if (race_random(side) % 4 == 0)
		race_ioctl(side, s.fd, VFIO_IOMMU_UNMAP_DMA, &all, "unmap all",
			   MAY(-EBUSY));
	return true;
}

static bool round_cut(struct race *race, struct race_side *side)
{
	uint32_t first = race_random(side) % PAGES;
	struct vfio_iommu_type1_dma_unmap part = {
		.argsz = sizeof(part),
		.iova = (race_random(side) % 2 ? BASE : COPY) + first * PAGE,
		.size = (1 + race_random(side) % (PAGES - first)) * PAGE,
	};

	(void)race;
	/* -ENOENT: a new mapping came across the end in between. */
	race_ioctl(side, s.fd, VFIO_IOMMU_UNMAP_DMA, &part, "unmap a part",
		   MAY(-EBUSY, -EINVAL, -ENOENT));
	return true;
}

static bool round_attach(struct race *race, struct race_side *side)
{
	int ret;

	(void)race;
	race_begin(side);
	ret = mock_replace(s.fd, &s.mock, s.other);
	if (!ret)
		ret = mock_replace(s.fd, &s.mock, s.ioas);
	race_end(side, !ret);
	return check_ret(ret, 0);
}

static bool round_pin(struct race *race, struct race_side *side)
{
	uint64_t iova = BASE + race_random(side) % (PAGES - 2) * PAGE, pfns[2];
	int ret;

	(void)race;
	race_begin(side);
	/* The module gives pins back by itself when it is asked for them. */
	ret = access_pin(&s.access, iova, 2 * PAGE, WRITE, pfns);
	if (!ret)
		access_unpin(&s.access, iova, 2 * PAGE);
	race_end(side, !ret);
	return check(!ret || ret == -ENOENT || ret == -EINVAL);
}

static void race_up(void)
{
	s.fd = mock_open();
	s.ioas = ioas_new(s.fd);
	s.other = ioas_new(s.fd);
	choose(s.fd, s.ioas);
	mem_get(&s.m, MEM_ANON, SIZE);
	require_ok(mock_device(s.fd, s.ioas, 0, &s.mock));
	access_get(&s.access, s.fd, s.ioas);
}

static void race(void)
{
	struct race race = {
		.side = {
			{ "map", round_map },
			{ "cut", round_cut },
			{ "attach", round_attach },
			{ "pin", round_pin },
		},
	};

	race_up();
	race_run(&race);
	require(ioas_unmap_all(s.fd, s.ioas) >= 0);
	check_eq(meters_vmpin(), 0);
}

/* Two who cut the same */
static void race_cuts(void)
{
	struct race race = {
		.side = {
			{ "map", round_map },
			{ "cut", round_cut },
			{ "other cut", round_cut },
			{ "attach", round_attach },
		},
	};

	race_up();
	race_run(&race);
	require(ioas_unmap_all(s.fd, s.ioas) >= 0);
	check_eq(meters_vmpin(), 0);
}

static const struct test tests[] = {
	{ "pinned", pinned },
	{ "race", race },
	{ "race_cuts", race_cuts },
};

TAP_MAIN("type1_race", tests)
