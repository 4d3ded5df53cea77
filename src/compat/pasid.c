// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs on kernels that can't replace a PASID's domain (6.12), or support
 * PASIDs for SVA only (6.1).
 *
 * Replacing detaches and attaches, so DMA with the PASID is blocked in between.
 */
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/pci-ats.h>

#ifndef IOMMUFD_HAVE_IOMMU_ATTACH_PASID_HANDLE

int compat_attach_device_pasid(struct iommu_domain *domain, struct device *dev,
			       u32 pasid, struct iommu_attach_handle *handle)
{
	return -EOPNOTSUPP;
}

int compat_replace_device_pasid(struct iommu_domain *domain, struct device *dev,
				u32 pasid, struct iommu_attach_handle *handle)
{
	return -EOPNOTSUPP;
}

void compat_detach_device_pasid(struct iommu_domain *domain, struct device *dev,
				u32 pasid)
{
}

#elif !defined(IOMMUFD_HAVE_SYM_IOMMU_REPLACE_DEVICE_PASID)

/* The kernel's function, which iommu.h renames to ours. */
#undef iommu_detach_device_pasid

/* Returns the handle of a PASID's attachment, or NULL. */
static struct iommu_attach_handle *pasid_current_handle(struct device *dev, u32 pasid)
{
	struct iommu_attach_handle *handle = ERR_PTR(-ENODEV);
	struct iommu_group *group = iommu_group_get(dev);

	if (group)
		handle = iommu_attach_handle_get(group, pasid, 0);
	iommu_group_put(group);
	return IS_ERR(handle) ? NULL : handle;
}

int compat_replace_device_pasid(struct iommu_domain *domain, struct device *dev,
				u32 pasid, struct iommu_attach_handle *handle)
{
	struct iommu_attach_handle *old = pasid_current_handle(dev, pasid);
	struct compat_attachment to = {
		.group = dev->iommu_group,
		.dev = dev,
		.pasid = pasid,
		.domain = domain,
		.handle = handle,
	};
	struct compat_attachment from = to;

	if (!domain->ops->set_dev_pasid)
		return -EOPNOTSUPP;
	if (!handle || !compat_domain_fits(domain, dev))
		return -EINVAL;
	/* An earlier failure left the PASID blocked. */
	if (!old)
		return compat_attach(&to);
	from.domain = old->domain;
	from.handle = old;
	return compat_replace_by_detaching(&from, &to);
}

/* May be blocked already, see above. */
void compat_detach_device_pasid(struct iommu_domain *domain, struct device *dev,
				u32 pasid)
{
	if (pasid_current_handle(dev, pasid))
		iommu_detach_device_pasid(domain, dev, pasid);
}

#endif

u32 compat_max_pasids(struct device *dev)
{
#ifdef IOMMUFD_HAVE_DEV_IOMMU_MAX_PASIDS
	return dev->iommu ? dev->iommu->max_pasids : 0;
#else
	return 0;
#endif
}

int compat_pci_pasid_status(struct device *dev)
{
#ifdef IOMMUFD_HAVE_PCI_PASID_STATUS
	if (dev_is_pci(dev))
		return pci_pasid_status(to_pci_dev(dev));
#endif
	return -EINVAL;
}
