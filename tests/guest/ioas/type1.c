// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO's type1 ioctls on /dev/iommu: which address space they reach, what they
 * tell of it, and unmapping a part of a mapping, which TYPE1 can and TYPE1v2 can't.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/vfio.h>

#include "meters.h"
#include "rig.h"
#include "tap.h"

#define BASE	EDU_IOVA
#define PAGES	64ull
#define SIZE	(PAGES * PAGE)
#define RW	(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

static int vfio_ioas(int fd, uint16_t op, uint32_t *id)
{
	struct iommu_vfio_ioas c = { .size = sizeof(c), .ioas_id = *id, .op = op };
	int ret = iommu_ioctl(fd, IOMMU_VFIO_IOAS, &c);

	*id = c.ioas_id;
	return ret;
}

static int choose(int fd, uint32_t id)
{
	return vfio_ioas(fd, IOMMU_VFIO_IOAS_SET, &id);
}

static int chosen(int fd, uint32_t *id)
{
	*id = 0;
	return vfio_ioas(fd, IOMMU_VFIO_IOAS_GET, id);
}

static int set_type(int fd, unsigned long type)
{
	return ioctl(fd, VFIO_SET_IOMMU, type) < 0 ? -errno : 0;
}

static int extension(int fd, unsigned long what)
{
	int ret = ioctl(fd, VFIO_CHECK_EXTENSION, what);

	return ret < 0 ? -errno : ret;
}

static int map(int fd, const void *va, uint64_t size, uint64_t iova)
{
	struct vfio_iommu_type1_dma_map c = {
		.argsz = sizeof(c), .flags = RW, .vaddr = (uintptr_t)va,
		.iova = iova, .size = size,
	};

	return iommu_ioctl(fd, VFIO_IOMMU_MAP_DMA, &c);
}

/* The number of bytes unmapped, or a negative errno. */
static int64_t unmap_flags(int fd, uint32_t flags, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap c = {
		.argsz = sizeof(c), .flags = flags, .iova = iova, .size = size,
	};
	int ret = iommu_ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &c);

	return ret ? ret : (int64_t)c.size;
}

static int64_t unmap(int fd, uint64_t iova, uint64_t size)
{
	return unmap_flags(fd, 0, iova, size);
}

static int64_t unmap_everything(int fd)
{
	return unmap_flags(fd, VFIO_DMA_UNMAP_FLAG_ALL, 0, 0);
}

/* A context whose type1 ioctls reach a new address space. */
static int space(uint32_t *ioas, unsigned long type)
{
	int fd = iommu_open();

	*ioas = ioas_new(fd);
	require_ok(choose(fd, *ioas));
	require_ok(set_type(fd, type));
	return fd;
}

static void which(void)
{
	int fd = iommu_open(), other = iommu_open();
	uint32_t a = ioas_new(fd), b = ioas_new(fd), id;
	struct iommu_vfio_ioas c = { .size = sizeof(c), .ioas_id = a };
	struct mem m;

	mem_get(&m, MEM_ANON, SIZE);
	check_ret(chosen(fd, &id), -ENODEV);
	check_ret(map(fd, m.va, SIZE, BASE), -ENODEV);
	check_eq(unmap(fd, BASE, SIZE), -ENODEV);
	check_ret(set_type(fd, VFIO_TYPE1v2_IOMMU), -ENODEV);
	check_ret(choose(fd, 0), -ENOENT);
	check_ret(choose(fd, b + 100), -ENOENT);
	check_ret(choose(other, a), -ENOENT);
	c.op = 3;
	check_ret(iommu_ioctl(fd, IOMMU_VFIO_IOAS, &c), -EOPNOTSUPP);
	c.op = IOMMU_VFIO_IOAS_SET;
	c.__reserved = 1;
	check_ret(iommu_ioctl(fd, IOMMU_VFIO_IOAS, &c), -EOPNOTSUPP);
	check_ret(chosen(fd, &id), -ENODEV);

	require_ok(choose(fd, a));
	check(!chosen(fd, &id) && id == a);
	check_ret(map(fd, m.va, SIZE, BASE), 0);
	require_ok(choose(fd, b));
	check_eq(unmap(fd, BASE, SIZE), 0);
	check_eq(ioas_unmap_all(fd, a), SIZE);
	id = 0;
	check_ret(vfio_ioas(fd, IOMMU_VFIO_IOAS_CLEAR, &id), 0);
	check_ret(chosen(fd, &id), -ENODEV);
	check_ret(vfio_ioas(fd, IOMMU_VFIO_IOAS_CLEAR, &id), 0);

	/* It goes with the address space, and only with that one. */
	require_ok(choose(fd, a));
	require_ok(iommu_destroy(fd, b));
	check(!chosen(fd, &id) && id == a);
	require_ok(iommu_destroy(fd, a));
	check_ret(chosen(fd, &id), -ENODEV);
	b = ioas_new(fd);
	check_ret(chosen(fd, &id), -ENODEV);
	check_ret(map(fd, m.va, SIZE, BASE), -ENODEV);
}

static void answers(void)
{
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
	check_ret(extension(fd, 1ul << 32 | VFIO_TYPE1_IOMMU), 0);
	ioas = ioas_new(fd);
	require_ok(choose(fd, ioas));
	check_ret(extension(fd, VFIO_DMA_CC_IOMMU), 1);
	check_ret(set_type(fd, 0), -EINVAL);
	check_ret(set_type(fd, 6), -EINVAL);
	check_ret(set_type(fd, VFIO_NOIOMMU_IOMMU), -EINVAL);
	check_ret(set_type(fd, 1ul << 32 | VFIO_TYPE1_IOMMU), -EINVAL);
	check_ret(set_type(fd, VFIO_TYPE1_IOMMU), 0);
	check_ret(set_type(fd, VFIO_TYPE1v2_IOMMU), 0);
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
		check_eq(info->cap_offset, size < full ? 0 : sizeof(*info));
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
	int fd = space(&ioas, VFIO_TYPE1v2_IOMMU);

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
	require_ok(choose(fd, ioas_new(fd)));
	require_ok(iommu_destroy(fd, ioas));
	edge->argsz = sizeof(*edge);
	check_ret(iommu_ioctl(fd, VFIO_IOMMU_GET_INFO, edge), 0);
}

static void info_attached(void)
{
	struct vfio_iommu_type1_info i = { .argsz = sizeof(i) };
	struct rig r;

	rig_up(&r);
	require_ok(choose(r.fd, r.ioas));
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
	int fd = space(&ioas, VFIO_TYPE1v2_IOMMU);

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
	check_eq(unmap_everything(fd), 2 * SIZE);
}

static void bad_unmap(void)
{
	struct vfio_iommu_type1_dma_unmap c = {
		.argsz = sizeof(c) - 1, .iova = BASE, .size = SIZE,
	};
	struct mem m;
	uint32_t ioas;
	int fd = space(&ioas, VFIO_TYPE1v2_IOMMU);

	mem_get(&m, MEM_ANON, SIZE);
	require_ok(map(fd, m.va, SIZE, BASE));
	check_ret(iommu_ioctl(fd, VFIO_IOMMU_UNMAP_DMA, NULL), -EFAULT);
	check_ret(iommu_ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &c), -EINVAL);
	check_eq(unmap_flags(fd, VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, BASE, SIZE),
		 -EINVAL);
	check_eq(unmap_flags(fd, 1u << 2, BASE, SIZE), -EINVAL);
	check_eq(unmap_flags(fd, VFIO_DMA_UNMAP_FLAG_ALL, BASE, 0), -EINVAL);
	check_eq(unmap_flags(fd, VFIO_DMA_UNMAP_FLAG_ALL, 0, SIZE), -EINVAL);
	check_eq(unmap(fd, BASE, 0), -EINVAL);
	check_eq(unmap(fd, BASE, UINT64_MAX), -EOVERFLOW);
	check_eq(unmap(fd, UINT64_MAX, 2), -EOVERFLOW);
	/* A part of a mapping, for all of v2's places */
	check_eq(unmap(fd, BASE, PAGE), -ENOENT);
	check_eq(unmap(fd, BASE + PAGE, PAGE), -ENOENT);
	check_eq(unmap(fd, BASE + SIZE - PAGE, 2 * PAGE), -ENOENT);
	/* The structure isn't touched by a call that did nothing. */
	c.argsz = sizeof(c);
	c.size = PAGE;
	check_ret(iommu_ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &c), -ENOENT);
	if (!tap_oracle())
		check_eq(c.size, PAGE);
	check_eq(unmap(fd, BASE - PAGE, SIZE + 2 * PAGE), SIZE);
	check_eq(unmap(fd, BASE, SIZE), 0);
	check_eq(unmap_everything(fd), 0);
}

/* The context's own settings show the type, and it can be left and taken. */
static void type(void)
{
	struct mem m;
	uint64_t huge;
	uint32_t ioas;
	int fd = space(&ioas, VFIO_TYPE1v2_IOMMU);

	mem_get(&m, MEM_ANON, SIZE);
	require_ok(option_get(fd, IOMMU_OPTION_HUGE_PAGES, ioas, &huge));
	check_eq(huge, 1);
	require_ok(map(fd, m.va, SIZE, BASE));
	/* With no page table there's nothing that can't be cut. */
	require_ok(set_type(fd, VFIO_TYPE1_IOMMU));
	require_ok(option_get(fd, IOMMU_OPTION_HUGE_PAGES, ioas, &huge));
	check_eq(huge, 0);
	check_eq(unmap(fd, BASE, PAGE), PAGE);
	require_ok(option_set(fd, IOMMU_OPTION_HUGE_PAGES, ioas, 1));
	check_eq(unmap(fd, BASE + PAGE, PAGE), -ENOENT);
	require_ok(set_type(fd, VFIO_TYPE1_IOMMU));
	check_eq(unmap(fd, BASE + PAGE, PAGE), PAGE);
	check_eq(unmap_everything(fd), SIZE - 2 * PAGE);

	/* What isn't made of whole pages can't be cut by pages. */
	require_ok(option_set(fd, IOMMU_OPTION_HUGE_PAGES, ioas, 1));
	require_ok(map(fd, m.va + 8, PAGE, BASE + 8));
	check_ret(set_type(fd, VFIO_TYPE1_IOMMU), -EADDRINUSE);
	check_eq(unmap_everything(fd), PAGE);
}

/* Where a cut may be, without a device. */
static void cut(void)
{
	struct mem m;
	uint32_t ioas;
	uint64_t iova;
	int fd = space(&ioas, VFIO_TYPE1_IOMMU);

	mem_get(&m, MEM_ANON, SIZE);
	require_ok(map(fd, m.va, SIZE, BASE));
	check_eq(unmap(fd, BASE + 1, PAGE), -EINVAL);
	check_eq(unmap(fd, BASE + PAGE, PAGE + 8), -EINVAL);
	check_eq(unmap(fd, BASE + 8, SIZE), -EINVAL);
	check_eq(unmap(fd, BASE, 8), -EINVAL);
	check_eq(unmap(fd, BASE, 1), -ENOENT);
	check_eq(unmap(fd, BASE - 8, 16), -EINVAL);
	/* first, last, middle, one of those again, and across the holes */
	check_eq(unmap(fd, BASE, PAGE), PAGE);
	check_eq(unmap(fd, BASE + SIZE - PAGE, 9 * PAGE), PAGE);
	check_eq(unmap(fd, BASE + 8 * PAGE, 2 * PAGE), 2 * PAGE);
	check_eq(unmap(fd, BASE + 8 * PAGE, 2 * PAGE), 0);
	check_eq(unmap(fd, BASE + 6 * PAGE, 6 * PAGE), 4 * PAGE);
	/* The holes can be mapped again, and the parts copied. */
	check_ret(map(fd, m.va, 6 * PAGE, BASE + 6 * PAGE), 0);
	check_ret(map(fd, m.va, PAGE, BASE + 5 * PAGE), -EEXIST);
	check_ret(map(fd, m.va, PAGE, BASE + 12 * PAGE), -EEXIST);
	check_ret(ioas_copy(fd, ioas, ioas, MAP_RW, BASE + PAGE, SIZE - 2 * PAGE,
			    &iova), 0);
	check_eq(ioas_unmap_all(fd, ioas), 2 * (SIZE - 2 * PAGE));
}

/* Unmaps pages of a mapping at random, each once, and sees that the rest stays. */
static void cut_everything(struct rig *r, enum mem_kind kind, uint64_t pages,
			   uint64_t step)
{
	uint64_t n = pages / step, order[n], left = pages;
	long long pins = meters_pins();
	struct mem m;

	mem_get(&m, kind, pages * PAGE);
	mem_fill(m.va, m.size, 3);
	require_ok(map(r->fd, m.va, m.size, BASE));
	check_eq(meters_wait_pins(pins + pages), pins + pages);
	for (uint64_t i = 0; i < n; i++)
		order[i] = i;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t j = i + rand() % (n - i), at = order[j];
		uint64_t iova = BASE + at * step * PAGE;

		order[j] = order[i];
		if (i % (n / 4) == 0)
			check(rig_reads(r, iova, m.va + at * step * PAGE, 64));
		if (!check_eq(unmap(r->fd, iova, step * PAGE), step * PAGE))
			break;
		left -= step;
		if (i % (n / 4) == 0) {
			check_eq(meters_wait_pins(pins + left), pins + left);
			check(!rig_reads(r, iova, m.va + at * step * PAGE, 64));
		}
	}
	check_eq(unmap(r->fd, BASE, m.size), 0);
	check_eq(meters_wait_pins(pins), pins);
	mem_put(&m);
}

/* Attached to a space of single pages, where only the scratch page is mapped. */
static void type1_rig(struct rig *r)
{
	struct mem scratch;

	rig_bind(r);
	require_ok(choose(r->fd, r->ioas));
	require_ok(set_type(r->fd, VFIO_TYPE1_IOMMU));
	require_ok(device_attach(&r->dev, r->ioas));
	mem_get(&scratch, MEM_ANON, PAGE);
	r->copy = scratch.va;
	require_ok(map(r->fd, r->copy, PAGE, RIG_SCRATCH));
}

static void cut_attached(void)
{
	struct mem m;
	struct rig r;

	type1_rig(&r);
	mem_get(&m, MEM_ANON, SIZE);
	mem_fill(m.va, SIZE, 1);
	require_ok(map(r.fd, m.va, SIZE, BASE));
	check(rig_reaches(&r, BASE + 9 * PAGE, m.va + 9 * PAGE, 64, 2));
	require(unmap(r.fd, BASE + 9 * PAGE, 2 * PAGE) == 2 * PAGE);
	check(rig_reaches(&r, BASE + 8 * PAGE, m.va + 8 * PAGE, 64, 3));
	check(rig_reaches(&r, BASE + 11 * PAGE, m.va + 11 * PAGE, 64, 4));
	check(!rig_reads(&r, BASE + 9 * PAGE, m.va + 9 * PAGE, 64));
	check(!rig_writes(&r, BASE + 10 * PAGE, m.va + 10 * PAGE, 64, 5));
	/* A second page table is filled with the parts. */
	require_ok(device_detach(&r.dev));
	require_ok(device_attach(&r.dev, r.ioas));
	check(rig_reaches(&r, BASE + 11 * PAGE, m.va + 11 * PAGE, 64, 6));
	check(!rig_reads(&r, BASE + 10 * PAGE, m.va + 10 * PAGE, 64));
	/* Such entries as there are with huge pages can't be cut. */
	require_ok(option_set(r.fd, IOMMU_OPTION_HUGE_PAGES, r.ioas, 1));
	check_ret(set_type(r.fd, VFIO_TYPE1_IOMMU), -EINVAL);
	check_eq(unmap_everything(r.fd), SIZE - 2 * PAGE + PAGE);
	check_ret(set_type(r.fd, VFIO_TYPE1_IOMMU), 0);
}

static void cut_kinds(void)
{
	static const enum mem_kind kinds[] = { MEM_ANON, MEM_THP, MEM_HUGETLB, MEM_MEMFD };
	uint64_t pages = tap_time_factor() > 1 ? 512 : 1024;
	struct rig r;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		type1_rig(&r);
		tap_diag("%s", mem_kind_name[kinds[i]]);
		cut_everything(&r, kinds[i], pages, pages / (i % 2 ? 32 : 128));
		rig_close_device(&r);
		require_ok(iommu_destroy(r.fd, r.ioas));
	}
}

/* Memory that two mappings share stays pinned for the one that isn't cut. */
static void cut_shared(void)
{
	uint64_t iova = BASE + MIB;
	long long pins;
	struct mem m;
	struct rig r;

	type1_rig(&r);
	pins = meters_pins();
	mem_get(&m, MEM_ANON, SIZE);
	mem_fill(m.va, SIZE, 1);
	require_ok(map(r.fd, m.va, SIZE, BASE));
	require_ok(ioas_copy(r.fd, r.ioas, r.ioas, MAP_RW | MAP_FIX, BASE, SIZE, &iova));
	check_eq(meters_wait_pins(pins + PAGES), pins + PAGES);
	require(unmap(r.fd, BASE + 5 * PAGE, 7 * PAGE) == 7 * PAGE);
	check_eq(meters_pins(), pins + PAGES);
	require(unmap(r.fd, iova, 6 * PAGE) == 6 * PAGE);
	check_eq(meters_wait_pins(pins + PAGES - 1), pins + PAGES - 1);
	check_eq(meters_vmpin(), 1 + PAGES - 1);
	require(unmap(r.fd, iova, SIZE) == SIZE - 6 * PAGE);
	check_eq(meters_wait_pins(pins + PAGES - 7), pins + PAGES - 7);
	require(unmap_everything(r.fd) == PAGE + SIZE - 7 * PAGE);
	check_eq(meters_wait_pins(pins - 1), pins - 1);
	check_eq(meters_vmpin(), 0);
}

/* What was charged is given back by parts. */
static void charge(void)
{
	struct mem m;
	struct rig r;

	type1_rig(&r);
	mem_get(&m, MEM_ANON, SIZE);
	require_ok(map(r.fd, m.va, SIZE, BASE));
	check_eq(meters_vmpin(), 1 + PAGES);
	require(unmap(r.fd, BASE + PAGE, PAGE) == PAGE);
	check_eq(meters_vmpin(), 1 + PAGES - 1);
	require(unmap(r.fd, BASE + 8 * PAGE, 8 * PAGE) == 8 * PAGE);
	check_eq(meters_vmpin(), 1 + PAGES - 9);
	require_ok(device_detach(&r.dev));
	check_eq(meters_vmpin(), 0);
	require_ok(device_attach(&r.dev, r.ioas));
	check_eq(meters_vmpin(), 1 + PAGES - 9);
	require(unmap_everything(r.fd) == PAGE + SIZE - 9 * PAGE);
	check_eq(meters_vmpin(), 0);
}

static const struct test tests[] = {
	{ "which", which },
	{ "answers", answers },
	{ "info", info },
	{ "info_attached", info_attached },
	{ "bad_map", bad_map },
	{ "bad_unmap", bad_unmap },
	{ "type", type },
	{ "cut", cut },
	{ "cut_attached", cut_attached },
	{ "cut_kinds", cut_kinds, 180 },
	{ "cut_shared", cut_shared },
	{ "charge", charge },
};

TAP_MAIN("type1", tests)
