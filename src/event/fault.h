/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fault queues: page faults of devices, which user space reads and answers through a file.
 *
 * A group of faults is delivered whole, and answered whole by its cookie.  Groups that user
 * space can no longer answer are refused (INVALID): when the attachment ends, the device
 * leaves it, or the file is closed.
 *
 * Page tables hold their queue, so a queue has no attachments when it is destroyed.
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

/**
 * fault_queue_id() - get the ID of a fault queue
 * @faults: the queue, held
 *
 * Return: the ID, never 0.
 */
u32 fault_queue_id(const struct fault_queue *faults);

/**
 * fault_queue_serve() - deliver the faults of a page table's domain to a queue
 * @ctx: the context
 * @id: ID of the queue
 * @domain: the domain
 * @out: out: the queue, held until fault_queue_release()
 *
 * Return: 0, -ENOENT, or -EOPNOTSUPP if the kernel doesn't support page faults.
 */
int fault_queue_serve(struct iommufd_ctx *ctx, u32 id, struct iommu_domain *domain,
		      struct fault_queue **out);

/**
 * fault_queue_release() - end the hold of fault_queue_serve()
 * @faults: the queue, which may be destroyed at once, or NULL
 */
void fault_queue_release(struct fault_queue *faults);

/**
 * fault_queue_refuse() - refuse pending groups of faults that can't be answered any more
 * @faults: the queue, or NULL
 * @attachment: an attachment
 * @dev: NULL if @attachment was replaced or detached, else a device that
 *	attach_device_id() no longer finds there
 *
 * If @attachment was replaced or detached, its later faults are refused, too.
 *
 * Context: takes faults->lock, and sleeps.
 */
void fault_queue_refuse(struct fault_queue *faults,
			struct hw_attachment *attachment, struct device *dev);

extern const struct object_type fault_queue_object_type;

/**
 * fault_queue_alloc_ioctl() - IOMMU_FAULT_QUEUE_ALLOC
 * @cmd: the ioctl
 *
 * Return: 0 or an errno, see struct command.
 */
int fault_queue_alloc_ioctl(struct command *cmd);

#endif
