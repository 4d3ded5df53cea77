/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What only test builds have: an ioctl, and devices and DMA-bufs that tests/mock
 * implements.
 */
#ifndef IOMMUFD_CORE_TEST_H
#define IOMMUFD_CORE_TEST_H

#ifdef IOMMUFD_TEST
#include "../../tests/mock/hooks.h"
#include "../../tests/mock/uapi.h"

#define COMMAND_MAX	128
#define TEST_COMMANDS	COMMAND(IOMMU_TEST_CMD, test_ioctl, iommu_test_cmd, last),
#define TEST_DMABUFS	1

/* Is what is so named to fail now?  For what tests can't bring about otherwise. */
#define test_fails(name) inject_point(name)
#else
#include <linux/errno.h>
#include <linux/types.h>

struct device;
struct dma_buf_attachment;
struct mutex;

/* Bytes of the largest structure in the table of ioctls. */
#define COMMAND_MAX	64
#define TEST_COMMANDS
#define TEST_DMABUFS	0
#define test_fails(name) false

/* No device or DMA-buf is the mock's, see tests/mock/hooks.h. */
static inline bool test_owns_device(struct device *dev)
{
	return false;
}

static inline int test_dmabuf_phys(struct dma_buf_attachment *attachment,
				   phys_addr_t *base, size_t *length)
{
	return -EOPNOTSUPP;
}

static inline struct mutex *test_fault_lock(struct device *dev)
{
	return NULL;
}
#endif

#endif
