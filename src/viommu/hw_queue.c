// SPDX-License-Identifier: GPL-2.0-only
/* IOMMU_HW_QUEUE_ALLOC, and dependencies between queues. */
#include <linux/err.h>
#include <linux/overflow.h>

#include <uapi/linux/iommufd.h>

#include "../core/context.h"
#include "../ioas/access_pin.h"
#include "../hwpt/hwpt.h"
#include "hw_queue.h"
#include "viommu.h"

static struct queue *to_viommu_queue(struct hw_queue *hw)
{
	return container_of(hw, struct queue, hw);
}

static int viommu_queue_build(struct queue *queue, u32 index)
{
	struct viommu *viommu = queue->viommu;
	struct access_pin *pin;
	phys_addr_t base;
	int rc;

	pin = access_pin_locked(viommu->parent->ioas, queue->hw.iova,
				queue->hw.iova + queue->hw.length - 1, &base);
	if (IS_ERR(pin))
		return PTR_ERR(pin);
	queue->pin = pin;
	rc = viommu->hw.ops->queue_init(&queue->hw, index, base);
	queue->ready = !rc;
	return rc;
}

static void hw_queue_destroy(struct object *obj)
{
	struct queue *queue = container_of(obj, struct queue, obj);

	if (queue->ready && queue->viommu->hw.ops->queue_destroy)
		queue->viommu->hw.ops->queue_destroy(&queue->hw);
	if (queue->pin)
		access_pin_free(queue->pin);
	if (queue->viommu)
		object_release(queue->ctx, &queue->viommu->obj);
}

const struct object_type hw_queue_object_type = {
	.name = "hw-queue",
	.destroy = hw_queue_destroy,
};

static struct queue *viommu_queue_new(struct viommu *viommu,
				      const struct iommu_hw_queue_alloc *arg)
{
	const struct hw_viommu_ops *ops = viommu->hw.ops;
	struct iommufd_ctx *ctx = viommu->ctx;
	struct queue *queue;
	size_t size = 0;
	int rc;

	if (ops->queue_size && ops->queue_init)
		size = ops->queue_size(&viommu->hw, arg->type);
	if (!size || WARN_ON(size < sizeof(struct hw_queue)))
		return ERR_PTR(-EOPNOTSUPP);
	queue = object_new(ctx, &hw_queue_object_type, offsetof(struct queue, hw) + size);
	if (IS_ERR(queue))
		return queue;
	queue->ctx = ctx;
	queue->hw.viommu = &viommu->hw;
	queue->hw.type = arg->type;
	queue->hw.iova = arg->nesting_parent_iova;
	queue->hw.length = arg->length;
	rc = object_hold(ctx, &viommu->obj);
	if (!rc) {
		queue->viommu = viommu;
		rc = viommu_queue_build(queue, arg->index);
	}
	if (rc) {
		object_abort(ctx, &queue->obj);
		return ERR_PTR(rc);
	}
	return queue;
}

int hw_queue_alloc_ioctl(struct command *cmd)
{
	struct iommu_hw_queue_alloc *arg = cmd->arg;
	struct viommu *viommu;
	struct queue *queue;
	unsigned long last;

	if (arg->flags || arg->type == IOMMU_HW_QUEUE_TYPE_DEFAULT)
		return -EOPNOTSUPP;
	if (!arg->length)
		return -EINVAL;
	if (check_add_overflow(arg->nesting_parent_iova, arg->length - 1, &last))
		return -EOVERFLOW;
	viommu = object_get(cmd->ctx, arg->viommu_id, &viommu_object_type);
	if (IS_ERR(viommu))
		return PTR_ERR(viommu);
	queue = viommu_queue_new(viommu, arg);
	object_put(cmd->ctx, &viommu->obj);
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	arg->out_hw_queue_id = queue->obj.id;
	return command_finalize(cmd, sizeof(*arg), &queue->obj);
}

int hw_queue_depend(struct hw_queue *then, struct hw_queue *first)
{
	struct queue *queue = to_viommu_queue(first);

	/* A dependency is a hold, and holds work within one context only. */
	if (then == first || then->viommu != first->viommu)
		return -EINVAL;
	return object_try_hold(queue->ctx, &queue->obj) ? 0 : -ENOENT;
}

void hw_queue_undepend(struct hw_queue *then, struct hw_queue *first)
{
	struct queue *queue = to_viommu_queue(first);

	if (!WARN_ON(then == first || then->viommu != first->viommu))
		object_release(queue->ctx, &queue->obj);
}
