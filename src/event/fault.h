/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fault queues: page faults of devices, read and answered by user space through a
 * file.
 *
 * A group of faults is delivered whole, and answered whole by its cookie.  A group
 * that user space can't answer any more is refused (INVALID): its attachment ends,
 * its device leaves, or the file is closed.
 *
 * Page tables hold their queue, so a queue has no attachments when it is taken apart.
 */
#ifndef IOMMUFD_EVENT_FAULT_H
#define IOMMUFD_EVENT_FAULT_H

#include <linux/types.h>

struct command;
struct device;
struct fault_queue;
struct hw_attachment;
struct iommu_domain;
struct iommufd_ctx;
struct object_type;

u32 fault_queue_id(const struct fault_queue *faults);

/*
 * Makes a queue take the faults of a page table's domain, and holds the queue for it:
 * *@out becomes the queue.  0, -ENOENT, or -EOPNOTSUPP where the kernel has no page
 * faults.
 */
int fault_queue_serve(struct iommufd_ctx *ctx, u32 id, struct iommu_domain *domain,
		      struct fault_queue **out);

/* Ends that hold; @faults may be NULL. */
void fault_queue_release(struct fault_queue *faults);

/*
 * Refuses what is pending of an attachment that was replaced or detached, or (if @dev
 * isn't NULL) of a device that attach_device_id() doesn't find any more.
 */
void fault_queue_refuse(struct fault_queue *faults,
			struct hw_attachment *attachment, struct device *dev);

extern const struct object_type fault_queue_object_type;
int fault_queue_alloc_ioctl(struct command *cmd);

#endif
