// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fault queues.
 *
 * A group of faults goes through these steps, and can be answered at any of them:
 *
 *   taken     on queue.waiting        by the kernel's fault handler
 *   read      in @cookies             by read(), and back if copying to the user fails
 *   answered  gone                    by write(), or refused
 *
 * Until it is answered, group->cookie is the ID of the device.
 *
 * @lock is held while a group moves from one step to the next, so its holder finds every
 * group in one of the two places.  The handler that adds new groups needs queue.lock only.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>

#include <uapi/linux/iommufd.h>

#include "../core/context.h"
#include "../core/trace.h"
#include "../device/attach.h"
#include "../hw/hw.h"
#include "fault.h"
#include "queue.h"

/*
 * Limit of unanswered faults.  Drivers give a device credit for a few dozen, but a device
 * that ignores its credit must not exhaust memory.
 */
#define FAULTS_MAX	16384

struct fault_queue {
	struct event_queue queue;
	struct mutex lock;		/* see above */
	struct xarray cookies;		/* cookie -> struct iopf_group, under @lock */
	u32 next_cookie;
	/* Under queue.lock: */
	size_t nfaults;
	bool closed;
};

static struct fault_queue *to_fault_queue(struct event_queue *queue)
{
	return container_of(queue, struct fault_queue, queue);
}

u32 fault_queue_id(const struct fault_queue *faults)
{
	return faults->queue.obj.id;
}

/*
 * Called by the kernel's fault handler, in a threaded interrupt.  Check under queue.lock
 * that the device is still attached: fault_queue_refuse() takes it when it no longer is, so
 * each group is either refused here or found there.
 */
static int fault_queue_take(struct iopf_group *group)
{
	const struct hw_attachment *attachment =
		container_of(group->attach_handle, struct hw_attachment, handle);
	struct fault_queue *faults = attachment->faults;
	bool taken;

	hw_fault_own(group);
	/* Acquire: pairs with fault_queue_refuse_groups(). */
	if (smp_load_acquire(&attachment->ended)) {
		hw_fault_answer(group, IOMMU_PAGE_RESP_INVALID);
		return 0;
	}
	spin_lock(&faults->queue.lock);
	group->cookie = attachment->ended ? 0 :
		attach_device_id(attachment->at, hw_fault_device(group));
	taken = group->cookie && !faults->closed &&
		group->fault_count <= FAULTS_MAX - faults->nfaults;
	if (taken) {
		faults->nfaults += group->fault_count;
		list_add_tail(&group->node, &faults->queue.waiting);
	}
	/* Trace under the lock: once it is dropped, the group may be answered and freed. */
	trace_iommufd_fault(hw_fault_device(group), group->last_fault.fault.prm.pasid,
			    group->last_fault.fault.prm.addr,
			    group->last_fault.fault.prm.perm, taken);
	spin_unlock(&faults->queue.lock);
	if (taken)
		event_queue_wake(&faults->queue);
	else
		hw_fault_answer(group, IOMMU_PAGE_RESP_INVALID);
	return 0;
}

/* @group must be off the list and out of @cookies. */
static void fault_queue_answer(struct fault_queue *faults, struct iopf_group *group,
			       enum iommu_page_response_code code)
{
	lockdep_assert_held(&faults->lock);
	spin_lock(&faults->queue.lock);
	faults->nfaults -= group->fault_count;
	spin_unlock(&faults->queue.lock);
	hw_fault_answer(group, code);
}

static bool fault_group_matches(const struct iopf_group *group,
				const struct hw_attachment *attachment, struct device *dev)
{
	return (!attachment || group->attach_handle == &attachment->handle) &&
	       (!dev || hw_fault_device(group) == dev);
}

/* Refuse the groups of an attachment, of a device of it, or all (both NULL). */
static void fault_queue_refuse_groups(struct fault_queue *faults, struct hw_attachment *attachment,
				      struct device *dev)
{
	struct iopf_group *group, *next;
	unsigned long cookie;
	LIST_HEAD(refused);

	mutex_lock(&faults->lock);
	spin_lock(&faults->queue.lock);
	if (attachment && !dev)
		/* Release: pairs with fault_queue_take(). */
		smp_store_release(&attachment->ended, true);
	list_for_each_entry_safe(group, next, &faults->queue.waiting, node) {
		if (fault_group_matches(group, attachment, dev))
			list_move_tail(&group->node, &refused);
	}
	spin_unlock(&faults->queue.lock);
	xa_for_each(&faults->cookies, cookie, group) {
		if (fault_group_matches(group, attachment, dev)) {
			xa_erase(&faults->cookies, cookie);
			list_add_tail(&group->node, &refused);
		}
	}
	list_for_each_entry_safe(group, next, &refused, node) {
		fault_queue_answer(faults, group, IOMMU_PAGE_RESP_INVALID);
		cond_resched();
	}
	mutex_unlock(&faults->lock);
}

static void fault_queue_refuse_all(struct fault_queue *faults)
{
	fault_queue_refuse_groups(faults, NULL, NULL);
}

void fault_queue_refuse(struct fault_queue *faults,
			struct hw_attachment *attachment, struct device *dev)
{
	if (faults)
		fault_queue_refuse_groups(faults, attachment, dev);
}

/* Convert a whole group for user space. */
static void fault_group_describe(const struct iopf_group *group, u32 cookie,
				 struct iommu_hwpt_pgfault *records)
{
	const struct iopf_fault *fault;

	list_for_each_entry(fault, &group->faults, list) {
		*records++ = (struct iommu_hwpt_pgfault){
			.flags = fault->fault.prm.flags &
				 (IOMMU_PGFAULT_FLAGS_PASID_VALID |
				  IOMMU_PGFAULT_FLAGS_LAST_PAGE),
			.dev_id = group->cookie,
			.pasid = fault->fault.prm.pasid,
			.grpid = fault->fault.prm.grpid,
			.perm = fault->fault.prm.perm,
			.addr = fault->fault.prm.addr,
			.cookie = cookie,
		};
	}
}

/* Only holders of @lock remove groups from the list, so the result stays on it. */
static struct iopf_group *fault_queue_first(struct fault_queue *faults)
{
	struct iopf_group *group;

	lockdep_assert_held(&faults->lock);
	spin_lock(&faults->queue.lock);
	group = list_first_entry_or_null(&faults->queue.waiting, struct iopf_group, node);
	spin_unlock(&faults->queue.lock);
	return group;
}

/* Take the first group off the list and allocate its cookie.  Return NULL if none waits. */
static struct iommu_hwpt_pgfault *fault_queue_read_first(struct fault_queue *faults, size_t room,
							 size_t *size)
{
	struct iommu_hwpt_pgfault *records;
	struct iopf_group *group;
	u32 cookie;
	int rc;

	group = fault_queue_first(faults);
	if (!group)
		return NULL;
	*size = array_size(group->fault_count, sizeof(*records));
	if (*size > room)
		return ERR_PTR(-EINVAL);
	records = kvzalloc_objs(*records, group->fault_count, GFP_KERNEL_ACCOUNT);
	if (!records)
		return ERR_PTR(-ENOMEM);
	rc = xa_alloc_cyclic(&faults->cookies, &cookie, group, xa_limit_32b,
			     &faults->next_cookie, GFP_KERNEL_ACCOUNT);
	if (rc < 0) {
		kvfree(records);
		return ERR_PTR(rc);
	}
	fault_group_describe(group, cookie, records);
	spin_lock(&faults->queue.lock);
	list_del(&group->node);
	spin_unlock(&faults->queue.lock);
	return records;
}

/*
 * Requeue a group, unless it was refused meanwhile.  The cookie wasn't reused: only readers
 * allocate cookies, and queue->reader admits one.
 */
static void fault_queue_unread(struct fault_queue *faults, u32 cookie)
{
	struct iopf_group *group;

	mutex_lock(&faults->lock);
	group = xa_erase(&faults->cookies, cookie);
	if (group) {
		spin_lock(&faults->queue.lock);
		list_add(&group->node, &faults->queue.waiting);
		spin_unlock(&faults->queue.lock);
		event_queue_wake(&faults->queue);
	}
	mutex_unlock(&faults->lock);
}

static ssize_t fault_queue_read_group(struct event_queue *queue, char __user *buf, size_t room)
{
	struct fault_queue *faults = to_fault_queue(queue);
	struct iommu_hwpt_pgfault *records;
	ssize_t rc;
	size_t size;

	mutex_lock(&faults->lock);
	records = fault_queue_read_first(faults, room, &size);
	mutex_unlock(&faults->lock);
	if (IS_ERR_OR_NULL(records))
		return PTR_ERR(records);
	rc = size;
	if (copy_to_user(buf, records, size)) {
		fault_queue_unread(faults, records->cookie);
		rc = -EFAULT;
	}
	kvfree(records);
	return rc;
}

static ssize_t fault_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	if (*pos || count % sizeof(struct iommu_hwpt_pgfault))
		return -ESPIPE;
	return event_queue_read(event_queue_of(file), buf, count, fault_queue_read_group);
}

static int fault_queue_respond(struct fault_queue *faults,
			       const struct iommu_hwpt_page_response *response)
{
	struct iopf_group *group;
	enum iommu_page_response_code code;

	if (response->code == IOMMUFD_PAGE_RESP_SUCCESS)
		code = IOMMU_PAGE_RESP_SUCCESS;
	else if (response->code == IOMMUFD_PAGE_RESP_INVALID)
		code = IOMMU_PAGE_RESP_INVALID;
	else
		return -EINVAL;
	mutex_lock(&faults->lock);
	group = xa_erase(&faults->cookies, response->cookie);
	if (group)
		fault_queue_answer(faults, group, code);
	mutex_unlock(&faults->lock);
	return group ? 0 : -EINVAL;
}

static ssize_t fault_write(struct file *file, const char __user *buf, size_t count,
			   loff_t *pos)
{
	struct fault_queue *faults = to_fault_queue(event_queue_of(file));
	struct iommu_hwpt_page_response response;
	size_t done;
	int rc = 0;

	if (*pos || count % sizeof(response))
		return -ESPIPE;
	for (done = 0; done < count; done += sizeof(response)) {
		rc = -EFAULT;
		if (!copy_from_user(&response, buf + done, sizeof(response)))
			rc = fault_queue_respond(faults, &response);
		if (rc)
			break;
		cond_resched();
	}
	return done ?: rc;
}

static __poll_t fault_poll(struct file *file, struct poll_table_struct *table)
{
	struct event_queue *queue = event_queue_of(file);
	__poll_t can = EPOLLOUT;

	poll_wait(file, &queue->readable, table);
	spin_lock(&queue->lock);
	if (!list_empty(&queue->waiting))
		can |= EPOLLIN | EPOLLRDNORM;
	spin_unlock(&queue->lock);
	return can;
}

/* Without a file no fault can be answered: refuse them all. */
static int fault_release(struct inode *inode, struct file *file)
{
	struct event_queue *queue = event_queue_of(file);

	if (!queue)
		return 0;	/* it was never published */
	spin_lock(&queue->lock);
	to_fault_queue(queue)->closed = true;
	spin_unlock(&queue->lock);
	fault_queue_refuse_all(to_fault_queue(queue));
	event_queue_close(queue);
	return 0;
}

static const struct file_operations fault_fops = {
	.owner = THIS_MODULE,
	.read = fault_read,
	.write = fault_write,
	.poll = fault_poll,
	.release = fault_release,
};

static void fault_queue_destroy(struct object *obj)
{
	struct fault_queue *faults = container_of(obj, struct fault_queue, queue.obj);

	WARN_ON(!xa_empty(&faults->cookies));
	xa_destroy(&faults->cookies);
	mutex_destroy(&faults->lock);
	event_queue_fini(&faults->queue);
}

const struct object_type fault_queue_object_type = {
	.name = "fault-queue",
	.destroy = fault_queue_destroy,
};

int fault_queue_alloc_ioctl(struct command *cmd)
{
	struct iommu_fault_alloc *arg = cmd->arg;
	struct fault_queue *faults;

	if (arg->flags)
		return -EOPNOTSUPP;
	faults = object_new(cmd->ctx, &fault_queue_object_type, sizeof(*faults));
	if (IS_ERR(faults))
		return PTR_ERR(faults);
	event_queue_init(&faults->queue, cmd->ctx);
	mutex_init(&faults->lock);
	xa_init_flags(&faults->cookies, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	arg->out_fault_id = faults->queue.obj.id;
	return event_queue_finalize(cmd, sizeof(*arg), &faults->queue,
				    "[iommufd-pgfault]", &fault_fops,
				    &arg->out_fault_fd);
}

int fault_queue_serve(struct iommufd_ctx *ctx, u32 id, struct iommu_domain *domain,
		      struct fault_queue **out)
{
	struct fault_queue *faults;
	int rc;

	faults = object_get(ctx, id, &fault_queue_object_type);
	if (IS_ERR(faults))
		return PTR_ERR(faults);
	rc = hw_domain_take_faults(domain, fault_queue_take);
	if (!rc)
		rc = object_hold(ctx, &faults->queue.obj);
	if (!rc)
		*out = faults;
	object_put(ctx, &faults->queue.obj);
	return rc;
}

void fault_queue_release(struct fault_queue *faults)
{
	if (faults)
		object_release(faults->queue.ctx, &faults->queue.obj);
}
