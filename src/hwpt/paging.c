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

int hwpt_fill(struct hwpt *hwpt)
{
	struct iommu_domain *domain = hwpt->table.domain;

	/* Once it is, it stays so as long as it's held. */
	if (READ_ONCE(hwpt->table.filled))
		return 0;
	if (!hwpt->settled && !hw_domain_is_ready(domain))
		return -EAGAIN;
	/* Memory is pinned by pages; a page table can't be coarser. */
	if (!hw_page_size(domain) || hw_page_size(domain) > PAGE_SIZE)
		return -EINVAL;
	return ioas_add_table(hwpt->ioas, &hwpt->table);
}

void hwpt_settle(struct hwpt *hwpt)
{
	if (!hwpt->settled)
		hw_domain_settle(hwpt->table.domain);
	hwpt->settled = true;
}

int hwpt_prepare_msi(struct hwpt *hwpt, const struct iova_range *window)
{
	lockdep_assert_held(&hwpt->lock);
	return hw_msi_prepare(hwpt->table.domain, &hwpt->msi, window,
			      &hwpt->ctx->next_msi_stretch);
}

int hwpt_take_doorbells(struct hwpt *hwpt, const struct hw_doorbells *known)
{
	lockdep_assert_held(&hwpt->lock);
	return hw_msi_take(hwpt->table.domain, &hwpt->msi, known);
}

static int build(struct hwpt *hwpt, struct iommufd_device *idev, u32 flags)
{
	struct iommu_domain *domain;
	int rc;

	domain = hw_domain_alloc(idev->dev, flags);
	if (IS_ERR(domain))
		return PTR_ERR(domain);
	hwpt->table.domain = domain;
	/* Some IOMMUs keep it in every entry, so it is decided before the first. */
	if (idev->enforce_coherency) {
		rc = hw_domain_enforce_coherency(domain);
		if (rc)
			return rc;
	}
	if (hw_domain_is_ready(domain))
		return 0;
	/* If the group is attached elsewhere it is left for the move. */
	rc = group_settle_domain(idev->group, domain);
	hwpt->settled = !rc;
	return rc == -EBUSY ? 0 : rc;
}

struct hwpt *hwpt_new(struct ioas *ioas, struct iommufd_device *idev, u32 flags)
{
	struct hwpt *hwpt;
	int rc;

	hwpt = object_new(ioas->ctx, OBJECT_HWPT, sizeof(*hwpt));
	if (IS_ERR(hwpt))
		return hwpt;
	hwpt->ctx = ioas->ctx;
	mutex_init(&hwpt->lock);
	rc = object_hold(ioas->ctx, &ioas->obj);
	if (!rc) {
		hwpt->ioas = ioas;
		rc = build(hwpt, idev, flags);
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

	if (hwpt->table.domain) {
		ioas_remove_table(hwpt->ioas, &hwpt->table);
		hw_domain_free(hwpt->table.domain);
	}
	mutex_destroy(&hwpt->lock);
	if (hwpt->ioas)
		object_release(hwpt->ctx, &hwpt->ioas->obj);
}

/* Flags that a page table for an IOAS may have. */
#define PAGING_FLAGS (IOMMU_HWPT_ALLOC_NEST_PARENT |	\
		      IOMMU_HWPT_ALLOC_DIRTY_TRACKING |	\
		      IOMMU_HWPT_ALLOC_PASID)

static struct hwpt *new_paging(struct iommufd_device *idev, struct ioas *ioas,
			       const struct iommu_hwpt_alloc *arg)
{
	/* No driver takes data for one, and faults need a queue to go to. */
	if ((arg->flags & ~PAGING_FLAGS) || arg->data_len)
		return ERR_PTR(-EOPNOTSUPP);
	return hwpt_new(ioas, idev, arg->flags);
}

static struct hwpt *new_by_parent(struct iommufd_device *idev, struct object *parent,
				  const struct iommu_hwpt_alloc *arg)
{
	if (parent->type == OBJECT_IOAS)
		return new_paging(idev, container_of(parent, struct ioas, obj), arg);
	if (parent->type == OBJECT_HWPT)
		return ERR_PTR(-EOPNOTSUPP);	/* nested */
	return ERR_PTR(-EINVAL);
}

static struct hwpt *new_by_id(struct iommufd_ctx *ctx,
			      const struct iommu_hwpt_alloc *arg)
{
	struct iommufd_device *idev;
	struct object *parent;
	struct hwpt *hwpt;

	idev = object_get(ctx, arg->dev_id, OBJECT_DEVICE);
	if (IS_ERR(idev))
		return ERR_CAST(idev);
	parent = object_get(ctx, arg->pt_id, OBJECT_ANY);
	if (IS_ERR(parent)) {
		hwpt = ERR_PTR(-EINVAL);
	} else {
		hwpt = new_by_parent(idev, parent, arg);
		object_put(ctx, parent);
	}
	object_put(ctx, &idev->obj);
	return hwpt;
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
	hwpt = new_by_id(cmd->ctx, arg);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	/* Page faults may take any time, so the device isn't used any more. */
	rc = hwpt_fill(hwpt);
	if (rc && rc != -EAGAIN) {
		object_abandon(cmd->ctx, &hwpt->obj);
		return rc;
	}
	arg->out_hwpt_id = hwpt->obj.id;
	return command_publish(cmd, sizeof(*arg), &hwpt->obj);
}
