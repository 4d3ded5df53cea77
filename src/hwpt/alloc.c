// SPDX-License-Identifier: GPL-2.0-only
/* IOMMU_HWPT_ALLOC: page tables for an IOAS, nested ones, and those of a vIOMMU. */
#include <linux/err.h>

#include <uapi/linux/iommufd.h>

#include "../core/context.h"
#include "../device/device.h"
#include "../event/fault.h"
#include "../ioas/ioas.h"
#include "../ioas/memory.h"
#include "../viommu/viommu.h"
#include "hwpt.h"

/* Flags allowed for a page table of an IOAS, and for a nested one. */
#define PAGING_FLAGS (IOMMU_HWPT_ALLOC_NEST_PARENT |	\
		      IOMMU_HWPT_ALLOC_DIRTY_TRACKING |	\
		      IOMMU_HWPT_FAULT_ID_VALID |	\
		      IOMMU_HWPT_ALLOC_PASID)
#define NESTED_FLAGS (IOMMU_HWPT_FAULT_ID_VALID | IOMMU_HWPT_ALLOC_PASID)

/* Fault delivery doesn't concern the driver. */
static u32 hwpt_driver_flags(const struct iommu_hwpt_alloc *arg)
{
	return arg->flags & ~IOMMU_HWPT_FAULT_ID_VALID;
}

static struct hwpt *hwpt_alloc_paging(struct iommufd_device *idev, struct ioas *ioas,
				      const struct iommu_hwpt_alloc *arg,
				      const struct iommu_user_data *data)
{
	if (arg->flags & ~PAGING_FLAGS)
		return ERR_PTR(-EOPNOTSUPP);
	/* Faults must go to whoever can resolve them: a parent has no queue. */
	if ((arg->flags & IOMMU_HWPT_FAULT_ID_VALID) &&
	    (arg->flags & IOMMU_HWPT_ALLOC_NEST_PARENT))
		return ERR_PTR(-EOPNOTSUPP);
	return hwpt_new(ioas, idev, hwpt_driver_flags(arg), data);
}

static struct hwpt *hwpt_alloc_nested(struct iommufd_device *idev, struct object *on,
				      const struct iommu_hwpt_alloc *arg,
				      const struct iommu_user_data *data)
{
	if ((arg->flags & ~NESTED_FLAGS) || !data)
		return ERR_PTR(-EOPNOTSUPP);
	if (on->type == &viommu_object_type)
		return hwpt_new_on_viommu(container_of(on, struct viommu, obj), idev,
					  hwpt_driver_flags(arg), data);
	return hwpt_new_nested(container_of(on, struct hwpt, obj), idev,
			       hwpt_driver_flags(arg), data);
}

static struct hwpt *hwpt_alloc_on(struct iommufd_device *idev, struct object *parent,
				  const struct iommu_hwpt_alloc *arg)
{
	const struct iommu_user_data given = {
		.type = arg->data_type,
		.uptr = u64_to_user_ptr(arg->data_uptr),
		.len = arg->data_len,
	};
	const struct iommu_user_data *data = given.len ? &given : NULL;

	if (parent->type == &ioas_object_type)
		return hwpt_alloc_paging(idev, container_of(parent, struct ioas, obj), arg,
					 data);
	/* No third stage: a nested page table can't be a parent. */
	if (parent->type == &hwpt_object_type &&
	    !container_of(parent, struct hwpt, obj)->parent)
		return hwpt_alloc_nested(idev, parent, arg, data);
	if (parent->type == &viommu_object_type &&
	    viommu_serves(container_of(parent, struct viommu, obj), idev->dev))
		return hwpt_alloc_nested(idev, parent, arg, data);
	return ERR_PTR(-EINVAL);
}

static struct hwpt *hwpt_alloc_by_id(struct iommufd_ctx *ctx,
				     const struct iommu_hwpt_alloc *arg)
{
	struct iommufd_device *idev;
	struct object *parent;
	struct hwpt *hwpt;

	idev = object_get(ctx, arg->dev_id, &device_object_type);
	if (IS_ERR(idev))
		return ERR_CAST(idev);
	parent = object_get(ctx, arg->pt_id, NULL);
	if (IS_ERR(parent)) {
		hwpt = ERR_PTR(-EINVAL);
	} else {
		hwpt = hwpt_alloc_on(idev, parent, arg);
		object_put(ctx, parent);
	}
	object_put(ctx, &idev->obj);
	return hwpt;
}

static int hwpt_alloc_fill(struct hwpt *hwpt)
{
	int rc;

	rc = ioas_expect_table(hwpt->ioas, NULL);
	if (rc)
		return rc;
	do {
		rc = hwpt_fill(hwpt, NULL);
	} while (memory_try_again(&rc));
	ioas_expect_end(hwpt->ioas);
	return rc;
}

/*
 * Pinning may take any time, so don't keep the device in use.  (Drivers that read user
 * space's data still did.)
 */
static int hwpt_alloc_finish(struct hwpt *hwpt, const struct iommu_hwpt_alloc *arg)
{
	int rc = 0;

	if (!hwpt->parent && hwpt_is_ready(hwpt))
		rc = hwpt_alloc_fill(hwpt);
	if (rc)
		return rc;
	if (arg->flags & IOMMU_HWPT_FAULT_ID_VALID)
		return fault_queue_serve(hwpt->ctx, arg->fault_id, hwpt->table.domain,
					 &hwpt->faults);
	return 0;
}

int hwpt_alloc_ioctl(struct command *cmd)
{
	struct iommu_hwpt_alloc *arg = cmd->arg;
	struct hwpt *hwpt;
	int rc;

	if (arg->__reserved)
		return -EOPNOTSUPP;
	if ((arg->data_type == IOMMU_HWPT_DATA_NONE) != !arg->data_len)
		return -EINVAL;
	hwpt = hwpt_alloc_by_id(cmd->ctx, arg);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	rc = hwpt_alloc_finish(hwpt, arg);
	if (rc) {
		object_abort(cmd->ctx, &hwpt->obj);
		return rc;
	}
	arg->out_hwpt_id = hwpt->obj.id;
	return command_finalize(cmd, sizeof(*arg), &hwpt->obj);
}
