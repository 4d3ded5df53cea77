// SPDX-License-Identifier: GPL-2.0-only
/* Groups: ownership of their DMA, and their page table. */
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <iommufd/iommufd.h>

#include "../core/context.h"
#include "../hwpt/hwpt.h"
#include "device.h"
#include "group.h"

static bool allow_unsafe_interrupts;
module_param(allow_unsafe_interrupts, bool, 0644);
MODULE_PARM_DESC(allow_unsafe_interrupts,
		 "Let user space drive devices whose interrupts the platform doesn't isolate; such a device can disturb the host");

static int check_interrupts(struct iommu_group *iommu_group, struct device *dev)
{
	if (hw_has_isolated_interrupts(iommu_group))
		return 0;
	if (READ_ONCE(allow_unsafe_interrupts)) {
		dev_warn_ratelimited(dev, "interrupts aren't isolated by the platform, as allow_unsafe_interrupts permits\n");
		return 0;
	}
	dev_notice_ratelimited(dev, "refused for user space: the platform doesn't isolate its interrupts (no interrupt remapping?)\n");
	return -EPERM;
}

static struct group *group_new(struct iommufd_ctx *ctx,
			       struct iommu_group *iommu_group, struct device *dev)
{
	struct group *group;
	int rc;

	rc = check_interrupts(iommu_group, dev);
	if (rc)
		return ERR_PTR(rc);
	group = kzalloc(sizeof(*group), GFP_KERNEL_ACCOUNT);
	if (!group)
		return ERR_PTR(-ENOMEM);
	group->ctx = ctx;
	group->iommu_group = iommu_group;
	mutex_init(&group->lock);
	INIT_LIST_HEAD(&group->attached);
	rc = xa_insert(&ctx->groups, iommu_group_id(iommu_group), group,
		       GFP_KERNEL_ACCOUNT);
	if (rc)
		goto err_free;
	rc = iommu_group_claim_dma_owner(iommu_group, ctx);
	if (rc) {
		dev_notice_ratelimited(dev, "refused for user space: DMA of its group %d isn't free (%d); another device in it may have a kernel driver\n",
				       iommu_group_id(iommu_group), rc);
		goto err_erase;
	}
	return group;

err_erase:
	xa_erase(&ctx->groups, iommu_group_id(iommu_group));
err_free:
	kfree(group);
	return ERR_PTR(rc);
}

struct group *group_get(struct iommufd_ctx *ctx, struct device *dev)
{
	struct iommu_group *iommu_group;
	struct group *group;

	iommu_group = iommu_group_get(dev);
	if (!iommu_group)
		return ERR_PTR(-ENODEV);
	mutex_lock(&ctx->groups_lock);
	group = xa_load(&ctx->groups, iommu_group_id(iommu_group));
	if (!group)
		group = group_new(ctx, iommu_group, dev);
	/* The group keeps the first device's reference. */
	if (IS_ERR(group) || group->ndevices++)
		iommu_group_put(iommu_group);
	mutex_unlock(&ctx->groups_lock);
	return group;
}

void group_put(struct group *group)
{
	struct iommufd_ctx *ctx = group->ctx;

	mutex_lock(&ctx->groups_lock);
	if (!--group->ndevices) {
		WARN_ON(!list_empty(&group->attached));
		xa_erase(&ctx->groups, iommu_group_id(group->iommu_group));
		iommu_group_release_dma_owner(group->iommu_group);
		iommu_group_put(group->iommu_group);
		mutex_destroy(&group->lock);
		kfree(group);
	}
	mutex_unlock(&ctx->groups_lock);
}

bool iommufd_ctx_has_group(struct iommufd_ctx *ctx, struct iommu_group *iommu_group)
{
	bool has;

	if (!ctx || !iommu_group)
		return false;
	mutex_lock(&ctx->groups_lock);
	has = xa_load(&ctx->groups, iommu_group_id(iommu_group));
	mutex_unlock(&ctx->groups_lock);
	return has;
}
EXPORT_SYMBOL_NS_GPL(iommufd_ctx_has_group, "IOMMUFD");

int group_settle_domain(struct group *group, struct iommu_domain *domain)
{
	struct hw_attachment *attachment;
	int rc = -EBUSY;

	mutex_lock(&group->lock);
	if (!group->hwpt) {
		attachment = hw_attach(group->iommu_group, domain);
		rc = PTR_ERR_OR_ZERO(attachment);
		if (!rc) {
			hw_domain_settle(domain);
			hw_detach(group->iommu_group, attachment);
		}
	}
	mutex_unlock(&group->lock);
	return rc;
}

/* Before the hardware is moved: 0, or -EAGAIN if the rest comes after it. */
static int prepare(struct group *group, struct hwpt *hwpt)
{
	int rc;

	rc = hwpt_prepare_msi(hwpt, &group->msi_window);
	if (!rc)
		rc = hwpt_fill(hwpt);
	return rc ? rc : hwpt_take_doorbells(hwpt, &group->doorbells);
}

/* After it, for a driver that didn't know the page table's limits. */
static int prepare_late(struct group *group, struct hwpt *hwpt)
{
	hwpt_settle(hwpt);
	return prepare(group, hwpt);
}

static void remember_doorbells(struct group *group)
{
	hw_msi_remember(&group->doorbells, group->hwpt->table.domain,
			&group->msi_window);
}

/* Attaches a group that is detached, or blocked by a failure. */
static int come(struct group *group, struct hwpt *hwpt)
{
	struct hw_attachment *attachment;
	int rc, late;

	late = prepare(group, hwpt);
	if (late && late != -EAGAIN)
		return late;
	attachment = hw_attach(group->iommu_group, hwpt->table.domain);
	if (IS_ERR(attachment))
		return PTR_ERR(attachment);
	rc = late ? prepare_late(group, hwpt) : 0;
	if (rc) {
		hw_detach(group->iommu_group, attachment);
		return rc;
	}
	group->attachment = attachment;
	return 0;
}

/* The last resort: DMA stays blocked until the next replace or detach. */
static void block(struct group *group, struct hw_attachment *now)
{
	pr_err("iommufd: DMA of group %d is blocked, its page table can't be restored\n",
	       iommu_group_id(group->iommu_group));
	hw_detach(group->iommu_group, now);
	hw_attachment_free(group->attachment);
	group->attachment = NULL;
}

/* Moves a group from another page table, and back if that can't be completed. */
static int move(struct group *group, struct hwpt *hwpt)
{
	struct hw_attachment *attachment;
	int rc, late;

	remember_doorbells(group);
	late = prepare(group, hwpt);
	if (late && late != -EAGAIN)
		return late;
	attachment = hw_replace(group->iommu_group, hwpt->table.domain);
	if (IS_ERR(attachment))
		return PTR_ERR(attachment);
	rc = late ? prepare_late(group, hwpt) : 0;
	if (rc) {
		if (hw_restore(group->iommu_group, group->attachment))
			block(group, attachment);
		else
			hw_attachment_free(attachment);
		return rc;
	}
	hw_attachment_free(group->attachment);
	group->attachment = attachment;
	return 0;
}

/*
 * Connects a group's hardware with a page table.  One group at a time: some drivers
 * confuse what is mapped while a device is being attached.
 */
static int come_to(struct group *group, struct hwpt *hwpt)
{
	int rc;

	mutex_lock(&hwpt->lock);
	rc = group->attachment ? move(group, hwpt) : come(group, hwpt);
	mutex_unlock(&hwpt->lock);
	return rc;
}

int group_attach(struct iommufd_device *idev, struct hwpt *hwpt)
{
	struct group *group = idev->group;
	int rc;

	mutex_lock(&group->lock);
	if (idev->attached) {
		rc = -EBUSY;
		goto out;
	}
	/* The others of the group would be moved. */
	if (group->hwpt && group->hwpt != hwpt) {
		rc = -EINVAL;
		goto out;
	}
	rc = ioas_reserve(hwpt->ioas, idev->reserved, idev->n_reserved);
	if (rc)
		goto out;
	if (!group->hwpt)
		rc = come_to(group, hwpt);
	if (rc) {
		ioas_unreserve(hwpt->ioas, idev->reserved, idev->n_reserved);
		goto out;
	}
	group->hwpt = hwpt;
	idev->attached = true;
	list_add_tail(&idev->item, &group->attached);
	group->nattached++;
out:
	mutex_unlock(&group->lock);
	return rc;
}

void group_detach(struct iommufd_device *idev)
{
	struct group *group = idev->group;
	struct hwpt *hwpt;

	mutex_lock(&group->lock);
	hwpt = group->hwpt;
	if (WARN_ON(!idev->attached)) {
		mutex_unlock(&group->lock);
		return;
	}
	list_del(&idev->item);
	idev->attached = false;
	if (!--group->nattached) {
		remember_doorbells(group);
		if (group->attachment)
			hw_detach(group->iommu_group, group->attachment);
		group->attachment = NULL;
		group->hwpt = NULL;
	}
	ioas_unreserve(hwpt->ioas, idev->reserved, idev->n_reserved);
	mutex_unlock(&group->lock);
	hwpt_release(hwpt);
}

/* Undoes reserve_all() for the devices before @end, or for all of them. */
static void unreserve_all(struct group *group, struct ioas *ioas,
			  struct iommufd_device *end)
{
	struct iommufd_device *idev;

	list_for_each_entry(idev, &group->attached, item) {
		if (idev == end)
			break;
		ioas_unreserve(ioas, idev->reserved, idev->n_reserved);
	}
}

static int reserve_all(struct group *group, struct ioas *ioas)
{
	struct iommufd_device *idev;
	int rc;

	list_for_each_entry(idev, &group->attached, item) {
		rc = ioas_reserve(ioas, idev->reserved, idev->n_reserved);
		if (rc) {
			unreserve_all(group, ioas, idev);
			return rc;
		}
	}
	return 0;
}

/* Moves all devices of a group that is attached elsewhere. */
static int replace_locked(struct group *group, struct hwpt *hwpt)
{
	struct hwpt *old = group->hwpt;
	int rc;

	rc = reserve_all(group, hwpt->ioas);
	if (rc)
		return rc;
	rc = come_to(group, hwpt);
	if (rc) {
		unreserve_all(group, hwpt->ioas, NULL);
		return rc;
	}
	unreserve_all(group, old->ioas, NULL);
	group->hwpt = hwpt;
	return 0;
}

int group_replace(struct iommufd_device *idev, struct hwpt *hwpt)
{
	struct group *group = idev->group;
	struct hwpt *old;
	unsigned int n = 1, i;
	int rc = 0;

	mutex_lock(&group->lock);
	old = group->hwpt;
	if (!idev->attached) {
		rc = -EINVAL;
	} else if (old != hwpt) {
		rc = replace_locked(group, hwpt);
		n = group->nattached;
		/* One hold for each device; the first one is the caller's. */
		for (i = 1; !rc && i < n; i++)
			WARN_ON(object_hold(group->ctx, &hwpt->obj));
	}
	mutex_unlock(&group->lock);
	while (!rc && n--)
		hwpt_release(old);
	return rc;
}
