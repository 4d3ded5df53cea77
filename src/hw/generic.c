// SPDX-License-Identifier: GPL-2.0-only
/* What the exported IOMMU API offers on every kernel. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "hw.h"
#include "shim.h"
#include "vtd.h"

bool hw_is_coherent(struct device *dev)
{
	return device_iommu_capable(dev, IOMMU_CAP_CACHE_COHERENCY);
}

bool hw_iommu_has_attributes(struct device *dev, const char *name)
{
	const struct attribute_group *const *groups;

	if (!hw_has_iommu(dev) || !hw_iommu(dev)->dev)
		return false;
	for (groups = hw_iommu(dev)->dev->groups; groups && *groups; groups++)
		if ((*groups)->name && !strcmp((*groups)->name, name))
			return true;
	return false;
}

bool hw_has_isolated_interrupts(struct iommu_group *group)
{
	return iommu_group_has_isolated_msi(group);
}

static struct iommu_domain *hw_domain_alloc_by_driver(struct device *dev, u32 flags,
						      const struct iommu_user_data *data)
{
	if (data)
		return compat_domain_alloc_data(dev, flags, data);
	return iommu_paging_domain_alloc_flags(dev, flags);
}

/* Not every driver looks at that by itself. */
static bool hw_domain_can_have(struct device *dev, u32 flags)
{
	const bool tracks = flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING;
	const bool pasids = flags & IOMMU_HWPT_ALLOC_PASID;

	return !(tracks && !hw_tracks_dirty(dev)) &&
	       !(pasids && vtd_forgets_pasids(dev)) &&
	       !(tracks && pasids && vtd_tracks_no_pasids(dev));
}

struct iommu_domain *hw_domain_alloc(struct device *dev, u32 flags,
				     const struct iommu_user_data *data)
{
	const struct hw_shim *shim = hw_shim_of(dev);
	struct iommu_domain *domain;

	if (!hw_domain_can_have(dev, flags))
		return ERR_PTR(-EOPNOTSUPP);
	domain = hw_domain_alloc_by_driver(dev, flags, data);
	if (domain == ERR_PTR(-EOPNOTSUPP) && shim && shim->domain_alloc)
		domain = shim->domain_alloc(dev, flags, data);
	if (!IS_ERR(domain))
		compat_domain_set_owner(domain, compat_dev_iommu_ops(dev));
	return domain;
}

bool hw_domain_fits(struct iommu_domain *domain, struct device *dev)
{
	return compat_domain_fits(domain, dev);
}

void hw_domain_free(struct iommu_domain *domain)
{
	iommu_domain_free(domain);
}

bool hw_domain_is_ready(struct iommu_domain *domain)
{
	const struct hw_shim *shim;

	if (compat_domain_is_final(domain))
		return true;
	shim = hw_shim_of_ops(compat_domain_owner(domain));
	return shim && shim->domains_ready;
}

#ifdef IOMMUFD_HAVE_CAP_ENFORCE_CACHE_COHERENCY

bool hw_can_enforce_coherency(struct device *dev)
{
	return device_iommu_capable(dev, IOMMU_CAP_ENFORCE_CACHE_COHERENCY);
}

#else

#define VTD_ECAP_SNOOP_CONTROL BIT_ULL(7)

/* The drivers can't be asked, but then their hardware can: AMD's always does it. */
bool hw_can_enforce_coherency(struct device *dev)
{
	u32 type = IOMMU_HW_INFO_TYPE_DEFAULT;
	u32 length = 0;
	bool can;
	void *info;

	info = hw_info(dev, &length, &type);
	if (IS_ERR_OR_NULL(info))
		return false;
	if (type == IOMMU_HW_INFO_TYPE_INTEL_VTD)
		can = ((struct iommu_hw_info_vtd *)info)->ecap_reg & VTD_ECAP_SNOOP_CONTROL;
	else
		can = type == IOMMU_HW_INFO_TYPE_AMD;
	kfree(info);
	return can;
}

#endif

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
