/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device bound to a context.  Its driver has the only hold of the object, so user space
 * can't destroy it; ioctls use it only while they query the device.
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

	struct iova_range *reserved;	/* IOVA that the device can't use */
	size_t n_reserved;

	/* Under ctx->vdevices_lock: */
	struct vdevice *vdevice;	/* or NULL */
	bool unbinding;			/* refuse new vDEVICEs */

	/* Under group->lock: */
	unsigned int nattached;		/* attachments, each PASID counts */
	unsigned int nfaulting;		/* those to page tables with a fault queue */
};

extern const struct object_type device_object_type;

/**
 * device_hw_info_ioctl() - IOMMU_GET_HW_INFO
 * @cmd: the ioctl
 *
 * Return: 0 or an errno, see struct command.
 */
int device_hw_info_ioctl(struct command *cmd);

#endif
