// SPDX-License-Identifier: GPL-2.0-only
/* Domain allocation and driver information on older kernels. */
#include <linux/err.h>
#include <linux/iommu.h>

#ifdef IOMMUFD_HAVE_IOMMU_DOMAIN_ALLOC_USER

static struct iommu_domain *domain_alloc_plain(struct device *dev,
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

/* Drivers support PASIDs without knowing the flag, so try without it. */
static struct iommu_domain *domain_alloc_for_pasids(struct device *dev,
						    const struct iommu_ops *ops,
						    unsigned int flags)
{
	struct iommu_domain *domain;

	domain = domain_alloc_plain(dev, ops, flags & ~IOMMU_HWPT_ALLOC_PASID);
	if (!IS_ERR(domain) && !domain->ops->set_dev_pasid) {
		iommu_domain_free(domain);
		return ERR_PTR(-EOPNOTSUPP);
	}
	return domain;
}

/*
 * Don't use iommu_paging_domain_alloc() here: it gives VT-d a domain that isn't
 * complete before the first attach.
 */
static struct iommu_domain *domain_alloc_by_driver(struct device *dev,
						   const struct iommu_ops *ops,
						   unsigned int flags)
{
	struct iommu_domain *domain;

	domain = domain_alloc_plain(dev, ops, flags);
	if (domain == ERR_PTR(-EOPNOTSUPP) && (flags & IOMMU_HWPT_ALLOC_PASID))
		domain = domain_alloc_for_pasids(dev, ops, flags);
	return domain;
}

struct iommu_domain *compat_paging_domain_alloc_flags(struct device *dev,
						      unsigned int flags)
{
	const struct iommu_ops *ops = compat_dev_iommu_ops(dev);

	if (!ops)
		return ERR_PTR(-ENODEV);
	if (ops->domain_alloc_user)
		return domain_alloc_by_driver(dev, ops, flags);
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

/* Drivers that complete a domain later leave its aperture empty until then. */
bool compat_domain_is_final(struct iommu_domain *domain)
{
	return domain->pgsize_bitmap && domain->geometry.aperture_end;
}

void compat_domain_set_owner(struct iommu_domain *domain, const struct iommu_ops *ops)
{
	domain->owner = ops;
}

const struct iommu_ops *compat_domain_owner(struct iommu_domain *domain)
{
	return domain->owner;
}

#else

/* An incomplete domain of VT-d can't be recognised, so trust none. */
bool compat_domain_is_final(struct iommu_domain *domain)
{
	return false;
}

/* handler_token is unused, as the domain has no fault handler. */
void compat_domain_set_owner(struct iommu_domain *domain, const struct iommu_ops *ops)
{
	domain->handler_token = (void *)ops;
}

const struct iommu_ops *compat_domain_owner(struct iommu_domain *domain)
{
	return domain->handler ? NULL : domain->handler_token;
}

#endif

bool compat_domain_fits(struct iommu_domain *domain, struct device *dev)
{
	const struct iommu_ops *owner = compat_domain_owner(domain);

	return owner && owner == compat_dev_iommu_ops(dev);
}

struct iommu_domain *compat_domain_alloc_data(struct device *dev, u32 flags,
					      const struct iommu_user_data *data)
{
	struct iommu_domain *domain = NULL;
#ifdef IOMMUFD_HAVE_IOMMU_DOMAIN_ALLOC_DATA
	const struct iommu_ops *ops = compat_dev_iommu_ops(dev);

	if (ops && ops->domain_alloc_paging_flags)
		domain = ops->domain_alloc_paging_flags(dev, flags, data);
#elif defined(IOMMUFD_HAVE_IOMMU_DOMAIN_ALLOC_USER)
	const struct iommu_ops *ops = compat_dev_iommu_ops(dev);

	if (ops && ops->domain_alloc_user)
		domain = ops->domain_alloc_user(dev, flags, NULL, data);
#endif
	return domain ? domain : ERR_PTR(-EOPNOTSUPP);
}

bool compat_can_nest(struct device *dev)
{
#ifdef IOMMUFD_HAVE_IOMMU_DOMAIN_ALLOC_NESTED
	const struct iommu_ops *ops = compat_dev_iommu_ops(dev);

	return ops && ops->domain_alloc_nested;
#elif defined(IOMMUFD_HAVE_IOMMU_DOMAIN_ALLOC_USER)
	const struct iommu_ops *ops = compat_dev_iommu_ops(dev);

	return ops && ops->domain_alloc_user;
#else
	return false;
#endif
}

struct iommu_domain *compat_domain_alloc_nested(struct device *dev,
						struct iommu_domain *parent,
						u32 flags,
						const struct iommu_user_data *data)
{
	struct iommu_domain *domain = NULL;

	if (!compat_can_nest(dev))
		return ERR_PTR(-EOPNOTSUPP);
#ifdef IOMMUFD_HAVE_IOMMU_DOMAIN_ALLOC_NESTED
	domain = compat_dev_iommu_ops(dev)->domain_alloc_nested(dev, parent, flags,
								data);
#elif defined(IOMMUFD_HAVE_IOMMU_DOMAIN_ALLOC_USER)
	domain = compat_dev_iommu_ops(dev)->domain_alloc_user(dev, flags, parent,
							      data);
#endif
	return domain ? domain : ERR_PTR(-EOPNOTSUPP);
}

compat_invalidate_fn compat_domain_invalidate(struct iommu_domain *domain)
{
#ifdef IOMMUFD_HAVE_IOMMU_INVALIDATE_USER
	if (domain->ops)
		return domain->ops->cache_invalidate_user;
#endif
	return NULL;
}

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
