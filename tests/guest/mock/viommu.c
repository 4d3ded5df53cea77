// SPDX-License-Identifier: GPL-2.0-only
/*
 * vIOMMUs, vDEVICEs, hardware queues and windows of registers, on the mock: bad
 * values, what holds what, devices that go, and memory that hardware reads.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "mem.h"
#include "meters.h"
#include "mock.h"
#include "tap.h"

#define BAD_ID	0x7ffffff0u
#define BASE	((uint64_t)MOCK_APERTURE_START)

static struct world {
	int fd;
	uint32_t ioas;
	struct mock mock;
	uint32_t parent;
	uint32_t viommu;
} w;

static void up(void)
{
	w.fd = mock_open();
	w.ioas = ioas_new(w.fd);
	require_ok(mock_device(w.fd, w.ioas, 0, &w.mock));
	require_ok(hwpt_alloc(w.fd, w.mock.dev, w.ioas,
			      IOMMU_HWPT_ALLOC_NEST_PARENT, &w.parent));
	require_ok(mock_viommu(w.fd, w.mock.dev, w.parent, NULL, &w.viommu));
}

/* All can be destroyed in this order, so a test has left nothing that holds it. */
static void down(void)
{
	check_ret(iommu_destroy(w.fd, w.viommu), 0);
	check_ret(iommu_destroy(w.fd, w.parent), 0);
	check_ret(mock_unplug(w.fd, &w.mock), 0);
	check_ret(iommu_destroy(w.fd, w.ioas), 0);
	close(w.fd);
}

#ifndef MAP_32BIT
#define MAP_32BIT 0
#endif

/* An ioctl that must fail with one field changed, and leave its answer alone. */
#define check_with(cmd, base, out, member, value, want)			\
	do {								\
		__typeof__(base) c_ = (base);				\
									\
		c_.member = (value);					\
		c_.out = 0x55;						\
		check_ret(iommu_ioctl(w.fd, cmd, &c_), want);		\
		check_eq(c_.out, 0x55);					\
	} while (0)

/* The answer can't be written: what was made is gone. */
static int unanswered(unsigned long cmd, const void *args, size_t size)
{
	void *p = before_hole(PAGE);

	memcpy(p, args, size);
	require_ok(mprotect(p, PAGE, PROT_READ));
	return iommu_ioctl(w.fd, cmd, p);
}

#define bad_viommu(member, value, want)					\
	check_with(IOMMU_VIOMMU_ALLOC, c, out_viommu_id, member, value, want)

static void viommu_fields(void)
{
	struct iommu_viommu_selftest data = { .in_data = 7 };
	struct iommu_viommu_alloc c = {
		.size = sizeof(c), .type = IOMMU_VIOMMU_TYPE_SELFTEST,
		.data_len = sizeof(data), .data_uptr = (uintptr_t)&data,
	};
	uint32_t plain, nested;

	up();
	c.dev_id = w.mock.dev;
	c.hwpt_id = w.parent;
	require_ok(hwpt_alloc(w.fd, w.mock.dev, w.ioas, 0, &plain));
	require_ok(mock_hwpt_nested(w.fd, w.mock.dev, w.parent, 0, &nested));
	bad_viommu(flags, 1, -EOPNOTSUPP);
	bad_viommu(type, IOMMU_VIOMMU_TYPE_DEFAULT, -EOPNOTSUPP);
	bad_viommu(type, IOMMU_VIOMMU_TYPE_ARM_SMMUV3, -EOPNOTSUPP);
	bad_viommu(type, UINT32_MAX, -EOPNOTSUPP);
	bad_viommu(dev_id, BAD_ID, -ENOENT);
	bad_viommu(dev_id, w.parent, -ENOENT);
	bad_viommu(hwpt_id, BAD_ID, -ENOENT);
	bad_viommu(hwpt_id, w.ioas, -ENOENT);
	bad_viommu(hwpt_id, nested, -ENOENT);
	bad_viommu(hwpt_id, plain, -EINVAL);
	bad_viommu(hwpt_id, w.mock.hwpt, -EINVAL);
	bad_viommu(data_len, 1, -EINVAL);
	bad_viommu(data_len, UINT32_MAX, -EINVAL);
	bad_viommu(data_uptr, 0, -EFAULT);
	bad_viommu(data_uptr, (uintptr_t)before_hole(PAGE) + PAGE - 8, -EFAULT);
	check_ret(unanswered(IOMMU_VIOMMU_ALLOC, &c, sizeof(c)), -EFAULT);
	check_ret(iommu_destroy(w.fd, nested), 0);
	check_ret(iommu_destroy(w.fd, plain), 0);
	down();
}

#define bad_vdevice(member, value, want)				\
	check_with(IOMMU_VDEVICE_ALLOC, c, out_vdevice_id, member, value, want)

static void vdevice_fields(void)
{
	struct iommu_vdevice_alloc c = { .size = sizeof(c), .virt_id = 0x99 };
	struct mock other;
	uint32_t id, id2;

	up();
	c.viommu_id = w.viommu;
	c.dev_id = w.mock.dev;
	bad_vdevice(viommu_id, BAD_ID, -ENOENT);
	bad_vdevice(viommu_id, w.parent, -ENOENT);
	bad_vdevice(dev_id, BAD_ID, -ENOENT);
	bad_vdevice(dev_id, w.mock.stdev, -ENOENT);
	check_ret(unanswered(IOMMU_VDEVICE_ALLOC, &c, sizeof(c)), -EFAULT);

	/* One for a device, and one for a virtual ID. */
	require_ok(mock_device(w.fd, w.ioas, 0, &other));
	require_ok(mock_vdevice(w.fd, w.viommu, w.mock.dev, 0x99, &id));
	bad_vdevice(virt_id, 0x98, -EEXIST);
	bad_vdevice(dev_id, other.dev, -EEXIST);
	check_ret(mock_vdevice(w.fd, w.viommu, other.dev, UINT64_MAX, &id2), 0);
	check_ret(iommu_destroy(w.fd, id2), 0);
	check_ret(mock_vdevice(w.fd, w.viommu, other.dev, 0, &id2), 0);
	check_ret(iommu_destroy(w.fd, w.viommu), -EBUSY);
	check_ret(iommu_destroy(w.fd, id), 0);
	check_ret(iommu_destroy(w.fd, id), -ENOENT);
	check_ret(mock_vdevice(w.fd, w.viommu, w.mock.dev, 0x99, &id), 0);
	check_ret(iommu_destroy(w.fd, id), 0);
	check_ret(iommu_destroy(w.fd, id2), 0);
	check_ret(mock_unplug(w.fd, &other), 0);
	down();
}

/* The same virtual ID in two vIOMMUs, and a device in one of them. */
static void vdevice_two_viommus(void)
{
	struct mock other;
	uint32_t viommu, id, id2;

	up();
	require_ok(mock_viommu(w.fd, w.mock.dev, w.parent, NULL, &viommu));
	require_ok(mock_device(w.fd, w.ioas, 0, &other));
	check_ret(mock_vdevice(w.fd, w.viommu, w.mock.dev, 5, &id), 0);
	check_ret(mock_vdevice(w.fd, viommu, w.mock.dev, 6, NULL), -EEXIST);
	check_ret(mock_vdevice(w.fd, viommu, other.dev, 5, &id2), 0);
	check_ret(iommu_destroy(w.fd, viommu), -EBUSY);
	check_ret(mock_unplug(w.fd, &other), 0);
	check_ret(iommu_destroy(w.fd, viommu), 0);
	check_ret(iommu_destroy(w.fd, id), 0);
	down();
}

static void nested_needs_vdevice(void)
{
	struct iommu_viommu_invalidate_selftest e = { .vdev_id = 0x99 };
	uint32_t nested, id, n = 1;

	up();
	require_ok(mock_hwpt_nested(w.fd, w.mock.dev, w.viommu, 0, &nested));
	check_ret(iommu_destroy(w.fd, w.viommu), -EBUSY);
	check_ret(mock_replace(w.fd, &w.mock, nested), -ENOENT);
	require_ok(mock_vdevice(w.fd, w.viommu, w.mock.dev, 0x99, &id));
	check_ret(mock_replace(w.fd, &w.mock, nested), 0);
	check_ret(mock_invalidate(w.fd, w.viommu, &e, sizeof(e), &n), 0);
	check_eq(n, 1);
	check_ret(mock_check_cache(w.fd, w.mock.dev, 0, 0), 0);
	check_ret(mock_check_cache(w.fd, w.mock.dev, 1, IOMMU_TEST_DEV_CACHE_DEFAULT), 0);
	/* Not held by being in use. */
	check_ret(iommu_destroy(w.fd, id), 0);
	check_ret(mock_invalidate(w.fd, w.viommu, &e, sizeof(e), &n), -EINVAL);
	check_eq(n, 0);
	check_ret(mock_replace(w.fd, &w.mock, w.ioas), 0);
	check_ret(iommu_destroy(w.fd, nested), 0);
	down();
}

/* Its ID is taken for good, and its virtual ID free at once. */
static void unplugged(void)
{
	struct mock other, more[16];
	uint32_t id, id2;

	up();
	require_ok(mock_device(w.fd, w.ioas, 0, &other));
	require_ok(mock_vdevice(w.fd, w.viommu, other.dev, 0x99, &id));
	check_ret(mock_unplug(w.fd, &other), 0);
	check_ret(iommu_destroy(w.fd, id), -ENOENT);
	check_ret(mock_vdevice(w.fd, w.viommu, other.dev, 0x98, NULL), -ENOENT);
	check_ret(mock_hwpt_nested(w.fd, w.mock.dev, id, 0, NULL), -EINVAL);
	check_ret(mock_vdevice(w.fd, w.viommu, w.mock.dev, 0x99, &id2), 0);
	check(id2 != id);
	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		require_ok(mock_device(w.fd, w.ioas, 0, &more[i]));
		check(more[i].dev != id && more[i].stdev != id);
	}
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		check_ret(mock_unplug(w.fd, &more[i]), 0);
	check_ret(iommu_destroy(w.fd, id2), 0);
	down();
}

/* With all in use, first the device goes, and then the file. */
static void unplugged_in_use(void)
{
	uint32_t nested, id;

	up();
	require_ok(mock_hwpt_nested(w.fd, w.mock.dev, w.viommu, 0, &nested));
	require_ok(mock_vdevice(w.fd, w.viommu, w.mock.dev, 1, &id));
	require_ok(mock_replace(w.fd, &w.mock, nested));
	check_ret(mock_unplug(w.fd, &w.mock), 0);
	check_ret(iommu_destroy(w.fd, id), -ENOENT);
	check_ret(iommu_destroy(w.fd, w.viommu), -EBUSY);
	check_ret(iommu_destroy(w.fd, nested), 0);
	check_ret(iommu_destroy(w.fd, w.viommu), 0);
	close(w.fd);

	up();
	require_ok(mock_hwpt_nested(w.fd, w.mock.dev, w.viommu, 0, &nested));
	require_ok(mock_vdevice(w.fd, w.viommu, w.mock.dev, 1, NULL));
	require_ok(mock_replace(w.fd, &w.mock, nested));
	close(w.fd);
}

/* A device behind another IOMMU is none of the vIOMMU's business. */
static void other_iommu(void)
{
	struct device dev;

	up();
	device_get(&dev, "edu", 0, w.fd);
	check_ret(mock_vdevice(w.fd, w.viommu, dev.id, 1, NULL), -EINVAL);
	check_ret(mock_hwpt_nested(w.fd, dev.id, w.viommu, 0, NULL), -EINVAL);
	check_ret(mock_viommu(w.fd, dev.id, w.parent, NULL, NULL), -EOPNOTSUPP);
	device_close(&dev);
	down();
}

#define bad_queue(member, value, want)					\
	check_with(IOMMU_HW_QUEUE_ALLOC, c, out_hw_queue_id, member, value, want)

static void queue_fields(void)
{
	struct iommu_hw_queue_alloc c = {
		.size = sizeof(c), .type = IOMMU_HW_QUEUE_TYPE_SELFTEST,
		.nesting_parent_iova = BASE, .length = PAGE,
	};
	struct mem m;
	uint32_t id;

	up();
	mem_get(&m, MEM_ANON, 4 * PAGE);
	memset(m.va, 1, m.size);
	c.viommu_id = w.viommu;
	check_ret(iommu_ioctl(w.fd, IOMMU_HW_QUEUE_ALLOC, &c), -ENOENT);
	require_ok(ioas_map_at(w.fd, w.ioas, m.va, 2 * PAGE, BASE));
	bad_queue(flags, 1, -EOPNOTSUPP);
	bad_queue(type, IOMMU_HW_QUEUE_TYPE_DEFAULT, -EOPNOTSUPP);
	bad_queue(type, UINT32_MAX, -EOPNOTSUPP);
	bad_queue(viommu_id, BAD_ID, -ENOENT);
	bad_queue(viommu_id, w.parent, -ENOENT);
	bad_queue(index, IOMMU_TEST_HW_QUEUE_MAX, -EINVAL);
	bad_queue(index, UINT32_MAX, -EINVAL);
	bad_queue(index, 1, -EIO);
	bad_queue(length, 0, -EINVAL);
	bad_queue(length, UINT64_MAX, -EOVERFLOW);
	bad_queue(nesting_parent_iova, UINT64_MAX, -EOVERFLOW);
	bad_queue(nesting_parent_iova, BASE - 1, -ENOENT);
	bad_queue(nesting_parent_iova, BASE + 2 * PAGE, -ENOENT);
	check_ret(unanswered(IOMMU_HW_QUEUE_ALLOC, &c, sizeof(c)), -EFAULT);
	check_ret(ioas_unmap(w.fd, w.ioas, BASE, 2 * PAGE, NULL), 0);

	/* A right that it needs, and memory that is half there. */
	require_ok(ioas_map(w.fd, w.ioas, MAP_W | MAP_FIX, m.va, PAGE,
			    &(uint64_t){ BASE }));
	check_ret(mock_hw_queue(w.fd, w.viommu, 0, BASE, PAGE, NULL), -EPERM);
	check_ret(mock_hw_queue(w.fd, w.viommu, 0, BASE, 2 * PAGE, NULL),
		  -EPERM);
	check_ret(ioas_unmap(w.fd, w.ioas, BASE, PAGE, NULL), 0);
	require_ok(ioas_map_at(w.fd, w.ioas, m.va, PAGE, BASE));
	check_ret(mock_hw_queue(w.fd, w.viommu, 0, BASE + 8, PAGE, NULL), -ENOENT);
	check_ret(mock_hw_queue(w.fd, w.viommu, 0, BASE + 8, PAGE - 8, &id), 0);
	check_ret(mock_hw_queue(w.fd, w.viommu, 0, BASE, 8, NULL), -EEXIST);
	check_ret(iommu_destroy(w.fd, w.viommu), -EBUSY);
	check_ret(iommu_destroy(w.fd, id), 0);
	down();
}

/* Pages that hardware would not find one behind the other. */
static void queue_contiguous(void)
{
	struct mem m;
	uint32_t id;

	up();
	mem_get(&m, MEM_HUGETLB, HUGE);
	memset(m.va, 1, m.size);
	require_ok(ioas_map_at(w.fd, w.ioas, m.va, HUGE, BASE));
	check_ret(mock_hw_queue(w.fd, w.viommu, 0, BASE, HUGE, &id), 0);
	check_ret(iommu_destroy(w.fd, id), 0);
	require_ok(ioas_unmap(w.fd, w.ioas, BASE, HUGE, NULL));

	/* The same page twice, and two pages the wrong way round */
	require_ok(ioas_map_at(w.fd, w.ioas, m.va, PAGE, BASE));
	require_ok(ioas_map_at(w.fd, w.ioas, m.va, PAGE, BASE + PAGE));
	require_ok(ioas_map_at(w.fd, w.ioas, m.va + PAGE, PAGE, BASE + 2 * PAGE));
	check_ret(mock_hw_queue(w.fd, w.viommu, 0, BASE, 2 * PAGE, NULL), -EFAULT);
	check_ret(mock_hw_queue(w.fd, w.viommu, 0, BASE, 3 * PAGE, NULL), -EFAULT);
	/* Two mappings are as good as one. */
	check_ret(mock_hw_queue(w.fd, w.viommu, 0, BASE + PAGE, 2 * PAGE, &id), 0);
	check_ret(ioas_unmap(w.fd, w.ioas, BASE, PAGE, NULL), 0);
	check_ret(ioas_unmap(w.fd, w.ioas, BASE + PAGE, PAGE, NULL), -EBUSY);
	check_ret(ioas_unmap(w.fd, w.ioas, BASE + 2 * PAGE, PAGE, NULL), -EBUSY);
	check_ret(iommu_destroy(w.fd, id), 0);
	check_ret(ioas_unmap(w.fd, w.ioas, BASE + PAGE, 2 * PAGE, NULL), 0);
	mem_put(&m);
	down();
}

/* The memory stays, whoever wants it unmapped and however. */
static void queue_keeps_memory(void)
{
	uint64_t unmapped = 0;
	uint32_t id, ioas;
	struct mem m;

	up();
	mem_get(&m, MEM_ANON, 4 * PAGE);
	memset(m.va, 1, m.size);
	for (unsigned int i = 0; i < 4; i++)
		require_ok(ioas_map_at(w.fd, w.ioas, m.va + i * PAGE, PAGE,
				       BASE + i * PAGE));
	check_ret(mock_hw_queue(w.fd, w.viommu, 0, BASE + 2 * PAGE + 16, 16, &id), 0);
	check_ret(ioas_unmap(w.fd, w.ioas, BASE + 2 * PAGE, PAGE, &unmapped), -EBUSY);
	check_ret(ioas_unmap_all(w.fd, w.ioas), -EBUSY);
	check_ret(ioas_unmap(w.fd, w.ioas, BASE, PAGE, NULL), -ENOENT);
	check_ret(ioas_unmap(w.fd, w.ioas, BASE + 3 * PAGE, PAGE, NULL), 0);
	check_ret(ioas_unmap(w.fd, w.ioas, BASE + 2 * PAGE, PAGE, NULL), -EBUSY);
	/* A copy is another mapping, and goes freely. */
	ioas = ioas_new(w.fd);
	check_ret(ioas_copy(w.fd, ioas, w.ioas, MAP_RW, BASE + 2 * PAGE, PAGE,
			    &(uint64_t){ 0 }), 0);
	check_eq(ioas_unmap_all(w.fd, ioas), PAGE);
	check_ret(iommu_destroy(w.fd, ioas), 0);
	check_ret(iommu_destroy(w.fd, id), 0);
	check_ret(ioas_unmap(w.fd, w.ioas, BASE + 2 * PAGE, PAGE, NULL), 0);
	down();
}

/* A queue goes after those that depend on it, with the file as by hand. */
static void queue_orders(void)
{
	uint32_t id[2], nested;
	struct mem m;

	for (int by_hand = 0; by_hand < 2; by_hand++) {
		up();
		mem_get(&m, MEM_ANON, PAGE);
		memset(m.va, 1, m.size);
		require_ok(ioas_map_at(w.fd, w.ioas, m.va, PAGE, BASE));
		require_ok(mock_hwpt_nested(w.fd, w.mock.dev, w.viommu, 0, &nested));
		require_ok(mock_hw_queue(w.fd, w.viommu, 0, BASE, 64, &id[0]));
		require_ok(mock_hw_queue(w.fd, w.viommu, 1, BASE + 64, 64, &id[1]));
		check_ret(iommu_destroy(w.fd, id[0]), -EBUSY);
		/* Both have the page, which is pinned once. */
		munmap(m.va, m.size);
		if (!by_hand) {
			close(w.fd);
			continue;
		}
		check_ret(iommu_destroy(w.fd, id[1]), 0);
		check_ret(ioas_unmap(w.fd, w.ioas, BASE, PAGE, NULL), -EBUSY);
		check_ret(iommu_destroy(w.fd, id[0]), 0);
		check_ret(ioas_unmap(w.fd, w.ioas, BASE, PAGE, NULL), 0);
		check_ret(iommu_destroy(w.fd, nested), 0);
		down();
	}
}

static void *map_window(const struct iommu_viommu_selftest *data, uint64_t length,
			uint64_t offset, int prot, int flags)
{
	void *p = mmap(NULL, length, prot, flags, w.fd, data->out_mmap_offset + offset);

	return p == MAP_FAILED ? NULL : p;
}

#define check_no_map(want, ...)						\
	do {								\
		errno = 0;						\
		check(!map_window(&data, __VA_ARGS__));			\
		check_eq(errno, want);					\
	} while (0)

static void window_rules(void)
{
	struct iommu_viommu_selftest data = { .in_data = 0xabcd }, data2 = {};
	uint32_t viommu, viommu2;
	uint64_t length;
	uint32_t *p;

	up();
	require_ok(mock_viommu(w.fd, w.mock.dev, w.parent, &data, &viommu));
	require_ok(mock_viommu(w.fd, w.mock.dev, w.parent, &data2, &viommu2));
	length = data.out_mmap_length;
	check_eq(data.out_data, 0xabcd);
	check(length && data.out_mmap_offset);
	check(data2.out_mmap_offset >= data.out_mmap_offset + length ||
	      data2.out_mmap_offset + length <= data.out_mmap_offset);
	check_no_map(ENXIO, length, PAGE, PROT_READ, MAP_SHARED);
	check_no_map(ENXIO, PAGE, PAGE, PROT_READ, MAP_SHARED);
	check_no_map(ENXIO, length, -PAGE, PROT_READ, MAP_SHARED);
	check_no_map(ENXIO, length / 2, 0, PROT_READ, MAP_SHARED);
	check_no_map(ENXIO, length + PAGE, 0, PROT_READ, MAP_SHARED);
	check_no_map(EINVAL, length, 0, PROT_READ, MAP_PRIVATE);
	check_no_map(EPERM, length, 0, PROT_READ | PROT_EXEC, MAP_SHARED);
	p = map_window(&data, length, 0, PROT_READ, MAP_SHARED);
	require(p);
	check_eq(*p, 0xabcd);
	/* Linux lets a mapping become executable afterwards. */
	if (!tap_oracle())
		check(mprotect(p, length, PROT_READ | PROT_EXEC) == -1 &&
		      errno == EACCES);
	check_ret(iommu_destroy(w.fd, viommu), -EBUSY);
	check_ret(iommu_destroy(w.fd, viommu2), 0);
	munmap(p, length);
	check_ret(iommu_destroy(w.fd, viommu), 0);
	check_no_map(ENXIO, length, 0, PROT_READ, MAP_SHARED);
	down();
}

/* Each part of a mapping counts, and that of a child's. */
static void window_parts(void)
{
	struct iommu_viommu_selftest data = { .in_data = 1 };
	uint64_t length;
	uint32_t viommu;
	int go[2], pid;
	char *p, *q;

	up();
	require_ok(mock_viommu(w.fd, w.mock.dev, w.parent, &data, &viommu));
	length = data.out_mmap_length;
	p = map_window(&data, length, 0, PROT_READ | PROT_WRITE, MAP_SHARED);
	q = map_window(&data, length, 0, PROT_READ | PROT_WRITE, MAP_SHARED);
	require(p && q);
	*(uint32_t *)p = 2;
	check_eq(*(uint32_t *)q, 2);
	munmap(q, length);
	munmap(p, PAGE);
	check_ret(iommu_destroy(w.fd, viommu), -EBUSY);
	require_ok(pipe(go));
	pid = fork();
	if (!pid) {
		close(go[1]);
		_exit(read(go[0], &length, 1));
	}
	munmap(p + PAGE, length - PAGE);
	check_ret(iommu_destroy(w.fd, viommu), -EBUSY);
	close(go[1]);
	waitpid(pid, NULL, 0);
	check_ret(iommu_destroy(w.fd, viommu), 0);
	down();
}

/* The file is closed, the mapping stays, and what it shows too. */
static void window_outlives_file(void)
{
	struct iommu_viommu_selftest data = { .in_data = 3 };
	uint32_t *p;

	up();
	require_ok(mock_viommu(w.fd, w.mock.dev, w.parent, &data, NULL));
	p = map_window(&data, data.out_mmap_length, 0, PROT_READ | PROT_WRITE,
		       MAP_SHARED);
	require(p);
	close(w.fd);
	check_eq(*p, 3);
	*p = 4;
	check_eq(*p, 4);
	munmap(p, data.out_mmap_length);
}

/* Nothing is at offsets that nobody was told of. */
static void window_none(void)
{
	struct iommu_viommu_selftest data = {};
	static const uint64_t offsets[] = { 0, PAGE, 1ull << 40, 1ull << 62 };

	up();
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++)
		check_no_map(ENXIO, PAGE, offsets[i], PROT_READ, MAP_SHARED);
	down();
}

/* All that a 32-bit program needs, with its pointers and its mmap() */
static void from_32_bits(void)
{
	struct all {
		struct iommu_viommu_selftest data;
		struct iommu_viommu_alloc viommu;
		struct iommu_vdevice_alloc vdevice;
		struct iommu_viommu_invalidate_selftest entry;
		struct iommu_hwpt_invalidate invalidate;
	} *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	uint32_t *window;

	require(p != MAP_FAILED);
	up();
	p->data.in_data = 0x32;
	p->viommu = (struct iommu_viommu_alloc){
		.size = sizeof(p->viommu), .type = IOMMU_VIOMMU_TYPE_SELFTEST,
		.dev_id = w.mock.dev, .hwpt_id = w.parent,
		.data_len = sizeof(p->data), .data_uptr = (uintptr_t)&p->data,
	};
	require_ok(ioctl_32(w.fd, IOMMU_VIOMMU_ALLOC, &p->viommu));
	window = mmap_32(w.fd, p->data.out_mmap_length, p->data.out_mmap_offset);
	if (check((uintptr_t)window < 0xfffff000u))
		check_eq(*window, 0x32);
	p->vdevice = (struct iommu_vdevice_alloc){
		.size = sizeof(p->vdevice), .viommu_id = p->viommu.out_viommu_id,
		.dev_id = w.mock.dev, .virt_id = 3,
	};
	require_ok(ioctl_32(w.fd, IOMMU_VDEVICE_ALLOC, &p->vdevice));
	p->entry.vdev_id = 3;
	p->invalidate = (struct iommu_hwpt_invalidate){
		.size = sizeof(p->invalidate), .hwpt_id = p->viommu.out_viommu_id,
		.data_type = IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST,
		.data_uptr = (uintptr_t)&p->entry, .entry_len = sizeof(p->entry),
		.entry_num = 1,
	};
	check_ret(ioctl_32(w.fd, IOMMU_HWPT_INVALIDATE, &p->invalidate), 0);
	check_ret(mock_check_cache(w.fd, w.mock.dev, 0, 0), 0);
	munmap(window, p->data.out_mmap_length);
	check_ret(iommu_destroy(w.fd, p->vdevice.out_vdevice_id), 0);
	check_ret(iommu_destroy(w.fd, p->viommu.out_viommu_id), 0);
	down();
}

static const struct test tests[] = {
	{ "viommu_fields", viommu_fields },
	{ "vdevice_fields", vdevice_fields },
	{ "vdevice_two_viommus", vdevice_two_viommus },
	{ "nested_needs_vdevice", nested_needs_vdevice },
	{ "unplugged", unplugged },
	{ "unplugged_in_use", unplugged_in_use },
	{ "other_iommu", other_iommu },
	{ "queue_fields", queue_fields },
	{ "queue_contiguous", queue_contiguous },
	{ "queue_keeps_memory", queue_keeps_memory },
	{ "queue_orders", queue_orders },
	{ "window_rules", window_rules },
	{ "window_parts", window_parts },
	{ "window_outlives_file", window_outlives_file },
	{ "window_none", window_none },
	{ "from_32_bits", from_32_bits },
};

TAP_MAIN("viommu", tests)
