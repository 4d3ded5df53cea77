/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hardware queues: memory mapped in a vIOMMU's nesting parent that the hardware reads by
 * physical address.  It stays pinned and mapped while the queue exists.  A queue holds its
 * vIOMMU, and possibly another queue (hw_queue_depend()).
 */
#ifndef IOMMUFD_VIOMMU_HW_QUEUE_H
#define IOMMUFD_VIOMMU_HW_QUEUE_H

#include "../core/object.h"
#include "../hw/shim.h"

struct access_pin;
struct command;
struct viommu;

struct queue {
	struct object obj;
	struct viommu *viommu;		/* NULL until it is held */
	struct iommufd_ctx *ctx;
	struct access_pin *pin;
	bool ready;			/* queue_init() has succeeded */
	struct hw_queue hw;		/* must be last, the shim's structure extends it */
};

extern const struct object_type hw_queue_object_type;

/**
 * hw_queue_alloc_ioctl() - IOMMU_HW_QUEUE_ALLOC
 * @cmd: the ioctl
 *
 * Return: 0 or an errno, see struct command.
 */
int hw_queue_alloc_ioctl(struct command *cmd);

#endif
