/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOMMU_TEST_CMD: what test programs ask of the mock, and the data that its IOMMU
 * takes and gives.  Numbers and layouts are those that Linux 7.2's own suite is
 * built with; tests/unit/mock-abi compares them.
 */
#ifndef TESTS_MOCK_UAPI_H
#define TESTS_MOCK_UAPI_H

#include <linux/types.h>
#ifdef __KERNEL__
#include <uapi/linux/iommufd.h>
#else
#include <linux/iommufd.h>
#endif

#define IOMMU_TEST_CMD	_IO(IOMMUFD_TYPE, IOMMUFD_CMD_BASE + 32)

/* iommu_test_cmd.op, and what iommu_test_cmd.id is for it */
enum {
	IOMMU_TEST_OP_ADD_RESERVED = 1,		/* IOAS */
	IOMMU_TEST_OP_MOCK_DOMAIN = 2,		/* IOAS or HWPT */
	IOMMU_TEST_OP_MD_CHECK_MAP = 3,		/* paging HWPT */
	IOMMU_TEST_OP_MD_CHECK_REFS = 4,	/* - */
	IOMMU_TEST_OP_CREATE_ACCESS = 5,	/* IOAS */
	IOMMU_TEST_OP_DESTROY_ACCESS_PAGES = 6,	/* access descriptor */
	IOMMU_TEST_OP_ACCESS_PAGES = 7,		/* access descriptor */
	IOMMU_TEST_OP_ACCESS_RW = 8,		/* access descriptor */
	IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT = 9,	/* - */
	IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE = 10,	/* mock device */
	IOMMU_TEST_OP_ACCESS_REPLACE_IOAS = 11,	/* access descriptor */
	IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS = 12,	/* IOAS or HWPT */
	IOMMU_TEST_OP_DIRTY = 13,		/* paging HWPT */
	IOMMU_TEST_OP_MD_CHECK_IOTLB = 14,	/* nested HWPT */
	IOMMU_TEST_OP_TRIGGER_IOPF = 15,	/* - */
	IOMMU_TEST_OP_DEV_CHECK_CACHE = 16,	/* device */
	IOMMU_TEST_OP_TRIGGER_VEVENT = 17,	/* - */
	IOMMU_TEST_OP_PASID_ATTACH = 18,	/* mock device */
	IOMMU_TEST_OP_PASID_REPLACE = 19,	/* mock device */
	IOMMU_TEST_OP_PASID_DETACH = 20,	/* mock device */
	IOMMU_TEST_OP_PASID_CHECK_HWPT = 21,	/* mock device; ours: or any device */
	IOMMU_TEST_OP_DMABUF_GET = 22,		/* - */
	IOMMU_TEST_OP_DMABUF_REVOKE = 23,	/* - */

	IOMMU_TEST_OP_RESET = 64,		/* ours; mock device */
};

/* iommu_test_cmd.mock_domain_flags.dev_flags */
enum {
	MOCK_FLAGS_DEVICE_NO_DIRTY = 1 << 0,
	MOCK_FLAGS_DEVICE_PASID = 1 << 2,
	/*
	 * Ours: joins the group of the mock device that __reserved names.  Nothing may
	 * be attached to PASIDs there, which the new device wouldn't have.
	 */
	MOCK_FLAGS_DEVICE_BESIDE = 1 << 16,
	/* Ours: its IOMMU can enforce coherency. */
	MOCK_FLAGS_DEVICE_ENFORCES = 1 << 17,
	/*
	 * Ours: its driver ends page faults as VT-d's of Linux 7.2 does, and the device goes on
	 * asking meanwhile.
	 */
	MOCK_FLAGS_DEVICE_ENDS_EARLY = 1 << 18,
};

/* Ours: .trigger_iopf's __reserved */
enum {
	MOCK_IOPF_MORE = 1 << 0,	/* more faults of the group follow */
	/* It stays where it has found its attachment, for a minute at the most. */
	MOCK_IOPF_HOLD = 1 << 1,
	MOCK_IOPF_GO = 1 << 2,		/* what stays goes on; nothing else is asked */
};

/* .create_access.flags */
enum {
	MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES = 1 << 0,
};

/*
 * .access_pages.flags.  The second is for .access_rw.flags as well: the IOVA is
 * (offset << 32 | n) and means that offset in the n-th mapping.
 */
enum {
	MOCK_FLAGS_ACCESS_WRITE = 1 << 0,
	MOCK_FLAGS_ACCESS_SYZ = 1 << 16,
};

/* .access_rw.flags */
enum {
	MOCK_ACCESS_RW_WRITE = 1 << 0,
	MOCK_ACCESS_RW_SLOW_PATH = 1 << 2,
};

struct iommu_test_cmd {
	__u32 size;
	__u32 op;
	__u32 id;
	__u32 __reserved;
	union {
		/* Devices.  The mock device is destroyed by its own ID, out_stdev_id. */
		struct {
			__u32 out_stdev_id;
			__u32 out_hwpt_id;
			__u32 out_idev_id;
		} mock_domain;
		struct {
			__u32 out_stdev_id;
			__u32 out_hwpt_id;
			__u32 out_idev_id;
			__u32 dev_flags;
		} mock_domain_flags;
		struct {
			__u32 pt_id;
		} mock_domain_replace;
		struct {
			__u32 pasid;
			__u32 pt_id;
		} pasid_attach;
		struct {
			__u32 pasid;
			__u32 pt_id;
		} pasid_replace;
		struct {
			__u32 pasid;
		} pasid_detach;
		struct {
			__u32 pasid;
			__u32 hwpt_id;		/* 0: is nothing attached? */
		} pasid_check;
		struct {
			__u32 dev_id;
			__u32 pasid;
			__u32 grpid;
			__u32 perm;
			__u64 addr;
		} trigger_iopf;			/* __reserved: MOCK_IOPF_* */
		struct {
			__u32 dev_id;
		} trigger_vevent;

		/* Page tables, caches and pages */
		struct {
			__aligned_u64 start;
			__aligned_u64 length;
		} add_reserved;
		struct {
			__aligned_u64 iova;
			__aligned_u64 length;
			__aligned_u64 uptr;
		} check_map;
		struct {
			__aligned_u64 length;
			__aligned_u64 uptr;
			__u32 refs;
		} check_refs;
		struct {
			__u32 flags;
			__aligned_u64 iova;
			__aligned_u64 length;
			__aligned_u64 page_size;
			__aligned_u64 uptr;
			__aligned_u64 out_nr_dirty;
		} dirty;
		struct {
			__u32 id;
			__u32 iotlb;
		} check_iotlb;
		struct {
			__u32 id;
			__u32 cache;
		} check_dev_cache;
		struct {
			__u32 limit;
		} memory_limit;

		/* Access objects */
		struct {
			__u32 out_access_fd;
			__u32 flags;
		} create_access;
		struct {
			__u32 ioas_id;
		} access_replace_ioas;
		struct {
			__u32 flags;
			__u32 out_access_pages_id;
			__aligned_u64 iova;
			__aligned_u64 length;
			__aligned_u64 uptr;	/* 0: don't compare */
		} access_pages;
		struct {
			__u32 access_pages_id;
		} destroy_access_pages;
		struct {
			__aligned_u64 iova;
			__aligned_u64 length;
			__aligned_u64 uptr;
			__u32 flags;
		} access_rw;

		/* DMA-bufs: DMABUF_GET returns a descriptor. */
		struct {
			__u32 length;
			__u32 open_flags;
		} dmabuf_get;
		struct {
			__s32 dmabuf_fd;
			__u32 revoked;
		} dmabuf_revoke;
	};
	__u32 last;
};

/* The page table: its aperture and sizes of pages, and its two variants. */
enum {
	MOCK_APERTURE_START = 1UL << 24,
	MOCK_APERTURE_LAST = (1UL << 31) - 1,
	MOCK_PAGE_SIZE = 2048,
	MOCK_HUGE_PAGE_SIZE = 512 * MOCK_PAGE_SIZE,
};

enum {
	MOCK_IOMMUPT_DEFAULT = 0,
	MOCK_IOMMUPT_HUGE = 1,
};

/* What a nested page table and a device have cached. */
enum {
	MOCK_NESTED_DOMAIN_IOTLB_ID_MAX = 3,
	MOCK_NESTED_DOMAIN_IOTLB_NUM = 4,
};

enum {
	MOCK_DEV_CACHE_ID_MAX = 3,
	MOCK_DEV_CACHE_NUM = 4,
};

#define IOMMU_TEST_IOTLB_DEFAULT	0xbadbeef
#define IOMMU_TEST_DEV_CACHE_DEFAULT	0xbaddad

/* PASIDs of a device that has some; every second attach of this one fails. */
#define MOCK_PASID_WIDTH		20
#define IOMMU_TEST_PASID_RESERVED	1024

/* IOMMU_GET_HW_INFO */
#define IOMMU_HW_INFO_TYPE_SELFTEST	0xfeedbeef
#define IOMMU_HW_INFO_SELFTEST_REGVAL	0xdeadbeef

struct iommu_test_hw_info {
	__u32 flags;
	__u32 test_reg;
};

/* IOMMU_HWPT_ALLOC: @iotlb for a nested one, @pagetable_type for a paging one */
#define IOMMU_HWPT_DATA_SELFTEST	0xdead

struct iommu_hwpt_selftest {
	__u32 iotlb;
	__u32 pagetable_type;
};

/* IOMMU_HWPT_INVALIDATE of a nested page table, and of a vIOMMU */
#define IOMMU_HWPT_INVALIDATE_DATA_SELFTEST		0xdeadbeef
#define IOMMU_HWPT_INVALIDATE_DATA_SELFTEST_INVALID	0xdadbeef
#define IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST		0xdeadbeef
#define IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST_INVALID	0xdadbeef

#define IOMMU_TEST_INVALIDATE_FLAG_ALL	(1 << 0)	/* whatever the index */

struct iommu_hwpt_invalidate_selftest {
	__u32 flags;
	__u32 iotlb_id;
};

struct iommu_viommu_invalidate_selftest {
	__u32 flags;
	__u32 vdev_id;
	__u32 cache_id;
};

/* vIOMMU: @out_data repeats @in_data, which the first word of the window has too. */
#define IOMMU_VIOMMU_TYPE_SELFTEST	0xdeadbeef

struct iommu_viommu_selftest {
	__u32 in_data;
	__u32 out_data;
	__aligned_u64 out_mmap_offset;
	__aligned_u64 out_mmap_length;
};

#define IOMMU_VEVENTQ_TYPE_SELFTEST	0xbeefbeef

struct iommu_viommu_event_selftest {
	__u32 virt_id;
};

#define IOMMU_HW_QUEUE_TYPE_SELFTEST	0xdeadbeef
#define IOMMU_TEST_HW_QUEUE_MAX		2

#endif
