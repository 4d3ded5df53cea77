// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO's type1 ioctls on /dev/iommu: which address space they reach, and what they
 * tell of it.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <linux/vfio.h>

#include "rig.h"
#include "tap.h"
#include "type1.h"

static int chosen(int fd, uint32_t *id)
{
	*id = 0;
	return type1_vfio_ioas(fd, IOMMU_VFIO_IOAS_GET, id);
}

static int extension(int fd, unsigned long what)
{
	int ret = ioctl(fd, VFIO_CHECK_EXTENSION, what);

	return ret < 0 ? -errno : ret;
}

static void which(void)
{
	int fd = iommu_open(), other = iommu_open();
	uint32_t a = ioas_new(fd), b = ioas_new(fd), id;
	struct iommu_vfio_ioas c = { .size = sizeof(c), .ioas_id = a };
	struct mem m;

	mem_get(&m, MEM_ANON, SIZE);
	check_ret(chosen(fd, &id), -ENODEV);
	check_ret(type1_map(fd, m.va, SIZE, BASE), -ENODEV);
	check_eq(type1_unmap(fd, BASE, SIZE), -ENODEV);
	check_ret(type1_set_type(fd, VFIO_TYPE1v2_IOMMU), -ENODEV);
	check_ret(type1_choose(fd, 0), -ENOENT);
	check_ret(type1_choose(fd, b + 100), -ENOENT);
	check_ret(type1_choose(other, a), -ENOENT);
	c.op = 3;
	check_ret(iommu_ioctl(fd, IOMMU_VFIO_IOAS, &c), -EOPNOTSUPP);
	c.op = IOMMU_VFIO_IOAS_SET;
	c.__reserved = 1;
	check_ret(iommu_ioctl(fd, IOMMU_VFIO_IOAS, &c), -EOPNOTSUPP);
	check_ret(chosen(fd, &id), -ENODEV);

	require_ok(type1_choose(fd, a));
	check(!chosen(fd, &id) && id == a);
	check_ret(type1_map(fd, m.va, SIZE, BASE), 0);
	require_ok(type1_choose(fd, b));
	check_eq(type1_unmap(fd, BASE, SIZE), 0);
	check_eq(ioas_unmap_all(fd, a), SIZE);
	id = 0;
	check_ret(type1_vfio_ioas(fd, IOMMU_VFIO_IOAS_CLEAR, &id), 0);
	check_ret(chosen(fd, &id), -ENODEV);
	check_ret(type1_vfio_ioas(fd, IOMMU_VFIO_IOAS_CLEAR, &id), 0);

	/* It goes with the address space, and only with that one. */
	require_ok(type1_choose(fd, a));
	require_ok(iommu_destroy(fd, b));
	check(!chosen(fd, &id) && id == a);
	require_ok(iommu_destroy(fd, a));
	check_ret(chosen(fd, &id), -ENODEV);
	b = ioas_new(fd);
	check_ret(chosen(fd, &id), -ENODEV);
	check_ret(type1_map(fd, m.va, SIZE, BASE), -ENODEV);
}

static void answers(void)
{
	/* Nothing, where an argument has 32 bits */
	const unsigned long high = sizeof(long) > 4 ? 1ull << 32 : 0;
	uint32_t ioas;
	int fd = iommu_open();

	check_eq(ioctl(fd, VFIO_GET_API_VERSION), VFIO_API_VERSION);
	check_ret(extension(fd, VFIO_TYPE1_IOMMU), 1);
	check_ret(extension(fd, VFIO_TYPE1v2_IOMMU), 1);
	check_ret(extension(fd, VFIO_UNMAP_ALL), 1);
	check_ret(extension(fd, VFIO_DMA_CC_IOMMU), -ENODEV);
	check_ret(extension(fd, 6), 0);			/* nesting */
	check_ret(extension(fd, VFIO_UPDATE_VADDR), 0);
	check_ret(extension(fd, 0), 0);
	check_ret(extension(fd, high | VFIO_TYPE1_IOMMU), !high);
	ioas = ioas_new(fd);
	require_ok(type1_choose(fd, ioas));
	check_ret(extension(fd, VFIO_DMA_CC_IOMMU), 1);
	check_ret(type1_set_type(fd, 0), -EINVAL);
	check_ret(type1_set_type(fd, 6), -EINVAL);
	check_ret(type1_set_type(fd, VFIO_NOIOMMU_IOMMU), -EINVAL);
	check_ret(type1_set_type(fd, high | VFIO_TYPE1_IOMMU), high ? -EINVAL : 0);
	check_ret(type1_set_type(fd, VFIO_TYPE1_IOMMU), 0);
	check_ret(type1_set_type(fd, VFIO_TYPE1v2_IOMMU), 0);
	check_ret(iommu_ioctl(fd, VFIO_IOMMU_DIRTY_PAGES, NULL), -ENOTTY);
	check_ret(iommu_ioctl(fd, VFIO_GROUP_GET_STATUS, NULL), -ENOTTY);
	check_ret(iommu_ioctl(fd, _IO(';', 99), NULL), -ENOTTY);
	check_ret(iommu_ioctl(fd, _IO(';', 127), NULL), -ENOTTY);
	check_ret(iommu_ioctl(fd, _IO('<', 100), NULL), -ENOTTY);
}

/* The capabilities, walked through as a program would. */
static void check_chain(const uint8_t *buf, int fd, uint32_t ioas)
{
	const struct vfio_iommu_type1_info *info = (const void *)buf;
	const struct vfio_iommu_type1_info_cap_iova_range *list;
	const struct vfio_iommu_type1_info_dma_avail *avail;
	const struct vfio_info_cap_header *cap;
	struct iommu_iova_range ranges[16];
	uint32_t n = 16, at, seen = 0;

	require_ok(ioas_ranges(fd, ioas, ranges, &n, NULL));
	for (at = info->cap_offset; at; at = cap->next) {
		require(at + sizeof(*cap) <= info->argsz && !(at % 8));
		cap = (const void *)(buf + at);
		check_eq(cap->version, 1);
		seen |= 1u << cap->id;
		if (cap->id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL) {
			avail = (const void *)cap;
			check_eq(avail->avail, UINT32_MAX);
			continue;
		}
		require(cap->id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
		list = (const void *)cap;
		require(list->nr_iovas == n);
		check(!memcmp(list->iova_ranges, ranges, n * sizeof(*ranges)));
		check_eq(at + sizeof(*list) + n * sizeof(*ranges), info->argsz);
	}
	check_eq(seen, 1u << VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL |
		       1u << VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
}

/* Asks with every size, and looks for bytes written beyond it. */
static void check_info(int fd, uint32_t ioas)
{
	static uint8_t buf[1024];
	struct vfio_iommu_type1_info *info = (void *)buf;
	/* Padded for 64 bits, also if a 32-bit program's headers don't say so */
	const uint32_t end = (sizeof(*info) + 7) & ~7u;
	uint32_t full = 0, size;

	for (size = 16; size <= full + 32; size++) {
		memset(buf, 0xaa, sizeof(buf));
		info->argsz = size;
		require_ok(iommu_ioctl(fd, VFIO_IOMMU_GET_INFO, info));
		check_eq(info->flags, VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS);
		check(info->iova_pgsizes & PAGE);
		if (!full)
			full = info->argsz;
		check_eq(info->argsz, full);
		for (uint32_t i = size; i < sizeof(buf); i++)
			if (!check_eq(buf[i], 0xaa))
				return;
		if (size < sizeof(*info))
			continue;
		check_eq(info->cap_offset, size < full ? 0 : end);
		if (size >= full)
			check_chain(buf, fd, ioas);
	}
	check(full > sizeof(*info) && full < sizeof(buf));
}

static void info(void)
{
	struct vfio_iommu_type1_info small = { .argsz = 15 }, *edge;
	uint8_t *pages;
	uint32_t ioas;
	int fd = type1_space(&ioas, VFIO_TYPE1v2_IOMMU);

	check_info(fd, ioas);
	check_ret(iommu_ioctl(fd, VFIO_IOMMU_GET_INFO, &small), -EINVAL);
	check_ret(iommu_ioctl(fd, VFIO_IOMMU_GET_INFO, NULL), -EFAULT);
	pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(pages != MAP_FAILED && !munmap(pages + PAGE, PAGE));
	edge = (void *)(pages + PAGE - sizeof(*edge));
	edge->argsz = 4096;
	check_ret(iommu_ioctl(fd, VFIO_IOMMU_GET_INFO, edge), -EFAULT);
	edge->argsz = UINT32_MAX;
	check_ret(iommu_ioctl(fd, VFIO_IOMMU_GET_INFO, edge), -EFAULT);
	edge->argsz = sizeof(*edge);
	check_ret(iommu_ioctl(fd, VFIO_IOMMU_GET_INFO, edge), 0);
	require_ok(type1_choose(fd, ioas_new(fd)));
	require_ok(iommu_destroy(fd, ioas));
	edge->argsz = sizeof(*edge);
	check_ret(iommu_ioctl(fd, VFIO_IOMMU_GET_INFO, edge), 0);
}

static void info_attached(void)
{
	struct vfio_iommu_type1_info i = { .argsz = sizeof(i) };
	struct rig r;

	rig_up(&r);
	require_ok(type1_choose(r.fd, r.ioas));
	check_info(r.fd, r.ioas);
	require_ok(iommu_ioctl(r.fd, VFIO_IOMMU_GET_INFO, &i));
	check(!(i.iova_pgsizes & (PAGE - 1)));
	check(extension(r.fd, VFIO_DMA_CC_IOMMU) >= 0);
}

static void bad_map(void)
{
	struct vfio_iommu_type1_dma_map good, c;
	struct mem m;
	uint32_t ioas;
	int fd = type1_space(&ioas, VFIO_TYPE1v2_IOMMU);

#define BAD_MAP(field, value, want)					\
	do {								\
		c = good;						\
		c.field = (value);					\
		check_ret(iommu_ioctl(fd, VFIO_IOMMU_MAP_DMA, &c), want);	\
	} while (0)

	mem_get(&m, MEM_ANON, SIZE);
	good = (struct vfio_iommu_type1_dma_map){
		.argsz = sizeof(good), .flags = RW, .vaddr = (uintptr_t)m.va,
		.iova = BASE, .size = SIZE,
	};
	check_ret(iommu_ioctl(fd, VFIO_IOMMU_MAP_DMA, NULL), -EFAULT);
	BAD_MAP(argsz, sizeof(c) - 1, -EINVAL);
	BAD_MAP(argsz, 0, -EINVAL);
	BAD_MAP(flags, RW | 1 << 2, -EINVAL);		/* VADDR */
	BAD_MAP(flags, 1u << 31, -EINVAL);
	BAD_MAP(size, 0, -EINVAL);
	BAD_MAP(size, UINT64_MAX, -EOVERFLOW);
	BAD_MAP(vaddr, UINT64_MAX - PAGE, -EOVERFLOW);
	BAD_MAP(iova, -PAGE, -EOVERFLOW);
	/* Linux's own maps what nobody can use. */
	if (!tap_oracle())
		BAD_MAP(flags, 0, -EINVAL);
	check_eq(ioas_unmap_all(fd, ioas), 0);
	require_ok(iommu_ioctl(fd, VFIO_IOMMU_MAP_DMA, &good));
	BAD_MAP(iova, BASE, -EEXIST);
	BAD_MAP(iova, BASE + SIZE - PAGE, -EEXIST);
	BAD_MAP(iova, BASE - SIZE + PAGE, -EEXIST);
	/* A caller may know more than we do. */
	c = good;
	c.argsz = 4096;
	c.iova = BASE + SIZE;
	check_ret(iommu_ioctl(fd, VFIO_IOMMU_MAP_DMA, &c), 0);
	check_eq(type1_unmap_everything(fd), 2 * SIZE);
}

static void bad_unmap(void)
{
	struct vfio_iommu_type1_dma_unmap c = {
		.argsz = sizeof(c) - 1, .iova = BASE, .size = SIZE,
	};
	struct mem m;
	uint32_t ioas;
	int fd = type1_space(&ioas, VFIO_TYPE1v2_IOMMU);

	mem_get(&m, MEM_ANON, SIZE);
	require_ok(type1_map(fd, m.va, SIZE, BASE));
	check_ret(iommu_ioctl(fd, VFIO_IOMMU_UNMAP_DMA, NULL), -EFAULT);
	check_ret(iommu_ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &c), -EINVAL);
	check_eq(type1_unmap_flags(fd, VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, BASE, SIZE),
		 -EINVAL);
	check_eq(type1_unmap_flags(fd, 1u << 2, BASE, SIZE), -EINVAL);
	check_eq(type1_unmap_flags(fd, VFIO_DMA_UNMAP_FLAG_ALL, BASE, 0), -EINVAL);
	check_eq(type1_unmap_flags(fd, VFIO_DMA_UNMAP_FLAG_ALL, 0, SIZE), -EINVAL);
	check_eq(type1_unmap(fd, BASE, 0), -EINVAL);
	check_eq(type1_unmap(fd, BASE, UINT64_MAX), -EOVERFLOW);
	check_eq(type1_unmap(fd, UINT64_MAX, 2), -EOVERFLOW);
	/* A part of a mapping, for all of v2's places */
	check_eq(type1_unmap(fd, BASE, PAGE), -ENOENT);
	check_eq(type1_unmap(fd, BASE + PAGE, PAGE), -ENOENT);
	check_eq(type1_unmap(fd, BASE + SIZE - PAGE, 2 * PAGE), -ENOENT);
	/* The structure isn't touched by a call that did nothing. */
	c.argsz = sizeof(c);
	c.size = PAGE;
	check_ret(iommu_ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &c), -ENOENT);
	if (!tap_oracle())
		check_eq(c.size, PAGE);
	check_eq(type1_unmap(fd, BASE - PAGE, SIZE + 2 * PAGE), SIZE);
	check_eq(type1_unmap(fd, BASE, SIZE), 0);
	check_eq(type1_unmap_everything(fd), 0);
}

/* The context's own settings show the type, and it can be left and taken. */
static void type(void)
{
	struct mem m;
	uint64_t huge;
	uint32_t ioas;
	int fd = type1_space(&ioas, VFIO_TYPE1v2_IOMMU);

	mem_get(&m, MEM_ANON, SIZE);
	require_ok(option_get(fd, IOMMU_OPTION_HUGE_PAGES, ioas, &huge));
	check_eq(huge, 1);
	require_ok(type1_map(fd, m.va, SIZE, BASE));
	/* With no page table there's nothing that can't be cut. */
	require_ok(type1_set_type(fd, VFIO_TYPE1_IOMMU));
	require_ok(option_get(fd, IOMMU_OPTION_HUGE_PAGES, ioas, &huge));
	check_eq(huge, 0);
	check_eq(type1_unmap(fd, BASE, PAGE), PAGE);
	require_ok(option_set(fd, IOMMU_OPTION_HUGE_PAGES, ioas, 1));
	check_eq(type1_unmap(fd, BASE + PAGE, PAGE), -ENOENT);
	require_ok(type1_set_type(fd, VFIO_TYPE1_IOMMU));
	check_eq(type1_unmap(fd, BASE + PAGE, PAGE), PAGE);
	check_eq(type1_unmap_everything(fd), SIZE - 2 * PAGE);

	/* What isn't made of whole pages can't be cut by pages. */
	require_ok(option_set(fd, IOMMU_OPTION_HUGE_PAGES, ioas, 1));
	require_ok(type1_map(fd, m.va + 8, PAGE, BASE + 8));
	check_ret(type1_set_type(fd, VFIO_TYPE1_IOMMU), -EADDRINUSE);
	check_eq(type1_unmap_everything(fd), PAGE);
}

static const struct test tests[] = {
	{ "which", which },
	{ "answers", answers },
	{ "info", info },
	{ "info_attached", info_attached },
	{ "bad_map", bad_map },
	{ "bad_unmap", bad_unmap },
	{ "type", type },
};

TAP_MAIN("type1", tests)
