// SPDX-License-Identifier: GPL-2.0-only
/* Devices: bound by their driver, attached to a page table, asked what they can do. */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/iommu.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <iommufd/iommufd.h>
#include <uapi/linux/iommufd.h>

#include "../core/context.h"
#include "../core/test.h"
#include "../core/trace.h"
#include "../hw/hw.h"
#include "../hwpt/hwpt.h"
#include "../ioas/ioas.h"
#include "../viommu/vdevice.h"
#include "attach.h"
#include "device.h"
#include "group.h"

/* How many places are looked at: there may be very many PASIDs. */
#define PLACES_SHOWN 128

/* Where it is attached, if that isn't just changing. */
static void show_attached(struct seq_file *m, struct iommufd_device *idev)
{
	struct group *group = idev->group;
	struct attach *attach;
	unsigned int n = 0;
	unsigned long pasid;

	if (!mutex_trylock(&group->lock)) {
		seq_puts(m, " busy");
		return;
	}
	xa_for_each(&group->attaches, pasid, attach) {
		if (n++ == PLACES_SHOWN) {
			seq_puts(m, " more");
			break;
		}
		if (!attach->hwpt || !xa_load(&attach->devices, idev->obj.id))
			continue;
		if (pasid == IOMMU_NO_PASID)
			seq_printf(m, " pt=%u", attach->hwpt->obj.id);
		else
			seq_printf(m, " pasid%lu=%u", pasid, attach->hwpt->obj.id);
	}
	mutex_unlock(&group->lock);
}

static void device_object_show(struct seq_file *m, struct object *obj)
{
	struct iommufd_device *idev = container_of(obj, struct iommufd_device, obj);

	seq_printf(m, " name=%s", dev_name(idev->dev));
	show_attached(m, idev);
}

void iommufd_device_show_fdinfo(struct seq_file *m, struct iommufd_device *idev)
{
	seq_printf(m, "iommufd-context:\t%llu\niommufd-device:\t%u",
		   idev->ctx->number, idev->obj.id);
	show_attached(m, idev);
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

static int device_init(struct iommufd_device *idev)
{
	struct iova_range msi_window;
	int rc;

	idev->group = group_get(idev->ctx, idev->dev);
	if (IS_ERR(idev->group)) {
		rc = PTR_ERR(idev->group);
		idev->group = NULL;
		return rc;
	}
	rc = hw_reserved(idev->dev, &idev->reserved, &idev->n_reserved, &msi_window);
	if (rc)
		return rc;
	mutex_lock(&idev->group->lock);
	if (msi_window.last)
		idev->group->msi_window = msi_window;
	mutex_unlock(&idev->group->lock);
	idev->enforce_coherency = hw_can_enforce_coherency(idev->dev);
	return 0;
}

static struct iommufd_device *bind(struct iommufd_ctx *ctx, struct device *dev, u32 *id)
{
	struct iommufd_device *idev;
	int rc;

	if (!hw_has_iommu(dev))
		return ERR_PTR(-ENODEV);
	if (!hw_is_coherent(dev)) {
		dev_notice_ratelimited(dev, "refused for user space: its DMA isn't coherent with the CPU's caches\n");
		return ERR_PTR(-EINVAL);
	}
	idev = object_new(ctx, &device_object_type, sizeof(*idev));
	if (IS_ERR(idev))
		return idev;
	idev->ctx = ctx;
	idev->dev = dev;
	idev->obj.holds = 1;
	rc = device_init(idev);
	if (rc) {
		object_abandon(ctx, &idev->obj);
		return ERR_PTR(rc);
	}
	if (!test_owns_device(dev))
		iommufd_ctx_get(ctx);
	*id = idev->obj.id;
	object_publish(ctx, &idev->obj);
	return idev;
}

struct iommufd_device *iommufd_device_bind(struct iommufd_ctx *ctx,
					   struct device *dev, u32 *id)
{
	struct iommufd_device *idev = bind(ctx, dev, id);

	trace_iommufd_bind(ctx, dev, IS_ERR(idev) ? 0 : *id, PTR_ERR_OR_ZERO(idev));
	return idev;
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_bind, "IOMMUFD");

void iommufd_device_unbind(struct iommufd_device *idev)
{
	bool of_test = test_owns_device(idev->dev);
	struct iommufd_ctx *ctx = idev->ctx;

	if (WARN_ON(READ_ONCE(idev->nattached)))
		attach_remove_all(idev);
	vdevice_part_from(idev);
	object_remove(ctx, &idev->obj);
	if (!of_test)
		iommufd_ctx_put(ctx);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_unbind, "IOMMUFD");

/* What is to be done: attach_device() or attach_replace(), and where. */
struct change {
	struct iommufd_device *idev;
	u32 pasid;
	int (*fn)(struct iommufd_device *idev, u32 pasid, struct hwpt *hwpt,
		  struct refusal *refusal);
	struct refusal *refusal;
};

/* An automatic page table of an IOAS, held: the @n-th one that can be held. */
static struct hwpt *hold_automatic(struct ioas *ioas, unsigned int n)
{
	struct hwpt *hwpt, *found = NULL;

	down_read(&ioas->users);
	list_for_each_entry(hwpt, &ioas->tables, table.item) {
		if (!hwpt->automatic || n--)
			continue;
		if (!object_hold(ioas->ctx, &hwpt->obj)) {
			found = hwpt;
			break;
		}
		n = 0;
	}
	up_read(&ioas->users);
	return found;
}

/* @hwpt is held, which ends if that fails. */
static int change_to(const struct change *change, struct hwpt *hwpt)
{
	int rc = change->fn(change->idev, change->pasid, hwpt, change->refusal);

	if (rc)
		hwpt_release(hwpt);
	return rc;
}

/* With what the device can't use reserved, if that is to be. */
static int change_to_made(const struct change *change, struct ioas *ioas, u32 *id)
{
	struct iommufd_ctx *ctx = ioas->ctx;
	struct hwpt *hwpt;
	int rc;

	hwpt = hwpt_new(ioas, change->idev, 0, NULL);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	hwpt->automatic = true;
	/* One for the device, one for us until it is published. */
	hwpt->obj.holds = 2;
	rc = change_to(change, hwpt);
	if (rc) {
		object_abandon(ctx, &hwpt->obj);
		return rc;
	}
	*id = hwpt->obj.id;
	object_publish(ctx, &hwpt->obj);
	/* The group may have been moved away again. */
	hwpt_release(hwpt);
	return 0;
}

/* Makes an automatic page table for a device that none there is fits. */
static int change_to_new(const struct change *change, struct ioas *ioas, u32 *id)
{
	struct iommufd_device *idev = change->idev;
	int rc;

	/* None is made for PASIDs, so it won't come to filling it. */
	if (change->pasid != IOMMU_NO_PASID)
		return change_to_made(change, ioas, id);
	/* A conflict is found before much memory is pinned for nothing. */
	rc = ioas_reserve(ioas, idev->reserved, idev->n_reserved);
	if (rc) {
		attach_explain_reserved(idev, ioas, change->refusal);
		return rc;
	}
	rc = change_to_made(change, ioas, id);
	ioas_unreserve(ioas, idev->reserved, idev->n_reserved);
	return rc;
}

static int change_to_ioas(const struct change *change, struct ioas *ioas, u32 *id)
{
	struct hwpt *hwpt;
	unsigned int n;
	int rc;

	rc = mutex_lock_killable(&ioas->auto_lock);
	if (rc)
		return rc;
	rc = -EINVAL;
	for (n = 0; rc == -EINVAL && (hwpt = hold_automatic(ioas, n)); n++) {
		u32 hwpt_id = hwpt->obj.id;

		rc = change_to(change, hwpt);
		if (!rc)
			*id = hwpt_id;
	}
	/* It didn't fit, or there was none. */
	if (rc == -EINVAL) {
		change->refusal->why = NULL;
		rc = change_to_new(change, ioas, id);
	}
	mutex_unlock(&ioas->auto_lock);
	return rc;
}

static int change_to_hwpt(const struct change *change, struct hwpt *hwpt)
{
	struct iommufd_ctx *ctx = change->idev->ctx;
	int rc;

	rc = object_hold(ctx, &hwpt->obj);
	object_put(ctx, &hwpt->obj);
	return rc ? rc : change_to(change, hwpt);
}

static int change_to_any(const struct change *change, u32 *pt_id)
{
	struct iommufd_ctx *ctx = change->idev->ctx;
	struct object *obj;
	int rc;

	obj = object_get(ctx, *pt_id, NULL);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	if (obj->type == &hwpt_object_type)
		return change_to_hwpt(change, container_of(obj, struct hwpt, obj));
	if (obj->type == &ioas_object_type)
		rc = change_to_ioas(change, container_of(obj, struct ioas, obj), pt_id);
	else
		rc = -EINVAL;
	object_put(ctx, obj);
	return rc;
}

/* One line, because an errno has many reasons. */
static void say_why(struct iommufd_device *idev, int rc, const struct refusal *refusal)
{
	if (refusal->why && refusal->range.last)
		dev_notice_ratelimited(idev->dev, "ATTACH refused (%d): %s: [%#lx, %#lx]\n",
				       rc, refusal->why, refusal->range.first,
				       refusal->range.last);
	else
		dev_notice_ratelimited(idev->dev, "ATTACH refused (%d): %s\n", rc,
				       refusal->why ?:
				       "no such page table, or none can be made for it");
}

static int device_change(struct change *change, u32 *pt_id)
{
	struct iommufd_device *idev = change->idev;
	struct refusal refusal = {};
	int rc;

	change->refusal = &refusal;
	rc = change_to_any(change, pt_id);
	if (rc && rc != -EINTR)
		say_why(idev, rc, &refusal);
	trace_iommufd_attach(idev->ctx, idev->dev, change->pasid, *pt_id, rc);
	return rc;
}

int iommufd_device_attach(struct iommufd_device *idev, u32 pasid, u32 *pt_id)
{
	struct change change = { idev, pasid, attach_device };

	return device_change(&change, pt_id);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_attach, "IOMMUFD");

int iommufd_device_replace(struct iommufd_device *idev, u32 pasid, u32 *pt_id)
{
	struct change change = { idev, pasid, attach_replace };

	return device_change(&change, pt_id);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_replace, "IOMMUFD");

void iommufd_device_detach(struct iommufd_device *idev, u32 pasid)
{
	trace_iommufd_detach(idev->ctx, idev->dev, pasid);
	attach_remove(idev, pasid);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_detach, "IOMMUFD");

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

/* What there is, which may be more than there is room for. */
static int hw_info_copy(const struct iommu_hw_info *arg, const void *data, u32 length)
{
	void __user *user = u64_to_user_ptr(arg->data_uptr);
	u32 copied = min(arg->data_len, length);

	if (copy_to_user(user, data, copied) ||
	    clear_user(user + copied, arg->data_len - copied))
		return -EFAULT;
	return 0;
}

static void *hw_info_get(struct iommufd_ctx *ctx, struct iommu_hw_info *arg,
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
	data = hw_info_get(cmd->ctx, arg, &length);
	if (IS_ERR(data))
		return PTR_ERR(data);
	rc = hw_info_copy(arg, data, length);
	kfree(data);
	if (rc)
		return rc;
	arg->data_len = length;
	return command_respond(cmd, sizeof(*arg));
}
