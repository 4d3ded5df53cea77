// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mock devices that user space makes: each is created, bound and attached as its
 * driver would do it, and goes with the object.
 */
#include <linux/err.h>
#include <linux/rwsem.h>
#include <linux/sched/signal.h>
#include <linux/xarray.h>

#include <iommufd/iommufd.h>

#include "../../src/core/context.h"
#include "../../src/core/object.h"
#include "../../src/device/device.h"
#include "../../src/hwpt/hwpt.h"
#include "command.h"
#include "hooks.h"
#include "mock.h"
#include "uapi.h"

struct test_device {
	struct object obj;
	struct iommufd_ctx *ctx;
	struct device *dev;
	struct iommufd_device *idev;
	struct mutex lock;		/* guards @attached; outside of iommufd's own */
	struct xarray attached;		/* PASID, or IOMMU_NO_PASID -> itself */
};

static struct test_device *device_get(struct iommufd_ctx *ctx, u32 id)
{
	struct object *obj = object_get(ctx, id, &test_object_type);

	if (IS_ERR(obj))
		return ERR_CAST(obj);
	return container_of(obj, struct test_device, obj);
}

static void device_put(struct test_device *test)
{
	object_put(test->ctx, &test->obj);
}

static int attach_locked(struct test_device *test, u32 pasid, u32 *pt_id)
{
	int rc;

	rc = xa_reserve(&test->attached, pasid, GFP_KERNEL_ACCOUNT);
	if (rc)
		return rc;
	mock_move_begin(test->dev);
	rc = iommufd_device_attach(test->idev, pasid, pt_id);
	mock_move_end(test->dev);
	if (rc)
		xa_release(&test->attached, pasid);
	else
		xa_store(&test->attached, pasid, test, GFP_KERNEL_ACCOUNT);
	return rc;
}

static int replace_locked(struct test_device *test, u32 pasid, u32 *pt_id)
{
	int rc;

	mock_move_begin(test->dev);
	rc = iommufd_device_replace(test->idev, pasid, pt_id);
	mock_move_end(test->dev);
	return rc;
}

/* As vfio does it: memory is pinned before the lock is taken. */
static int move(struct test_device *test, u32 pasid, u32 *pt_id,
		int (*fn)(struct test_device *test, u32 pasid, u32 *pt_id))
{
	struct iommufd_expect expect;
	int rc;

	do {
		rc = iommufd_device_expect(test->idev, pasid, *pt_id, &expect);
		if (rc)
			return rc;
		mutex_lock(&test->lock);
		rc = fn(test, pasid, pt_id);
		mutex_unlock(&test->lock);
		iommufd_expect_end(&expect);
		if (rc == -ESTALE)
			schedule_timeout_killable(1);
		if (rc == -ESTALE && fatal_signal_pending(current))
			rc = -EINTR;
	} while (rc == -ESTALE);
	return rc;
}

static int attach(struct test_device *test, u32 pasid, u32 *pt_id)
{
	return move(test, pasid, pt_id, attach_locked);
}

static int replace(struct test_device *test, u32 pasid, u32 *pt_id)
{
	return move(test, pasid, pt_id, replace_locked);
}

/* Does nothing if nothing is attached. */
static void detach(struct test_device *test, u32 pasid)
{
	mutex_lock(&test->lock);
	if (xa_erase(&test->attached, pasid)) {
		mock_move_begin(test->dev);
		iommufd_device_detach(test->idev, pasid);
		mock_move_end(test->dev);
	}
	mutex_unlock(&test->lock);
}

void test_device_destroy(struct object *obj)
{
	struct test_device *test = container_of(obj, struct test_device, obj);
	unsigned long pasid;
	void *entry;

	if (test->dev)
		mock_device_go(test->dev);
	xa_for_each(&test->attached, pasid, entry)
		detach(test, pasid);
	if (test->idev)
		iommufd_device_unbind(test->idev);
	if (test->dev)
		mock_device_destroy(test->dev);
	xa_destroy(&test->attached);
	mutex_destroy(&test->lock);
}

/* In a group of its own, or in that of another. */
static struct device *create_device(struct iommufd_ctx *ctx, u32 flags,
				    u32 beside_id)
{
	struct test_device *beside;
	struct device *dev;

	if (!(flags & MOCK_FLAGS_DEVICE_BESIDE))
		return mock_device_create(flags, NULL);
	beside = device_get(ctx, beside_id);
	if (IS_ERR(beside))
		return ERR_CAST(beside);
	dev = mock_device_create(flags & ~MOCK_FLAGS_DEVICE_BESIDE, beside->dev);
	device_put(beside);
	return dev;
}

/* What fails is the caller's to destroy. */
static int device_init(struct test_device *test, u32 flags, u32 beside, u32 *idev_id,
		       u32 *pt_id)
{
	struct iommufd_device *idev;
	struct device *dev;

	dev = create_device(test->ctx, flags, beside);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	test->dev = dev;
	idev = iommufd_device_bind(test->ctx, dev, idev_id);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	test->idev = idev;
	return attach(test, IOMMU_NO_PASID, pt_id);
}

static int device_new(struct command *cmd, struct iommu_test_cmd *arg, u32 flags)
{
	struct test_device *test;
	u32 idev_id, pt_id = arg->id;
	int rc;

	test = test_object_new(cmd->ctx, sizeof(*test));
	if (IS_ERR(test))
		return PTR_ERR(test);
	test->ctx = cmd->ctx;
	mutex_init(&test->lock);
	xa_init(&test->attached);
	rc = device_init(test, flags, arg->__reserved, &idev_id, &pt_id);
	if (rc) {
		object_abort(cmd->ctx, &test->obj);
		return rc;
	}
	arg->mock_domain.out_stdev_id = test->obj.id;
	arg->mock_domain.out_hwpt_id = pt_id;
	arg->mock_domain.out_idev_id = idev_id;
	return command_finalize(cmd, sizeof(*arg), &test->obj);
}

int test_mock_domain(struct command *cmd, struct iommu_test_cmd *arg)
{
	return device_new(cmd, arg, 0);
}

int test_mock_domain_flags(struct command *cmd, struct iommu_test_cmd *arg)
{
	return device_new(cmd, arg, arg->mock_domain_flags.dev_flags);
}

int test_mock_domain_replace(struct command *cmd, struct iommu_test_cmd *arg)
{
	struct test_device *test;
	int rc;

	test = device_get(cmd->ctx, arg->id);
	if (IS_ERR(test))
		return PTR_ERR(test);
	rc = replace(test, IOMMU_NO_PASID, &arg->mock_domain_replace.pt_id);
	device_put(test);
	return rc ? rc : command_respond(cmd, sizeof(*arg));
}

int test_pasid_attach(struct command *cmd, struct iommu_test_cmd *arg)
{
	u32 pasid = arg->pasid_attach.pasid;
	struct test_device *test;
	int rc;

	test = device_get(cmd->ctx, arg->id);
	if (IS_ERR(test))
		return PTR_ERR(test);
	rc = attach(test, pasid, &arg->pasid_attach.pt_id);
	if (!rc) {
		rc = command_respond(cmd, sizeof(*arg));
		if (rc)
			detach(test, pasid);
	}
	device_put(test);
	return rc;
}

int test_pasid_replace(struct command *cmd, struct iommu_test_cmd *arg)
{
	struct test_device *test;
	int rc;

	test = device_get(cmd->ctx, arg->id);
	if (IS_ERR(test))
		return PTR_ERR(test);
	rc = replace(test, arg->pasid_replace.pasid, &arg->pasid_replace.pt_id);
	device_put(test);
	return rc ? rc : command_respond(cmd, sizeof(*arg));
}

int test_pasid_detach(struct command *cmd, struct iommu_test_cmd *arg)
{
	struct test_device *test;

	test = device_get(cmd->ctx, arg->id);
	if (IS_ERR(test))
		return PTR_ERR(test);
	detach(test, arg->pasid_detach.pasid);
	device_put(test);
	return 0;
}

/* As vfio does it, of a device that is alone in its group. */
int test_reset(struct command *cmd, struct iommu_test_cmd *arg)
{
	struct test_device *test;
	int begun, rc;

	test = device_get(cmd->ctx, arg->id);
	if (IS_ERR(test))
		return PTR_ERR(test);
	mutex_lock(&test->lock);
	begun = iommufd_device_reset_begin(test->idev, false);
	rc = mock_device_reset(test->dev);
	if (begun > 0)
		iommufd_device_reset_end(test->idev);
	mutex_unlock(&test->lock);
	device_put(test);
	return rc;
}

/* What the IOMMU has for the PASID, whatever iommufd believes. */
static int check_domain(struct iommufd_ctx *ctx, struct device *dev,
			struct iommu_test_cmd *arg)
{
	u32 id = arg->pasid_check.hwpt_id;
	struct iommu_domain *wanted = NULL;
	struct hwpt *hwpt = NULL;
	int rc;

	if (id) {
		hwpt = object_get(ctx, id, &hwpt_object_type);
		if (IS_ERR(hwpt))
			return PTR_ERR(hwpt);
		wanted = hwpt->table.domain;
	}
	rc = mock_device_domain(dev, arg->pasid_check.pasid) == wanted ? 0 : -EINVAL;
	if (hwpt)
		object_put(ctx, &hwpt->obj);
	return rc;
}

static int check_object(struct object *obj, struct command *cmd,
			struct iommu_test_cmd *arg)
{
	struct iommufd_device *idev;
	struct test_device *test;
	int rc;

	if (obj->type == &device_object_type) {
		idev = container_of(obj, struct iommufd_device, obj);
		return mock_is_device(idev->dev) ?
			check_domain(cmd->ctx, idev->dev, arg) : -EINVAL;
	}
	if (obj->type != &test_object_type)
		return -ENOENT;
	test = container_of(obj, struct test_device, obj);
	mutex_lock(&test->lock);
	rc = check_domain(cmd->ctx, test->dev, arg);
	mutex_unlock(&test->lock);
	return rc;
}

int test_pasid_check(struct command *cmd, struct iommu_test_cmd *arg)
{
	struct object *obj = object_get(cmd->ctx, arg->id, NULL);
	int rc;

	if (IS_ERR(obj))
		return PTR_ERR(obj);
	rc = check_object(obj, cmd, arg);
	object_put(cmd->ctx, obj);
	return rc;
}
