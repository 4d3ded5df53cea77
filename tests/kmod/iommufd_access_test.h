/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a program can ask of the test module: each open file of the node is a
 * driver that has one access object at the most.  Closing it destroys that.
 */
#ifndef TESTS_KMOD_IOMMUFD_ACCESS_TEST_H
#define TESTS_KMOD_IOMMUFD_ACCESS_TEST_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define ACCESS_TEST_NAME	"iommufd_access_test"

/* No call may be about more memory than that (-E2BIG). */
#define ACCESS_TEST_MAX		(1ull << 30)

/* The caller wants to pin; the same without an unmap callback, which is a mistake. */
#define ACCESS_TEST_PINS	1
#define ACCESS_TEST_NO_UNMAP	2

struct access_test_create {
	__s32 iommufd;
	__u32 flags;
	__u32 out_id;
};

/* Of an address space, in ATTACH and REPLACE. */
struct access_test_target {
	__u32 ioas_id;
};

/* Makes the call that needs the right to write, or copies to the memory. */
#define ACCESS_TEST_WRITE	1
/* Has a kernel thread make the call. */
#define ACCESS_TEST_KTHREAD	2
/* COPY: by the page pointers of a pin that covers the range, without a call. */
#define ACCESS_TEST_BY_PAGES	4

struct access_test_pin {
	__aligned_u64 iova;
	__aligned_u64 length;
	__aligned_u64 pfns;	/* 0, or room for a __u64 for each page */
	__u32 flags;
	__u32 __reserved;
};

struct access_test_unpin {
	__aligned_u64 iova;
	__aligned_u64 length;
};

struct access_test_copy {
	__aligned_u64 iova;
	__aligned_u64 length;
	__aligned_u64 buffer;
	__u32 flags;
	__u32 __reserved;
};

/* How the unmap callback behaves from now on. */
struct access_test_behave {
	__u32 refuse;		/* so many calls give nothing back */
	__u32 pause_us;		/* each call takes at least that long */
};

/* What the unmap callback saw since the file was opened. */
struct access_test_state {
	__aligned_u64 calls;
	__aligned_u64 iova;	/* of the last call */
	__aligned_u64 length;
	__aligned_u64 pins;	/* that exist now */
};

/*
 * Beside what the API returns: -EBADFD where the file has no access object,
 * -EEXIST where it has one, -ENOENT for a pin that doesn't exist (any more),
 * -ENOTCONN for DETACH without ATTACH.
 */
#define ACCESS_TEST_CREATE	_IOWR('a', 0, struct access_test_create)
#define ACCESS_TEST_DESTROY	_IO('a', 1)
#define ACCESS_TEST_ATTACH	_IOW('a', 2, struct access_test_target)
#define ACCESS_TEST_REPLACE	_IOW('a', 3, struct access_test_target)
#define ACCESS_TEST_DETACH	_IO('a', 4)
#define ACCESS_TEST_PIN		_IOW('a', 5, struct access_test_pin)
#define ACCESS_TEST_UNPIN	_IOW('a', 6, struct access_test_unpin)
#define ACCESS_TEST_COPY	_IOW('a', 7, struct access_test_copy)
#define ACCESS_TEST_BEHAVE	_IOW('a', 8, struct access_test_behave)
#define ACCESS_TEST_STATE	_IOR('a', 9, struct access_test_state)

#endif
