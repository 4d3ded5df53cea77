// SPDX-License-Identifier: GPL-2.0-only
/* Domains come to groups and PASIDs, and leave them. */
#include <linux/err.h>
#include <linux/slab.h>

#include "hw.h"

/* Each attachment has its own handle; the core may look at the old one for a while. */
static struct hw_attachment *attachment_new(const struct hw_place *at,
					    struct iommu_domain *domain,
					    struct fault_queue *faults)
{
	struct hw_attachment *attachment;

	attachment = kzalloc(sizeof(*attachment), GFP_KERNEL_ACCOUNT);
	if (!attachment)
		return NULL;
	attachment->domain = domain;
	attachment->at = at;
	attachment->faults = faults;
	return attachment;
}

static int attach(struct hw_attachment *attachment)
{
	const struct hw_place *at = attachment->at;

	if (at->pasid == IOMMU_NO_PASID)
		return iommu_attach_group_handle(attachment->domain, at->group,
						 &attachment->handle);
	return iommu_attach_device_pasid(attachment->domain, at->dev, at->pasid,
					 &attachment->handle);
}

static int replace(struct hw_attachment *attachment)
{
	const struct hw_place *at = attachment->at;

	if (at->pasid == IOMMU_NO_PASID)
		return iommu_replace_group_handle(at->group, attachment->domain,
						  &attachment->handle);
	return iommu_replace_device_pasid(attachment->domain, at->dev, at->pasid,
					  &attachment->handle);
}

/* Makes an attachment, and makes it so. */
static struct hw_attachment *change(const struct hw_place *at,
				    struct iommu_domain *domain,
				    struct fault_queue *faults,
				    int (*change)(struct hw_attachment *attachment))
{
	struct hw_attachment *attachment = attachment_new(at, domain, faults);
	int rc;

	if (!attachment)
		return ERR_PTR(-ENOMEM);
	rc = change(attachment);
	if (rc) {
		kfree(attachment);
		return ERR_PTR(rc);
	}
	return attachment;
}

struct hw_attachment *hw_attach(const struct hw_place *at,
				struct iommu_domain *domain,
				struct fault_queue *faults)
{
	return change(at, domain, faults, attach);
}

static int device_fits(struct device *dev, void *domain)
{
	return compat_domain_fits(domain, dev) ? 0 : -EINVAL;
}

struct hw_attachment *hw_replace(const struct hw_place *at,
				 struct iommu_domain *domain,
				 struct fault_queue *faults)
{
	int rc;

	/* The core trusts us in this. */
	rc = iommu_group_for_each_dev(at->group, domain, device_fits);
	if (rc)
		return ERR_PTR(rc);
	return change(at, domain, faults, replace);
}

int hw_restore(struct hw_attachment *old)
{
	return replace(old);
}

void hw_detach(struct hw_attachment *attachment)
{
	const struct hw_place *at = attachment->at;

	if (at->pasid == IOMMU_NO_PASID)
		iommu_detach_group_handle(attachment->domain, at->group);
	else
		iommu_detach_device_pasid(attachment->domain, at->dev, at->pasid);
}

void hw_attachment_free(struct hw_attachment *attachment)
{
	kfree(attachment);
}
