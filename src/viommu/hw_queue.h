/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hardware queues: memory of a vIOMMU's nesting parent that the hardware reads by
 * its physical address.  It is pinned, and can't be unmapped, as long as the queue
 * exists.  A queue holds its vIOMMU, and perhaps another queue (hw_queue_depend()).
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
	bool ready;			/* the shim knows of it */
	struct hw_queue hw;		/* the last member: the shim's follow */
};

extern const struct object_type hw_queue_object_type;
int hw_queue_alloc_ioctl(struct command *cmd);

#endif
