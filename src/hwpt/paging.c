// SPDX-License-Identifier: GPL-2.0-only
/* Page tables that are filled from an IOAS. */
#include <linux/err.h>
#include <linux/mm.h>

#include <uapi/linux/iommufd.h>

#include "../core/context.h"
#include "../device/device.h"
#include "../device/group.h"
#include "../hw/hw.h"
#include "../ioas/ioas.h"
#include "hwpt.h"

static bool is_filled(const struct hwpt *hwpt)
{
	return !list_empty(&hwpt->item);
}

int hwpt_make_ready(struct hwpt *hwpt)
{
	if (is_filled(hwpt))
		return 0;
	/* Memory is pinned by pages; a page table can't be coarser. */
	if (!hwpt->domain->pgsize_bitmap || hwpt_page_size(hwpt) > PAGE_SIZE)
		return -EINVAL;
	return ioas_add_hwpt(hwpt->ioas, hwpt);
}

static int enforce_coherency(struct hwpt *hwpt, struct iommufd_device *idev)
{
	int rc;

	/* Some IOMMUs keep it in every entry, so it is decided before the first. */
	if (!idev->enforce_coherency)
		return 0;
	rc = hw_domain_enforce_coherency(hwpt->domain);
	hwpt->enforces_coherency = !rc;
	return rc;
}

static int build(struct hwpt *hwpt, struct iommufd_device *idev)
{
	int rc;

	hwpt->domain = hw_domain_alloc(idev->dev, hwpt->flags);
	if (IS_ERR(hwpt->domain)) {
		rc = PTR_ERR(hwpt->domain);
		hwpt->domain = NULL;
		return rc;
	}
	rc = enforce_coherency(hwpt, idev);
	if (!rc && !hw_domain_is_ready(hwpt->domain)) {
		rc = group_settle_domain(idev->group, hwpt->domain);
		/* It is filled when the group is moved to it. */
		if (rc == -EBUSY)
			return 0;
	}
	return rc ? rc : hwpt_make_ready(hwpt);
}

struct hwpt *hwpt_new(struct ioas *ioas, struct iommufd_device *idev, u32 flags)
{
	struct hwpt *hwpt;
	int rc;

	hwpt = object_new(ioas->ctx, OBJECT_HWPT, sizeof(*hwpt));
	if (IS_ERR(hwpt))
		return hwpt;
	INIT_LIST_HEAD(&hwpt->item);
	hwpt->ctx = ioas->ctx;
	hwpt->flags = flags;
	rc = object_hold(ioas->ctx, &ioas->obj);
	if (!rc) {
		hwpt->ioas = ioas;
		rc = build(hwpt, idev);
	}
	if (rc) {
		object_abandon(hwpt->ctx, &hwpt->obj);
		return ERR_PTR(rc);
	}
	return hwpt;
}

void hwpt_release(struct hwpt *hwpt)
{
	if (hwpt->automatic)
		object_release_last(hwpt->ctx, &hwpt->obj);
	else
		object_release(hwpt->ctx, &hwpt->obj);
}

void hwpt_unmake(struct object *obj)
{
	struct hwpt *hwpt = container_of(obj, struct hwpt, obj);

	if (is_filled(hwpt))
		ioas_remove_hwpt(hwpt->ioas, hwpt);
	if (hwpt->domain)
		hw_domain_free(hwpt->domain);
	if (hwpt->ioas)
		object_release(hwpt->ctx, &hwpt->ioas->obj);
}

/* Flags that a page table for an IOAS may have. */
#define PAGING_FLAGS (IOMMU_HWPT_ALLOC_NEST_PARENT |	\
		      IOMMU_HWPT_ALLOC_DIRTY_TRACKING |	\
		      IOMMU_HWPT_ALLOC_PASID)

static int alloc_paging(struct command *cmd, struct iommufd_device *idev,
			struct ioas *ioas)
{
	struct iommu_hwpt_alloc *arg = cmd->arg;
	struct hwpt *hwpt;

	/* No driver takes data for one, and faults need a queue to go to. */
	if ((arg->flags & ~PAGING_FLAGS) || arg->data_len)
		return -EOPNOTSUPP;
	hwpt = hwpt_new(ioas, idev, arg->flags);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	arg->out_hwpt_id = hwpt->obj.id;
	return command_publish(cmd, sizeof(*arg), &hwpt->obj);
}

int hwpt_alloc_ioctl(struct command *cmd)
{
	const struct iommu_hwpt_alloc *arg = cmd->arg;
	struct iommufd_device *idev;
	struct object *parent;
	int rc;

	if (arg->__reserved)
		return -EOPNOTSUPP;
	if ((arg->data_type == IOMMU_HWPT_DATA_NONE) != !arg->data_len)
		return -EINVAL;
	idev = object_get(cmd->ctx, arg->dev_id, OBJECT_DEVICE);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	parent = object_get(cmd->ctx, arg->pt_id, OBJECT_ANY);
	if (IS_ERR(parent)) {
		rc = -EINVAL;
		goto out_device;
	}
	if (parent->type == OBJECT_IOAS)
		rc = alloc_paging(cmd, idev, container_of(parent, struct ioas, obj));
	else if (parent->type == OBJECT_HWPT)
		rc = -EOPNOTSUPP;	/* nested */
	else
		rc = -EINVAL;
	object_put(cmd->ctx, parent);
out_device:
	object_put(cmd->ctx, &idev->obj);
	return rc;
}
