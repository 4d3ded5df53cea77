// SPDX-License-Identifier: GPL-2.0-only
/* IOMMU_VIOMMU_ALLOC, and the operations that a vIOMMU passes to its shim. */
#include <linux/err.h>
#include <linux/module.h>

#include <uapi/linux/iommufd.h>

#include "../core/context.h"
#include "../device/device.h"
#include "../hwpt/hwpt.h"
#include "viommu.h"

bool viommu_serves(const struct viommu *viommu, struct device *dev)
{
	return viommu->hw.iommu == hw_iommu(dev);
}

int viommu_invalidate(struct viommu *viommu, struct iommu_user_data_array *array)
{
	if (!viommu->hw.ops->invalidate) {
		array->entry_num = 0;
		return -EOPNOTSUPP;
	}
	return viommu->hw.ops->invalidate(&viommu->hw, array);
}

struct iommu_domain *viommu_nested_alloc(struct viommu *viommu, u32 flags,
					 const struct iommu_user_data *data)
{
	struct iommu_domain *domain;

	if (!viommu->hw.ops->nested_alloc)
		return ERR_PTR(-EOPNOTSUPP);
	domain = viommu->hw.ops->nested_alloc(&viommu->hw, flags, data);
	return hw_nested_take(domain, viommu->shim->ops);
}

/* If this fails, the shim has cleaned up, so don't call its destroy. */
static int viommu_init_hw(struct viommu *viommu, const struct iommu_user_data *data)
{
	int rc;

	rc = viommu->shim->viommu_init(&viommu->hw, viommu->parent->table.domain,
				       data->len ? data : NULL);
	if (rc)
		viommu->hw.ops = NULL;
	return rc ?: WARN_ON(!viommu->hw.ops) ? -EOPNOTSUPP : 0;
}

static struct viommu *viommu_new(struct iommufd_device *idev, struct hwpt *parent,
				 const struct hw_shim *shim, size_t size,
				 const struct iommu_user_data *data)
{
	struct iommufd_ctx *ctx = idev->ctx;
	struct viommu *viommu;
	int rc;

	viommu = object_new(ctx, &viommu_object_type, offsetof(struct viommu, hw) + size);
	if (IS_ERR(viommu))
		return viommu;
	viommu->ctx = ctx;
	viommu->hw.type = data->type;
	viommu->hw.iommu = hw_iommu(idev->dev);
	xa_init_flags(&viommu->vdevices, XA_FLAGS_ACCOUNT);
	init_rwsem(&viommu->events_lock);
	INIT_LIST_HEAD(&viommu->events);
	rc = -ENODEV;
	if (try_module_get(shim->owner)) {
		viommu->shim = shim;
		rc = object_hold(ctx, &parent->obj);
	}
	if (!rc) {
		viommu->parent = parent;
		rc = viommu_init_hw(viommu, data);
	}
	if (rc) {
		object_abort(ctx, &viommu->obj);
		return ERR_PTR(rc);
	}
	return viommu;
}

static void viommu_destroy(struct object *obj)
{
	struct viommu *viommu = container_of(obj, struct viommu, obj);

	if (viommu->hw.ops && viommu->hw.ops->destroy)
		viommu->hw.ops->destroy(&viommu->hw);
	if (viommu->parent)
		object_release(viommu->ctx, &viommu->parent->obj);
	WARN_ON(!xa_empty(&viommu->vdevices) || !list_empty(&viommu->events));
	xa_destroy(&viommu->vdevices);
	if (viommu->shim)
		module_put(viommu->shim->owner);
}

const struct object_type viommu_object_type = {
	.name = "viommu",
	.destroy = viommu_destroy,
};

static struct viommu *viommu_new_for_device(struct iommufd_device *idev, u32 hwpt_id,
					    const struct iommu_user_data *data)
{
	const struct hw_shim *shim = hw_shim_of(idev->dev);
	struct viommu *viommu;
	struct hwpt *parent;
	size_t size;

	if (!shim || !shim->viommu_size || !shim->viommu_init)
		return ERR_PTR(-EOPNOTSUPP);
	size = shim->viommu_size(idev->dev, data->type);
	if (!size || WARN_ON(size < sizeof(struct hw_viommu)))
		return ERR_PTR(-EOPNOTSUPP);
	parent = hwpt_get_paging(idev->ctx, hwpt_id);
	if (IS_ERR(parent))
		return ERR_CAST(parent);
	/* Check here (Linux leaves it to the driver): shims rely on it. */
	if (parent->nest_parent && hw_domain_fits(parent->table.domain, idev->dev))
		viommu = viommu_new(idev, parent, shim, size, data);
	else
		viommu = ERR_PTR(-EINVAL);
	object_put(idev->ctx, &parent->obj);
	return viommu;
}

int viommu_alloc_ioctl(struct command *cmd)
{
	struct iommu_viommu_alloc *arg = cmd->arg;
	const struct iommu_user_data data = {
		.type = arg->type,
		.uptr = u64_to_user_ptr(arg->data_uptr),
		.len = arg->data_len,
	};
	struct iommufd_device *idev;
	struct viommu *viommu;

	if (arg->flags || arg->type == IOMMU_VIOMMU_TYPE_DEFAULT)
		return -EOPNOTSUPP;
	idev = object_get(cmd->ctx, arg->dev_id, &device_object_type);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	viommu = viommu_new_for_device(idev, arg->hwpt_id, &data);
	object_put(cmd->ctx, &idev->obj);
	if (IS_ERR(viommu))
		return PTR_ERR(viommu);
	arg->out_viommu_id = viommu->obj.id;
	return command_finalize(cmd, sizeof(*arg), &viommu->obj);
}
