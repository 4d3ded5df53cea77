// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input to the ioctls that name a device, and what GET_HW_INFO tells.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "klog.h"
#include "tap.h"
#include "world.h"

static void hwpt_fields(void)
{
	struct iommu_hwpt_alloc base = { .size = sizeof(base) };
	struct iommu_hw_info info;
	struct world w;

	world_attached(&w);
	base.dev_id = w.dev.id;
	base.pt_id = w.ioas;
	BAD_IDS(&w, IOMMU_HWPT_ALLOC, dev_id, -ENOENT);
	BAD(&w, IOMMU_HWPT_ALLOC, dev_id, w.ioas, -ENOENT);
	BAD(&w, IOMMU_HWPT_ALLOC, dev_id, w.hwpt, -ENOENT);
	/* what the table is made from is an argument like others */
	BAD_IDS(&w, IOMMU_HWPT_ALLOC, pt_id, -EINVAL);
	BAD(&w, IOMMU_HWPT_ALLOC, pt_id, w.dev.id, -EINVAL);
	BAD(&w, IOMMU_HWPT_ALLOC, flags, 1u << 4, -EOPNOTSUPP);
	BAD(&w, IOMMU_HWPT_ALLOC, flags, 1u << 31, -EOPNOTSUPP);
	BAD(&w, IOMMU_HWPT_ALLOC, flags, UINT32_MAX, -EOPNOTSUPP);
	BAD(&w, IOMMU_HWPT_ALLOC, flags, IOMMU_HWPT_ALLOC_NEST_PARENT |
	    IOMMU_HWPT_FAULT_ID_VALID, -EOPNOTSUPP);
	BAD(&w, IOMMU_HWPT_ALLOC, __reserved, 1, -EOPNOTSUPP);
	BAD(&w, IOMMU_HWPT_ALLOC, __reserved, UINT32_MAX, -EOPNOTSUPP);
	/* a type without data, and data without a type */
	BAD(&w, IOMMU_HWPT_ALLOC, data_type, IOMMU_HWPT_DATA_VTD_S1, -EINVAL);
	BAD(&w, IOMMU_HWPT_ALLOC, data_type, UINT32_MAX, -EINVAL);
	BAD(&w, IOMMU_HWPT_ALLOC, data_len, 1, -EINVAL);
	BAD(&w, IOMMU_HWPT_ALLOC, data_len, UINT32_MAX, -EINVAL);
	/* a table on top of one that isn't a nesting parent */
	base.pt_id = w.hwpt;
	BAD(&w, IOMMU_HWPT_ALLOC, data_len, 0, -EOPNOTSUPP);
	base.pt_id = w.ioas;
	/* a table of an address space takes no data from anyone */
	base.data_type = IOMMU_HWPT_DATA_VTD_S1;
	base.data_uptr = (uintptr_t)w.m.va;
	BAD(&w, IOMMU_HWPT_ALLOC, data_len, 64, -EOPNOTSUPP);
	base.data_type = 0xdead;
	BAD(&w, IOMMU_HWPT_ALLOC, data_len, 64, -EOPNOTSUPP);
	base.data_type = IOMMU_HWPT_DATA_NONE;
	require_ok(hw_info(w.fd, w.dev.id, NULL, 0, &info));
	if (!(info.out_capabilities & IOMMU_HW_CAP_DIRTY_TRACKING))
		BAD(&w, IOMMU_HWPT_ALLOC, flags,
		    IOMMU_HWPT_ALLOC_DIRTY_TRACKING, -EOPNOTSUPP);
	check_ret(iommu_ioctl(w.fd, IOMMU_HWPT_ALLOC,
			      read_only_copy(&base, sizeof(base))), -EFAULT);
	world_end(&w);
}

/* The form that ends before data_type: what lies behind it isn't looked at. */
static void hwpt_oldest(void)
{
	struct iommu_hwpt_alloc c;
	struct world w;

	world_attached(&w);
	memset(&c, 0xff, sizeof(c));
	c.size = offsetof(struct iommu_hwpt_alloc, data_type);
	c.flags = 0;
	c.dev_id = w.dev.id;
	c.pt_id = w.ioas;
	c.out_hwpt_id = 0;
	c.__reserved = 0;
	require_ok(iommu_ioctl(w.fd, IOMMU_HWPT_ALLOC, &c));
	check(c.out_hwpt_id != 0);
	check_eq(c.data_type, UINT32_MAX);
	check_eq(c.data_uptr, UINT64_MAX);
	check_ret(iommu_destroy(w.fd, c.out_hwpt_id), 0);
	world_end(&w);
}

/* Failure to fill the new table leaves the others and the device alone. */
static void hwpt_no_room(void)
{
	struct iommu_iova_range all = { 0, UINT64_MAX };
	struct world w;

	world_attached(&w);
	if (w.num_ranges < 2 &&
	    w.ranges[0].last == UINT64_MAX)
		tap_skip("this IOMMU reserves nothing");
	/* what the user wants kept free of reservations stays so */
	require_ok(ioas_allow(w.fd, w.other, &all, 1));
	if (w.ranges[w.num_ranges - 1].last != UINT64_MAX)
		world_refuse_table(&w, -EADDRINUSE);
	check_ret(device_attach(&w.dev, w.other), -EADDRINUSE);
	world_same(&w, "attach to a space whose allowed range is reserved");
	require_ok(ioas_allow(w.fd, w.other, NULL, 0));
	require_ok(device_attach(&w.dev, w.other));
	require_ok(device_attach(&w.dev, w.hwpt));
	world_end(&w);
}

static void attach_ids(void)
{
	const char *what;
	unsigned int i = 0;
	struct world w;
	uint32_t id;

	world_attached(&w);
	while (world_bad_id(&w, &i, &id, &what)) {
		check_msg(device_attach(&w.dev, id) == -ENOENT, "%s", what);
		world_same(&w, what);
	}
	check_ret(device_attach(&w.dev, w.dev.id), -EINVAL);
	world_same(&w, "attach to a device");
	world_end(&w);
}

static void info_fields(void)
{
	struct iommu_hw_info base = { .size = sizeof(base), .data_len = PAGE };
	struct world w;
	uint8_t *data;

	world_attached(&w);
	base.dev_id = w.dev.id;
	/* behind it lies memory that can't be written */
	data = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(data != MAP_FAILED && !mprotect(data + PAGE, PAGE, PROT_READ));
	base.data_uptr = (uintptr_t)data;
	memset(data, 0x5a, PAGE);
	BAD_IDS(&w, IOMMU_GET_HW_INFO, dev_id, -ENOENT);
	BAD(&w, IOMMU_GET_HW_INFO, dev_id, w.ioas, -ENOENT);
	BAD(&w, IOMMU_GET_HW_INFO, dev_id, w.hwpt, -ENOENT);
	BAD(&w, IOMMU_GET_HW_INFO, flags, 2, -EOPNOTSUPP);
	BAD(&w, IOMMU_GET_HW_INFO, flags, 1u << 31, -EOPNOTSUPP);
	BAD(&w, IOMMU_GET_HW_INFO, flags, UINT32_MAX, -EOPNOTSUPP);
	for (int i = 0; i < 3; i++) {
		BAD(&w, IOMMU_GET_HW_INFO, __reserved[i], 1, -EOPNOTSUPP);
		BAD(&w, IOMMU_GET_HW_INFO, __reserved[i], 0xff, -EOPNOTSUPP);
	}
	check_eq(mem_differs_from(data, PAGE, 0x5a), -1);
	BAD(&w, IOMMU_GET_HW_INFO, data_uptr, 0, -EFAULT);
	BAD(&w, IOMMU_GET_HW_INFO, data_uptr, UINT64_MAX - 7, -EFAULT);
	BAD(&w, IOMMU_GET_HW_INFO, data_uptr,
	    (uintptr_t)read_only_copy(data, 8), -EFAULT);
	BAD(&w, IOMMU_GET_HW_INFO, data_len, PAGE + 1, -EFAULT);
	BAD(&w, IOMMU_GET_HW_INFO, data_len, UINT32_MAX, -EFAULT);
	check_ret(iommu_ioctl(w.fd, IOMMU_GET_HW_INFO,
			      read_only_copy(&base, sizeof(base))), -EFAULT);
	world_end(&w);
}

/* Short and long buffers: cut, or zero behind what there is. */
static void info_lengths(void)
{
	uint8_t whole[256], data[256];
	struct iommu_hw_info info;
	struct world w;
	uint32_t n;

	world_attached(&w);
	memset(whole, 0x5a, sizeof(whole));
	require_ok(hw_info(w.fd, w.dev.id, whole, sizeof(whole), &info));
	n = info.data_len;
	require(n < sizeof(whole));
	check_eq(mem_differs_from(whole + n, sizeof(whole) - n, 0), -1);
	require_ok(hw_info(w.fd, w.dev.id, NULL, 0, &info));
	check_eq(info.data_len, n);
	for (uint32_t len = 1; len < n; len += 3) {
		memset(data, 0x5a, sizeof(data));
		require_ok(hw_info(w.fd, w.dev.id, data, len, &info));
		check_eq(info.data_len, n);
		check(!memcmp(data, whole, len));
		check_eq(mem_differs_from(data + len, 64, 0x5a), -1);
	}
	memset(data, 0x5a, sizeof(data));
	require_ok(hw_info(w.fd, w.dev.id, data, n + 1, &info));
	check(!data[n] && data[n + 1] == 0x5a);
	world_end(&w);
}

/* A hexadecimal number from an attribute of the IOMMU in sysfs. */
static bool iommu_attr(const char *bdf, const char *attr, uint64_t *value)
{
	char path[256];
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu/%s", bdf,
		 attr);
	f = fopen(path, "r");
	if (!f)
		return false;
	n = fscanf(f, "%" SCNx64, value);
	fclose(f);
	return n == 1;
}

static void info_vtd(struct world *w)
{
	struct iommu_hw_info_vtd vtd;
	struct iommu_hw_info info;
	uint64_t cap, ecap;

	require_ok(hw_info(w->fd, w->dev.id, &vtd, sizeof(vtd), &info));
	check_eq(info.out_data_type, IOMMU_HW_INFO_TYPE_INTEL_VTD);
	check_eq(info.data_len, sizeof(vtd));
	require(iommu_attr(w->dev.bdf, "intel-iommu/cap", &cap));
	require(iommu_attr(w->dev.bdf, "intel-iommu/ecap", &ecap));
	check_eq(vtd.cap_reg, cap);
	check_eq(vtd.ecap_reg, ecap);
	check_eq(vtd.__reserved, 0);
}

static void info_amd(struct world *w)
{
	struct iommu_hw_info_amd amd;
	struct iommu_hw_info info;
	uint64_t efr;

	require_ok(hw_info(w->fd, w->dev.id, &amd, sizeof(amd), &info));
	check_eq(info.out_data_type, IOMMU_HW_INFO_TYPE_AMD);
	check_eq(info.data_len, sizeof(amd));
	/* 6.1 prints the second register first */
	require(iommu_attr(w->dev.bdf, "amd-iommu/features", &efr));
	check(efr == amd.efr || efr == amd.efr2);
	check(amd.efr != 0);
}

static void info_smmuv3(struct world *w)
{
	struct iommu_hw_info_arm_smmuv3 smmu;
	struct iommu_hw_info info;

	require_ok(hw_info(w->fd, w->dev.id, &smmu, sizeof(smmu), &info));
	check_eq(info.out_data_type, IOMMU_HW_INFO_TYPE_ARM_SMMUV3);
	check_eq(info.data_len, sizeof(smmu));
	check_eq(smmu.flags, 0);
	check(smmu.idr[0] & 3);		/* a stage of translation */
	check(smmu.idr[5] & 1u << 4);	/* pages of 4 KiB */
	check((smmu.idr[1] & 0x3f) != 0);	/* bits of a stream ID */
}

static void info_contents(void)
{
	struct iommu_hw_info info;
	struct world w;

	world_attached(&w);
	switch (klog_iommu()) {
	case IOMMU_VTD:
		info_vtd(&w);
		break;
	case IOMMU_AMD:
		info_amd(&w);
		break;
	case IOMMU_SMMUV3:
		info_smmuv3(&w);
		break;
	default:
		require_ok(hw_info(w.fd, w.dev.id, NULL, 0, &info));
		check_eq(info.out_data_type, IOMMU_HW_INFO_TYPE_NONE);
		check_eq(info.data_len, 0);
	}
	/* edu has no PASIDs */
	require_ok(hw_info(w.fd, w.dev.id, NULL, 0, &info));
	check_eq(info.out_max_pasid_log2, 0);
	check_eq(info.out_capabilities &
		 ~(uint64_t)(IOMMU_HW_CAP_DIRTY_TRACKING |
			     IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED), 0);
	world_end(&w);
}

/* A type asked for: given if it is the one there is. */
static void info_type(void)
{
	struct iommu_hw_info base = {
		.size = sizeof(base),
		.flags = IOMMU_HW_INFO_FLAG_INPUT_TYPE,
	};
	struct iommu_hw_info info;
	struct world w;

	world_attached(&w);
	base.dev_id = w.dev.id;
	require_ok(hw_info(w.fd, w.dev.id, NULL, 0, &info));
	if (info.out_data_type != IOMMU_HW_INFO_TYPE_NONE) {
		BAD(&w, IOMMU_GET_HW_INFO, in_data_type, 0xdead, -EOPNOTSUPP);
		BAD(&w, IOMMU_GET_HW_INFO, in_data_type,
		    IOMMU_HW_INFO_TYPE_TEGRA241_CMDQV, -EOPNOTSUPP);
		base.in_data_type = info.out_data_type;
	}
	require_ok(iommu_ioctl(w.fd, IOMMU_GET_HW_INFO, &base));
	check_eq(base.out_data_type, info.out_data_type);
	check_eq(base.data_len, info.data_len);
	/* without the flag the field is output only */
	base.flags = 0;
	base.in_data_type = 0xdead;
	base.data_len = 0;
	base.data_uptr = 0;
	require_ok(iommu_ioctl(w.fd, IOMMU_GET_HW_INFO, &base));
	check_eq(base.out_data_type, info.out_data_type);
	world_end(&w);
}

static const struct test tests[] = {
	{ "hwpt_fields", hwpt_fields },
	{ "hwpt_oldest", hwpt_oldest },
	{ "hwpt_no_room", hwpt_no_room },
	{ "attach_ids", attach_ids },
	{ "info_fields", info_fields },
	{ "info_lengths", info_lengths },
	{ "info_contents", info_contents },
	{ "info_type", info_type },
};

TAP_MAIN("abi_device", tests)
