// SPDX-License-Identifier: GPL-2.0-only
/* Differences between kernels: VFIO devices, in more than a line. */
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/slab.h>
#include <linux/uuid.h>
#include <linux/vfio.h>

#include "vfio.h"

bool vfio_has_region_info_caps(struct vfio_device *vdev)
{
#ifdef IOMMUFD_HAVE_VFIO_REGION_INFO_CAPS
	return vdev->ops->get_region_info_caps;
#else
	return false;
#endif
}

int vfio_region_info_caps(struct vfio_device *vdev, struct vfio_region_info *info,
			  struct vfio_info_cap *caps)
{
#ifdef IOMMUFD_HAVE_VFIO_REGION_INFO_CAPS
	return vdev->ops->get_region_info_caps(vdev, info, caps);
#else
	return -EINVAL;
#endif
}

int vfio_migration_data_size(struct vfio_device *vdev, unsigned long *length)
{
#ifdef VFIO_CORE_MIG_DATA_SIZE
	if (vdev->mig_ops && vdev->mig_ops->migration_get_data_size)
		return vdev->mig_ops->migration_get_data_size(vdev, length);
#endif
	return -ENOTTY;
}

#ifdef IOMMUFD_HAVE_VFIO_MATCH_TOKEN_UUID

int vfio_match_token(struct vfio_device *vdev, const uuid_t *token)
{
	if (vdev->ops->match_token_uuid)
		return vdev->ops->match_token_uuid(vdev, token);
	return token ? -EINVAL : 0;
}

#else

/*
 * The legacy API identifies a device of a group by a string: its name and,
 * after a space, the token.  The driver's match() checks both.
 */
int vfio_match_token(struct vfio_device *vdev, const uuid_t *token)
{
	const char *name = dev_name(vdev->dev);
	char *string;
	int rc;

	if (!vdev->ops->match)
		return token ? -EINVAL : 0;
	string = token ? kasprintf(GFP_KERNEL, "%s vf_token=%pUb", name, token) :
			 kstrdup(name, GFP_KERNEL);
	if (!string)
		return -ENOMEM;
	rc = vdev->ops->match(vdev, string);
	kfree(string);
	if (rc < 0)
		return rc;
	return rc ? 0 : -EINVAL;
}

#endif

#ifdef IOMMUFD_HAVE_VFIO_GROUP

/*
 * struct vfio_group is private to vfio.ko, but begins with its struct device.
 * Verify that before following any pointer: all registered devices have the
 * same kset and type.
 */
static struct device *vfio_group_device(struct vfio_device *vdev)
{
	struct device *dev = (struct device *)vdev->group;

	if (!dev || dev->kobj.kset != vdev->device.kobj.kset ||
	    dev->kobj.ktype != vdev->device.kobj.ktype)
		return NULL;
	if (!dev->class || strcmp(dev->class->name, "vfio"))
		return NULL;
	return dev;
}

int vfio_group_devt(struct vfio_device *vdev, dev_t *devt)
{
	struct device *dev = vfio_group_device(vdev);
	struct iommu_group *group;
	char name[16];

	group = iommu_group_get(vdev->dev);
	if (!group)
		return -EOPNOTSUPP;
	snprintf(name, sizeof(name), "%d", iommu_group_id(group));
	iommu_group_put(group);
	if (!dev || !dev->devt || strcmp(dev_name(dev), name))
		return -EOPNOTSUPP;
	*devt = dev->devt;
	return 0;
}

#else

int vfio_group_devt(struct vfio_device *vdev, dev_t *devt)
{
	*devt = 0;
	return 0;
}

#endif
