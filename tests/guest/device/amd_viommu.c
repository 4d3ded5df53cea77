// SPDX-License-Identifier: GPL-2.0-only
/*
 * vIOMMUs on AMD-Vi, on a nesting parent of its driver: what stands on what, and that all that
 * Linux's driver doesn't have is refused, with nothing changed.
 */
#include <errno.h>

#include "device.h"
#include "edu.h"
#include "iommu.h"
#include "mem.h"
#include "tap.h"

#define BASE		EDU_IOVA

/* Features, by the register that GET_HW_INFO has them from */
#define EFR_GT		(1ull << 4)
#define EFR_GIOSUP	(1ull << 48)
#define EFR2_GCR3TRPMODE (1ull << 3)

static struct scene {
	int fd;
	uint32_t ioas, parent;
	struct device dev;
	struct edu edu;
	struct mem m;
	bool nests;			/* the IOMMU has what a nesting parent is for */
} s;

static void get_features(void)
{
	struct iommu_hw_info_amd info = { 0 };
	struct iommu_hw_info c = {
		.size = sizeof(c), .dev_id = s.dev.id, .data_len = sizeof(info),
		.data_uptr = (uintptr_t)&info,
	};

	require_ok(iommu_ioctl(s.fd, IOMMU_GET_HW_INFO, &c));
	if (c.out_data_type != IOMMU_HW_INFO_TYPE_AMD)
		tap_skip("no AMD-Vi");
	s.nests = (info.efr & EFR_GT) && (info.efr & EFR_GIOSUP) &&
		  (info.efr2 & EFR2_GCR3TRPMODE);
}

static void up(void)
{
	s.fd = iommu_open();
	s.ioas = ioas_new(s.fd);
	device_get(&s.dev, "edu", 0, s.fd);
	edu_init(&s.edu, &s.dev);
	device_bus_master(&s.dev);
	get_features();
}

static int parent_alloc(uint32_t flags, uint32_t *id)
{
	return hwpt_alloc(s.fd, s.dev.id, s.ioas, IOMMU_HWPT_ALLOC_NEST_PARENT | flags, id);
}

static void up_with_parent(void)
{
	up();
	if (!s.nests)
		tap_skip("this IOMMU has nothing to nest with");
	if (kernel_before(7, 0))
		tap_skip("this kernel's driver has no nesting parents");
	require_ok(parent_alloc(0, &s.parent));
}

static int viommu_alloc(uint32_t hwpt, uint32_t type, uint32_t *id)
{
	struct iommu_viommu_alloc c = {
		.size = sizeof(c), .type = type, .dev_id = s.dev.id, .hwpt_id = hwpt,
	};
	int ret = iommu_ioctl(s.fd, IOMMU_VIOMMU_ALLOC, &c);

	*id = c.out_viommu_id;
	return ret;
}

static int vdevice_alloc(uint32_t viommu, uint64_t virt_id, uint32_t *id)
{
	struct iommu_vdevice_alloc c = {
		.size = sizeof(c), .viommu_id = viommu, .dev_id = s.dev.id, .virt_id = virt_id,
	};
	int ret = iommu_ioctl(s.fd, IOMMU_VDEVICE_ALLOC, &c);

	*id = c.out_vdevice_id;
	return ret;
}

static int nested_alloc(uint32_t pt)
{
	struct iommu_hwpt_amd_guest data = { .dte = { 3 } };
	struct iommu_hwpt_alloc c = {
		.size = sizeof(c), .dev_id = s.dev.id, .pt_id = pt,
		.data_type = IOMMU_HWPT_DATA_AMD_GUEST, .data_len = sizeof(data),
		.data_uptr = (uintptr_t)&data,
	};

	return iommu_ioctl(s.fd, IOMMU_HWPT_ALLOC, &c);
}

static bool reaches(void)
{
	uint64_t *words = (uint64_t *)s.m.va;

	words[0] = 0x0123456789abcdefull;
	words[1] = 0;
	return !edu_load(&s.edu, BASE, 0, 8) && !edu_store(&s.edu, BASE + 8, 0, 8) &&
	       words[1] == words[0];
}

/* A nesting parent is a page table as any other to the device. */
static void parent_translates(void)
{
	up_with_parent();
	mem_get(&s.m, MEM_ANON, PAGE);
	require_ok(ioas_map_at(s.fd, s.ioas, s.m.va, PAGE, BASE));
	require_ok(device_attach(&s.dev, s.parent));
	check(reaches());
	require_ok(device_detach(&s.dev));
	check_ret(iommu_destroy(s.fd, s.parent), 0);
}

/* There's none where the IOMMU or its driver has nothing for it. */
static void not_promised(void)
{
	uint32_t plain, id;
	int ret;

	up();
	if (s.nests && !kernel_before(7, 0))
		tap_skip("this one has nesting parents");
	check_ret(parent_alloc(0, &id), -EOPNOTSUPP);
	require_ok(hwpt_alloc(s.fd, s.dev.id, s.ioas, 0, &plain));
	/* Linux's driver accepts the type first, and then finds no parent. */
	ret = viommu_alloc(plain, IOMMU_VIOMMU_TYPE_ARM_SMMUV3, &id);
	check_ret(ret, tap_oracle() ? -EINVAL : -EOPNOTSUPP);
	check_ret(iommu_destroy(s.fd, plain), 0);
}

static void holds(void)
{
	uint32_t viommu, second, vdevice, other;

	up_with_parent();
	require_ok(viommu_alloc(s.parent, 1, &viommu));
	require_ok(viommu_alloc(s.parent, 3, &second));
	check_ret(iommu_destroy(s.fd, s.parent), -EBUSY);
	require_ok(vdevice_alloc(viommu, 0x10, &vdevice));
	check_ret(vdevice_alloc(viommu, 0x11, &other), -EEXIST);
	check_ret(vdevice_alloc(second, 0x10, &other), -EEXIST);
	check_ret(iommu_destroy(s.fd, viommu), -EBUSY);
	check_ret(iommu_destroy(s.fd, vdevice), 0);
	check_ret(iommu_destroy(s.fd, viommu), 0);
	check_ret(vdevice_alloc(second, 0x10, &vdevice), 0);
	check_ret(iommu_destroy(s.fd, vdevice), 0);
	check_ret(iommu_destroy(s.fd, second), 0);
	check_ret(iommu_destroy(s.fd, s.parent), 0);
}

static void refused(void)
{
	struct iommu_viommu_alloc c = { .size = sizeof(c), .type = 1 };
	uint32_t viommu, plain, id;

	up_with_parent();
	require_ok(hwpt_alloc(s.fd, s.dev.id, s.ioas, 0, &plain));
	check_ret(viommu_alloc(plain, 1, &id), -EINVAL);
	check_ret(viommu_alloc(s.parent, IOMMU_VIOMMU_TYPE_DEFAULT, &id), -EOPNOTSUPP);
	check_ret(viommu_alloc(s.ioas, 1, &id), -ENOENT);
	c.flags = 1;
	c.dev_id = s.dev.id;
	c.hwpt_id = s.parent;
	check_ret(iommu_ioctl(s.fd, IOMMU_VIOMMU_ALLOC, &c), -EOPNOTSUPP);
	require_ok(viommu_alloc(s.parent, 1, &viommu));
	check_ret(nested_alloc(viommu), -EOPNOTSUPP);
	check_ret(nested_alloc(s.parent), -EOPNOTSUPP);
	check_ret(nested_alloc(plain), -EOPNOTSUPP);
	check_ret(device_attach(&s.dev, viommu), -EINVAL);
	check_ret(iommu_destroy(s.fd, viommu), 0);
	check_ret(iommu_destroy(s.fd, plain), 0);
	check_ret(iommu_destroy(s.fd, s.parent), 0);
}

/* All that is left goes with the file. */
static void closed(void)
{
	uint32_t viommu, vdevice;

	up_with_parent();
	require_ok(viommu_alloc(s.parent, 1, &viommu));
	require_ok(vdevice_alloc(viommu, 1, &vdevice));
	require_ok(device_attach(&s.dev, s.parent));
}

static const struct test tests[] = {
	{ "not_promised", not_promised },
	{ "parent_translates", parent_translates },
	{ "holds", holds },
	{ "refused", refused },
	{ "closed", closed },
};

TAP_MAIN("amd_viommu", tests)
