// SPDX-License-Identifier: GPL-2.0-only
/*
 * vEVENTQs.
 *
 * Events are numbered when they are reported, and taken off the list after they have been
 * read.  Only readers take events off, and queue->reader admits one at a time.
 */
#include <linux/err.h>
#include <linux/memcontrol.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <uapi/linux/iommufd.h>

#include "../core/context.h"
#include "../viommu/viommu.h"
#include "queue.h"
#include "veventq.h"

#define DEPTH_MAX	(1U << 19)

/* Bytes; more than any hardware reports at once. */
#define EVENT_MAX	1024

struct veventq {
	struct event_queue queue;
	struct viommu *viommu;		/* held, or NULL */
	struct list_head item;		/* of viommu->events */
	struct mem_cgroup *memcg;	/* charged for the events */
	u32 type;
	u32 depth;
	/* Under queue.lock: */
	u32 nwaiting;
	u32 next;			/* number of the next event */
	bool lost;			/* the latest event was lost */
};

struct event {
	struct list_head item;
	u32 number;
	u32 length;
	u8 data[];
};

static struct veventq *to_veventq(struct event_queue *queue)
{
	return container_of(queue, struct veventq, queue);
}

static struct veventq *veventq_find(struct viommu *viommu, u32 type)
{
	struct veventq *veventq;

	lockdep_assert_held(&viommu->events_lock);
	list_for_each_entry(veventq, &viommu->events, item) {
		if (veventq->type == type)
			return veventq;
	}
	return NULL;
}

/* Charge the queue's memcg, not the interrupted task's.  Doesn't sleep for memory. */
static struct event *veventq_event_new(struct veventq *veventq, const void *data, size_t length)
{
	struct mem_cgroup *old = set_active_memcg(veventq->memcg);
	struct event *event;

	event = kmalloc_flex(*event, data, length,
			     GFP_NOWAIT | __GFP_NOWARN | __GFP_ACCOUNT);
	set_active_memcg(old);
	if (event) {
		event->length = length;
		memcpy(event->data, data, length);
	}
	return event;
}

/* Queue @event, or free it if the queue is full; NULL counts as a lost event. */
static void veventq_enqueue(struct veventq *veventq, struct event *event)
{
	struct event_queue *queue = &veventq->queue;
	u32 number;

	spin_lock(&queue->lock);
	number = veventq->next;
	veventq->next = (number + 1) & INT_MAX;
	veventq->lost = !event || veventq->nwaiting == veventq->depth;
	if (!veventq->lost) {
		event->number = number;
		list_add_tail(&event->item, &queue->waiting);
		veventq->nwaiting++;
		event = NULL;
	}
	spin_unlock(&queue->lock);
	event_queue_wake(queue);
	kfree(event);
}

int viommu_report_event(struct hw_viommu *hw, u32 type, const void *data, size_t length)
{
	struct viommu *viommu = to_viommu(hw);
	struct veventq *veventq;
	struct event *event;
	int rc = -EOPNOTSUPP;

	if (WARN_ON_ONCE(!data || !length || length > EVENT_MAX))
		return -EINVAL;
	down_read(&viommu->events_lock);
	veventq = veventq_find(viommu, type);
	if (veventq) {
		event = veventq_event_new(veventq, data, length);
		rc = event ? 0 : -ENOMEM;
		veventq_enqueue(veventq, event);
	}
	up_read(&viommu->events_lock);
	return rc;
}

/*
 * Return the event to read, or NULL, with the lost flag set in @header if the latest event
 * was lost.  The event stays valid while the caller holds queue->reader.
 */
static struct event *veventq_peek(struct veventq *veventq, struct iommufd_vevent_header *header)
{
	struct event *event;

	spin_lock(&veventq->queue.lock);
	event = list_first_entry_or_null(&veventq->queue.waiting, struct event, item);
	if (event) {
		header->sequence = event->number;
	} else if (veventq->lost) {
		header->flags = IOMMU_VEVENTQ_FLAG_LOST_EVENTS;
		header->sequence = (veventq->next - 1) & INT_MAX;
	}
	spin_unlock(&veventq->queue.lock);
	return event;
}

/* Retire what veventq_peek() returned.  More may have been reported or lost since. */
static void veventq_consume(struct veventq *veventq, struct event *event,
			    const struct iommufd_vevent_header *header)
{
	spin_lock(&veventq->queue.lock);
	if (event) {
		list_del(&event->item);
		veventq->nwaiting--;
	} else if (((header->sequence + 1) & INT_MAX) == veventq->next) {
		veventq->lost = false;
	}
	spin_unlock(&veventq->queue.lock);
	kfree(event);
}

static ssize_t veventq_read_event(struct event_queue *queue, char __user *buf, size_t room)
{
	struct veventq *veventq = to_veventq(queue);
	struct iommufd_vevent_header header = {};
	size_t length;
	struct event *event;

	event = veventq_peek(veventq, &header);
	if (!event && !header.flags)
		return 0;
	length = event ? event->length : 0;
	if (room < sizeof(header) + length)
		return -EINVAL;
	if (copy_to_user(buf, &header, sizeof(header)) ||
	    (event && copy_to_user(buf + sizeof(header), event->data, length)))
		return -EFAULT;
	veventq_consume(veventq, event, &header);
	return sizeof(header) + length;
}

static ssize_t veventq_read(struct file *file, char __user *buf, size_t count,
			    loff_t *pos)
{
	if (*pos)
		return -ESPIPE;
	if (count < sizeof(struct iommufd_vevent_header))
		return -EINVAL;
	return event_queue_read(event_queue_of(file), buf, count, veventq_read_event);
}

static __poll_t veventq_poll(struct file *file, struct poll_table_struct *table)
{
	struct event_queue *queue = event_queue_of(file);
	__poll_t can = 0;

	poll_wait(file, &queue->readable, table);
	spin_lock(&queue->lock);
	if (!list_empty(&queue->waiting) || to_veventq(queue)->lost)
		can = EPOLLIN | EPOLLRDNORM;
	spin_unlock(&queue->lock);
	return can;
}

static int veventq_release(struct inode *inode, struct file *file)
{
	if (file->private_data)
		event_queue_close(event_queue_of(file));
	return 0;
}

static const struct file_operations veventq_fops = {
	.owner = THIS_MODULE,
	.read = veventq_read,
	.poll = veventq_poll,
	.release = veventq_release,
};

/* Start to receive events.  A vIOMMU has one queue of each type. */
static int veventq_join(struct veventq *veventq, struct viommu *viommu)
{
	int rc;

	rc = object_hold(viommu->ctx, &viommu->obj);
	if (rc)
		return rc;
	down_write(&viommu->events_lock);
	if (veventq_find(viommu, veventq->type)) {
		rc = -EEXIST;
	} else {
		veventq->viommu = viommu;
		list_add_tail(&veventq->item, &viommu->events);
	}
	up_write(&viommu->events_lock);
	if (rc)
		object_release(viommu->ctx, &viommu->obj);
	return rc;
}

static void veventq_leave(struct veventq *veventq, struct viommu *viommu)
{
	down_write(&viommu->events_lock);
	list_del(&veventq->item);
	up_write(&viommu->events_lock);
	object_release(viommu->ctx, &viommu->obj);
}

static void veventq_destroy(struct object *obj)
{
	struct veventq *veventq = container_of(obj, struct veventq, queue.obj);
	struct event *event, *next;

	if (veventq->viommu)
		veventq_leave(veventq, veventq->viommu);
	list_for_each_entry_safe(event, next, &veventq->queue.waiting, item)
		veventq_consume(veventq, event, NULL);
	mem_cgroup_put(veventq->memcg);
	event_queue_fini(&veventq->queue);
}

const struct object_type veventq_object_type = {
	.name = "veventq",
	.destroy = veventq_destroy,
};

static struct veventq *veventq_new(struct viommu *viommu, u32 type, u32 depth)
{
	struct veventq *veventq;
	int rc;

	veventq = object_new(viommu->ctx, &veventq_object_type, sizeof(*veventq));
	if (IS_ERR(veventq))
		return veventq;
	event_queue_init(&veventq->queue, viommu->ctx);
	veventq->type = type;
	veventq->depth = depth;
	veventq->memcg = get_mem_cgroup_from_mm(current->mm);
	rc = veventq_join(veventq, viommu);
	if (rc) {
		object_abort(viommu->ctx, &veventq->queue.obj);
		return ERR_PTR(rc);
	}
	return veventq;
}

int veventq_alloc_ioctl(struct command *cmd)
{
	struct iommu_veventq_alloc *arg = cmd->arg;
	struct veventq *veventq;
	struct viommu *viommu;

	if (arg->flags || arg->__reserved || arg->type == IOMMU_VEVENTQ_TYPE_DEFAULT)
		return -EOPNOTSUPP;
	if (!arg->veventq_depth || arg->veventq_depth > DEPTH_MAX)
		return -EINVAL;
	viommu = object_get(cmd->ctx, arg->viommu_id, &viommu_object_type);
	if (IS_ERR(viommu))
		return PTR_ERR(viommu);
	veventq = veventq_new(viommu, arg->type, arg->veventq_depth);
	object_put(cmd->ctx, &viommu->obj);
	if (IS_ERR(veventq))
		return PTR_ERR(veventq);
	arg->out_veventq_id = veventq->queue.obj.id;
	return event_queue_finalize(cmd, sizeof(*arg), &veventq->queue,
				    "[iommufd-viommu-event]", &veventq_fops,
				    &arg->out_veventq_fd);
}
