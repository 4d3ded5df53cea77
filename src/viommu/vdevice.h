/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vDEVICE: a device as named in a vIOMMU.  It holds the vIOMMU.
 *
 * It doesn't hold the device, which may be unbound at any time: then the two are
 * disconnected and the vDEVICE becomes a tombstone (core/object.h).  Their links to each
 * other change only under ctx->vdevices_lock, so either side may begin.
 */
#ifndef IOMMUFD_VIOMMU_VDEVICE_H
#define IOMMUFD_VIOMMU_VDEVICE_H

#include "../core/object.h"
#include "../hw/shim.h"

struct command;
struct iommufd_device;
struct viommu;

struct vdevice {
	struct object obj;
	struct iommufd_ctx *ctx;
	struct viommu *viommu;		/* NULL until it is held */
	struct iommufd_device *idev;	/* NULL if disconnected; under ctx->vdevices_lock */
	struct hw_vdevice hw;		/* must be last, the shim's structure extends it */
};

/**
 * vdevice_disconnect() - disconnect a device that is being unbound from its vDEVICE
 * @idev: the device, detached; it gets no vDEVICE after this
 *
 * The vDEVICE, if there is one, becomes a tombstone, unless user space is creating or
 * destroying it.  Waits for ioctls that use it.
 *
 * Context: takes ctx->vdevices_lock and group->lock.
 */
void vdevice_disconnect(struct iommufd_device *idev);

extern const struct object_type vdevice_object_type;

/**
 * vdevice_alloc_ioctl() - IOMMU_VDEVICE_ALLOC
 * @cmd: the ioctl
 *
 * Return: 0 or an errno, see struct command.
 */
int vdevice_alloc_ioctl(struct command *cmd);

#endif
