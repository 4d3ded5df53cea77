// SPDX-License-Identifier: GPL-2.0-only
/* Domains and what a device's IOMMU driver says of itself, on older kernels. */
#include <linux/err.h>
#include <linux/iommu.h>

#ifdef IOMMUFD_HAVE_IOMMU_DOMAIN_ALLOC_USER

/* The plain way gives VT-d a domain that is finished at the first attachment. */
static struct iommu_domain *alloc_by_driver(struct device *dev,
					    const struct iommu_ops *ops,
					    unsigned int flags)
{
	struct iommu_domain *domain;

	domain = ops->domain_alloc_user(dev, flags, NULL, NULL);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	if (!IS_ERR(domain))
		domain->owner = ops;
	return domain;
}

struct iommu_domain *compat_paging_domain_alloc_flags(struct device *dev,
						      unsigned int flags)
{
	const struct iommu_ops *ops = compat_dev_iommu_ops(dev);

	if (!ops)
		return ERR_PTR(-ENODEV);
	if (ops->domain_alloc_user)
		return alloc_by_driver(dev, ops, flags);
	if (flags)
		return ERR_PTR(-EOPNOTSUPP);
	return iommu_paging_domain_alloc(dev);
}

#elif !defined(IOMMUFD_HAVE_IOMMU_PAGING_DOMAIN_ALLOC_FLAGS)

struct iommu_domain *compat_paging_domain_alloc_flags(struct device *dev,
						      unsigned int flags)
{
	struct iommu_domain *domain;

	if (!compat_dev_iommu_ops(dev) || !iommu_present(dev->bus))
		return ERR_PTR(-ENODEV);
	if (flags)
		return ERR_PTR(-EOPNOTSUPP);
	domain = iommu_domain_alloc(dev->bus);
	return domain ? domain : ERR_PTR(-ENOMEM);
}

#endif

#ifdef IOMMUFD_HAVE_IOMMU_DOMAIN_OWNER

/* Drivers that finish a domain later leave its aperture empty until then. */
bool compat_domain_is_final(struct iommu_domain *domain)
{
	return domain->pgsize_bitmap && domain->geometry.aperture_end;
}

bool compat_domain_fits(struct iommu_domain *domain, struct device *dev)
{
	return domain->owner && domain->owner == compat_dev_iommu_ops(dev);
}

#else

/* VT-d doesn't look unfinished, so none is believed. */
bool compat_domain_is_final(struct iommu_domain *domain)
{
	return false;
}

bool compat_domain_fits(struct iommu_domain *domain, struct device *dev)
{
	const struct iommu_ops *ops = compat_dev_iommu_ops(dev);

	return ops && domain->ops == ops->default_domain_ops;
}

#endif

void *compat_hw_info(struct device *dev, u32 *length, u32 *type)
{
#ifdef IOMMUFD_HAVE_IOMMU_HW_INFO
	const struct iommu_ops *ops = compat_dev_iommu_ops(dev);

	if (ops && ops->hw_info)
		return ops->hw_info(dev, length, type);
#endif
	*length = 0;
	*type = IOMMU_HW_INFO_TYPE_NONE;
	return NULL;
}
