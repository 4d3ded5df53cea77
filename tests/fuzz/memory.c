// SPDX-License-Identifier: GPL-2.0-only
/* The memory that pointers of programs point into. */
#include <linux/iommufd.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../mock/uapi.h"
#include "fuzz.h"

char *regions[REGIONS];

/*
 * Words that drivers read: the mock's structures, and ranges of IOVA.  The test driver's
 * token is zeros, as there are at 448.
 */
static void fill_data(void)
{
	struct iommu_hwpt_selftest *table = (void *)regions[DATA];
	struct iommu_hwpt_invalidate_selftest *entry = (void *)(regions[DATA] + 128);
	struct iommu_iova_range *range = (void *)(regions[DATA] + 256);
	unsigned int i;

	table[0].iotlb = IOMMU_TEST_IOTLB_DEFAULT;
	/* at 64: the huge kind */
	table[8].iotlb = 7;
	table[8].pagetable_type = MOCK_IOMMUPT_HUGE;
	for (i = 0; i < 8; i++) {
		entry[i].flags = i == 3 ? IOMMU_TEST_INVALIDATE_FLAG_ALL : 0;
		entry[i].iotlb_id = i;
	}
	for (i = 0; i < 3; i++) {
		range[i].start = MOCK_APERTURE_START + (0x800000ull * i);
		range[i].last = range[i].start + 0x3fffff;
	}
}

/* Each of eight, of 64 bytes: good ones, and some that are refused. */
static void fill_vtd(void)
{
	struct iommu_hwpt_vtd_s1 *table = (void *)(regions[DATA] + DATA_VTD_TABLES);
	struct iommu_hwpt_vtd_s1_invalidate *range = (void *)(regions[DATA] + DATA_VTD_RANGES);
	unsigned int i;

	for (i = 0; i < 512 / sizeof(*table); i++) {
		table[i].pgtbl_addr = MOCK_APERTURE_START + 4096ull * (i / 4);
		table[i].addr_width = i % 16 == 8 ? 57 : 48;
		table[i].flags = i % 16 == 12 ? IOMMU_VTD_S1_WPE : 0;
	}
	for (i = 0; i < 512 / sizeof(*range); i++) {
		range[i].addr = i % 5 ? 4096ull << i : 0;
		range[i].npages = i % 3 ? 1ull << i : i % 2 ? 1 : UINT64_MAX;
		range[i].flags = i % 4 == 1 ? IOMMU_VTD_INV_FLAGS_LEAF : 0;
	}
}

/* Entries with stage 1, bypass, abort, invalid ones; commands of each kind, and others. */
static void fill_smmu(void)
{
	static const uint64_t configs[] = { 0xb, 0x9, 0x1, 0, 0xb, 0xf, 0xb, 0x9 };
	static const uint8_t opcodes[] = { 0x11, 0x12, 0x05, 0x30, 0x13, 0x10, 0x06, 0x40,
					   0x03, 0x46 };
	uint64_t *ste = (void *)(regions[DATA] + DATA_SMMU_STES);
	uint64_t *command = (void *)(regions[DATA] + DATA_SMMU_COMMANDS);
	unsigned int i;

	for (i = 0; i < 8; i++) {
		ste[8 * i] = configs[i];
		if (configs[i] == 0xb)
			ste[8 * i] |= MOCK_APERTURE_START + 4096ull * i;
	}
	for (i = 0; i < 512 / 16; i++) {
		command[2 * i] = opcodes[(i + i / 4) % sizeof(opcodes)] |
				 (uint64_t)(i % 4) << 32;
		command[2 * i + 1] = i % 2 ? 1 : 0x1000000;
	}
}

static char *take(size_t align, int flags, int fd)
{
	char *at = mmap(NULL, REGION_SIZE + align, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	at = (char *)(((uintptr_t)at + align - 1) & -align);
	return mmap(at, REGION_SIZE, PROT_READ | PROT_WRITE, MAP_FIXED | flags, fd, 0);
}

int memory_prepare(void)
{
	const size_t huge = 2ul << 20;
	int memfd = memfd_create("fuzz", MFD_CLOEXEC);

	if (memfd < 0 || ftruncate(memfd, REGION_SIZE))
		return -1;
	regions[HEAP] = take(huge, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	madvise(regions[HEAP], REGION_SIZE, MADV_NOHUGEPAGE);
	regions[HUGE] = take(huge, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	madvise(regions[HUGE], REGION_SIZE, MADV_HUGEPAGE);
	regions[SHARED] = take(huge, MAP_SHARED, memfd);
	regions[DATA] = take(4096, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	regions[READ_ONLY] = take(4096, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	regions[EDGE] = take(huge, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	regions[NOWHERE] = take(4096, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	regions[KERNEL] = (char *)0xffff800000000000;
	fill_data();
	fill_vtd();
	fill_smmu();
	mprotect(regions[READ_ONLY], REGION_SIZE, PROT_READ);
	munmap(regions[EDGE] + 4096, REGION_SIZE - 4096);
	munmap(regions[NOWHERE], REGION_SIZE);
	return memfd;
}

bool in_region(enum region region, uint64_t at, uint64_t length)
{
	uint64_t start = (uintptr_t)regions[region];

	return length <= REGION_SIZE && at >= start && at <= start + REGION_SIZE - length;
}
