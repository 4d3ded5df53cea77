// SPDX-License-Identifier: GPL-2.0-only
/* Nested page tables: filled by user space, translated further by a parent. */
#include <linux/err.h>

#include <uapi/linux/iommufd.h>

#include "../core/context.h"
#include "../device/device.h"
#include "../viommu/viommu.h"
#include "hwpt.h"

static int hwpt_build_nested(struct hwpt *hwpt, struct device *dev, u32 flags,
			     const struct iommu_user_data *data)
{
	struct iommu_domain *domain;

	if (hwpt->viommu)
		domain = viommu_nested_alloc(hwpt->viommu, flags, data);
	else
		domain = hw_nested_alloc(dev, hwpt->parent->table.domain, flags,
					 data);
	if (IS_ERR(domain))
		return PTR_ERR(domain);
	hwpt->table.domain = domain;
	return 0;
}

static struct hwpt *hwpt_new_on(struct hwpt *parent, struct viommu *viommu,
				struct device *dev, u32 flags,
				const struct iommu_user_data *data)
{
	struct iommufd_ctx *ctx = parent->ctx;
	struct hwpt *hwpt;
	int rc;

	hwpt = object_new(ctx, &hwpt_object_type, sizeof(*hwpt));
	if (IS_ERR(hwpt))
		return hwpt;
	hwpt->ctx = ctx;
	hwpt->pasid_fit = flags & IOMMU_HWPT_ALLOC_PASID;
	mutex_init(&hwpt->lock);
	rc = object_hold(ctx, viommu ? &viommu->obj : &parent->obj);
	if (!rc) {
		hwpt->ioas = parent->ioas;
		hwpt->parent = parent;
		hwpt->viommu = viommu;
		rc = hwpt_build_nested(hwpt, dev, flags, data);
	}
	if (rc) {
		object_abort(ctx, &hwpt->obj);
		return ERR_PTR(rc);
	}
	return hwpt;
}

struct hwpt *hwpt_new_nested(struct hwpt *parent, struct iommufd_device *idev,
			     u32 flags, const struct iommu_user_data *data)
{
	if (!hw_can_nest(idev->dev))
		return ERR_PTR(-EOPNOTSUPP);
	if (!parent->nest_parent || !hw_domain_fits(parent->table.domain, idev->dev))
		return ERR_PTR(-EINVAL);
	return hwpt_new_on(parent, NULL, idev->dev, flags, data);
}

struct hwpt *hwpt_new_on_viommu(struct viommu *viommu, struct iommufd_device *idev,
				u32 flags, const struct iommu_user_data *data)
{
	return hwpt_new_on(viommu->parent, viommu, idev->dev, flags, data);
}
