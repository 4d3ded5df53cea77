/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vIOMMU: the part of a physical IOMMU that belongs to one virtual machine.
 *
 * It is made on a nesting parent, which it holds, by the shim for a device's IOMMU
 * (hw/shim.h), whose structure it ends in.  It is held by nested page tables,
 * vDEVICEs, hardware queues, event queues and mappings of its registers.  The
 * device that it was made for may go at any time.
 */
#ifndef IOMMUFD_VIOMMU_VIOMMU_H
#define IOMMUFD_VIOMMU_VIOMMU_H

#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/xarray.h>

#include "../core/object.h"
#include "../hw/shim.h"

struct command;
struct device;
struct hwpt;
struct iommu_domain;
struct iommu_user_data;
struct iommu_user_data_array;

struct viommu {
	struct object obj;
	struct iommufd_ctx *ctx;
	struct hwpt *parent;		/* NULL until it is held */
	const struct hw_shim *shim;	/* whose module is held */
	/* Virtual ID -> struct vdevice that is ready; its xa_lock is an innermost one. */
	struct xarray vdevices;
	struct rw_semaphore events_lock;
	struct list_head events;	/* struct veventq, guarded by @events_lock */
	struct hw_viommu hw;		/* the last member: the shim's follow */
};

static inline struct viommu *to_viommu(struct hw_viommu *hw)
{
	return container_of(hw, struct viommu, hw);
}

/* Is @dev behind the IOMMU that the vIOMMU is part of? */
bool viommu_serves(const struct viommu *viommu, struct device *dev);

/* See hw_nested_alloc(). */
struct iommu_domain *viommu_nested_alloc(struct viommu *viommu, u32 flags,
					 const struct iommu_user_data *data);

/* See hw_nested_invalidate(). */
int viommu_invalidate(struct viommu *viommu, struct iommu_user_data_array *array);

extern const struct object_type viommu_object_type;
int viommu_alloc_ioctl(struct command *cmd);

#endif
