// SPDX-License-Identifier: GPL-2.0-only
/* What the exported IOMMU API offers on every kernel. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "hw.h"

bool hw_is_coherent(struct device *dev)
{
	return device_iommu_capable(dev, IOMMU_CAP_CACHE_COHERENCY);
}

bool hw_has_isolated_interrupts(struct iommu_group *group)
{
	return iommu_group_has_isolated_msi(group);
}

bool hw_tracks_dirty(struct device *dev)
{
#ifdef IOMMUFD_HAVE_CAP_DIRTY_TRACKING
	return device_iommu_capable(dev, IOMMU_CAP_DIRTY_TRACKING);
#else
	return false;
#endif
}

struct iommu_domain *hw_domain_alloc(struct device *dev, u32 flags)
{
	/* Not every driver looks at that by itself. */
	if ((flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING) && !hw_tracks_dirty(dev))
		return ERR_PTR(-EOPNOTSUPP);
	return iommu_paging_domain_alloc_flags(dev, flags);
}

void hw_domain_free(struct iommu_domain *domain)
{
	iommu_domain_free(domain);
}

bool hw_domain_is_ready(struct iommu_domain *domain)
{
	return compat_domain_is_final(domain);
}

bool hw_can_enforce_coherency(struct device *dev)
{
#ifdef IOMMUFD_HAVE_CAP_ENFORCE_CACHE_COHERENCY
	return device_iommu_capable(dev, IOMMU_CAP_ENFORCE_CACHE_COHERENCY);
#else
	return false;
#endif
}

int hw_domain_enforce_coherency(struct iommu_domain *domain)
{
	if (domain->ops->enforce_cache_coherency &&
	    domain->ops->enforce_cache_coherency(domain))
		return 0;
	return -EINVAL;
}

void hw_domain_settle(struct iommu_domain *domain)
{
#ifndef IOMMUFD_HAVE_CAP_ENFORCE_CACHE_COHERENCY
	/* A driver that can't be asked is told; asked without a device it lies. */
	hw_domain_enforce_coherency(domain);
#endif
}

/* Each attachment has its own; the core may look at the old one for a while. */
struct hw_attachment {
	struct iommu_attach_handle handle;
	struct iommu_domain *domain;
};

static struct hw_attachment *attachment_new(struct iommu_domain *domain)
{
	struct hw_attachment *attachment;

	attachment = kzalloc(sizeof(*attachment), GFP_KERNEL_ACCOUNT);
	if (attachment)
		attachment->domain = domain;
	return attachment;
}

struct hw_attachment *hw_attach(struct iommu_group *group,
				struct iommu_domain *domain)
{
	struct hw_attachment *attachment = attachment_new(domain);
	int rc;

	if (!attachment)
		return ERR_PTR(-ENOMEM);
	rc = iommu_attach_group_handle(domain, group, &attachment->handle);
	if (rc) {
		kfree(attachment);
		return ERR_PTR(rc);
	}
	return attachment;
}

static int device_fits(struct device *dev, void *domain)
{
	return compat_domain_fits(domain, dev) ? 0 : -EINVAL;
}

struct hw_attachment *hw_replace(struct iommu_group *group,
				 struct iommu_domain *domain)
{
	struct hw_attachment *attachment;
	int rc;

	/* The core trusts us in this. */
	rc = iommu_group_for_each_dev(group, domain, device_fits);
	if (rc)
		return ERR_PTR(rc);
	attachment = attachment_new(domain);
	if (!attachment)
		return ERR_PTR(-ENOMEM);
	rc = hw_restore(group, attachment);
	if (rc) {
		kfree(attachment);
		return ERR_PTR(rc);
	}
	return attachment;
}

int hw_restore(struct iommu_group *group, struct hw_attachment *old)
{
	return iommu_replace_group_handle(group, old->domain, &old->handle);
}

void hw_attachment_free(struct hw_attachment *attachment)
{
	kfree(attachment);
}

void hw_detach(struct iommu_group *group, struct hw_attachment *attachment)
{
	iommu_detach_group_handle(attachment->domain, group);
	kfree(attachment);
}
