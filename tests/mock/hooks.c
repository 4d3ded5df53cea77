// SPDX-License-Identifier: GPL-2.0-only
/*
 * The part of the mock that a test build links into iommufd.ko: it passes on what
 * is for iommufd_mock.ko, and exports what that one needs.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/mutex.h>

#include "../../src/core/context.h"
#include "../../src/core/object.h"
#include "../../src/device/device.h"
#include "../../src/hw/hw.h"
#include "../../src/hw/shim.h"
#include "../../src/hwpt/hwpt.h"
#include "../../src/ioas/ioas.h"
#include "hooks.h"

static DEFINE_MUTEX(lock);	/* guards @registered; innermost */
static const struct test_ops *registered;

int test_register(const struct test_ops *ops)
{
	int rc = -EBUSY;

	mutex_lock(&lock);
	if (!registered) {
		registered = ops;
		rc = 0;
	}
	mutex_unlock(&lock);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(test_register, "IOMMUFD");

void test_unregister(void)
{
	mutex_lock(&lock);
	registered = NULL;
	mutex_unlock(&lock);
}
EXPORT_SYMBOL_NS_GPL(test_unregister, "IOMMUFD");

int test_ioctl(struct command *cmd)
{
	const struct test_ops *ops;
	int rc;

	mutex_lock(&lock);
	ops = registered;
	if (ops && !try_module_get(ops->owner))
		ops = NULL;
	mutex_unlock(&lock);
	if (!ops)
		return -ENOTTY;
	rc = ops->command(cmd);
	module_put(ops->owner);
	return rc;
}

/* The object keeps it registered until now. */
static void test_destroy(struct object *obj)
{
	struct module *owner = registered->owner;

	registered->destroy(obj);
	module_put(owner);
}

const struct object_type test_object_type = {
	.name = "test",
	.destroy = test_destroy,
};
EXPORT_SYMBOL_NS_GPL(test_object_type, "IOMMUFD");

void *test_object_new(struct iommufd_ctx *ctx, size_t size)
{
	void *obj = object_new(ctx, &test_object_type, size);

	if (!IS_ERR(obj))
		__module_get(registered->owner);
	return obj;
}
EXPORT_SYMBOL_NS_GPL(test_object_new, "IOMMUFD");

bool test_owns_device(struct device *dev)
{
	bool owns;

	mutex_lock(&lock);
	owns = registered && registered->owns_device(dev);
	mutex_unlock(&lock);
	return owns;
}

struct mutex *test_fault_lock(struct device *dev)
{
	struct mutex *found = NULL;

	mutex_lock(&lock);
	if (registered)
		found = registered->fault_lock(dev);
	mutex_unlock(&lock);
	return found;
}

int test_dmabuf_phys(struct dma_buf_attachment *attachment, phys_addr_t *base,
		     size_t *length)
{
	int rc = -EOPNOTSUPP;

	mutex_lock(&lock);
	if (registered)
		rc = registered->dmabuf_phys(attachment, base, length);
	mutex_unlock(&lock);
	return rc;
}

EXPORT_SYMBOL_NS_GPL(command_respond, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(command_finalize, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(object_new, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(object_finalize, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(object_abort, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(device_object_type, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(hwpt_object_type, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(ioas_reserve, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(ioas_unreserve, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(ioas_object_type, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(space_find, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(space_next, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(hw_attachments_exit, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(hw_shim_register, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(hw_shim_unregister, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(viommu_with_device, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(viommu_virt_id, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(viommu_report_event, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(viommu_add_window, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(viommu_remove_window, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(hw_dirty_begin, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(hw_dirty_read, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(hw_dirty_end, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(hw_queue_depend, "IOMMUFD");
EXPORT_SYMBOL_NS_GPL(hw_queue_undepend, "IOMMUFD");
