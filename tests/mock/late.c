// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults that come late: while their attachment ends, or reported after it was found.
 * Each is reported by a task of its own, as by an interrupt handler.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "driver.h"

#ifdef IOMMUFD_HAVE_IOPF_GROUP

static void late_report(struct work_struct *work)
{
	struct mock_device *mock = container_of(work, struct mock_device, late);
	struct mutex *lock = mock_fault_lock(mock_dev(mock));
	struct mock_request request;

	if (lock)
		mutex_lock(lock);
	request = mock->last;
	request.more = false;
	mock->late_result = mock_report(mock, &request);
	if (lock)
		mutex_unlock(lock);
}

void mock_late_init(struct mock_device *mock)
{
	INIT_WORK(&mock->late, late_report);
}

void mock_late_ask(struct mock_device *mock)
{
	if (!(mock->flags & MOCK_FLAGS_DEVICE_ENDS_EARLY) || mock->going)
		return;
	schedule_work(&mock->late);
	flush_work(&mock->late);
	WARN(!mock->late_result, "somebody has a page fault of a device whose faults end\n");
}

/*
 * The core takes the lock of a device's faults between finding the attachment and using it,
 * so a task that has that lock holds the fault there.
 */
struct mock_held {
	struct mock_device *mock;
	struct mock_request request;
	struct iommu_fault_param *param;	/* a reference */
	struct work_struct hold, report;
	struct completion holds, go, reported;
};

#define HELD_MAX	(60 * HZ)

static DEFINE_MUTEX(held_lock);		/* guards mock_device.held */

static struct iommu_fault_param *fault_param_get(struct device *dev)
{
	struct iommu_fault_param *param;

	rcu_read_lock();
	param = rcu_dereference(dev->iommu->fault_param);
	if (param && !refcount_inc_not_zero(&param->users))
		param = NULL;
	rcu_read_unlock();
	return param;
}

static void fault_param_put(struct iommu_fault_param *param)
{
	if (refcount_dec_and_test(&param->users))
		kfree_rcu(param, rcu);
}

static void held_hold(struct work_struct *work)
{
	struct mock_held *held = container_of(work, struct mock_held, hold);

	mutex_lock(&held->param->lock);
	complete(&held->holds);
	wait_for_completion_timeout(&held->go, HELD_MAX);
	mutex_unlock(&held->param->lock);
}

static void held_report(struct work_struct *work)
{
	struct mock_held *held = container_of(work, struct mock_held, report);
	struct mutex *lock = mock_fault_lock(mock_dev(held->mock));

	if (lock)
		mutex_lock(lock);
	mock_report(held->mock, &held->request);
	if (lock)
		mutex_unlock(lock);
	complete(&held->reported);
}

static struct mock_held *held_new(struct mock_device *mock, const struct mock_request *request)
{
	struct mock_held *held = kzalloc_obj(*held, GFP_KERNEL_ACCOUNT);

	if (!held)
		return NULL;
	held->mock = mock;
	held->request = *request;
	held->param = fault_param_get(mock_dev(mock));
	INIT_WORK(&held->hold, held_hold);
	INIT_WORK(&held->report, held_report);
	init_completion(&held->holds);
	init_completion(&held->go);
	init_completion(&held->reported);
	return held;
}

static void held_free(struct mock_held *held)
{
	complete(&held->go);
	flush_work(&held->hold);
	flush_work(&held->report);
	if (held->param)
		fault_param_put(held->param);
	kfree(held);
}

/* The core counts a fault once it has found the attachment. */
static bool held_start(struct mock_held *held)
{
	unsigned int users;

	if (!held->param)
		return false;
	schedule_work(&held->hold);
	wait_for_completion(&held->holds);
	users = refcount_read(&held->param->users);
	schedule_work(&held->report);
	while (refcount_read(&held->param->users) <= users) {
		if (completion_done(&held->reported))
			return false;
		msleep(1);
	}
	return true;
}

int mock_device_hold(struct device *dev, const struct mock_request *request)
{
	struct mock_device *mock = to_mock_device(dev);
	int rc = -EBUSY;

	mutex_lock(&held_lock);
	if (mock->held)
		goto out;
	rc = -ENOMEM;
	mock->held = held_new(mock, request);
	if (!mock->held)
		goto out;
	rc = 0;
	if (!held_start(mock->held)) {
		held_free(mock->held);
		mock->held = NULL;
		rc = -ENOENT;
	}
out:
	mutex_unlock(&held_lock);
	return rc;
}

int mock_device_go(struct device *dev)
{
	struct mock_device *mock = to_mock_device(dev);
	struct mock_held *held;

	mutex_lock(&held_lock);
	held = mock->held;
	mock->held = NULL;
	mutex_unlock(&held_lock);
	if (!held)
		return -ENOENT;
	held_free(held);
	return 0;
}

#else

void mock_late_init(struct mock_device *mock)
{
}

int mock_device_hold(struct device *dev, const struct mock_request *request)
{
	return -EOPNOTSUPP;
}

int mock_device_go(struct device *dev)
{
	return -ENOENT;
}

#endif
