/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device that its driver bound to a context.  The driver holds the object, and
 * user space can't; it is used by ioctls only while they ask the device something.
 */
#ifndef IOMMUFD_DEVICE_DEVICE_H
#define IOMMUFD_DEVICE_DEVICE_H

#include <linux/types.h>

#include "../core/object.h"

struct command;
struct device;
struct group;
struct hwpt;
struct iova_range;
struct vdevice;

struct iommufd_device {
	struct object obj;
	struct iommufd_ctx *ctx;
	struct device *dev;
	struct group *group;
	bool enforce_coherency;

	struct iova_range *reserved;	/* what the device can't use */
	size_t n_reserved;

	/* Under ctx->vdevices_lock: */
	struct vdevice *vdevice;	/* or NULL */
	bool unbinding;			/* there won't be another */

	/* Under group->lock: */
	unsigned int nattached;		/* in how many places */
	unsigned int nfaulting;		/* to how many of them with a fault queue */
};

extern const struct object_type device_object_type;
int device_hw_info_ioctl(struct command *cmd);

#endif
