/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Objects: what user space names by an ID.
 *
 * Two counts keep an object alive:
 *
 *   uses   tasks that operate on it: an ioctl that looked it up, or the kernel side.
 *          Destruction waits for them.
 *   holds  things that depend on it: page tables hold their IOAS, attached devices their
 *          page table, a driver its device.  IOMMU_DESTROY returns -EBUSY while there
 *          are any.
 *
 * States:
 *
 *   state      in the table            entered by                left by
 *   RESERVED   ID taken, not found     object_new()              finalize, abort
 *   LIVE       found                   object_finalize()         destroy, remove, tombstone
 *   DYING      ID taken, not found     destroy, remove,          (freed), or LIVE after a
 *                                      tombstone; uses may       fatal signal
 *                                      still end
 *   freed      ID free                 abort, or DYING with no uses
 *   tombstone  ID taken, not found     tombstone, DYING with no uses  (never)
 *
 * A DYING object gets no new holds, so once its uses have ended it has neither.  A
 * tombstone's memory is freed as well, but its ID isn't reused: user space didn't destroy
 * the object and may not know that it is gone.
 */
#ifndef IOMMUFD_CORE_OBJECT_H
#define IOMMUFD_CORE_OBJECT_H

#include <linux/err.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "context.h"

struct object;
struct seq_file;

/*
 * A type of objects, defined beside its structure.  There is no table of types, a new one
 * needs nothing else.
 */
struct object_type {
	const char *name;	/* in fdinfo */
	/* Undo what was built into the object, also if unfinished; the caller frees it. */
	void (*destroy)(struct object *obj);
	/* Append to the object's line in fdinfo, without waiting for a lock; or NULL. */
	void (*show)(struct seq_file *m, struct object *obj);
};

enum object_state {
	OBJECT_RESERVED,
	OBJECT_LIVE,
	OBJECT_DYING,
};

/* @uses, @holds and @state are protected by the xa_lock of ctx->objects. */
struct object {
	unsigned int uses;
	unsigned int holds;
	u32 id;
	u8 state;
	const struct object_type *type;
};

/**
 * object_new() - allocate an object in state RESERVED
 * @ctx: the context
 * @type: its type
 * @size: bytes of the structure that begins with struct object; zeroed
 *
 * Ends by object_finalize() or object_abort().
 *
 * Return: the object or an ERR_PTR.
 */
void *object_new(struct iommufd_ctx *ctx, const struct object_type *type, size_t size);

/**
 * object_finalize() - publish a finished object
 * @ctx: the context
 * @obj: the object, which the caller must not access after this
 *
 * Can't fail.
 */
void object_finalize(struct iommufd_ctx *ctx, struct object *obj);

/**
 * object_abort() - undo object_new(), and everything built into the object since
 * @ctx: the context
 * @obj: the object, RESERVED; freed
 */
void object_abort(struct iommufd_ctx *ctx, struct object *obj);

/**
 * object_get() - look up an object and begin a use of it
 * @ctx: the context
 * @id: its ID
 * @type: its type, or NULL for any
 *
 * Ends by object_put().
 *
 * Return: the object or ERR_PTR(-ENOENT).
 */
static inline void *object_get(struct iommufd_ctx *ctx, u32 id, const struct object_type *type)
{
	struct object *obj;

	xa_lock(&ctx->objects);
	obj = ctx->recent;
	if (!obj || obj->id != id)
		obj = xa_load(&ctx->objects, id);
	if (obj && (!type || obj->type == type)) {
		obj->uses++;
		ctx->recent = obj;
	} else {
		obj = ERR_PTR(-ENOENT);
	}
	xa_unlock(&ctx->objects);
	return obj;
}

/**
 * object_get_slot() - begin a use of the object in a slot
 * @ctx: the context
 * @slot: a pointer to an object, or to NULL, that is protected by objects.xa_lock
 *
 * Return: the object, or NULL if there is none or it isn't LIVE.
 */
struct object *object_get_slot(struct iommufd_ctx *ctx, struct object *const *slot);

/**
 * object_try_get() - begin a use of an object if it is LIVE
 * @ctx: the context
 * @obj: the object; a lock of the caller's keeps it from being freed
 *
 * Return: true if it is LIVE and in use.
 */
bool object_try_get(struct iommufd_ctx *ctx, struct object *obj);

/**
 * object_put() - end a use
 * @ctx: the context
 * @obj: the object, which may be freed at once
 */
static inline void object_put(struct iommufd_ctx *ctx, struct object *obj)
{
	bool last;

	xa_lock(&ctx->objects);
	/* Release: what was done in the use, pairs with object_is_idle(). */
	smp_store_release(&obj->uses, obj->uses - 1);
	last = !obj->uses && obj->state == OBJECT_DYING;
	xa_unlock(&ctx->objects);
	/* The waiter may have freed the object by now; the context outlives both. */
	if (last)
		wake_up_all(&ctx->idle);
}

/**
 * object_hold() - take a hold of an object
 * @ctx: the context
 * @obj: the object, in use by the caller
 *
 * While it is held, object_destroy() fails.  Ends by object_release().
 *
 * Return: 0, or -ENOENT if it is DYING.
 */
int object_hold(struct iommufd_ctx *ctx, struct object *obj);

/**
 * object_try_hold() - take a hold of an object if it is LIVE
 * @ctx: the context
 * @obj: the object; a lock of the caller's keeps it from being freed
 *
 * An object that isn't finished is refused, as it may yet be aborted.
 *
 * Return: true if it is LIVE and held.
 */
bool object_try_hold(struct iommufd_ctx *ctx, struct object *obj);

/**
 * object_release() - end a hold
 * @ctx: the context
 * @obj: the object, which may be destroyed at once
 */
void object_release(struct iommufd_ctx *ctx, struct object *obj);

/**
 * object_destroy() - destroy an object for user space
 * @ctx: the context
 * @id: its ID
 *
 * Waits until its uses have ended.
 *
 * Return: 0, -ENOENT, -EBUSY while it is held, or -EINTR if a fatal signal arrives before;
 * then it is LIVE again.
 */
int object_destroy(struct iommufd_ctx *ctx, u32 id);

/**
 * object_release_last() - end a hold of an object that the kernel created by itself
 * @ctx: the context
 * @obj: the object; the caller must not be using it
 *
 * Destroys the object if it is LIVE and that was the last hold.
 */
void object_release_last(struct iommufd_ctx *ctx, struct object *obj);

/**
 * object_remove() - destroy an object for its driver
 * @ctx: the context
 * @obj: the object, LIVE, with the driver's hold and no other
 *
 * Ends the hold and waits until the object's uses have ended.
 */
void object_remove(struct iommufd_ctx *ctx, struct object *obj);

/**
 * object_tombstone() - end a use, and turn the object into a tombstone if it is LIVE
 * @ctx: the context
 * @obj: the object, which must not be held
 *
 * If it isn't LIVE, user space is destroying it.
 */
void object_tombstone(struct iommufd_ctx *ctx, struct object *obj);

/**
 * object_destroy_all() - destroy all objects, dependents first
 * @ctx: the context, to which no other task has access
 */
void object_destroy_all(struct iommufd_ctx *ctx);

#endif
