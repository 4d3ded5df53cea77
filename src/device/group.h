/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A group: devices that the IOMMU can't tell apart.  They have one owner of their
 * DMA, a context, and are attached together (attach.h).
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
	unsigned int ndevices;		/* bound ones, under ctx->groups_lock */

	struct mutex lock;		/* guards what follows */
	struct xarray attaches;		/* PASID -> struct attach */
	struct iova_range msi_window;	/* see hw_reserved() */
	struct hw_doorbells doorbells;	/* that the devices may be writing to */
};

/*
 * The device's group, whose DMA then belongs to the context, counted per bound
 * device.  ERR_PTR: -ENODEV without group, -EPERM if interrupts aren't isolated,
 * or as iommu_group_claim_dma_owner(); why is set in @refusal.
 */
struct group *group_get(struct iommufd_ctx *ctx, struct device *dev,
			struct refusal *refusal);
void group_put(struct group *group);

/*
 * Attaches the device's group to an empty domain and detaches it again, so that
 * the driver learns the domain's limits.  DMA is as blocked by it as before.
 * Returns 0, -EBUSY if the group is attached elsewhere, or what the driver says.
 */
int group_settle_domain(struct group *group, struct iommu_domain *domain);

#endif
