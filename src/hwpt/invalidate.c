// SPDX-License-Identifier: GPL-2.0-only
/* IOMMU_HWPT_INVALIDATE: invalidate caches after user space changed its tables. */
#include <linux/err.h>
#include <linux/mm.h>

#include <uapi/linux/iommufd.h>

#include "../core/context.h"
#include "../core/trace.h"
#include "../hw/hw.h"
#include "../viommu/viommu.h"
#include "hwpt.h"

/* More than a guest requests at once, few enough to complete quickly. */
#define ENTRIES_MAX (1u << 19)

/* Zero entries only query whether the type is supported. */
static bool hwpt_invalidate_fits(const struct iommu_hwpt_invalidate *arg)
{
	if (!arg->entry_num)
		return true;
	return arg->data_uptr && arg->entry_num <= ENTRIES_MAX &&
	       arg->entry_len && arg->entry_len <= PAGE_SIZE;
}

/* Sets array->entry_num to the number of entries handled, also on failure. */
static int hwpt_invalidate_object(struct object *obj, struct iommu_user_data_array *array)
{
	struct hwpt *hwpt = container_of(obj, struct hwpt, obj);

	if (obj->type == &viommu_object_type)
		return viommu_invalidate(container_of(obj, struct viommu, obj), array);
	if (obj->type == &hwpt_object_type && hwpt->parent)
		return hw_nested_invalidate(hwpt->table.domain,
					    hwpt->parent->table.domain, array);
	array->entry_num = 0;
	return -EINVAL;
}

static int hwpt_invalidate_by_id(struct iommufd_ctx *ctx,
				 const struct iommu_hwpt_invalidate *arg, u32 *done)
{
	struct iommu_user_data_array array = {
		.type = arg->data_type,
		.uptr = u64_to_user_ptr(arg->data_uptr),
		.entry_len = arg->entry_len,
		.entry_num = arg->entry_num,
	};
	struct object *obj;
	int rc;

	obj = object_get(ctx, arg->hwpt_id, NULL);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	rc = hwpt_invalidate_object(obj, &array);
	*done = min(array.entry_num, arg->entry_num);
	object_put(ctx, obj);
	return rc;
}

int hwpt_invalidate_ioctl(struct command *cmd)
{
	struct iommu_hwpt_invalidate *arg = cmd->arg;
	u32 done = 0;
	int rc = -EINVAL;

	if (arg->__reserved)
		rc = -EOPNOTSUPP;
	else if (hwpt_invalidate_fits(arg))
		rc = hwpt_invalidate_by_id(cmd->ctx, arg, &done);
	trace_iommufd_invalidate(cmd->ctx, arg->hwpt_id, arg->entry_num, done, rc);
	arg->entry_num = done;
	return command_respond(cmd, sizeof(*arg)) ?: rc;
}
