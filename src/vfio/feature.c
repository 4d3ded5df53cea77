// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_DEVICE_FEATURE: one call with a number, a direction and data.  Most
 * features are the driver's; some vfio.ko offers by itself for drivers with the
 * callbacks for them.
 */
#include <linux/uaccess.h>

#include "vfio.h"

#define FEATURE_HOW (VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET | \
		     VFIO_DEVICE_FEATURE_PROBE)

/* GET or SET; both at once only to ask whether they exist. */
static int check_flags(u32 flags)
{
	const u32 both = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET;

	if (flags & ~(VFIO_DEVICE_FEATURE_MASK | FEATURE_HOW))
		return -EINVAL;
	if (!(flags & VFIO_DEVICE_FEATURE_PROBE) && (flags & both) == both)
		return -EINVAL;
	return 0;
}

/*
 * Migration and the logging of DMA.  No node offers them, and says so as vfio.ko
 * does for a driver without the callbacks.
 */
static int core_feature(u32 feature)
{
	if (feature == VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2)
		return -EINVAL;
	return -ENOTTY;
}

long front_feature(struct vfio_device *vdev, struct vfio_device_feature __user *user)
{
	const size_t header = offsetofend(struct vfio_device_feature, flags);
	struct vfio_device_feature arg;
	u32 feature;
	int rc;

	if (copy_from_user(&arg, user, header))
		return -EFAULT;
	if (arg.argsz < header)
		return -EINVAL;
	rc = check_flags(arg.flags);
	if (rc)
		return rc;

	feature = arg.flags & VFIO_DEVICE_FEATURE_MASK;
	if (vfio_core_has_feature(feature))
		return core_feature(feature);
	if (!vdev->ops->device_feature)
		return -ENOTTY;
	return vdev->ops->device_feature(vdev, arg.flags, user->data,
					 arg.argsz - header);
}
