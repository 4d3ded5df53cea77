/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A group: devices that the IOMMU can't tell apart.  A context owns the DMA of all of
 * them, and they are attached together (attach.h).
 */
#ifndef IOMMUFD_DEVICE_GROUP_H
#define IOMMUFD_DEVICE_GROUP_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include "../hw/hw.h"

struct device;
struct iommufd_ctx;
struct refusal;

struct group {
	struct iommufd_ctx *ctx;
	struct iommu_group *iommu_group;
	unsigned int ndevices;		/* bound devices, under ctx->groups_lock */

	struct mutex lock;		/* protects the members below */
	struct xarray attaches;		/* PASID -> struct attach */
	unsigned int resets;		/* under way, see reset.c */
	struct iova_range msi_window;	/* see hw_reserved() */
	struct hw_doorbells doorbells;	/* that the devices may write to */
};

/**
 * group_get() - get a device's group, and claim its DMA for the context if it is new
 * @ctx: the context
 * @dev: the device
 * @refusal: set on failure
 *
 * Ends by group_put(), once for each bound device.
 *
 * Return: the group, or an ERR_PTR: -ENODEV without a group, -EPERM if interrupts aren't
 * isolated, -ENOMEM, or as iommu_group_claim_dma_owner().
 */
struct group *group_get(struct iommufd_ctx *ctx, struct device *dev,
			struct refusal *refusal);

/**
 * group_put() - undo group_get() for a device
 * @group: the group; with the last device the context's claim ends, and it is freed
 *
 * Context: takes ctx->groups_lock.
 */
void group_put(struct group *group);

/**
 * group_settle_domain() - make the driver determine the limits of a domain
 * @group: the group, for whose devices the domain is
 * @domain: an empty domain
 *
 * Attaches the group and detaches it again.  DMA stays blocked throughout.
 *
 * Context: takes group->lock.
 *
 * Return: 0, -EBUSY if the group is attached elsewhere, -EINTR by a fatal signal, or the
 * driver's errno.
 */
int group_settle_domain(struct group *group, struct iommu_domain *domain);

#endif
