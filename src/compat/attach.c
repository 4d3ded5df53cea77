// SPDX-License-Identifier: GPL-2.0-only
/* Attachments to the DMA of a group or of a PASID, by one name for both. */
#include <linux/delay.h>
#include <linux/iommu.h>

int compat_attach(const struct compat_attachment *to)
{
	if (to->pasid == IOMMU_NO_PASID)
		return iommu_attach_group_handle(to->domain, to->group, to->handle);
	return iommu_attach_device_pasid(to->domain, to->dev, to->pasid, to->handle);
}

int compat_replace(const struct compat_attachment *to)
{
	if (to->pasid == IOMMU_NO_PASID)
		return iommu_replace_group_handle(to->group, to->domain, to->handle);
	return iommu_replace_device_pasid(to->domain, to->dev, to->pasid, to->handle);
}

void compat_detach(const struct compat_attachment *from)
{
	if (from->pasid == IOMMU_NO_PASID)
		iommu_detach_group_handle(from->domain, from->group);
	else
		iommu_detach_device_pasid(from->domain, from->dev, from->pasid);
}

#ifdef IOMMUFD_HAVE_SYM_IOMMU_ATTACH_GROUP_HANDLE
bool compat_is_attached(const struct compat_attachment *at)
{
	return iommu_attach_handle_get(at->group, at->pasid, 0) == at->handle;
}
#endif

/* While a device of the group is reset, the core of Linux 7.2 attaches nothing: -EBUSY. */
static void compat_attach_back(const struct compat_attachment *from)
{
	unsigned int tries = 100;

	while (compat_attach(from) == -EBUSY && --tries)
		msleep(20);
}

int compat_replace_by_detaching(const struct compat_attachment *from,
				const struct compat_attachment *to)
{
	int rc;

	compat_detach(from);
	rc = compat_attach(to);
	if (rc)
		compat_attach_back(from);
	return rc;
}
