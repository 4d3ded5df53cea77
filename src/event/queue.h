/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What fault queues and vEVENTQs have in common.
 *
 * The file holds the object, so IOMMU_DESTROY returns -EBUSY until it is closed, and keeps
 * a reference to the context.  File and object are published together or not at all.
 */
#ifndef IOMMUFD_EVENT_QUEUE_H
#define IOMMUFD_EVENT_QUEUE_H

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "../core/object.h"

struct command;

struct event_queue {
	struct object obj;
	struct iommufd_ctx *ctx;
	struct mutex reader;		/* serializes read(), also while it copies to user */
	wait_queue_head_t readable;
	spinlock_t lock;		/* protects @waiting and members of the containing type */
	struct list_head waiting;
};

/**
 * event_queue_init() - initialize a queue
 * @queue: the queue, right after object_new()
 * @ctx: its context
 */
void event_queue_init(struct event_queue *queue, struct iommufd_ctx *ctx);

/**
 * event_queue_fini() - check that a queue is empty, last in the destroy of its type
 * @queue: the queue, which the caller frees
 */
void event_queue_fini(struct event_queue *queue);

/**
 * event_queue_finalize() - complete an ioctl that creates a queue and its file
 * @cmd: the ioctl
 * @len: as for command_respond()
 * @queue: the finished queue: published, or aborted on failure
 * @name: of the file in /proc/<pid>/fd
 * @fops: of the file
 * @fd: member of the response that receives the descriptor
 *
 * Return: 0, or the errno of creating the file or of the response.
 */
int event_queue_finalize(struct command *cmd, size_t len, struct event_queue *queue,
			 const char *name, const struct file_operations *fops, u32 *fd);

/**
 * event_queue_of() - get the queue of a file
 * @file: a file of event_queue_finalize()
 *
 * Return: the queue, which the file holds; in a release NULL, if it was never published.
 */
static inline struct event_queue *event_queue_of(struct file *file)
{
	return file->private_data;
}

/**
 * event_queue_close() - end what a queue's file has, as the last step of its release
 * @queue: the queue, which may be destroyed at once
 *
 * Ends the file's hold of the queue and its reference to the context.
 */
void event_queue_close(struct event_queue *queue);

/**
 * event_queue_read() - read() of a queue's file
 * @queue: the queue
 * @buf: the user's buffer
 * @count: its size in bytes
 * @next: copies the next entry to the rest of the buffer, of @room bytes; returns the bytes
 *	copied, 0 if the queue is empty, or an errno
 *
 * Calls are serialized by queue->reader, which a signal ends the wait for.
 *
 * Return: bytes copied, or if there are none, the errno of @next or -EINTR.
 */
ssize_t event_queue_read(struct event_queue *queue, char __user *buf, size_t count,
			 ssize_t (*next)(struct event_queue *queue, char __user *buf,
					 size_t room));

/**
 * event_queue_wake() - wake tasks that poll() a queue
 * @queue: the queue
 *
 * Context: any.
 */
static inline void event_queue_wake(struct event_queue *queue)
{
	wake_up_interruptible_poll(&queue->readable, EPOLLIN | EPOLLRDNORM);
}

#endif
