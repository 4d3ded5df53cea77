// SPDX-License-Identifier: GPL-2.0-only
/* Queues that user space reads through a file. */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/sched.h>

#include <iommufd/iommufd.h>

#include "../core/context.h"
#include "queue.h"

void event_queue_init(struct event_queue *queue, struct iommufd_ctx *ctx)
{
	queue->ctx = ctx;
	mutex_init(&queue->reader);
	init_waitqueue_head(&queue->readable);
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->waiting);
}

void event_queue_fini(struct event_queue *queue)
{
	WARN_ON(!list_empty(&queue->waiting));
	mutex_destroy(&queue->reader);
}

/* Can't fail.  Before this the file has no queue, and release must expect that. */
static void event_queue_connect(struct event_queue *queue, struct file *file)
{
	WARN_ON(object_hold(queue->ctx, &queue->obj));
	iommufd_ctx_get(queue->ctx);
	file->private_data = queue;
}

int event_queue_finalize(struct command *cmd, size_t len, struct event_queue *queue,
			 const char *name, const struct file_operations *fops, u32 *fd)
{
	struct file *file;
	int number, rc;

	file = anon_inode_getfile(name, fops, NULL, O_RDWR);
	if (IS_ERR(file)) {
		rc = PTR_ERR(file);
		goto err_abandon;
	}
	number = get_unused_fd_flags(O_CLOEXEC);
	if (number < 0) {
		rc = number;
		goto err_file;
	}
	*fd = number;
	rc = command_respond(cmd, len);
	if (rc)
		goto err_fd;
	event_queue_connect(queue, file);
	object_finalize(queue->ctx, &queue->obj);
	fd_install(number, file);
	return 0;

err_fd:
	put_unused_fd(number);
err_file:
	fput(file);
err_abandon:
	object_abort(queue->ctx, &queue->obj);
	return rc;
}

void event_queue_close(struct event_queue *queue)
{
	struct iommufd_ctx *ctx = queue->ctx;

	/* The queue may be freed after this. */
	object_release(ctx, &queue->obj);
	iommufd_ctx_put(ctx);
}

ssize_t event_queue_read(struct event_queue *queue, char __user *buf, size_t count,
			 ssize_t (*next)(struct event_queue *queue, char __user *buf,
					 size_t room))
{
	size_t done = 0;
	ssize_t rc;

	rc = mutex_lock_interruptible(&queue->reader);
	if (rc)
		return rc;
	while ((rc = next(queue, buf + done, count - done)) > 0) {
		done += rc;
		cond_resched();
	}
	mutex_unlock(&queue->reader);
	return done ?: rc;
}
