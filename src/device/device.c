// SPDX-License-Identifier: GPL-2.0-only
/* The object of a bound device: fdinfo, IOMMU_GET_HW_INFO, destruction. */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/iommu.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <iommufd/iommufd.h>
#include <uapi/linux/iommufd.h>

#include "../core/context.h"
#include "../hw/hw.h"
#include "attach.h"
#include "device.h"
#include "group.h"

static void device_object_show(struct seq_file *m, struct object *obj)
{
	struct iommufd_device *idev = container_of(obj, struct iommufd_device, obj);

	seq_printf(m, " name=%s", dev_name(idev->dev));
	attach_show(m, idev);
}

void iommufd_device_show_fdinfo(struct seq_file *m, struct iommufd_device *idev)
{
	seq_printf(m, "iommufd-context:\t%llu\niommufd-device:\t%u",
		   idev->ctx->number, idev->obj.id);
	attach_show(m, idev);
	seq_putc(m, '\n');
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_show_fdinfo, "IOMMUFD");

static void device_object_destroy(struct object *obj)
{
	struct iommufd_device *idev = container_of(obj, struct iommufd_device, obj);

	if (idev->group)
		group_put(idev->group);
	kfree(idev->reserved);
}

const struct object_type device_object_type = {
	.name = "device",
	.destroy = device_object_destroy,
	.show = device_object_show,
};

bool iommufd_enforces_coherency(struct device *dev)
{
	return hw_has_iommu(dev) && hw_can_enforce_coherency(dev);
}
EXPORT_SYMBOL_NS_GPL(iommufd_enforces_coherency, "IOMMUFD");

struct iommufd_ctx *iommufd_device_to_ictx(struct iommufd_device *idev)
{
	return idev->ctx;
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_to_ictx, "IOMMUFD");

u32 iommufd_device_to_id(struct iommufd_device *idev)
{
	return idev->obj.id;
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_to_id, "IOMMUFD");

/* Truncate to the user's buffer, or zero the rest of it. */
static int device_hw_info_copy(const struct iommu_hw_info *arg, const void *data, u32 length)
{
	void __user *user = u64_to_user_ptr(arg->data_uptr);
	u32 copied = min(arg->data_len, length);

	if (copy_to_user(user, data, copied) ||
	    clear_user(user + copied, arg->data_len - copied))
		return -EFAULT;
	return 0;
}

static void *device_hw_info_get(struct iommufd_ctx *ctx, struct iommu_hw_info *arg,
				u32 *length)
{
	u32 type = IOMMU_HW_INFO_TYPE_DEFAULT;
	struct iommufd_device *idev;
	void *data;

	if (arg->flags & IOMMU_HW_INFO_FLAG_INPUT_TYPE)
		type = arg->in_data_type;
	idev = object_get(ctx, arg->dev_id, &device_object_type);
	if (IS_ERR(idev))
		return idev;
	data = hw_info(idev->dev, length, &type);
	arg->out_data_type = type;
	arg->out_capabilities = hw_capabilities(idev->dev);
	arg->out_max_pasid_log2 = hw_pasid_width(idev->dev);
	object_put(ctx, &idev->obj);
	return data;
}

int device_hw_info_ioctl(struct command *cmd)
{
	struct iommu_hw_info *arg = cmd->arg;
	u32 length = 0;
	void *data;
	int rc;

	if ((arg->flags & ~IOMMU_HW_INFO_FLAG_INPUT_TYPE) ||
	    memchr_inv(arg->__reserved, 0, sizeof(arg->__reserved)))
		return -EOPNOTSUPP;
	data = device_hw_info_get(cmd->ctx, arg, &length);
	if (IS_ERR(data))
		return PTR_ERR(data);
	rc = device_hw_info_copy(arg, data, length);
	kfree(data);
	if (rc)
		return rc;
	arg->data_len = length;
	return command_respond(cmd, sizeof(*arg));
}
