/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A group: devices that the IOMMU can't tell apart.  They have one page table for
 * all of them, and one owner of their DMA, a context.
 */
#ifndef IOMMUFD_DEVICE_GROUP_H
#define IOMMUFD_DEVICE_GROUP_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "../hw/hw.h"

struct device;
struct hwpt;
struct iommufd_ctx;
struct iommufd_device;

struct group {
	struct iommufd_ctx *ctx;
	struct iommu_group *iommu_group;
	unsigned int ndevices;		/* bound ones, under ctx->groups_lock */

	struct mutex lock;		/* guards what follows */
	struct list_head attached;	/* struct iommufd_device */
	unsigned int nattached;
	struct hwpt *hwpt;		/* of all attached devices */
	struct hw_attachment *attachment;	/* NULL if @hwpt could not be restored */
	struct iova_range msi_window;	/* see hw_reserved() */
	struct hw_doorbells doorbells;	/* that the devices may be writing to */
};

/*
 * The device's group, whose DMA then belongs to the context, counted per bound
 * device.  ERR_PTR: -ENODEV without group, -EPERM if interrupts aren't isolated,
 * or as iommu_group_claim_dma_owner().
 */
struct group *group_get(struct iommufd_ctx *ctx, struct device *dev);
void group_put(struct group *group);

/*
 * Attaches a device to a page table, moves an attached one's group there, or
 * detaches one.  A page table is held by each attached device: on success the
 * caller's hold becomes the device's, on failure it stays the caller's.
 */
int group_attach(struct iommufd_device *idev, struct hwpt *hwpt);
int group_replace(struct iommufd_device *idev, struct hwpt *hwpt);
void group_detach(struct iommufd_device *idev);

/*
 * Attaches the device's group to an empty domain and detaches it again, so that
 * the driver learns the domain's limits.  DMA is as blocked by it as before.
 * Returns 0, -EBUSY if the group is attached elsewhere, or what the driver says.
 */
int group_settle_domain(struct group *group, struct iommu_domain *domain);

#endif
