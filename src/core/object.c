// SPDX-License-Identifier: GPL-2.0-only
/* The table of objects: IDs, uses, holds and destruction. */
#include <linux/err.h>
#include <linux/lockdep.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "context.h"
#include "object.h"

void *object_new(struct iommufd_ctx *ctx, const struct object_type *type, size_t size)
{
	struct object *obj;
	int rc;

	obj = kzalloc(size, GFP_KERNEL_ACCOUNT);
	if (!obj)
		return ERR_PTR(-ENOMEM);
	obj->type = type;
	rc = xa_alloc(&ctx->objects, &obj->id, XA_ZERO_ENTRY, xa_limit_31b,
		      GFP_KERNEL_ACCOUNT);
	if (rc) {
		kfree(obj);
		return ERR_PTR(rc);
	}
	return obj;
}

static void object_free(struct iommufd_ctx *ctx, struct object *obj)
{
	obj->type->destroy(obj);
	xa_erase(&ctx->objects, obj->id);
	kfree(obj);
}

/* The slot has been reserved since object_new(), so storing allocates no memory. */
static void object_store(struct iommufd_ctx *ctx, struct object *obj, void *entry,
			 enum object_state state)
{
	lockdep_assert_held(&ctx->objects.xa_lock);
	obj->state = state;
	if (state != OBJECT_LIVE && ctx->recent == obj)
		ctx->recent = NULL;
	__xa_store(&ctx->objects, obj->id, entry, 0);
}

void object_finalize(struct iommufd_ctx *ctx, struct object *obj)
{
	xa_lock(&ctx->objects);
	object_store(ctx, obj, obj, OBJECT_LIVE);
	xa_unlock(&ctx->objects);
}

void object_abort(struct iommufd_ctx *ctx, struct object *obj)
{
	object_free(ctx, obj);
}

bool object_try_get(struct iommufd_ctx *ctx, struct object *obj)
{
	bool live;

	xa_lock(&ctx->objects);
	live = obj->state == OBJECT_LIVE;
	if (live)
		obj->uses++;
	xa_unlock(&ctx->objects);
	return live;
}

struct object *object_get_slot(struct iommufd_ctx *ctx, struct object *const *slot)
{
	struct object *obj;

	xa_lock(&ctx->objects);
	obj = *slot;
	if (obj && obj->state == OBJECT_LIVE)
		obj->uses++;
	else
		obj = NULL;
	xa_unlock(&ctx->objects);
	return obj;
}

int object_hold(struct iommufd_ctx *ctx, struct object *obj)
{
	int rc = 0;

	xa_lock(&ctx->objects);
	if (obj->state == OBJECT_DYING)
		rc = -ENOENT;
	else
		obj->holds++;
	xa_unlock(&ctx->objects);
	return rc;
}

bool object_try_hold(struct iommufd_ctx *ctx, struct object *obj)
{
	bool live;

	xa_lock(&ctx->objects);
	live = obj->state == OBJECT_LIVE;
	if (live)
		obj->holds++;
	xa_unlock(&ctx->objects);
	return live;
}

void object_release(struct iommufd_ctx *ctx, struct object *obj)
{
	xa_lock(&ctx->objects);
	WARN_ON(!obj->holds--);
	xa_unlock(&ctx->objects);
}

/* Once this returns true, only a holder of objects.xa_lock may still access the object. */
static bool object_is_idle(const struct object *obj)
{
	/* Acquire: see what was done in the uses, pairs with object_put(). */
	return !smp_load_acquire(&obj->uses);
}

/* @held: holds of the caller, which end on success. */
static int object_begin_destroy(struct iommufd_ctx *ctx, struct object *obj,
				unsigned int held)
{
	lockdep_assert_held(&ctx->objects.xa_lock);
	if (!obj)
		return -ENOENT;
	if (obj->holds != held)
		return -EBUSY;
	obj->holds = 0;
	object_store(ctx, obj, XA_ZERO_ENTRY, OBJECT_DYING);
	return 0;
}

int object_destroy(struct iommufd_ctx *ctx, u32 id)
{
	struct object *obj;
	int rc;

	xa_lock(&ctx->objects);
	obj = xa_load(&ctx->objects, id);
	rc = object_begin_destroy(ctx, obj, 0);
	xa_unlock(&ctx->objects);
	if (rc)
		return rc;

	if (wait_event_killable(ctx->idle, object_is_idle(obj))) {
		object_finalize(ctx, obj);
		return -EINTR;
	}
	object_free(ctx, obj);
	return 0;
}

/* For objects that user space doesn't destroy itself.  Waits only for uses to end. */
static void object_finish(struct iommufd_ctx *ctx, struct object *obj)
{
	wait_event_idle(ctx->idle, object_is_idle(obj));
	object_free(ctx, obj);
}

void object_release_last(struct iommufd_ctx *ctx, struct object *obj)
{
	int rc = -EBUSY;

	xa_lock(&ctx->objects);
	WARN_ON(!obj->holds--);
	if (obj->state == OBJECT_LIVE)
		rc = object_begin_destroy(ctx, obj, 0);
	xa_unlock(&ctx->objects);
	if (!rc)
		object_finish(ctx, obj);
}

void object_remove(struct iommufd_ctx *ctx, struct object *obj)
{
	int rc;

	xa_lock(&ctx->objects);
	rc = object_begin_destroy(ctx, obj, 1);
	xa_unlock(&ctx->objects);
	if (WARN_ON(rc))
		return;
	object_finish(ctx, obj);
}

void object_tombstone(struct iommufd_ctx *ctx, struct object *obj)
{
	bool mine;

	xa_lock(&ctx->objects);
	mine = obj->state == OBJECT_LIVE &&
	       !WARN_ON(object_begin_destroy(ctx, obj, 0));
	xa_unlock(&ctx->objects);
	object_put(ctx, obj);
	if (!mine)
		return;
	wait_event_idle(ctx->idle, object_is_idle(obj));
	/* Whoever ended the last use may still be in the lock.  The ID stays reserved. */
	xa_lock(&ctx->objects);
	xa_unlock(&ctx->objects);
	obj->type->destroy(obj);
	kfree(obj);
}

void object_destroy_all(struct iommufd_ctx *ctx)
{
	struct object *obj;
	unsigned long id;
	bool progress;

	do {
		progress = false;
		xa_for_each(&ctx->objects, id, obj) {
			if (obj->holds)
				continue;
			ctx->recent = NULL;
			object_free(ctx, obj);
			progress = true;
			cond_resched();
		}
	} while (progress);
	/* Only the IDs of tombstones are left. */
	id = 0;
	WARN_ON(xa_find(&ctx->objects, &id, ULONG_MAX, XA_PRESENT));
	xa_destroy(&ctx->objects);
}
