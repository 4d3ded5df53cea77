// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that the driver answers, and the few that must not reach it, because they depend on
 * how vfio.ko opened the device.
 */
#include <linux/pci-ats.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio_pci_core.h>

#include <iommufd/iommufd.h>

#include "../compat/vfio_pci.h"
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

/* What may reset the device: see iommufd_device_reset_begin(). */
static long device_file_reset(struct vfio_device_file *df, unsigned int cmd, void __user *user)
{
	struct vfio_device *vdev = df->vdev;
	int begun = iommufd_device_reset_begin(df->idev, true);
	long rc;

	if (begun < 0)
		return begun;
	rc = vdev->ops->ioctl(vdev, cmd, (unsigned long)user);
	if (begun)
		iommufd_device_reset_end(df->idev);
	return rc;
}

/*
 * Has a write one of the bits by which a function is reset, of the PCI Express capability or the
 * one of advanced features?  The device may be asleep or be reset by another task, so it is not
 * asked where these are.
 */
static bool write_may_reset(struct vfio_device *vdev, u64 pos, size_t count)
{
	struct vfio_pci_core_device *core = compat_pci_core(vdev);
	u64 flr, end;

	if (!core || VFIO_PCI_OFFSET_TO_INDEX(pos) != VFIO_PCI_CONFIG_REGION_INDEX ||
	    !pci_pri_supported(core->pdev))
		return false;
	pos &= VFIO_PCI_OFFSET_MASK;
	/* Behind that, the map has other numbers. */
	end = min(pos + count, (u64)PCI_CFG_SPACE_SIZE);
	flr = pci_pcie_cap(core->pdev) + PCI_EXP_DEVCTL + 1;
	if (pos <= flr && flr < end)
		return true;
	while (pos < end && core->pci_config_map[pos] != PCI_CAP_ID_AF)
		pos++;
	return pos < end;
}

ssize_t device_file_forward_write(struct vfio_device_file *df, const char __user *buf,
				  size_t count, loff_t *pos)
{
	struct vfio_device *vdev = df->vdev;
	int begun = 0;
	ssize_t rc;

	if (!vdev->ops->write)
		return -EINVAL;
	if (write_may_reset(vdev, *pos, count))
		begun = iommufd_device_reset_begin(df->idev, true);
	if (begun < 0)
		return begun;
	rc = vdev->ops->write(vdev, buf, count, pos);
	if (begun)
		iommufd_device_reset_end(df->idev);
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
	if (cmd == VFIO_DEVICE_RESET)
		return device_file_reset(df, cmd, user);
	return vdev->ops->ioctl(vdev, cmd, (unsigned long)user);
}
