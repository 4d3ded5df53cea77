/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vIOMMU: the share of a physical IOMMU that belongs to one virtual machine.
 *
 * The shim for the IOMMU (hw/shim.h) creates it on a nesting parent, which it holds; its
 * structure is extended by the shim's.  Nested page tables, vDEVICEs, hardware queues,
 * vEVENTQs and mappings of its registers hold it.  The device that it was created for may
 * be unbound at any time.
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
	const struct hw_shim *shim;	/* with a reference to its module */
	/* Virtual ID -> struct vdevice, if connected; the xa_lock is a leaf lock. */
	struct xarray vdevices;
	struct rw_semaphore events_lock;
	struct list_head events;	/* struct veventq, protected by @events_lock */
	struct hw_viommu hw;		/* must be last, the shim's structure extends it */
};

/**
 * to_viommu() - get the vIOMMU that a shim's structure is a part of
 * @hw: the shim's part
 *
 * Return: the vIOMMU.
 */
static inline struct viommu *to_viommu(struct hw_viommu *hw)
{
	return container_of(hw, struct viommu, hw);
}

/**
 * viommu_serves() - check whether a device is behind a vIOMMU's physical IOMMU
 * @viommu: the vIOMMU
 * @dev: a device with an IOMMU, bound
 *
 * Return: true if it is.
 */
bool viommu_serves(const struct viommu *viommu, struct device *dev);

/**
 * viommu_nested_alloc() - allocate a nested domain by the vIOMMU's shim
 * @viommu: the vIOMMU, held until hw_domain_free()
 * @flags: IOMMU_HWPT_ALLOC_*
 * @data: description of the guest's table, for the shim
 *
 * Return: the domain, or an ERR_PTR: -EOPNOTSUPP if the shim has none, or as the shim and
 * hw_nested_take().
 */
struct iommu_domain *viommu_nested_alloc(struct viommu *viommu, u32 flags,
					 const struct iommu_user_data *data);

/**
 * viommu_invalidate() - invalidate caches of a vIOMMU
 * @viommu: the vIOMMU, in use by the caller
 * @array: entries in user memory; its entry_num is set to the number handled, also on failure
 *
 * Return: 0, -EOPNOTSUPP if the shim can't, or the shim's errno.
 */
int viommu_invalidate(struct viommu *viommu, struct iommu_user_data_array *array);

extern const struct object_type viommu_object_type;

/**
 * viommu_alloc_ioctl() - IOMMU_VIOMMU_ALLOC
 * @cmd: the ioctl
 *
 * Return: 0 or an errno, see struct command.
 */
int viommu_alloc_ioctl(struct command *cmd);

#endif
