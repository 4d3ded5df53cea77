/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vDEVICE: a device's name in a vIOMMU, which it holds.
 *
 * The device isn't held: it may be unbound at any time, and the vDEVICE is parted
 * from it then and buried (core/object.h).  Until that both know each other, and are
 * parted only under ctx->vdevices_lock, so either end may begin.
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
	struct iommufd_device *idev;	/* NULL once parted; under ctx->vdevices_lock */
	struct hw_vdevice hw;		/* the last member: the shim's follow */
};

/*
 * Takes a device's vDEVICE away, if it has one, and lets it have no other.  The
 * caller is unbinding the device.
 */
void vdevice_disconnect(struct iommufd_device *idev);

extern const struct object_type vdevice_object_type;
int vdevice_alloc_ioctl(struct command *cmd);

#endif
