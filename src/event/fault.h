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
struct hwpt;
struct iommufd_device;
struct object_type;

u32 fault_queue_id(const struct fault_queue *faults);

/*
 * Makes the page table, which isn't published yet, send its faults to a queue and
 * hold that.  0, -ENOENT, or -EOPNOTSUPP where the kernel has no page faults.
 */
int hwpt_set_faults(struct hwpt *hwpt, u32 fault_id);

/* Ends that hold, if there is one. */
void hwpt_drop_faults(struct hwpt *hwpt);

/*
 * For device/, with group->lock held; @faults is what a page table has, and may be
 * NULL.  A device that is attached to it starts to report faults after that, and
 * stops after it was detached, as often as it did.
 */
int faults_start(struct fault_queue *faults, struct iommufd_device *idev);
void faults_stop(struct fault_queue *faults, struct iommufd_device *idev);

/*
 * Refuses what is pending of an attachment that was replaced or detached, or (if @dev
 * isn't NULL) of a device that attach_device_id() doesn't find any more.
 */
void fault_queue_forget(struct fault_queue *faults,
			struct hw_attachment *attachment, struct device *dev);

extern const struct object_type fault_queue_object_type;
int fault_queue_alloc_ioctl(struct command *cmd);

#endif
