// SPDX-License-Identifier: GPL-2.0-only
/* IOMMU_VDEVICE_ALLOC, and lookup of devices by virtual ID. */
#include <linux/err.h>
#include <linux/mutex.h>

#include <uapi/linux/iommufd.h>

#include "../core/context.h"
#include "../device/device.h"
#include "../device/group.h"
#include "vdevice.h"
#include "viommu.h"

/* Initialize the shim's part, then fill the reserved entry, so that lookups find it. */
static int vdevice_init_hw(struct vdevice *vdev, struct mutex *group_lock)
{
	struct viommu *viommu = vdev->viommu;
	int rc;

	rc = mutex_lock_killable(group_lock);
	if (rc)
		return rc;
	if (viommu->hw.ops->vdevice_init)
		rc = viommu->hw.ops->vdevice_init(&vdev->hw);
	mutex_unlock(group_lock);
	if (!rc)
		xa_store(&viommu->vdevices, vdev->hw.virt_id, vdev, 0);
	return rc;
}

static int vdevice_connect_locked(struct vdevice *vdev, struct iommufd_device *idev)
{
	struct viommu *viommu = vdev->viommu;
	int rc;

	lockdep_assert_held(&vdev->ctx->vdevices_lock);
	if (idev->unbinding)
		return -ENOENT;
	if (idev->vdevice)
		return -EEXIST;
	rc = xa_insert(&viommu->vdevices, vdev->hw.virt_id, NULL, GFP_KERNEL_ACCOUNT);
	if (rc)
		return rc == -EBUSY ? -EEXIST : rc;
	rc = vdevice_init_hw(vdev, &idev->group->lock);
	if (rc) {
		xa_release(&viommu->vdevices, vdev->hw.virt_id);
		return rc;
	}
	vdev->idev = idev;
	idev->vdevice = vdev;
	return 0;
}

/* On failure vdev->viommu stays NULL. */
static int vdevice_connect(struct vdevice *vdev, struct viommu *viommu,
			   struct iommufd_device *idev)
{
	struct iommufd_ctx *ctx = vdev->ctx;
	int rc;

	rc = object_hold(ctx, &viommu->obj);
	if (rc)
		return rc;
	rc = mutex_lock_killable(&ctx->vdevices_lock);
	if (!rc) {
		vdev->viommu = viommu;
		rc = vdevice_connect_locked(vdev, idev);
		mutex_unlock(&ctx->vdevices_lock);
	}
	if (rc) {
		vdev->viommu = NULL;
		object_release(ctx, &viommu->obj);
	}
	return rc;
}

/* Undo vdevice_connect_locked(): first stop lookups, then let the shim forget the device. */
static void vdevice_disconnect_locked(struct vdevice *vdev)
{
	const struct hw_viommu_ops *ops = vdev->viommu->hw.ops;
	struct iommufd_device *idev = vdev->idev;

	lockdep_assert_held(&vdev->ctx->vdevices_lock);
	xa_erase(&vdev->viommu->vdevices, vdev->hw.virt_id);
	mutex_lock(&idev->group->lock);
	if (ops->vdevice_destroy)
		ops->vdevice_destroy(&vdev->hw);
	mutex_unlock(&idev->group->lock);
	vdev->idev = NULL;
	idev->vdevice = NULL;
}

void vdevice_disconnect(struct iommufd_device *idev)
{
	struct iommufd_ctx *ctx = idev->ctx;
	struct vdevice *vdev;
	bool bury = false;

	mutex_lock(&ctx->vdevices_lock);
	idev->unbinding = true;
	vdev = idev->vdevice;
	if (vdev) {
		vdevice_disconnect_locked(vdev);
		/* If this fails, the task that creates or destroys it completes that. */
		bury = object_try_get(ctx, &vdev->obj);
	}
	mutex_unlock(&ctx->vdevices_lock);
	if (bury)
		object_tombstone(ctx, &vdev->obj);
}

static void vdevice_destroy(struct object *obj)
{
	struct vdevice *vdev = container_of(obj, struct vdevice, obj);
	struct iommufd_ctx *ctx = vdev->ctx;

	/* It was never connected. */
	if (!vdev->viommu)
		return;
	mutex_lock(&ctx->vdevices_lock);
	if (vdev->idev)
		vdevice_disconnect_locked(vdev);
	mutex_unlock(&ctx->vdevices_lock);
	object_release(ctx, &vdev->viommu->obj);
}

const struct object_type vdevice_object_type = {
	.name = "vdevice",
	.destroy = vdevice_destroy,
};

static struct vdevice *vdevice_new(struct viommu *viommu, struct iommufd_device *idev,
				   u64 virt_id)
{
	size_t size = viommu->hw.ops->vdevice_size ?: sizeof(struct hw_vdevice);
	struct iommufd_ctx *ctx = viommu->ctx;
	struct vdevice *vdev;
	int rc;

	if (WARN_ON(size < sizeof(struct hw_vdevice)))
		return ERR_PTR(-EOPNOTSUPP);
	vdev = object_new(ctx, &vdevice_object_type, offsetof(struct vdevice, hw) + size);
	if (IS_ERR(vdev))
		return vdev;
	vdev->ctx = ctx;
	vdev->hw.viommu = &viommu->hw;
	vdev->hw.dev = idev->dev;
	vdev->hw.virt_id = virt_id;
	rc = vdevice_connect(vdev, viommu, idev);
	if (rc) {
		object_abort(ctx, &vdev->obj);
		return ERR_PTR(rc);
	}
	return vdev;
}

static struct vdevice *vdevice_new_by_id(struct viommu *viommu,
					 const struct iommu_vdevice_alloc *arg)
{
	struct iommufd_ctx *ctx = viommu->ctx;
	struct iommufd_device *idev;
	struct vdevice *vdev;

	idev = object_get(ctx, arg->dev_id, &device_object_type);
	if (IS_ERR(idev))
		return ERR_CAST(idev);
	if (viommu_serves(viommu, idev->dev))
		vdev = vdevice_new(viommu, idev, arg->virt_id);
	else
		vdev = ERR_PTR(-EINVAL);
	object_put(ctx, &idev->obj);
	return vdev;
}

int vdevice_alloc_ioctl(struct command *cmd)
{
	struct iommu_vdevice_alloc *arg = cmd->arg;
	struct viommu *viommu;
	struct vdevice *vdev;

	/* It is used as an XArray index. */
	if (arg->virt_id > ULONG_MAX)
		return -EINVAL;
	viommu = object_get(cmd->ctx, arg->viommu_id, &viommu_object_type);
	if (IS_ERR(viommu))
		return PTR_ERR(viommu);
	vdev = vdevice_new_by_id(viommu, arg);
	object_put(cmd->ctx, &viommu->obj);
	if (IS_ERR(vdev))
		return PTR_ERR(vdev);
	/* No longer use the device: the response may fault, which takes any time. */
	arg->out_vdevice_id = vdev->obj.id;
	return command_finalize(cmd, sizeof(*arg), &vdev->obj);
}

int viommu_with_device(struct hw_viommu *hw, u64 virt_id,
		       int (*fn)(struct device *dev, void *arg), void *arg)
{
	struct viommu *viommu = to_viommu(hw);
	struct vdevice *vdev;
	int rc = -ENOENT;

	if (virt_id > ULONG_MAX)
		return rc;
	xa_lock(&viommu->vdevices);
	vdev = xa_load(&viommu->vdevices, virt_id);
	if (vdev)
		rc = fn(vdev->hw.dev, arg);
	xa_unlock(&viommu->vdevices);
	return rc;
}

int viommu_virt_id(struct hw_viommu *hw, struct device *dev, u64 *virt_id)
{
	struct viommu *viommu = to_viommu(hw);
	struct vdevice *vdev;
	unsigned long id;
	int rc = -ENOENT;

	xa_lock(&viommu->vdevices);
	xa_for_each(&viommu->vdevices, id, vdev) {
		if (vdev->hw.dev == dev) {
			*virt_id = id;
			rc = 0;
			break;
		}
	}
	xa_unlock(&viommu->vdevices);
	return rc;
}
