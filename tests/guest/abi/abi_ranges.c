// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input to the ioctls that tell and restrict which IOVAs may be used.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "tap.h"
#include "world.h"

static void ranges_fields(struct world *w)
{
	struct iommu_iova_range out[MAX_RANGES];
	struct iommu_ioas_iova_ranges base = {
		.size = sizeof(base),
		.ioas_id = w->ioas,
		.num_iovas = MAX_RANGES,
		.allowed_iovas = (uintptr_t)out,
	}, c;

	memset(out, 0x5a, sizeof(out));
	BAD_IDS(w, IOMMU_IOAS_IOVA_RANGES, ioas_id, -ENOENT);
	if (w->attached) {
		BAD(w, IOMMU_IOAS_IOVA_RANGES, ioas_id, w->dev.id, -ENOENT);
		BAD(w, IOMMU_IOAS_IOVA_RANGES, ioas_id, w->hwpt, -ENOENT);
	}
	BAD(w, IOMMU_IOAS_IOVA_RANGES, __reserved, 1, -EOPNOTSUPP);
	BAD(w, IOMMU_IOAS_IOVA_RANGES, __reserved, UINT32_MAX, -EOPNOTSUPP);
	check_eq(mem_differs_from(out, sizeof(out), 0x5a), -1);
	BAD(w, IOMMU_IOAS_IOVA_RANGES, allowed_iovas, 0, -EFAULT);
	BAD(w, IOMMU_IOAS_IOVA_RANGES, allowed_iovas, UINT64_MAX, -EFAULT);
	BAD(w, IOMMU_IOAS_IOVA_RANGES, allowed_iovas,
	    (uintptr_t)two_pages(PROT_READ), -EFAULT);
	check_ret(iommu_ioctl(w->fd, IOMMU_IOAS_IOVA_RANGES,
			      read_only_copy(&base, sizeof(base))), -EFAULT);
	/* too small an array: the count, and as many as fit */
	memset(out, 0x5a, sizeof(out));
	for (uint32_t n = 0; n < w->num_ranges; n++) {
		c = base;
		c.num_iovas = n;
		check_ret(iommu_ioctl(w->fd, IOMMU_IOAS_IOVA_RANGES, &c),
			  -EMSGSIZE);
		check_eq(c.num_iovas, w->num_ranges);
		check_eq(c.out_iova_alignment, w->align);
		check(!memcmp(out, w->ranges, n * sizeof(out[0])));
		check_eq(mem_differs_from(out + n, sizeof(out[0]), 0x5a), -1);
	}
	/* without room no pointer is needed */
	c = base;
	c.num_iovas = 0;
	c.allowed_iovas = 0;
	check_ret(iommu_ioctl(w->fd, IOMMU_IOAS_IOVA_RANGES, &c), -EMSGSIZE);
	/* a count above what there is claims nothing of the memory */
	c = base;
	c.num_iovas = UINT32_MAX;
	check_ret(iommu_ioctl(w->fd, IOMMU_IOAS_IOVA_RANGES, &c), 0);
	check_eq(c.num_iovas, w->num_ranges);
	check_eq(mem_differs_from(out + w->num_ranges, sizeof(out[0]), 0x5a),
		 -1);
}

static void ranges_bare(void)
{
	struct world w;

	world_bare(&w);
	check_eq(w.num_ranges, 1);
	check_eq(w.ranges[0].start, 0);
	check_eq(w.ranges[0].last, UINT64_MAX);
	check_eq(w.align, 1);
	ranges_fields(&w);
	world_end(&w);
}

static void ranges_attached(void)
{
	struct world w;

	world_attached(&w);
	check(w.num_ranges >= 2);
	check_eq(w.align, PAGE);
	for (uint32_t i = 0; i < w.num_ranges; i++) {
		check(w.ranges[i].start < w.ranges[i].last);
		check(!i || w.ranges[i].start > w.ranges[i - 1].last + 1);
	}
	ranges_fields(&w);
	world_end(&w);
}

/* The list in force before a refused call stays in force. */
static void allow_fields(struct world *w)
{
	struct iommu_iova_range good = { 512 * MIB, GIB - 1 };
	struct iommu_iova_range list[][2] = {
		{ { PAGE, 2 * PAGE }, { 5, 5 } },		/* one byte */
		{ { PAGE, 2 * PAGE }, { 9, 5 } },
		{ { UINT64_MAX, 0 }, { PAGE, 2 * PAGE } },
		{ { 0, PAGE }, { PAGE, 2 * PAGE } },	/* share a byte */
		{ { PAGE, MIB }, { 2 * PAGE, 3 * PAGE } },
		{ { PAGE, MIB }, { PAGE, MIB } },
	};
	struct iommu_ioas_allow_iovas base = {
		.size = sizeof(base),
		.ioas_id = w->ioas,
		.num_iovas = 2,
		.allowed_iovas = (uintptr_t)list[0],
	};
	void *edge = two_pages(PROT_READ | PROT_WRITE);
	uint64_t iova = 0;

	require_ok(ioas_allow(w->fd, w->ioas, &good, 1));
	BAD_IDS(w, IOMMU_IOAS_ALLOW_IOVAS, ioas_id, -ENOENT);
	if (w->attached) {
		BAD(w, IOMMU_IOAS_ALLOW_IOVAS, ioas_id, w->dev.id, -ENOENT);
		BAD(w, IOMMU_IOAS_ALLOW_IOVAS, ioas_id, w->hwpt, -ENOENT);
	}
	BAD(w, IOMMU_IOAS_ALLOW_IOVAS, __reserved, 1, -EOPNOTSUPP);
	BAD(w, IOMMU_IOAS_ALLOW_IOVAS, __reserved, 1u << 31, -EOPNOTSUPP);
	BAD(w, IOMMU_IOAS_ALLOW_IOVAS, allowed_iovas, 0, -EFAULT);
	BAD(w, IOMMU_IOAS_ALLOW_IOVAS, allowed_iovas, UINT64_MAX, -EFAULT);
	BAD(w, IOMMU_IOAS_ALLOW_IOVAS, allowed_iovas,
	    (uintptr_t)two_pages(PROT_NONE), -EFAULT);
	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		BAD(w, IOMMU_IOAS_ALLOW_IOVAS, allowed_iovas,
		    (uintptr_t)list[i], -EINVAL);
	/* the second entry of a list lies beyond the end of the memory */
	memcpy((uint8_t *)edge + PAGE - 16, &good, 16);
	require(!mprotect((uint8_t *)edge + PAGE, PAGE, PROT_NONE));
	base.allowed_iovas = (uintptr_t)edge + PAGE - 16;
	BAD(w, IOMMU_IOAS_ALLOW_IOVAS, num_iovas, 2, -EFAULT);
	base.allowed_iovas = (uintptr_t)list[3];
	BAD(w, IOMMU_IOAS_ALLOW_IOVAS, num_iovas, UINT32_MAX, -EINVAL);
	if (w->num_ranges > 1) {
		struct iommu_iova_range hole[] = {
			{ 0, w->ranges[0].last + 1 },
			{ w->ranges[0].last, w->ranges[1].start },
		};

		base.num_iovas = 1;
		BAD(w, IOMMU_IOAS_ALLOW_IOVAS, allowed_iovas,
		    (uintptr_t)&hole[0], -EADDRINUSE);
		BAD(w, IOMMU_IOAS_ALLOW_IOVAS, allowed_iovas,
		    (uintptr_t)&hole[1], -EADDRINUSE);
	}
	require_ok(ioas_map(w->fd, w->ioas, MAP_RW, w->m.va, PAGE, &iova));
	check(iova >= good.start && iova + PAGE - 1 <= good.last);
	require_ok(ioas_unmap(w->fd, w->ioas, iova, PAGE, NULL));
}

static void allow_bare(void)
{
	struct world w;

	world_bare(&w);
	allow_fields(&w);
	world_end(&w);
}

static void allow_attached(void)
{
	struct world w;

	world_attached(&w);
	allow_fields(&w);
	world_end(&w);
}

static const struct test tests[] = {
	{ "ranges_bare", ranges_bare },
	{ "ranges_attached", ranges_attached },
	{ "allow_bare", allow_bare },
	{ "allow_attached", allow_attached },
};

TAP_MAIN("abi_ranges", tests)
