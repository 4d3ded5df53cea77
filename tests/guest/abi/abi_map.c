// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input to map, map_file, copy and unmap.  Each field in turn gets values
 * that must be refused, with the errno that Linux 7.2 gives; after each call
 * everything is as it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tap.h"
#include "world.h"

/* No ID of an address space: bad ones, and those of other objects. */
#define BAD_SPACES(w, cmd, field)					\
	do {								\
		BAD_IDS(w, cmd, field, -ENOENT);			\
		if ((w)->attached) {					\
			BAD(w, cmd, field, (w)->dev.id, -ENOENT);	\
			BAD(w, cmd, field, (w)->hwpt, -ENOENT);		\
		}							\
	} while (0)

/* What map, map_file and copy have in common, attached or not. */
#define BAD_COMMON(w, cmd, iova)					\
	do {								\
		BAD(w, cmd, flags, base.flags | 8, -EOPNOTSUPP);	\
		BAD(w, cmd, flags, base.flags | 1u << 31, -EOPNOTSUPP);	\
		BAD(w, cmd, flags, UINT32_MAX, -EOPNOTSUPP);		\
		BAD(w, cmd, flags, 0, -EINVAL);				\
		BAD(w, cmd, flags, MAP_FIX, -EINVAL);			\
		BAD(w, cmd, length, 0, -EINVAL);			\
		BAD(w, cmd, length, UINT64_MAX, -EOVERFLOW);		\
		BAD(w, cmd, length, UINT64_MAX - 1, -EOVERFLOW);	\
		BAD(w, cmd, iova, UINT64_MAX, -EOVERFLOW);		\
		BAD(w, cmd, iova, -2 * PAGE + PAGE, -EOVERFLOW);	\
		BAD(w, cmd, iova, W_BASE, -EEXIST);			\
		BAD(w, cmd, iova, W_BASE - PAGE, -EEXIST);		\
		BAD(w, cmd, iova, W_BASE + W_SIZE - PAGE, -EEXIST);	\
		BAD(w, cmd, iova, W_RO - PAGE, -EEXIST);		\
	} while (0)

/* Where a page table is behind it, whole pages at allowed places only. */
#define BAD_ATTACHED(w, cmd, iova)					\
	do {								\
		uint64_t past_ = (w)->ranges[(w)->num_ranges - 1].last;	\
									\
		BAD(w, cmd, length, 1, -EINVAL);			\
		BAD(w, cmd, length, PAGE - 1, -EINVAL);			\
		BAD(w, cmd, length, PAGE + 8, -EINVAL);			\
		BAD(w, cmd, iova, W_FREE + 1, -EINVAL);			\
		BAD(w, cmd, iova, W_FREE + PAGE / 2, -EINVAL);		\
		if ((w)->num_ranges > 1) {				\
			uint64_t hole_ = (w)->ranges[0].last + 1;	\
									\
			BAD(w, cmd, iova, hole_, -EINVAL);		\
			BAD(w, cmd, iova, hole_ - PAGE, -EINVAL);	\
		}							\
		if (past_ != UINT64_MAX) {				\
			BAD(w, cmd, iova, past_ + 1, -EINVAL);		\
			BAD(w, cmd, iova, past_ + 1 - PAGE, -EINVAL);	\
			BAD(w, cmd, iova, -2 * PAGE, -EINVAL);		\
		}							\
	} while (0)

static void map_fields(struct world *w)
{
	struct iommu_ioas_map base = {
		.size = sizeof(base),
		.flags = MAP_RW | MAP_FIX,
		.ioas_id = w->ioas,
		.user_va = (uintptr_t)two_pages(PROT_READ | PROT_WRITE),
		.length = 2 * PAGE,
		.iova = W_FREE,
	};

	BAD_COMMON(w, IOMMU_IOAS_MAP, iova);
	BAD_SPACES(w, IOMMU_IOAS_MAP, ioas_id);
	BAD(w, IOMMU_IOAS_MAP, __reserved, 1, -EOPNOTSUPP);
	BAD(w, IOMMU_IOAS_MAP, __reserved, UINT32_MAX, -EOPNOTSUPP);
	BAD(w, IOMMU_IOAS_MAP, user_va, -2 * PAGE, -EOVERFLOW);
	BAD(w, IOMMU_IOAS_MAP, user_va, UINT64_MAX, -EOVERFLOW);
	/* the input is looked at even where the kernel is to choose */
	base.flags = MAP_RW;
	BAD(w, IOMMU_IOAS_MAP, iova, UINT64_MAX, -EOVERFLOW);
}

static void map_bare(void)
{
	struct world w;

	world_bare(&w);
	map_fields(&w);
	world_end(&w);
}

static void map_attached(void)
{
	uint8_t *hole = two_pages(PROT_READ | PROT_WRITE);
	struct iommu_ioas_map base = {
		.size = sizeof(base),
		.flags = MAP_RW | MAP_FIX,
		.user_va = (uintptr_t)two_pages(PROT_READ | PROT_WRITE),
		.length = 2 * PAGE,
		.iova = W_FREE,
	};
	struct world w;

	world_attached(&w);
	base.ioas_id = w.ioas;
	map_fields(&w);
	BAD_ATTACHED(&w, IOMMU_IOAS_MAP, iova);
	BAD(&w, IOMMU_IOAS_MAP, user_va, base.user_va + 1, -EINVAL);
	BAD(&w, IOMMU_IOAS_MAP, user_va, 0, -EFAULT);
	BAD(&w, IOMMU_IOAS_MAP, user_va, 0xffff800000000000, -EFAULT);
	BAD(&w, IOMMU_IOAS_MAP, user_va, 0x0123456789abc000, -EFAULT);
	BAD(&w, IOMMU_IOAS_MAP, user_va, (uintptr_t)two_pages(PROT_NONE),
	    -EFAULT);
	BAD(&w, IOMMU_IOAS_MAP, user_va, (uintptr_t)two_pages(PROT_READ),
	    -EFAULT);
	munmap(hole + PAGE, PAGE);
	BAD(&w, IOMMU_IOAS_MAP, user_va, (uintptr_t)hole, -EFAULT);
	munmap(hole, PAGE);
	BAD(&w, IOMMU_IOAS_MAP, user_va, (uintptr_t)hole, -EFAULT);
	world_end(&w);
}

/* A device's registers are no memory. */
static void map_registers(void)
{
	struct iommu_ioas_map base = {
		.size = sizeof(base),
		.flags = MAP_RW | MAP_FIX,
		.length = 2 * PAGE,
		.iova = W_FREE,
	};
	size_t size;
	struct world w;
	void *bar;

	world_attached(&w);
	base.ioas_id = w.ioas;
	require_ok(device_bus_master(&w.dev));
	bar = device_map_bar(&w.dev, 0, &size);
	require(bar != NULL);
	BAD(&w, IOMMU_IOAS_MAP, user_va, (uintptr_t)bar, -EFAULT);
	munmap(bar, size);
	world_end(&w);
}

/* Memory that goes away between the map and its first use by a device. */
static void map_vanished(void)
{
	void *p = two_pages(PROT_READ | PROT_WRITE);
	struct world w;

	world_attached(&w);
	require_ok(ioas_map_at(w.fd, w.other, p, 2 * PAGE, W_FREE));
	munmap(p, 2 * PAGE);
	check_ret(device_attach(&w.dev, w.other), -EFAULT);
	world_refuse_table(&w, -EFAULT);
	check_eq(ioas_unmap_all(w.fd, w.other), 2 * PAGE);
	world_end(&w);
}

/*
 * An answer that can't be delivered.  Linux 7.2 leaves the mapping in place
 * where nobody knows of it; ours takes it back.
 */
static void map_no_answer(void)
{
	struct iommu_ioas_map c = {
		.size = sizeof(c),
		.flags = MAP_RW | MAP_FIX,
		.user_va = (uintptr_t)two_pages(PROT_READ | PROT_WRITE),
		.length = 2 * PAGE,
		.iova = W_FREE,
	};
	struct iommu_ioas_copy d = {
		.size = sizeof(d),
		.flags = MAP_RW | MAP_FIX,
		.length = PAGE,
		.src_iova = W_BASE,
		.dst_iova = W_FREE,
	};
	struct world w;

	world_attached(&w);
	c.ioas_id = d.src_ioas_id = d.dst_ioas_id = w.ioas;
	check_ret(iommu_ioctl(w.fd, IOMMU_IOAS_MAP,
			      read_only_copy(&c, sizeof(c))), -EFAULT);
	if (tap_oracle())
		require_ok(ioas_unmap(w.fd, w.ioas, W_FREE, 2 * PAGE, NULL));
	world_same(&w, "map whose answer can't be written");
	check_ret(iommu_ioctl(w.fd, IOMMU_IOAS_COPY,
			      read_only_copy(&d, sizeof(d))), -EFAULT);
	if (tap_oracle())
		require_ok(ioas_unmap(w.fd, w.ioas, W_FREE, PAGE, NULL));
	world_same(&w, "copy whose answer can't be written");
	world_end(&w);
}

static int memfd(size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	require(fd >= 0 && !ftruncate(fd, size));
	return fd;
}

static void map_file_attached(void)
{
	struct iommu_ioas_map_file base = {
		.size = sizeof(base),
		.flags = MAP_RW | MAP_FIX,
		.fd = memfd(4 * PAGE),
		.start = PAGE,
		.length = 2 * PAGE,
		.iova = W_FREE,
	};
	int proc, null, dir, pipes[2], closed = memfd(PAGE);
	struct world w;

	world_attached(&w);
	base.ioas_id = w.ioas;
	proc = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	require(proc >= 0 && null >= 0 && dir >= 0 && !pipe(pipes));
	close(closed);
	BAD_COMMON(&w, IOMMU_IOAS_MAP_FILE, iova);
	BAD_ATTACHED(&w, IOMMU_IOAS_MAP_FILE, iova);
	BAD_SPACES(&w, IOMMU_IOAS_MAP_FILE, ioas_id);
	BAD(&w, IOMMU_IOAS_MAP_FILE, fd, -1, -EBADF);
	BAD(&w, IOMMU_IOAS_MAP_FILE, fd, 0x7fffffff, -EBADF);
	BAD(&w, IOMMU_IOAS_MAP_FILE, fd, closed, -EBADF);
	BAD(&w, IOMMU_IOAS_MAP_FILE, fd, proc, -EINVAL);
	BAD(&w, IOMMU_IOAS_MAP_FILE, fd, null, -EINVAL);
	BAD(&w, IOMMU_IOAS_MAP_FILE, fd, dir, -EINVAL);
	BAD(&w, IOMMU_IOAS_MAP_FILE, fd, pipes[0], -EINVAL);
	BAD(&w, IOMMU_IOAS_MAP_FILE, fd, socket(AF_UNIX, SOCK_STREAM, 0),
	    -EINVAL);
	BAD(&w, IOMMU_IOAS_MAP_FILE, fd, w.fd, -EINVAL);
	BAD(&w, IOMMU_IOAS_MAP_FILE, fd, w.dev.fd, -EINVAL);
	BAD(&w, IOMMU_IOAS_MAP_FILE, start, 1, -EINVAL);
	BAD(&w, IOMMU_IOAS_MAP_FILE, start, 3 * PAGE, -EINVAL);
	BAD(&w, IOMMU_IOAS_MAP_FILE, start, 4 * PAGE, -EINVAL);
	BAD(&w, IOMMU_IOAS_MAP_FILE, start, 1ull << 62, -EINVAL);
	BAD(&w, IOMMU_IOAS_MAP_FILE, start, 1ull << 63, -EINVAL);
	BAD(&w, IOMMU_IOAS_MAP_FILE, start, -2 * PAGE + 1, -EOVERFLOW);
	BAD(&w, IOMMU_IOAS_MAP_FILE, start, UINT64_MAX, -EOVERFLOW);
	BAD(&w, IOMMU_IOAS_MAP_FILE, fd, memfd(0), -EINVAL);
	BAD(&w, IOMMU_IOAS_MAP_FILE, fd, memfd(2 * PAGE), -EINVAL);
	world_end(&w);
}

/* Without a device the file isn't looked into. */
static void map_file_bare(void)
{
	struct iommu_ioas_map_file base = {
		.size = sizeof(base),
		.flags = MAP_RW | MAP_FIX,
		.fd = memfd(4 * PAGE),
		.start = PAGE,
		.length = 2 * PAGE,
		.iova = W_FREE,
	};
	struct world w;

	world_bare(&w);
	base.ioas_id = w.ioas;
	BAD_COMMON(&w, IOMMU_IOAS_MAP_FILE, iova);
	BAD_SPACES(&w, IOMMU_IOAS_MAP_FILE, ioas_id);
	BAD(&w, IOMMU_IOAS_MAP_FILE, fd, -1, -EBADF);
	BAD(&w, IOMMU_IOAS_MAP_FILE, start, UINT64_MAX, -EOVERFLOW);
	world_end(&w);
}

static void copy_fields(struct world *w)
{
	struct iommu_ioas_copy base = {
		.size = sizeof(base),
		.flags = MAP_RW | MAP_FIX,
		.dst_ioas_id = w->ioas,
		.src_ioas_id = w->ioas,
		.length = 2 * PAGE,
		.dst_iova = W_FREE,
		.src_iova = W_BASE,
	};

	BAD_COMMON(w, IOMMU_IOAS_COPY, dst_iova);
	BAD_SPACES(w, IOMMU_IOAS_COPY, src_ioas_id);
	BAD_SPACES(w, IOMMU_IOAS_COPY, dst_ioas_id);
	BAD(w, IOMMU_IOAS_COPY, src_ioas_id, w->other, -ENOENT);
	BAD(w, IOMMU_IOAS_COPY, src_iova, 0, -ENOENT);
	BAD(w, IOMMU_IOAS_COPY, src_iova, W_FREE, -ENOENT);
	BAD(w, IOMMU_IOAS_COPY, src_iova, W_BASE - PAGE, -ENOENT);
	BAD(w, IOMMU_IOAS_COPY, src_iova, W_BASE + W_SIZE - PAGE, -ENOENT);
	BAD(w, IOMMU_IOAS_COPY, src_iova, W_BASE + W_SIZE, -ENOENT);
	BAD(w, IOMMU_IOAS_COPY, src_iova, UINT64_MAX, -EOVERFLOW);
	BAD(w, IOMMU_IOAS_COPY, src_iova, -2 * PAGE + 1, -EOVERFLOW);
	base.src_iova = W_RO;
	base.length = PAGE;
	BAD(w, IOMMU_IOAS_COPY, flags, MAP_RW | MAP_FIX, -EPERM);
	BAD(w, IOMMU_IOAS_COPY, flags, MAP_W | MAP_FIX, -EPERM);
	BAD(w, IOMMU_IOAS_COPY, flags, MAP_W, -EPERM);
}

static void copy_bare(void)
{
	struct world w;

	world_bare(&w);
	copy_fields(&w);
	world_end(&w);
}

static void copy_attached(void)
{
	struct iommu_ioas_copy base = {
		.size = sizeof(base),
		.flags = MAP_RW | MAP_FIX,
		.length = 2 * PAGE,
		.dst_iova = W_FREE,
		.src_iova = W_BASE,
	};
	struct world w;

	world_attached(&w);
	base.src_ioas_id = base.dst_ioas_id = w.ioas;
	copy_fields(&w);
	BAD_ATTACHED(&w, IOMMU_IOAS_COPY, dst_iova);
	BAD(&w, IOMMU_IOAS_COPY, src_iova, W_BASE + 1, -EINVAL);
	world_end(&w);
}

static void unmap_fields(struct world *w)
{
	struct iommu_ioas_unmap base = {
		.size = sizeof(base),
		.ioas_id = w->ioas,
		.iova = W_BASE,
		.length = W_SIZE,
	};

	BAD_SPACES(w, IOMMU_IOAS_UNMAP, ioas_id);
	BAD(w, IOMMU_IOAS_UNMAP, ioas_id, w->other, -ENOENT);
	BAD(w, IOMMU_IOAS_UNMAP, length, 0, -EINVAL);
	BAD(w, IOMMU_IOAS_UNMAP, length, 1, -ENOENT);
	BAD(w, IOMMU_IOAS_UNMAP, length, PAGE, -ENOENT);
	BAD(w, IOMMU_IOAS_UNMAP, length, W_SIZE - 1, -ENOENT);
	BAD(w, IOMMU_IOAS_UNMAP, length, UINT64_MAX, -EOVERFLOW);
	BAD(w, IOMMU_IOAS_UNMAP, length, UINT64_MAX - 1, -EOVERFLOW);
	BAD(w, IOMMU_IOAS_UNMAP, length, -W_BASE + 1, -EOVERFLOW);
	BAD(w, IOMMU_IOAS_UNMAP, iova, 0, -ENOENT);
	BAD(w, IOMMU_IOAS_UNMAP, iova, W_BASE + 1, -ENOENT);
	BAD(w, IOMMU_IOAS_UNMAP, iova, W_BASE + PAGE, -ENOENT);
	BAD(w, IOMMU_IOAS_UNMAP, iova, W_BASE - PAGE, -ENOENT);
	BAD(w, IOMMU_IOAS_UNMAP, iova, W_BASE + W_SIZE, -ENOENT);
	BAD(w, IOMMU_IOAS_UNMAP, iova, W_FREE, -ENOENT);
	BAD(w, IOMMU_IOAS_UNMAP, iova, UINT64_MAX, -EOVERFLOW);
	BAD(w, IOMMU_IOAS_UNMAP, iova, -W_SIZE + 1, -EOVERFLOW);
	/* up to the last address but one is allowed, yet cuts nothing */
	base.iova = W_BASE + PAGE;
	BAD(w, IOMMU_IOAS_UNMAP, length, UINT64_MAX - base.iova, -ENOENT);
}

static void unmap_bare(void)
{
	struct world w;

	world_bare(&w);
	unmap_fields(&w);
	world_end(&w);
}

static void unmap_attached(void)
{
	struct world w;

	world_attached(&w);
	unmap_fields(&w);
	world_end(&w);
}

static const struct test tests[] = {
	{ "map_bare", map_bare },
	{ "map_attached", map_attached },
	{ "map_registers", map_registers },
	{ "map_vanished", map_vanished },
	{ "map_no_answer", map_no_answer },
	{ "map_file_bare", map_file_bare },
	{ "map_file_attached", map_file_attached },
	{ "copy_bare", copy_bare },
	{ "copy_attached", copy_attached },
	{ "unmap_bare", unmap_bare },
	{ "unmap_attached", unmap_attached },
};

TAP_MAIN("abi_map", tests)
