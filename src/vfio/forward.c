// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that the driver answers, and the few that must not reach it, because they depend on
 * how vfio.ko opened the device.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vfio.h"

/* Append the capabilities if the user's buffer has room, else return the size needed. */
static int region_info_put_caps(struct vfio_region_info *info, struct vfio_info_cap *caps,
				struct vfio_region_info __user *user)
{
	u32 offset = sizeof(*info);

	if (!caps->size)
		return 0;
	info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
	if (info->argsz < offset + caps->size) {
		info->argsz = offset + caps->size;
		info->cap_offset = 0;
		return 0;
	}
	vfio_info_cap_shift(caps, offset);
	if (copy_to_user((void __user *)user + offset, caps->buf, caps->size))
		return -EFAULT;
	info->cap_offset = offset;
	return 0;
}

/* For kernels in which vfio.ko, not the driver, implements this call. */
static int region_info_answer(struct vfio_device *vdev, struct vfio_region_info __user *user)
{
	const size_t known = offsetofend(struct vfio_region_info, offset);
	struct vfio_region_info info = {};
	struct vfio_info_cap caps = {};
	int rc;

	if (!vfio_has_region_info_caps(vdev))
		return -EINVAL;
	if (copy_from_user(&info, user, known))
		return -EFAULT;
	if (info.argsz < known)
		return -EINVAL;
	rc = vfio_region_info_caps(vdev, &info, &caps);
	if (!rc)
		rc = region_info_put_caps(&info, &caps, user);
	if (!rc && copy_to_user(user, &info, known))
		rc = -EFAULT;
	kfree(caps.buf);
	return rc;
}

long device_file_forward(struct vfio_device_file *df, unsigned int cmd, void __user *user)
{
	struct vfio_device *vdev = df->vdev;

	switch (cmd) {
	case VFIO_DEVICE_FEATURE:
		return device_file_feature(vdev, user);
	case VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
		return device_file_hot_reset_info(df, user);
	case VFIO_DEVICE_PCI_HOT_RESET:
		return device_file_hot_reset(df, user);
	case VFIO_DEVICE_GET_REGION_INFO:
		if (vfio_core_has_region_info())
			return region_info_answer(vdev, user);
		break;
	}
	if (!vdev->ops->ioctl)
		return -EINVAL;
	return vdev->ops->ioctl(vdev, cmd, (unsigned long)user);
}
