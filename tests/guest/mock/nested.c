// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested page tables and IOMMU_HWPT_INVALIDATE, on the mock: what may stand on what,
 * bad values in every field, and how much of an array was done.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mem.h"
#include "mock.h"
#include "tap.h"
#include "trace.h"

#define BAD_ID		0x7ffffff0u
#define ENTRIES_MAX	(1u << 19)
#define DEFAULT		IOMMU_TEST_IOTLB_DEFAULT

typedef struct iommu_hwpt_invalidate_selftest entry_t;

static struct world {
	int fd;
	uint32_t ioas;
	struct mock mock;
	uint32_t parent;	/* a nesting one */
} w;

static void up(void)
{
	w.fd = mock_open();
	w.ioas = ioas_new(w.fd);
	require_ok(mock_device(w.fd, w.ioas, 0, &w.mock));
	require_ok(hwpt_alloc(w.fd, w.mock.dev, w.ioas,
			      IOMMU_HWPT_ALLOC_NEST_PARENT, &w.parent));
}

/* All can be destroyed in this order, so a test has left nothing that holds it. */
static void down(void)
{
	check_ret(iommu_destroy(w.fd, w.parent), 0);
	check_ret(mock_unplug(w.fd, &w.mock), 0);
	check_ret(iommu_destroy(w.fd, w.ioas), 0);
	close(w.fd);
}

static uint32_t nested_new(void)
{
	uint32_t id = 0;

	require_ok(mock_hwpt_nested(w.fd, w.mock.dev, w.parent, 0, &id));
	return id;
}

static struct iommu_hwpt_alloc nested_args(struct iommu_hwpt_selftest *data)
{
	return (struct iommu_hwpt_alloc){
		.size = sizeof(struct iommu_hwpt_alloc),
		.dev_id = w.mock.dev, .pt_id = w.parent,
		.data_type = IOMMU_HWPT_DATA_SELFTEST,
		.data_len = sizeof(*data), .data_uptr = (uintptr_t)data,
	};
}

/* An ioctl with one field changed. */
#define check_with(base, member, value, want)				\
	do {								\
		struct iommu_hwpt_alloc c_ = (base);			\
									\
		c_.member = (value);					\
		c_.out_hwpt_id = 0x55;					\
		check_ret(iommu_ioctl(w.fd, IOMMU_HWPT_ALLOC, &c_), want); \
		check_eq(c_.out_hwpt_id, 0x55);				\
	} while (0)

static void alloc_fields(void)
{
	struct iommu_hwpt_selftest data = { .iotlb = 1 };
	struct iommu_hwpt_alloc c;
	uint32_t plain, nested;
	char *end;

	up();
	end = before_hole(PAGE);
	nested = nested_new();
	require_ok(hwpt_alloc(w.fd, w.mock.dev, w.ioas, 0, &plain));
	c = nested_args(&data);
	check_with(c, __reserved, 1, -EOPNOTSUPP);
	check_with(c, dev_id, BAD_ID, -ENOENT);
	check_with(c, dev_id, w.ioas, -ENOENT);
	check_with(c, pt_id, BAD_ID, -EINVAL);
	check_with(c, pt_id, w.mock.dev, -EINVAL);
	check_with(c, pt_id, w.mock.stdev, -EINVAL);
	check_with(c, pt_id, plain, -EINVAL);
	check_with(c, pt_id, nested, -EINVAL);
	check_with(c, pt_id, w.mock.hwpt, -EINVAL);
	check_with(c, flags, IOMMU_HWPT_ALLOC_NEST_PARENT, -EOPNOTSUPP);
	check_with(c, flags, IOMMU_HWPT_ALLOC_DIRTY_TRACKING, -EOPNOTSUPP);
	check_with(c, flags, 1u << 31, -EOPNOTSUPP);
	check_with(c, flags, IOMMU_HWPT_FAULT_ID_VALID, -ENOENT);
	check_with(c, data_type, IOMMU_HWPT_DATA_NONE, -EINVAL);
	check_with(c, data_type, IOMMU_HWPT_DATA_SELFTEST + 1, -EOPNOTSUPP);
	check_with(c, data_len, 0, -EINVAL);
	check_with(c, data_len, 3, -EINVAL);
	check_with(c, data_len, sizeof(data) + 1, -EINVAL);
	check_with(c, data_len, UINT32_MAX, -EINVAL);
	check_with(c, data_uptr, 0, -EFAULT);
	check_with(c, data_uptr, UINT64_MAX, -EFAULT);
	check_with(c, data_uptr, (uintptr_t)end + PAGE - 4, -EFAULT);
	/* Neither a type nor data: it has nothing to be made of. */
	c.data_type = IOMMU_HWPT_DATA_NONE;
	c.data_len = 0;
	check_ret(iommu_ioctl(w.fd, IOMMU_HWPT_ALLOC, &c), -EOPNOTSUPP);
	check_ret(iommu_destroy(w.fd, nested), 0);
	check_ret(iommu_destroy(w.fd, plain), 0);
	down();
}

/* The answer can't be written: what was made is gone, and holds nothing. */
static void alloc_unanswered(void)
{
	struct iommu_hwpt_selftest data = {};
	struct iommu_hwpt_alloc *c;

	up();
	c = before_hole(PAGE);
	*c = nested_args(&data);
	require_ok(mprotect(c, PAGE, PROT_READ));
	check_ret(iommu_ioctl(w.fd, IOMMU_HWPT_ALLOC, c), -EFAULT);
	down();
}

/* A paging one takes data too. */
static void paging_data(void)
{
	struct iommu_hwpt_selftest data = { .pagetable_type = MOCK_IOMMUPT_HUGE };
	struct iommu_hwpt_alloc c;

	up();
	c = nested_args(&data);
	c.pt_id = w.ioas;
	check_ret(iommu_ioctl(w.fd, IOMMU_HWPT_ALLOC, &c), 0);
	check_ret(iommu_destroy(w.fd, c.out_hwpt_id), 0);
	data.pagetable_type = MOCK_IOMMUPT_HUGE + 1;
	check_ret(iommu_ioctl(w.fd, IOMMU_HWPT_ALLOC, &c), -EOPNOTSUPP);
	check_with(c, data_type, IOMMU_HWPT_DATA_SELFTEST + 1, -EOPNOTSUPP);
	check_with(c, data_uptr, 0, -EFAULT);
	check_with(c, data_len, 1, -EINVAL);
	down();
}

/* What is held can't go, and all of it goes with the file. */
static void orders(void)
{
	uint32_t nested[2];

	up();
	nested[0] = nested_new();
	nested[1] = nested_new();
	check_ret(iommu_destroy(w.fd, w.parent), -EBUSY);
	check_ret(iommu_destroy(w.fd, w.ioas), -EBUSY);
	check_ret(mock_replace(w.fd, &w.mock, nested[0]), 0);
	check_ret(iommu_destroy(w.fd, nested[0]), -EBUSY);
	check_ret(mock_replace(w.fd, &w.mock, nested[0]), 0);
	check_ret(mock_replace(w.fd, &w.mock, nested[1]), 0);
	check_ret(iommu_destroy(w.fd, nested[0]), 0);
	check_ret(mock_replace(w.fd, &w.mock, nested[0]), -ENOENT);
	check_ret(iommu_destroy(w.fd, nested[1]), -EBUSY);
	check_ret(mock_replace(w.fd, &w.mock, w.ioas), 0);
	check_ret(iommu_destroy(w.fd, nested[1]), 0);
	down();

	up();
	require_ok(mock_replace(w.fd, &w.mock, nested_new()));
	close(w.fd);
}

/* The device goes, what was made for it stays. */
static void outlives_device(void)
{
	uint32_t nested, n = 1;
	entry_t e = { .iotlb_id = 1 };

	up();
	nested = nested_new();
	require_ok(mock_replace(w.fd, &w.mock, nested));
	check_ret(mock_unplug(w.fd, &w.mock), 0);
	check_ret(mock_invalidate(w.fd, nested, &e, sizeof(e), &n), 0);
	check_ret(mock_check_iotlb(w.fd, nested, 1, 0), 0);
	check_ret(mock_check_iotlb(w.fd, nested, 0, DEFAULT), 0);
	require_ok(mock_device(w.fd, nested, 0, &w.mock));
	check_ret(mock_replace(w.fd, &w.mock, w.parent), 0);
	check_ret(iommu_destroy(w.fd, nested), 0);
	require_ok(mock_replace(w.fd, &w.mock, w.ioas));
	down();
}

/* What is mapped while the device uses the nested one reaches the parent. */
static void maps_reach_parent(void)
{
	struct iommu_test_cmd check = {};
	struct mem m;
	uint32_t nested;

	up();
	mem_get(&m, MEM_ANON, 4 * PAGE);
	memset(m.va, 1, m.size);
	nested = nested_new();
	require_ok(mock_replace(w.fd, &w.mock, nested));
	require_ok(ioas_map_at(w.fd, w.ioas, m.va, m.size, MOCK_APERTURE_START));
	check.check_map.iova = MOCK_APERTURE_START;
	check.check_map.length = m.size;
	check.check_map.uptr = (uintptr_t)m.va;
	check_ret(mock_cmd(w.fd, IOMMU_TEST_OP_MD_CHECK_MAP, w.parent, &check), 0);
	/* It isn't a page table for an IOAS. */
	check_ret(mock_cmd(w.fd, IOMMU_TEST_OP_MD_CHECK_MAP, nested, &check), -ENOENT);
	check_ret(ioas_unmap(w.fd, w.ioas, MOCK_APERTURE_START, m.size, NULL), 0);
	require_ok(mock_replace(w.fd, &w.mock, w.ioas));
	check_ret(iommu_destroy(w.fd, nested), 0);
	down();
}

static void invalidate_ids(void)
{
	entry_t e = {};
	uint32_t ids[4];
	uint32_t n;

	up();
	memcpy(ids, (uint32_t[]){ w.ioas, w.parent, w.mock.dev, w.mock.stdev },
	       sizeof(ids));
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		n = 1;
		check_ret(mock_invalidate(w.fd, ids[i], &e, sizeof(e), &n), -EINVAL);
		check_eq(n, 0);
	}
	n = 1;
	check_ret(mock_invalidate(w.fd, BAD_ID, &e, sizeof(e), &n), -ENOENT);
	check_eq(n, 0);
	down();
}

static void invalidate_fields(void)
{
	entry_t e = {};
	struct iommu_hwpt_invalidate c = {
		.size = sizeof(c), .entry_len = sizeof(e), .entry_num = 1,
		.data_type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST,
		.data_uptr = (uintptr_t)&e, .__reserved = 1,
	};
	uint32_t nested, n;

	up();
	c.hwpt_id = nested = nested_new();
	check_ret(iommu_ioctl(w.fd, IOMMU_HWPT_INVALIDATE, &c), -EOPNOTSUPP);
	check_eq(c.entry_num, 0);
	c.__reserved = 0;
	c.entry_num = 1;
	c.data_type++;
	check_ret(iommu_ioctl(w.fd, IOMMU_HWPT_INVALIDATE, &c), -EINVAL);
	check_eq(c.entry_num, 0);
	/* Without entries it is a question about the type, and nothing else counts. */
	check_ret(iommu_ioctl(w.fd, IOMMU_HWPT_INVALIDATE, &c), -EINVAL);
	c.data_type--;
	c.data_uptr = 0;
	c.entry_len = UINT32_MAX;
	check_ret(iommu_ioctl(w.fd, IOMMU_HWPT_INVALIDATE, &c), 0);

	n = 1;
	check_ret(mock_invalidate(w.fd, nested, &e, 0, &n), -EINVAL);
	check_eq(n, 0);
	n = 1;
	check_ret(mock_invalidate(w.fd, nested, &e, PAGE + 1, &n), -EINVAL);
	n = 1;
	check_ret(mock_invalidate(w.fd, nested, &e, sizeof(e) - 1, &n), -EINVAL);
	n = ENTRIES_MAX + 1;
	check_ret(mock_invalidate(w.fd, nested, &e, sizeof(e), &n), -EINVAL);
	check_eq(n, 0);
	n = UINT32_MAX;
	check_ret(mock_invalidate(w.fd, nested, &e, sizeof(e), &n), -EINVAL);
	n = 1;
	check_ret(mock_invalidate(w.fd, nested, NULL, sizeof(e), &n), -EINVAL);
	n = 1;
	check_ret(mock_invalidate(w.fd, nested, (void *)-1ul, sizeof(e), &n), -EFAULT);
	check_eq(n, 0);
	for (uint32_t i = 0; i < MOCK_NESTED_DOMAIN_IOTLB_NUM; i++)
		check_ret(mock_check_iotlb(w.fd, nested, i, DEFAULT), 0);
	check_ret(iommu_destroy(w.fd, nested), 0);
	down();
}

/* The array ends in the middle of an entry: those before it are done and counted. */
static void invalidate_part(void)
{
	uint32_t nested, n = 4;
	entry_t *e;

	up();
	nested = nested_new();
	e = (entry_t *)((char *)before_hole(PAGE) + PAGE) - 2;
	e[0] = (entry_t){ .iotlb_id = 3 };
	e[1] = (entry_t){ .iotlb_id = 1 };
	check_ret(mock_invalidate(w.fd, nested, e, sizeof(*e), &n), -EFAULT);
	check_eq(n, 2);
	e = (void *)((char *)(e + 2) - 4 - sizeof(*e));
	e[0] = (entry_t){ .iotlb_id = 0 };
	n = 2;
	check_ret(mock_invalidate(w.fd, nested, e, sizeof(*e), &n), -EFAULT);
	check_eq(n, 1);
	check_ret(mock_check_iotlb(w.fd, nested, 0, 0), 0);
	check_ret(mock_check_iotlb(w.fd, nested, 1, 0), 0);
	check_ret(mock_check_iotlb(w.fd, nested, 2, DEFAULT), 0);
	check_ret(mock_check_iotlb(w.fd, nested, 3, 0), 0);
	check_ret(iommu_destroy(w.fd, nested), 0);
	down();
}

static void invalidate_many(void)
{
	size_t size = (size_t)ENTRIES_MAX * sizeof(entry_t);
	uint32_t nested, n = ENTRIES_MAX;
	entry_t *e;

	up();
	nested = nested_new();
	e = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(e != MAP_FAILED);
	check_ret(mock_invalidate(w.fd, nested, e, sizeof(*e), &n), 0);
	check_eq(n, ENTRIES_MAX);
	check_ret(mock_check_iotlb(w.fd, nested, 0, 0), 0);
	check_ret(mock_check_iotlb(w.fd, nested, 1, DEFAULT), 0);
	e[ENTRIES_MAX - 1].flags = ~0u;
	check_ret(mock_invalidate(w.fd, nested, e, sizeof(*e), &n), -EOPNOTSUPP);
	check_eq(n, ENTRIES_MAX - 1);
	check_ret(iommu_destroy(w.fd, nested), 0);
	down();
}

/* How much was done can't be told, which is no reason not to do it. */
static void invalidate_unanswered(void)
{
	struct iommu_hwpt_invalidate *c;
	entry_t e = { .iotlb_id = 2 };
	uint32_t nested;

	up();
	nested = nested_new();
	c = before_hole(PAGE);
	*c = (struct iommu_hwpt_invalidate){
		.size = sizeof(*c), .hwpt_id = nested, .entry_len = sizeof(e),
		.data_type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST,
		.data_uptr = (uintptr_t)&e, .entry_num = 1,
	};
	require_ok(mprotect(c, PAGE, PROT_READ));
	check_ret(iommu_ioctl(w.fd, IOMMU_HWPT_INVALIDATE, c), -EFAULT);
	check_ret(mock_check_iotlb(w.fd, nested, 2, 0), 0);
	check_ret(iommu_destroy(w.fd, nested), 0);
	down();
}

/* A tracepoint shows how much was asked for and done. */
static void traces(void)
{
	entry_t e[3] = { { .iotlb_id = 1 }, { .iotlb_id = 2 }, { .flags = ~0u } };
	uint32_t nested, n = 2;

	up();
	trace_begin();
	nested = nested_new();
	check_ret(mock_invalidate(w.fd, nested, e, sizeof(*e), &n), 0);
	check_traced("iommufd_invalidate:", "object=%u asked=2 done=2 result=0", nested);
	n = 3;
	check_ret(mock_invalidate(w.fd, nested, e, sizeof(*e), &n), -EOPNOTSUPP);
	check_traced("iommufd_invalidate:", "object=%u asked=3 done=2 result=%d", nested,
		     -EOPNOTSUPP);
	trace_end();
	check_ret(iommu_destroy(w.fd, nested), 0);
	down();
}

static const struct test tests[] = {
	{ "alloc_fields", alloc_fields },
	{ "alloc_unanswered", alloc_unanswered },
	{ "paging_data", paging_data },
	{ "orders", orders },
	{ "outlives_device", outlives_device },
	{ "maps_reach_parent", maps_reach_parent },
	{ "invalidate_ids", invalidate_ids },
	{ "invalidate_fields", invalidate_fields },
	{ "invalidate_part", invalidate_part },
	{ "invalidate_many", invalidate_many },
	{ "invalidate_unanswered", invalidate_unanswered },
	{ "traces", traces },
};

TAP_MAIN("nested", tests)
