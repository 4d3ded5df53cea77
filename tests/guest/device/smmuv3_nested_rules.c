// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules of nested page tables of a real SMMUv3: what may stand on what, and bad values of
 * each kind.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "smmuv3_scene.h"
#include "tap.h"

static void holds(void)
{
	uint64_t bypass[2] = { STE_V | STE_BYPASS, 0 };
	uint32_t id;

	nest_up();
	check_ret(iommu_destroy(nest.g.fd, nest.g.viommu), -EBUSY);
	check_ret(iommu_destroy(nest.g.fd, nest.g.parent), -EBUSY);
	check_ret(nested_alloc(nest.g.fd, nest.d.dev.id, nest.g.parent, bypass, &id), -EOPNOTSUPP);
	check_ret(viommu_alloc(nest.g.fd, nest.d.dev.id, nest.hwpt,
			       IOMMU_VIOMMU_TYPE_ARM_SMMUV3, &id), -ENOENT);
	check_ret(viommu_alloc(nest.g.fd, nest.d.dev.id, nest.g.parent, 2, &id), -EOPNOTSUPP);
	check_ret(vdevice_alloc(nest.g.fd, nest.g.viommu, nest.d.dev.id, 9, &id), -EEXIST);
	require_ok(device_attach(&nest.d.dev, nest.hwpt));
	check_ret(iommu_destroy(nest.g.fd, nest.hwpt), -EBUSY);
	require_ok(device_attach(&nest.d.dev, nest.g.parent));
	/* What has stage 1 wants a vDEVICE, and what hasn't doesn't. */
	check_ret(iommu_destroy(nest.g.fd, nest.d.vdevice), 0);
	check_ret(device_attach(&nest.d.dev, nest.hwpt), -ENOENT);
	check_lands(&nest.d, guest_ipa(PAGE_A), PAGE_A);
	require_ok(nested_alloc(nest.g.fd, nest.d.dev.id, nest.g.viommu, bypass, &id));
	check_ret(device_attach(&nest.d.dev, id), 0);
	check_lands(&nest.d, guest_ipa(PAGE_A), PAGE_A);
	require_ok(device_attach(&nest.d.dev, nest.g.parent));
	check_ret(iommu_destroy(nest.g.fd, id), 0);
	nest_vdevice();
	nest_down();
}

/* A machine that isn't coherent whatever a guest does has no vIOMMUs. */
static void coherency(void)
{
	const char *path = "/sys/module/iommufd/parameters/smmuv3_assume_coherent";
	uint32_t id;
	FILE *f;

	nest_up();
	f = fopen(path, "w");
	require(f && fputs("0", f) >= 0 && !fclose(f));
	check_ret(viommu_alloc(nest.g.fd, nest.d.dev.id, nest.g.parent,
			       IOMMU_VIOMMU_TYPE_ARM_SMMUV3, &id), -EOPNOTSUPP);
	guest_need_nesting();
	nest_down();
}

static void bad_entries(void)
{
	const uint64_t good[2] = { STE_V | STE_S1, STE_ATTRIBUTES };
	const uint64_t may[2] = { 0xf80ffffffffffffful, 0x380000fful };
	uint64_t ste[2];
	unsigned int i;
	uint32_t id;

	nest_up();
	for (i = 0; i < 128; i++) {
		memcpy(ste, good, sizeof(ste));
		if (may[i / 64] >> i % 64 & 1)
			continue;
		ste[i / 64] |= 1ull << i % 64;
		if (!check_ret(nested_alloc(nest.g.fd, nest.d.dev.id, nest.g.viommu, ste, &id),
			       -EIO))
			tap_diag("bit %u", i);
	}
	for (i = 0; i < 8; i++) {
		ste[0] = STE_V | i << 1;
		ste[1] = STE_ATTRIBUTES;
		if (i == 0 || i == 4 || i == 5)
			continue;
		check_ret(nested_alloc(nest.g.fd, nest.d.dev.id, nest.g.viommu, ste, &id), -EIO);
	}
	for (i = 2; i < 4; i++) {
		ste[0] = good[0];
		ste[1] = (uint64_t)i << 28;
		check_ret(nested_alloc(nest.g.fd, nest.d.dev.id, nest.g.viommu, ste, &id), -EIO);
	}
	nest_down();
}

static void bad_allocs(void)
{
	struct iommu_hwpt_arm_smmuv3 data = { { STE_V | STE_BYPASS, 0 } };
	const struct iommu_hwpt_alloc good = {
		.size = sizeof(good), .data_type = IOMMU_HWPT_DATA_ARM_SMMUV3,
		.data_len = sizeof(data), .data_uptr = (uintptr_t)&data,
	};
	struct iommu_hwpt_alloc c;

	nest_up();
#define BAD_ALLOC(field, value, want) do {				\
		c = good;						\
		c.dev_id = nest.d.dev.id;				\
		c.pt_id = nest.g.viommu;				\
		c.field = value;					\
		check_ret(iommu_ioctl(nest.g.fd, IOMMU_HWPT_ALLOC, &c), want); \
	} while (0)
	BAD_ALLOC(flags, IOMMU_HWPT_ALLOC_PASID, -EOPNOTSUPP);
	BAD_ALLOC(flags, IOMMU_HWPT_ALLOC_NEST_PARENT, -EOPNOTSUPP);
	BAD_ALLOC(data_type, IOMMU_HWPT_DATA_VTD_S1, -EINVAL);
	BAD_ALLOC(data_len, 15, -EINVAL);
	BAD_ALLOC(data_len, 0, -EINVAL);
	BAD_ALLOC(data_uptr, 0, -EFAULT);
	BAD_ALLOC(data_uptr, (uintptr_t)before_hole(PAGE) + PAGE - 8, -EFAULT);
	nest_down();
}

/* One command, after a good one: how many were done tells that it was the bad one. */
static void check_command(uint64_t word0, uint64_t word1, int want)
{
	uint64_t commands[3][2] = { { TLBI_NH_ALL, 0 }, { word0, word1 }, { TLBI_NH_ALL, 0 } };
	uint32_t n = 3;
	int rc = guest_invalidate(&nest.g, commands, &n);

	if (!check_ret(rc, want) || !check_eq(n, want ? 1 : 3))
		tap_diag("command %llx %llx", (unsigned long long)word0,
			 (unsigned long long)word1);
}

static void bad_commands(void)
{
	struct iommu_hw_info_arm_smmuv3 smmu = {};
	struct iommu_hw_info info;
	unsigned int i;
	int ds;

	nest_up();
	for (i = 0; i < 256; i++) {
		switch (i) {
		case CFGI_CD: case CFGI_CD_ALL: case TLBI_NH_ALL: case TLBI_NH_ASID:
		case TLBI_NH_VA: case TLBI_NH_VAA: case TLBI_NSNH_ALL: case ATC_INV:
			break;
		default:
			check_command(i | (uint64_t)nest.d.vsid << 32, 0, -EIO);
		}
	}
	check_command(CFGI_CD | (uint64_t)nest.d.vsid << 32, 1, 0);
	check_command(CFGI_CD | (uint64_t)(nest.d.vsid + 1) << 32, 1, -EIO);
	check_command(CFGI_CD, 1, -EIO);
	check_command(CFGI_CD_ALL | 0xffffffffull << 32, 0, -EIO);
	/* Bits that are reserved, and those of the secure world */
	check_command(CFGI_CD | (uint64_t)nest.d.vsid << 32 | 1ull << 10, 1, -EIO);
	check_command(CFGI_CD_ALL | (uint64_t)nest.d.vsid << 32, 1, -EIO);
	check_command(TLBI_NSNH_ALL | 1ull << 32, 0, -EIO);
	check_command(TLBI_NH_ALL | 1ull << 48, 0, -EIO);
	check_command(TLBI_NH_ALL, 1ull << 12, -EIO);
	check_command(TLBI_NH_ASID | 1ull << 10, 0, -EIO);
	check_command(TLBI_NH_VAA | 1ull << 48, 0x1001, -EIO);
	/* A range wants a granule, and a granule a range or a level. */
	check_command(TLBI_NH_VA | 1ull << 12, 0x1001, -EIO);
	check_command(TLBI_NH_VA, 0x1001 | 1ull << 8, -EIO);
	check_command(TLBI_NH_VA, 0x1001 | 1ull << 10, -EIO);
	check_command(TLBI_NH_VA | 1ull << 12, 0x1001 | 1ull << 10, 0);
	check_command(TLBI_NH_VA, 0x1001 | 1ull << 10 | 3ull << 8, 0);
	check_command(TLBI_NH_VA, 0x1001 | 1ull << 4, -EIO);
	/* A scale above 31, and level 1 of 16 KiB, if the SMMU has 52-bit addresses (DS). */
	require_ok(hw_info(nest.g.fd, nest.d.dev.id, &smmu, sizeof(smmu), &info));
	ds = smmu.idr[5] & 1u << 7 ? 0 : -EIO;
	check_command(TLBI_NH_VA | 1ull << 25, 0x1001 | 1ull << 10, ds);
	check_command(TLBI_NH_VA, 0x1001 | 2ull << 10 | 1ull << 8, ds);
	check_command(TLBI_NH_VA, 0x1001 | 2ull << 10 | 2ull << 8, 0);
	nest_down();
}

/* More than a batch, with a bad one in each place around its end. */
static void arrays(void)
{
	static uint64_t commands[100][2];
	static const unsigned int bad[] = { 0, 1, 31, 32, 33, 63, 64, 99 };
	unsigned int i;
	uint32_t n;
	uint64_t *end;

	nest_up();
	for (i = 0; i < 100; i++)
		commands[i][0] = TLBI_NH_ALL;
	n = 100;
	check_ret(guest_invalidate(&nest.g, commands, &n), 0);
	check_eq(n, 100);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		commands[bad[i]][0] = 0x03;
		n = 100;
		check_ret(guest_invalidate(&nest.g, commands, &n), -EIO);
		check_eq(n, bad[i]);
		commands[bad[i]][0] = TLBI_NH_ALL;
	}
	n = (1u << 19) + 1;
	check_ret(guest_invalidate(&nest.g, commands, &n), -EINVAL);
	check_eq(n, 0);
	n = 1;
	check_ret(guest_invalidate(&nest.g, NULL, &n), -EINVAL);
	check_eq(n, 0);
	n = 2;
	check_ret(guest_invalidate(&nest.g, (void *)-16ul, &n), -EFAULT);
	check_eq(n, 0);
	end = (uint64_t *)((char *)before_hole(PAGE) + PAGE);
	end[-2] = TLBI_NH_ALL;
	end[-1] = 0;
	n = 2;
	check_ret(guest_invalidate(&nest.g, (void *)(end - 2), &n), -EFAULT);
	check_eq(n, 1);
	nest_down();
}

static const struct test tests[] = {
	{ "holds", holds, 120 },
	{ "coherency", coherency, 120 },
	{ "bad_entries", bad_entries, 120 },
	{ "bad_allocs", bad_allocs, 120 },
	{ "bad_commands", bad_commands, 120 },
	{ "arrays", arrays, 120 },
};

TAP_MAIN("smmuv3_nested_rules", tests)
