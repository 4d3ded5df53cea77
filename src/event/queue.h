/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the queues that user space reads from a file have in common.
 *
 * The file holds the object, so DESTROY says -EBUSY until it is closed, and the
 * context.  It is made together with the object: either both are there, or neither.
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
	struct mutex reader;		/* who reads, also while memory is copied */
	wait_queue_head_t readable;
	spinlock_t lock;		/* guards @waiting, and more of the owner's */
	struct list_head waiting;
};

/* Right after object_new(). */
void event_queue_init(struct event_queue *queue, struct iommufd_ctx *ctx);

/* Last in unmaking the object. */
void event_queue_fini(struct event_queue *queue);

/*
 * Gives a finished queue its file, @name in /proc/.../fd, whose descriptor becomes
 * *@fd, which is in the response; writes that, and publishes both.  If that fails
 * the queue is gone.
 */
int event_queue_finalize(struct command *cmd, size_t len, struct event_queue *queue,
			 const char *name, const struct file_operations *fops, u32 *fd);

/* The queue of a file, and what closing it has to do last. */
static inline struct event_queue *event_queue_of(struct file *file)
{
	return file->private_data;
}

void event_queue_close(struct event_queue *queue);

/*
 * read() calls @next until that returns 0 (nothing there) or an errno, with what is
 * left of the user's memory.  @next returns how much of it it took.
 */
ssize_t event_queue_read(struct event_queue *queue, char __user *buf, size_t count,
			 ssize_t (*next)(struct event_queue *queue, char __user *buf,
					 size_t room));

/* Something can be read. */
static inline void event_queue_wake(struct event_queue *queue)
{
	wake_up_interruptible_poll(&queue->readable, EPOLLIN | EPOLLRDNORM);
}

#endif
