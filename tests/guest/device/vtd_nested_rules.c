// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules of nested page tables on VT-d: what stands on what, what a parent may not map, bad
 * values, and where nesting is promised.
 */
#include <errno.h>

#include "tap.h"
#include "vtd.h"

typedef struct iommu_hwpt_vtd_s1_invalidate range_t;

#define WITH_PASID	1
#define PASID		5

static struct vtd_guest g;

/* What stands on what. */
static void holds(void)
{
	uint32_t id = vtd_nested_up(&g);

	check_ret(iommu_destroy(g.fd, g.parent), -EBUSY);
	check_ret(iommu_destroy(g.fd, id), -EBUSY);
	require_ok(device_attach(&g.dev, g.parent));
	check_ret(iommu_destroy(g.fd, id), 0);
	check_ret(iommu_destroy(g.fd, g.parent), -EBUSY);
	require_ok(device_detach(&g.dev));
	check_ret(iommu_destroy(g.fd, g.parent), 0);
}

/* Erratum 772415: nothing that is read-only below a nested page table. */
static void read_only(void)
{
	struct mem page;
	uint64_t iova = VTD_GPA + GIB;
	uint32_t id, other;
	int ret;

	vtd_up(&g);
	mem_get(&page, MEM_ANON, PAGE);
	check_ret(ioas_map(g.fd, g.ioas, MAP_R | MAP_FIX, page.va, PAGE, &iova), -EINVAL);
	check_eq(vtd_where(&g, vtd_gpa(VTD_DATA)), VTD_DATA);
	other = ioas_new(g.fd);
	iova = VTD_GPA;
	require_ok(ioas_map(g.fd, other, MAP_R | MAP_FIX, page.va, PAGE, &iova));
	ret = hwpt_alloc(g.fd, g.dev.id, other, IOMMU_HWPT_ALLOC_NEST_PARENT, &id);
	/* Page tables of such kernels are filled when a device comes. */
	if (!ret && kernel_before(6, 12)) {
		ret = device_attach(&g.dev, id);
		check_ret(iommu_destroy(g.fd, id), 0);
	}
	check_ret(ret, -EINVAL);
	check_eq(vtd_where(&g, vtd_gpa(VTD_DATA)), VTD_DATA);
	/* Where a device is detached, that is known at once. */
	require_ok(device_detach(&g.dev));
	check_ret(hwpt_alloc(g.fd, g.dev.id, other, IOMMU_HWPT_ALLOC_NEST_PARENT, &id),
		  -EINVAL);
	require_ok(device_attach(&g.dev, g.parent));
	check_eq(vtd_where(&g, vtd_gpa(VTD_DATA)), VTD_DATA);
}

/* One field of what it is made of is bad: there's none, or it can't be attached. */
static void check_data(struct iommu_hwpt_vtd_s1 data, int want)
{
	uint32_t id = 0;
	int ret = vtd_nested(&g, 0, &data, &id);

	if (!ret) {
		ret = device_attach(&g.dev, id);
		check_ret(iommu_destroy(g.fd, id), 0);
	}
	check_ret(ret, want);
	/* Linux's own leaves DMA blocked when an attachment fails. */
	if (tap_oracle()) {
		require_ok(device_detach(&g.dev));
		require_ok(device_attach(&g.dev, g.parent));
	}
	check_eq(vtd_where(&g, vtd_gpa(VTD_DATA)), VTD_DATA);
}

static void bad_data(void)
{
	struct iommu_hwpt_vtd_s1 good, data;
	uint32_t id = 0;

	vtd_up(&g);
	good = (struct iommu_hwpt_vtd_s1){ .pgtbl_addr = g.root[0], .addr_width = 48 };
	for (uint32_t width = 0; width < 70; width++) {
		data = good;
		data.addr_width = width;
		if (width != 48)
			check_data(data, -EINVAL);
	}
	data = good;
	data.addr_width = UINT32_MAX;
	check_data(data, -EINVAL);
	data = good;
	data.flags = IOMMU_VTD_S1_EAFE;
	check_data(data, -EINVAL);
	check_ret(vtd_nested(&g, IOMMU_HWPT_ALLOC_NEST_PARENT, &good, &id), -EOPNOTSUPP);
	check_ret(vtd_nested(&g, IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &good, &id), -EOPNOTSUPP);
	/* A table that isn't in the parent, or nowhere: that translates nothing. */
	for (int bit = 12; bit < 64; bit += 13) {
		data = good;
		data.pgtbl_addr = 1ull << bit | PAGE;
		require_ok(vtd_nested(&g, 0, &data, &id));
		if (!device_attach(&g.dev, id))
			check_eq(vtd_where(&g, VTD_IOVA), -1);
		require_ok(device_attach(&g.dev, g.parent));
		check_ret(iommu_destroy(g.fd, id), 0);
	}
}

static int attach_pasid(uint32_t pt)
{
	struct cdev_attach arg = { .argsz = sizeof(arg), .flags = WITH_PASID,
				   .pt_id = pt, .pasid = PASID };

	return iommu_ioctl(g.dev.fd, CDEV_ATTACH, &arg);
}

/* What a PASID is attached to stays if what is to replace it can't be walked. */
static void bad_pasid(void)
{
	struct iommu_hwpt_vtd_s1 data = { .addr_width = 48 };
	uint32_t id, bad;
	int ret;

	vtd_up(&g);
	if (!edu_has_more(&g.edu))
		tap_skip("needs the edu of tests/qemu");
	vtd_map(&g, 0, VTD_IOVA, VTD_DATA);
	data.pgtbl_addr = g.root[0];
	ret = vtd_nested(&g, IOMMU_HWPT_ALLOC_PASID, &data, &id);
	if (ret == -EOPNOTSUPP && kernel_before(7, 0))
		tap_skip("this kernel has no nested page tables for PASIDs");
	require_ok(ret);
	data.flags = IOMMU_VTD_S1_EAFE;
	require_ok(vtd_nested(&g, IOMMU_HWPT_ALLOC_PASID, &data, &bad));
	require_ok(device_detach(&g.dev));
	require_ok(attach_pasid(id));
	edu_use_pasid(&g.edu, PASID);
	check_eq(vtd_where(&g, VTD_IOVA), VTD_DATA);
	check_ret(attach_pasid(bad), -EINVAL);
	/* Linux's own leaves DMA blocked. */
	check_eq(vtd_where(&g, VTD_IOVA), tap_oracle() ? -1 : (int)VTD_DATA);
	check_ret(iommu_destroy(g.fd, id), -EBUSY);
	check_ret(iommu_destroy(g.fd, bad), 0);
}

#define MANY	136u

/* Entry @at of many is bad: those before it are done, and no more. */
static void check_array(uint32_t id, uint32_t at, range_t bad, int want)
{
	range_t array[MANY + 8];
	uint32_t n = at < 8 ? 8 : ARRAY_SIZE(array);

	for (unsigned int i = 0; i < ARRAY_SIZE(array); i++)
		array[i] = (range_t){ .addr = i & 1 ? 0 : VTD_IOVA,
				      .npages = i & 1 ? UINT64_MAX : 1 };
	array[at] = bad;
	check_ret(vtd_invalidate(g.fd, id, array, &n), want);
	check_eq(n, at);
}

static void bad_ranges(void)
{
	range_t *end = before_hole(sizeof(*end)), *pages = before_hole(MANY * sizeof(*pages));
	uint32_t id = vtd_nested_up(&g), n = 2;

	for (uint32_t at = 0; at < MANY; at += at < 8 || at >= 120 ? 1 : 16) {
		check_array(id, at, (range_t){ .npages = 1, .flags = 2 }, -EOPNOTSUPP);
		check_array(id, at, (range_t){ .npages = 1, .__reserved = 1 }, -EOPNOTSUPP);
		check_array(id, at, (range_t){ .npages = UINT64_MAX, .flags = 1u << 31 },
			    -EOPNOTSUPP);
		check_array(id, at, (range_t){ .npages = 1ull << 40, .__reserved = 1 },
			    -EOPNOTSUPP);
		check_array(id, at, (range_t){ .addr = 1, .npages = 1 }, -EINVAL);
		check_array(id, at, (range_t){ .addr = 8, .npages = 1ull << 40 }, -EINVAL);
		check_array(id, at, (range_t){ .addr = PAGE, .npages = UINT64_MAX }, -EINVAL);
	}
	*end = (range_t){ .npages = UINT64_MAX };
	check_ret(vtd_invalidate(g.fd, id, end, &n), -EFAULT);
	check_eq(n, 1);
	for (uint32_t i = 1; i <= MANY; i++) {
		pages[MANY - i] = (range_t){ .npages = 1 };
		n = i + 2;
		check_ret(vtd_invalidate(g.fd, id, pages + MANY - i, &n), -EFAULT);
		check_eq(n, i);
	}
	n = 0;
	check_ret(vtd_invalidate(g.fd, id, NULL, &n), 0);
	/* A parent has nothing of that kind. */
	n = 1;
	check_ret(vtd_invalidate(g.fd, g.parent, end, &n), -EINVAL);
	check_eq(n, 0);
}

/* Nesting is promised where a parent can be had, and nowhere else. */
static void promised(void)
{
	struct iommu_hw_info_vtd vtd = {};
	struct iommu_hw_info info;
	struct device dev;
	uint32_t ioas, id;
	int fd = iommu_open(), ret;

	ioas = ioas_new(fd);
	device_get(&dev, "edu", 0, fd);
	require_ok(hw_info(fd, dev.id, &vtd, sizeof(vtd), &info));
	if (info.out_data_type != IOMMU_HW_INFO_TYPE_INTEL_VTD)
		tap_skip("needs VT-d");
	ret = hwpt_alloc(fd, dev.id, ioas, IOMMU_HWPT_ALLOC_NEST_PARENT, &id);
	check(!ret || ret == -EOPNOTSUPP);
	check_eq(!!(vtd.ecap_reg & VTD_NEST), !ret);
}

static const struct test tests[] = {
	{ "holds", holds },
	{ "read_only", read_only },
	{ "bad_data", bad_data },
	{ "bad_pasid", bad_pasid },
	{ "bad_ranges", bad_ranges },
	{ "promised", promised },
};

TAP_MAIN("vtd_nested_rules", tests)
