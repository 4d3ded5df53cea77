// SPDX-License-Identifier: GPL-2.0-only
/*
 * Group attachment on kernels without attach handles and domain replacement
 * (6.1).
 *
 * There a group changes domains by way of the blocking domain, which an owned
 * group uses while detached.  DMA in between is blocked and reported by the
 * IOMMU.  The drivers of VT-d and AMD-Vi do the same on newer kernels.
 */
#include <linux/iommu.h>
#include <linux/irqdomain.h>
#include <linux/rwsem.h>

#ifndef IOMMUFD_HAVE_SYM_IOMMU_ATTACH_GROUP_HANDLE

DECLARE_RWSEM(compat_attach_lock);

static int group_device_fits(struct device *dev, void *domain)
{
	return compat_domain_fits(domain, dev) ? 0 : -EINVAL;
}

int compat_attach_group_handle(struct iommu_domain *domain,
			       struct iommu_group *group,
			       struct iommu_attach_handle *handle)
{
	int rc;

	if (!handle)
		return -EINVAL;
	rc = iommu_group_for_each_dev(group, domain, group_device_fits);
	if (rc)
		return rc;
	handle->domain = domain;
	down_write(&compat_attach_lock);
	rc = iommu_attach_group(domain, group);
	up_write(&compat_attach_lock);
	/* The domain enforces coherency, which this group's IOMMU can't. */
	return rc == -EOPNOTSUPP ? -EINVAL : rc;
}

void compat_detach_group_handle(struct iommu_domain *domain,
				struct iommu_group *group)
{
	guard(rwsem_write)(&compat_attach_lock);
	iommu_detach_group(domain, group);
}

static int group_first_domain(struct device *dev, void *domain)
{
	*(struct iommu_domain **)domain = iommu_get_domain_for_dev(dev);
	return 1;
}

bool compat_is_attached(const struct compat_attachment *at)
{
	struct iommu_domain *domain = NULL;

	iommu_group_for_each_dev(at->group, &domain, group_first_domain);
	return domain == at->domain;
}

int compat_replace_group_handle(struct iommu_group *group,
				struct iommu_domain *new_domain,
				struct iommu_attach_handle *handle)
{
	struct iommu_attach_handle unused;
	struct compat_attachment from = {
		.group = group,
		.pasid = IOMMU_NO_PASID,
		.handle = &unused,
	};
	struct compat_attachment to = from;
	int rc;

	if (!new_domain || !handle)
		return -EINVAL;
	rc = iommu_group_for_each_dev(group, new_domain, group_device_fits);
	if (rc)
		return rc;
	iommu_group_for_each_dev(group, &from.domain, group_first_domain);
	if (!from.domain)
		return -ENODEV;
	handle->domain = new_domain;
	if (from.domain == new_domain)
		return 0;
	to.domain = new_domain;
	to.handle = handle;
	return compat_replace_by_detaching(&from, &to);
}

#endif

#ifndef IOMMUFD_HAVE_SYM_IOMMU_GET_RESV_REGIONS

void compat_get_resv_regions(struct device *dev, struct list_head *list)
{
	const struct iommu_ops *ops = compat_dev_iommu_ops(dev);

	if (ops && ops->get_resv_regions)
		ops->get_resv_regions(dev, list);
}

#endif

#ifndef IOMMUFD_HAVE_SYM_IOMMU_GROUP_HAS_ISOLATED_MSI

static int group_remaps_interrupts(struct device *dev, void *unused)
{
	return device_iommu_capable(dev, IOMMU_CAP_INTR_REMAP) ? 0 : -EPERM;
}

/* Either the interrupt controller identifies the writer, or the IOMMU does. */
bool compat_group_has_isolated_msi(struct iommu_group *group)
{
	return irq_domain_check_msi_remap() ||
	       !iommu_group_for_each_dev(group, NULL, group_remaps_interrupts);
}

#endif
