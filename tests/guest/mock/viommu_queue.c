// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hardware queues of a vIOMMU and what mmap() of /dev/iommu finds, on the mock.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem.h"
#include "mock.h"
#include "tap.h"
#include "viommu_scene.h"

#define BASE	((uint64_t)MOCK_APERTURE_START)

#ifndef MAP_32BIT

#define MAP_32BIT 0

#endif

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

	viommus_up();
	mem_get(&m, MEM_ANON, 4 * PAGE);
	memset(m.va, 1, m.size);
	c.viommu_id = viommus.viommu;
	check_ret(iommu_ioctl(viommus.fd, IOMMU_HW_QUEUE_ALLOC, &c), -ENOENT);
	require_ok(ioas_map_at(viommus.fd, viommus.ioas, m.va, 2 * PAGE, BASE));
	bad_queue(flags, 1, -EOPNOTSUPP);
	bad_queue(type, IOMMU_HW_QUEUE_TYPE_DEFAULT, -EOPNOTSUPP);
	bad_queue(type, UINT32_MAX, -EOPNOTSUPP);
	bad_queue(viommu_id, BAD_ID, -ENOENT);
	bad_queue(viommu_id, viommus.parent, -ENOENT);
	bad_queue(index, IOMMU_TEST_HW_QUEUE_MAX, -EINVAL);
	bad_queue(index, UINT32_MAX, -EINVAL);
	bad_queue(index, 1, -EIO);
	bad_queue(length, 0, -EINVAL);
	bad_queue(length, UINT64_MAX, -EOVERFLOW);
	bad_queue(nesting_parent_iova, UINT64_MAX, -EOVERFLOW);
	bad_queue(nesting_parent_iova, BASE - 1, -ENOENT);
	bad_queue(nesting_parent_iova, BASE + 2 * PAGE, -ENOENT);
	check_ret(viommu_unanswered(IOMMU_HW_QUEUE_ALLOC, &c, sizeof(c)), -EFAULT);
	check_ret(ioas_unmap(viommus.fd, viommus.ioas, BASE, 2 * PAGE, NULL), 0);

	/* A right that it needs, and memory that is half there. */
	require_ok(ioas_map(viommus.fd, viommus.ioas, MAP_W | MAP_FIX, m.va, PAGE,
			    &(uint64_t){ BASE }));
	check_ret(mock_hw_queue(viommus.fd, viommus.viommu, 0, BASE, PAGE, NULL), -EPERM);
	check_ret(mock_hw_queue(viommus.fd, viommus.viommu, 0, BASE, 2 * PAGE, NULL),
		  -EPERM);
	check_ret(ioas_unmap(viommus.fd, viommus.ioas, BASE, PAGE, NULL), 0);
	require_ok(ioas_map_at(viommus.fd, viommus.ioas, m.va, PAGE, BASE));
	check_ret(mock_hw_queue(viommus.fd, viommus.viommu, 0, BASE + 8, PAGE, NULL), -ENOENT);
	check_ret(mock_hw_queue(viommus.fd, viommus.viommu, 0, BASE + 8, PAGE - 8, &id), 0);
	check_ret(mock_hw_queue(viommus.fd, viommus.viommu, 0, BASE, 8, NULL), -EEXIST);
	check_ret(iommu_destroy(viommus.fd, viommus.viommu), -EBUSY);
	check_ret(iommu_destroy(viommus.fd, id), 0);
	viommus_down();
}

/* Pages that hardware would not find one behind the other. */
static void queue_contiguous(void)
{
	struct mem m;
	uint32_t id;

	viommus_up();
	mem_get(&m, MEM_HUGETLB, HUGE);
	memset(m.va, 1, m.size);
	require_ok(ioas_map_at(viommus.fd, viommus.ioas, m.va, HUGE, BASE));
	check_ret(mock_hw_queue(viommus.fd, viommus.viommu, 0, BASE, HUGE, &id), 0);
	check_ret(iommu_destroy(viommus.fd, id), 0);
	require_ok(ioas_unmap(viommus.fd, viommus.ioas, BASE, HUGE, NULL));

	/* The same page twice, and two pages the wrong way round */
	require_ok(ioas_map_at(viommus.fd, viommus.ioas, m.va, PAGE, BASE));
	require_ok(ioas_map_at(viommus.fd, viommus.ioas, m.va, PAGE, BASE + PAGE));
	require_ok(ioas_map_at(viommus.fd, viommus.ioas, m.va + PAGE, PAGE, BASE + 2 * PAGE));
	check_ret(mock_hw_queue(viommus.fd, viommus.viommu, 0, BASE, 2 * PAGE, NULL), -EFAULT);
	check_ret(mock_hw_queue(viommus.fd, viommus.viommu, 0, BASE, 3 * PAGE, NULL), -EFAULT);
	/* Two mappings are as good as one. */
	check_ret(mock_hw_queue(viommus.fd, viommus.viommu, 0, BASE + PAGE, 2 * PAGE, &id), 0);
	check_ret(ioas_unmap(viommus.fd, viommus.ioas, BASE, PAGE, NULL), 0);
	check_ret(ioas_unmap(viommus.fd, viommus.ioas, BASE + PAGE, PAGE, NULL), -EBUSY);
	check_ret(ioas_unmap(viommus.fd, viommus.ioas, BASE + 2 * PAGE, PAGE, NULL), -EBUSY);
	check_ret(iommu_destroy(viommus.fd, id), 0);
	check_ret(ioas_unmap(viommus.fd, viommus.ioas, BASE + PAGE, 2 * PAGE, NULL), 0);
	mem_put(&m);
	viommus_down();
}

/* The memory stays, whoever wants it unmapped and however. */
static void queue_keeps_memory(void)
{
	uint64_t unmapped = 0;
	uint32_t id, ioas;
	struct mem m;

	viommus_up();
	mem_get(&m, MEM_ANON, 4 * PAGE);
	memset(m.va, 1, m.size);
	for (unsigned int i = 0; i < 4; i++)
		require_ok(ioas_map_at(viommus.fd, viommus.ioas, m.va + i * PAGE, PAGE,
				       BASE + i * PAGE));
	check_ret(mock_hw_queue(viommus.fd, viommus.viommu, 0, BASE + 2 * PAGE + 16, 16, &id), 0);
	check_ret(ioas_unmap(viommus.fd, viommus.ioas, BASE + 2 * PAGE, PAGE, &unmapped), -EBUSY);
	check_ret(ioas_unmap_all(viommus.fd, viommus.ioas), -EBUSY);
	check_ret(ioas_unmap(viommus.fd, viommus.ioas, BASE, PAGE, NULL), -ENOENT);
	check_ret(ioas_unmap(viommus.fd, viommus.ioas, BASE + 3 * PAGE, PAGE, NULL), 0);
	check_ret(ioas_unmap(viommus.fd, viommus.ioas, BASE + 2 * PAGE, PAGE, NULL), -EBUSY);
	/* A copy is another mapping, and goes freely. */
	ioas = ioas_new(viommus.fd);
	check_ret(ioas_copy(viommus.fd, ioas, viommus.ioas, MAP_RW, BASE + 2 * PAGE, PAGE,
			    &(uint64_t){ 0 }), 0);
	check_eq(ioas_unmap_all(viommus.fd, ioas), PAGE);
	check_ret(iommu_destroy(viommus.fd, ioas), 0);
	check_ret(iommu_destroy(viommus.fd, id), 0);
	check_ret(ioas_unmap(viommus.fd, viommus.ioas, BASE + 2 * PAGE, PAGE, NULL), 0);
	viommus_down();
}

/* A queue goes after those that depend on it, with the file as by hand. */
static void queue_orders(void)
{
	uint32_t id[2], nested;
	struct mem m;

	for (int by_hand = 0; by_hand < 2; by_hand++) {
		viommus_up();
		mem_get(&m, MEM_ANON, PAGE);
		memset(m.va, 1, m.size);
		require_ok(ioas_map_at(viommus.fd, viommus.ioas, m.va, PAGE, BASE));
		require_ok(mock_hwpt_nested(viommus.fd, viommus.mock.dev, viommus.viommu, 0, &nested));
		require_ok(mock_hw_queue(viommus.fd, viommus.viommu, 0, BASE, 64, &id[0]));
		require_ok(mock_hw_queue(viommus.fd, viommus.viommu, 1, BASE + 64, 64, &id[1]));
		check_ret(iommu_destroy(viommus.fd, id[0]), -EBUSY);
		/* Both have the page, which is pinned once. */
		munmap(m.va, m.size);
		if (!by_hand) {
			close(viommus.fd);
			continue;
		}
		check_ret(iommu_destroy(viommus.fd, id[1]), 0);
		check_ret(ioas_unmap(viommus.fd, viommus.ioas, BASE, PAGE, NULL), -EBUSY);
		check_ret(iommu_destroy(viommus.fd, id[0]), 0);
		check_ret(ioas_unmap(viommus.fd, viommus.ioas, BASE, PAGE, NULL), 0);
		check_ret(iommu_destroy(viommus.fd, nested), 0);
		viommus_down();
	}
}

static void *map_window(const struct iommu_viommu_selftest *data, uint64_t length,
			uint64_t offset, int prot, int flags)
{
	void *p = mmap(NULL, length, prot, flags, viommus.fd, data->out_mmap_offset + offset);

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

	viommus_up();
	require_ok(mock_viommu(viommus.fd, viommus.mock.dev, viommus.parent, &data, &viommu));
	require_ok(mock_viommu(viommus.fd, viommus.mock.dev, viommus.parent, &data2, &viommu2));
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
	check_ret(iommu_destroy(viommus.fd, viommu), -EBUSY);
	check_ret(iommu_destroy(viommus.fd, viommu2), 0);
	munmap(p, length);
	check_ret(iommu_destroy(viommus.fd, viommu), 0);
	check_no_map(ENXIO, length, 0, PROT_READ, MAP_SHARED);
	viommus_down();
}

/* Each part of a mapping counts, and that of a child's. */
static void window_parts(void)
{
	struct iommu_viommu_selftest data = { .in_data = 1 };
	uint64_t length;
	uint32_t viommu;
	int go[2], pid;
	char *p, *q;

	viommus_up();
	require_ok(mock_viommu(viommus.fd, viommus.mock.dev, viommus.parent, &data, &viommu));
	length = data.out_mmap_length;
	p = map_window(&data, length, 0, PROT_READ | PROT_WRITE, MAP_SHARED);
	q = map_window(&data, length, 0, PROT_READ | PROT_WRITE, MAP_SHARED);
	require(p && q);
	*(uint32_t *)p = 2;
	check_eq(*(uint32_t *)q, 2);
	munmap(q, length);
	munmap(p, PAGE);
	check_ret(iommu_destroy(viommus.fd, viommu), -EBUSY);
	require_ok(pipe(go));
	pid = fork();
	if (!pid) {
		close(go[1]);
		_exit(read(go[0], &length, 1));
	}
	munmap(p + PAGE, length - PAGE);
	check_ret(iommu_destroy(viommus.fd, viommu), -EBUSY);
	close(go[1]);
	waitpid(pid, NULL, 0);
	check_ret(iommu_destroy(viommus.fd, viommu), 0);
	viommus_down();
}

/* The file is closed, the mapping stays, and what it shows too. */
static void window_outlives_file(void)
{
	struct iommu_viommu_selftest data = { .in_data = 3 };
	uint32_t *p;

	viommus_up();
	require_ok(mock_viommu(viommus.fd, viommus.mock.dev, viommus.parent, &data, NULL));
	p = map_window(&data, data.out_mmap_length, 0, PROT_READ | PROT_WRITE,
		       MAP_SHARED);
	require(p);
	close(viommus.fd);
	check_eq(*p, 3);
	*p = 4;
	check_eq(*p, 4);
	munmap(p, data.out_mmap_length);
}

/* Nothing is at offsets that nobody was told of. */
static void window_none(void)
{
	struct iommu_viommu_selftest data = {};
	/* The last is the highest bit of mmap()'s, which takes pages as a long. */
	static const uint64_t offsets[] = { 0, PAGE, 1ull << 40,
					    sizeof(long) > 4 ? 1ull << 62 : 1ull << 43 };

	viommus_up();
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++)
		check_no_map(ENXIO, PAGE, offsets[i], PROT_READ, MAP_SHARED);
	viommus_down();
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
	viommus_up();
	p->data.in_data = 0x32;
	p->viommu = (struct iommu_viommu_alloc){
		.size = sizeof(p->viommu), .type = IOMMU_VIOMMU_TYPE_SELFTEST,
		.dev_id = viommus.mock.dev, .hwpt_id = viommus.parent,
		.data_len = sizeof(p->data), .data_uptr = (uintptr_t)&p->data,
	};
	require_ok(ioctl_32(viommus.fd, IOMMU_VIOMMU_ALLOC, &p->viommu));
	window = mmap_32(viommus.fd, p->data.out_mmap_length, p->data.out_mmap_offset);
	if (check((uintptr_t)window < 0xfffff000u))
		check_eq(*window, 0x32);
	p->vdevice = (struct iommu_vdevice_alloc){
		.size = sizeof(p->vdevice), .viommu_id = p->viommu.out_viommu_id,
		.dev_id = viommus.mock.dev, .virt_id = 3,
	};
	require_ok(ioctl_32(viommus.fd, IOMMU_VDEVICE_ALLOC, &p->vdevice));
	p->entry.vdev_id = 3;
	p->invalidate = (struct iommu_hwpt_invalidate){
		.size = sizeof(p->invalidate), .hwpt_id = p->viommu.out_viommu_id,
		.data_type = IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST,
		.data_uptr = (uintptr_t)&p->entry, .entry_len = sizeof(p->entry),
		.entry_num = 1,
	};
	check_ret(ioctl_32(viommus.fd, IOMMU_HWPT_INVALIDATE, &p->invalidate), 0);
	check_ret(mock_check_cache(viommus.fd, viommus.mock.dev, 0, 0), 0);
	munmap(window, p->data.out_mmap_length);
	check_ret(iommu_destroy(viommus.fd, p->vdevice.out_vdevice_id), 0);
	check_ret(iommu_destroy(viommus.fd, p->viommu.out_viommu_id), 0);
	viommus_down();
}

static const struct test tests[] = {
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

TAP_MAIN("viommu_queue", tests)
