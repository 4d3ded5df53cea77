/* SPDX-License-Identifier: GPL-2.0-only */
/* What a test build of iommufd.ko has for iommufd_mock.ko. */
#ifndef TESTS_MOCK_HOOKS_H
#define TESTS_MOCK_HOOKS_H

#include <linux/types.h>

struct command;
struct device;
struct dma_buf_attachment;
struct iommufd_ctx;
struct module;
struct mutex;
struct object;
struct object_type;

struct test_ops {
	struct module *owner;

	/* Answers for IOMMU_TEST_CMD and for objects of test_object_type. */
	int (*command)(struct command *cmd);
	void (*destroy)(struct object *obj);

	/* See test_owns_device(), test_fault_lock(), test_dmabuf_phys(). */
	bool (*owns_device)(struct device *dev);
	struct mutex *(*fault_lock)(struct device *dev);
	int (*dmabuf_phys)(struct dma_buf_attachment *attachment,
			   phys_addr_t *base, size_t *length);
};

/* One at a time: 0 or -EBUSY. */
int test_register(const struct test_ops *ops);
void test_unregister(void);

/* object_new() of test_object_type, which holds @ops->owner as long as it lives. */
extern const struct object_type test_object_type;
void *test_object_new(struct iommufd_ctx *ctx, size_t size);

/* Called by core/. -ENOTTY while nothing is registered. */
int test_ioctl(struct command *cmd);

/*
 * A device of the mock's is bound by an object of the same context, which would
 * keep itself open by it, and has no interrupts.
 */
bool test_owns_device(struct device *dev);

/*
 * The device's driver ends page faults as VT-d's does: the lock that is held while a fault of
 * the device is reported.  NULL if not.
 */
struct mutex *test_fault_lock(struct device *dev);

/*
 * Where the memory of a DMA-buf of the mock's is, with its reservation locked: 0,
 * -ENODEV if it was revoked, -EOPNOTSUPP if it is somebody else's.
 */
int test_dmabuf_phys(struct dma_buf_attachment *attachment, phys_addr_t *base,
		     size_t *length);

#endif
