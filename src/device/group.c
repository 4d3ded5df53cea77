// SPDX-License-Identifier: GPL-2.0-only
/* Groups and the ownership of their DMA. */
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <iommufd/iommufd.h>

#include "../core/context.h"
#include "../core/refusal.h"
#include "../core/test.h"
#include "group.h"

static bool allow_unsafe_interrupts;
module_param(allow_unsafe_interrupts, bool, 0644);
MODULE_PARM_DESC(allow_unsafe_interrupts,
		 "Allow assignment of devices without interrupt isolation (interrupt remapping); such a device can disrupt the host");

static int group_check_interrupts(struct iommu_group *iommu_group, struct device *dev,
				  struct refusal *refusal)
{
	if (hw_has_isolated_interrupts(iommu_group) || test_owns_device(dev))
		return 0;
	if (READ_ONCE(allow_unsafe_interrupts)) {
		dev_warn_ratelimited(dev, "allow_unsafe_interrupts: assigned without interrupt isolation\n");
		return 0;
	}
	refusal_set(refusal, "the platform doesn't isolate its interrupts (no interrupt remapping?); if its user is trusted: echo 1 > /sys/module/iommufd/parameters/allow_unsafe_interrupts");
	return -EPERM;
}

/* A list of a group's devices and their drivers, truncated if it is long. */
struct listing {
	char text[160];
	size_t length;
};

static int group_list_device(struct device *dev, void *data)
{
	struct listing *list = data;

	/* Falls back to the name of the bus, or "", if there is no driver. */
	list->length += scnprintf(list->text + list->length,
				  sizeof(list->text) - list->length, " %s (%s)",
				  dev_name(dev), dev_driver_string(dev));
	return 0;
}

static void group_explain_claim(struct iommu_group *iommu_group, struct refusal *refusal)
{
	struct listing list = {};

	iommu_group_for_each_dev(iommu_group, &list, group_list_device);
	refusal_set(refusal, "the DMA of group %d is another context's or a kernel driver's; vfio-pci must have each of:%s",
		    iommu_group_id(iommu_group), list.text);
}

static struct group *group_new(struct iommufd_ctx *ctx,
			       struct iommu_group *iommu_group, struct device *dev,
			       struct refusal *refusal)
{
	struct group *group;
	int rc;

	rc = group_check_interrupts(iommu_group, dev, refusal);
	if (rc)
		return ERR_PTR(rc);
	group = kzalloc_obj(*group, GFP_KERNEL_ACCOUNT);
	if (!group)
		return ERR_PTR(-ENOMEM);
	group->ctx = ctx;
	group->iommu_group = iommu_group;
	mutex_init(&group->lock);
	xa_init(&group->attaches);
	rc = xa_insert(&ctx->groups, iommu_group_id(iommu_group), group,
		       GFP_KERNEL_ACCOUNT);
	if (rc)
		goto err_free;
	rc = iommu_group_claim_dma_owner(iommu_group, ctx);
	if (rc) {
		group_explain_claim(iommu_group, refusal);
		goto err_erase;
	}
	return group;

err_erase:
	xa_erase(&ctx->groups, iommu_group_id(iommu_group));
err_free:
	kfree(group);
	return ERR_PTR(rc);
}

struct group *group_get(struct iommufd_ctx *ctx, struct device *dev,
			struct refusal *refusal)
{
	struct iommu_group *iommu_group;
	struct group *group;

	iommu_group = iommu_group_get(dev);
	if (!iommu_group) {
		refusal_set(refusal, "it is in no IOMMU group");
		return ERR_PTR(-ENODEV);
	}
	mutex_lock(&ctx->groups_lock);
	group = xa_load(&ctx->groups, iommu_group_id(iommu_group));
	if (!group)
		group = group_new(ctx, iommu_group, dev, refusal);
	/* The group keeps the reference taken for its first device. */
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
		WARN_ON(!xa_empty(&group->attaches));
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
	struct hw_place at = { .group = group->iommu_group, .pasid = IOMMU_NO_PASID };
	struct hw_attachment *attachment;
	int rc;

	rc = mutex_lock_killable(&group->lock);
	if (rc)
		return rc;
	rc = -EBUSY;
	if (!xa_load(&group->attaches, IOMMU_NO_PASID)) {
		attachment = hw_attach(&at, domain, NULL);
		rc = PTR_ERR_OR_ZERO(attachment);
		if (!rc) {
			hw_domain_settle(domain);
			hw_detach(attachment);
			hw_attachment_free(attachment);
		}
	}
	mutex_unlock(&group->lock);
	return rc;
}
