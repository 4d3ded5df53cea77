/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mock IOMMU of test builds, by IOMMU_TEST_CMD (tests/mock/uapi.h).  Linux's own
 * module has it too where it was built with its selftest.
 */
#ifndef TESTS_GUEST_MOCK_H
#define TESTS_GUEST_MOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "../../mock/uapi.h"
#include "iommu.h"

/* As iommu_open(); the test is skipped without the mock. */
int mock_open(void);

/* 0 or more, or -errno.  Fills in size, op and id. */
int mock_cmd(int fd, uint32_t op, uint32_t id, struct iommu_test_cmd *cmd);

/* A device that is bound and attached. */
struct mock {
	uint32_t stdev;		/* to attach it elsewhere, and to destroy it */
	uint32_t dev;		/* as a device, for other ioctls */
	uint32_t hwpt;		/* where it was attached at first */
};

/* @flags are MOCK_FLAGS_DEVICE_*. */
int mock_device(int fd, uint32_t pt, uint32_t flags, struct mock *mock);
/* One more in the group of another.  Linux's own mock can't do that. */
int mock_device_beside(int fd, uint32_t pt, uint32_t flags, const struct mock *beside,
		       struct mock *mock);
int mock_replace(int fd, const struct mock *mock, uint32_t pt);
int mock_unplug(int fd, const struct mock *mock);
/* Its DMA is blocked meanwhile, as the kernel does from Linux 7.2 on; before, -EOPNOTSUPP. */
int mock_reset(int fd, const struct mock *mock);

/* mock_pasid_attach() and mock_pasid_detach() are in events.h. */
int mock_pasid_replace(int fd, const struct mock *mock, uint32_t pasid, uint32_t pt);

/* Is the PASID attached to that page table, or detached (@hwpt 0)?  Or -EINVAL. */
int mock_pasid_check(int fd, const struct mock *mock, uint32_t pasid, uint32_t hwpt);

/* Have they cached that? */
int mock_check_iotlb(int fd, uint32_t hwpt, uint32_t index, uint32_t value);
int mock_check_cache(int fd, uint32_t dev, uint32_t index, uint32_t value);

/* The ioctls with the mock's data.  The last argument is where an ID goes, or NULL. */
int mock_hwpt_nested(int fd, uint32_t dev, uint32_t pt, uint32_t flags, uint32_t *id);
int mock_viommu(int fd, uint32_t dev, uint32_t hwpt,
		struct iommu_viommu_selftest *data, uint32_t *id);
int mock_vdevice(int fd, uint32_t viommu, uint32_t dev, uint64_t virt_id, uint32_t *id);
int mock_hw_queue(int fd, uint32_t viommu, uint32_t index, uint64_t iova,
		  uint64_t length, uint32_t *id);

/* *@n becomes what the ioctl says. */
int mock_invalidate(int fd, uint32_t id, const void *array, uint32_t length,
		    uint32_t *n);

/*
 * An ioctl, or mmap() of a file shared and readable, as a 32-bit program makes it;
 * arguments lie below 4 GiB (MAP_32BIT).  The test is skipped where there are none.
 */
int ioctl_32(int fd, unsigned long cmd, void *arg);
void *mmap_32(int fd, uint64_t length, uint64_t offset);

#endif
