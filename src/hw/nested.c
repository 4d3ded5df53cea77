// SPDX-License-Identifier: GPL-2.0-only
/* Nested domains: page tables managed by user space. */
#include <linux/err.h>
#include <linux/module.h>

#include "hw.h"
#include "overlay.h"
#include "shim.h"
#include "vtd.h"

bool hw_can_nest(struct device *dev)
{
	const struct hw_shim *shim = hw_shim_of(dev);

	return compat_can_nest(dev) || (shim && shim->nested_alloc);
}

struct iommu_domain *hw_nested_take(struct iommu_domain *domain,
				    const struct iommu_ops *owner)
{
	if (IS_ERR(domain))
		return domain;
	if (WARN_ON(domain->type != IOMMU_DOMAIN_NESTED)) {
		iommu_domain_free(domain);
		return ERR_PTR(-EOPNOTSUPP);
	}
	compat_domain_set_owner(domain, owner);
	return domain;
}

struct iommu_domain *hw_nested_alloc(struct device *dev,
				     struct iommu_domain *parent, u32 flags,
				     const struct iommu_user_data *data)
{
	const struct hw_shim *shim = hw_shim_of(dev);
	struct iommu_domain *domain;

	domain = compat_domain_alloc_nested(dev, parent, flags, data);
	if (domain == ERR_PTR(-EOPNOTSUPP) && shim && shim->nested_alloc)
		domain = shim->nested_alloc(dev, parent, flags, data);
	return hw_nested_take(domain, compat_dev_iommu_ops(dev));
}

int hw_nested_invalidate(struct iommu_domain *domain, struct iommu_domain *parent,
			 struct iommu_user_data_array *array)
{
	compat_invalidate_fn invalidate = compat_domain_invalidate(domain);
	struct hw_overlay *overlay = hw_overlay_of(domain);
	const struct hw_shim *shim;

	if (overlay && overlay->ops->invalidate)
		return overlay->ops->invalidate(overlay, array);

	if (!invalidate && !overlay) {
		shim = hw_shim_of_ops(compat_domain_owner(domain));
		invalidate = shim ? shim->nested_invalidate : NULL;
	}
	if (!invalidate) {
		array->entry_num = 0;
		return -EOPNOTSUPP;
	}
	if (vtd_takes(array))
		return vtd_invalidate(domain, parent, invalidate, array);
	return invalidate(domain, array);
}
