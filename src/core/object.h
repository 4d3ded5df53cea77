/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Objects: what user space names by an ID.
 *
 * Two counts keep an object alive:
 *
 *   uses   tasks that operate on it: an ioctl that looked it up, or the kernel side.
 *          Destruction waits for them.
 *   holds  things that depend on it: page tables hold their IOAS, attached groups their
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

#include <linux/types.h>

struct iommufd_ctx;
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

/*
 * Allocate a zeroed object of @size bytes, which begins with a struct object, in state
 * RESERVED.  Return it or an ERR_PTR.
 */
void *object_new(struct iommufd_ctx *ctx, const struct object_type *type, size_t size);

/* Publish a finished object.  Can't fail; the caller must not touch the object after it. */
void object_finalize(struct iommufd_ctx *ctx, struct object *obj);

/* Undo object_new() and everything built into the object since. */
void object_abort(struct iommufd_ctx *ctx, struct object *obj);

/*
 * Look up an object of @type (NULL: any) and begin a use of it.  Return the object or
 * ERR_PTR(-ENOENT).
 */
void *object_get(struct iommufd_ctx *ctx, u32 id, const struct object_type *type);

/* Begin a use of *@slot, read under objects.xa_lock.  Return it, or NULL if it isn't LIVE. */
struct object *object_get_slot(struct iommufd_ctx *ctx, struct object *const *slot);

/* Begin a use if the object is LIVE.  The caller's locks keep it from being freed. */
bool object_try_get(struct iommufd_ctx *ctx, struct object *obj);

/* End a use. */
void object_put(struct iommufd_ctx *ctx, struct object *obj);

/* Take a hold of an object in use by the caller.  Return 0, or -ENOENT if it is DYING. */
int object_hold(struct iommufd_ctx *ctx, struct object *obj);

/*
 * Take a hold if the object is LIVE; an unfinished one may yet be aborted.  The caller's
 * locks keep it from being freed.
 */
bool object_try_hold(struct iommufd_ctx *ctx, struct object *obj);

/* End a hold. */
void object_release(struct iommufd_ctx *ctx, struct object *obj);

/*
 * IOMMU_DESTROY.  Return 0, -ENOENT, -EBUSY while the object is held, or -EINTR if a fatal
 * signal arrives before its uses have ended; the object is LIVE again then.
 */
int object_destroy(struct iommufd_ctx *ctx, u32 id);

/*
 * End a hold of an object that the kernel created by itself.  Destroy the object if it is
 * LIVE and that was the last hold.  The caller must not be using it.
 */
void object_release_last(struct iommufd_ctx *ctx, struct object *obj);

/*
 * Destroy a LIVE object on behalf of its driver, and end the driver's hold, which must be
 * the only one.
 */
void object_remove(struct iommufd_ctx *ctx, struct object *obj);

/*
 * End a use, and turn the object into a tombstone if it is LIVE.  It must not be held.  If
 * it isn't LIVE, user space is destroying it.
 */
void object_tombstone(struct iommufd_ctx *ctx, struct object *obj);

/* Destroy all objects, dependents first.  No other task may have access to the context. */
void object_destroy_all(struct iommufd_ctx *ctx);

#endif
