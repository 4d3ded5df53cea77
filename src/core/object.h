/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Objects: what user space names by an ID.
 *
 * An object is counted in two ways, and nothing else keeps it alive:
 *
 *   uses   tasks at work in it right now: an ioctl that looked it up, or the
 *          kernel side.  Destroying waits for them.
 *   holds  things built on it: an IOAS is held by its page tables, a page table
 *          by the groups attached to it, a device by its driver.  While there
 *          are any, user space's DESTROY says -EBUSY.
 *
 * and moves through these states:
 *
 *   state     in the table            entered by               left by
 *   RESERVED  ID taken, not found     object_new()             publish, abandon
 *   LIVE      found                   object_finalize()         destroy, remove
 *   DYING     ID taken, not found     destroy, remove          (freed) or LIVE
 *                                     (uses may still end)     when a signal came
 *   freed     ID free                 abandon, or DYING with no uses
 *   buried    ID taken, not found     bury, DYING with no uses      (never)
 *
 * Nothing can take a hold of a DYING object, so once its uses have ended it has
 * neither.  A buried object's memory is freed too, but its ID isn't used again:
 * user space didn't destroy it and may not know that it is gone.
 */
#ifndef IOMMUFD_CORE_OBJECT_H
#define IOMMUFD_CORE_OBJECT_H

#include <linux/types.h>

struct iommufd_ctx;
struct object;
struct seq_file;

/*
 * What a kind of objects is, described beside its structure.  A new kind needs nothing
 * else: no table lists them.
 */
struct object_type {
	const char *name;	/* in fdinfo */
	/* Takes a whole or half-made object apart; the memory is freed after it. */
	void (*destroy)(struct object *obj);
	/* Adds to the object's line of fdinfo, without waiting for a lock; or NULL. */
	void (*show)(struct seq_file *m, struct object *obj);
};

enum object_state {
	OBJECT_RESERVED,
	OBJECT_LIVE,
	OBJECT_DYING,
};

/* @uses, @holds and @state are guarded by the xa_lock of the context's table. */
struct object {
	unsigned int uses;
	unsigned int holds;
	u32 id;
	u8 state;
	const struct object_type *type;
};

/*
 * Makes a zeroed object of @size bytes that begins with a struct object, in
 * state RESERVED.  Returns it or an ERR_PTR.
 */
void *object_new(struct iommufd_ctx *ctx, const struct object_type *type, size_t size);

/* Lets user space find a finished object.  Can't fail; the caller is done with it. */
void object_finalize(struct iommufd_ctx *ctx, struct object *obj);

/* Undoes object_new() and all that was built into the object since. */
void object_abort(struct iommufd_ctx *ctx, struct object *obj);

/*
 * Finds an object of a type (NULL: of any) and begins a use of it: the object, or
 * ERR_PTR(-ENOENT).
 */
void *object_get(struct iommufd_ctx *ctx, u32 id, const struct object_type *type);

/* The same for what *@slot names, if it is LIVE, else NULL; under objects.xa_lock. */
struct object *object_get_slot(struct iommufd_ctx *ctx, struct object *const *slot);

/* Begins a use of an object that a lock of the caller's keeps from being freed. */
bool object_try_get(struct iommufd_ctx *ctx, struct object *obj);

/* Ends a use. */
void object_put(struct iommufd_ctx *ctx, struct object *obj);

/* Takes a hold of an object that the caller uses: 0, or -ENOENT if it's DYING. */
int object_hold(struct iommufd_ctx *ctx, struct object *obj);

/*
 * Takes a hold of an object that a lock of the caller's keeps from being freed, if it
 * is LIVE: an unfinished one may yet be abandoned.
 */
bool object_try_hold(struct iommufd_ctx *ctx, struct object *obj);

/* Ends a hold. */
void object_release(struct iommufd_ctx *ctx, struct object *obj);

/*
 * Destroys a LIVE object for user space: 0, -ENOENT, -EBUSY while it is held,
 * -EINTR if a fatal signal came before its uses had ended.
 */
int object_destroy(struct iommufd_ctx *ctx, u32 id);

/*
 * Ends a hold of an object that the kernel made by itself; if it was the last one
 * and the object is LIVE, destroys it.  The caller doesn't use the object.
 */
void object_release_last(struct iommufd_ctx *ctx, struct object *obj);

/*
 * Destroys a LIVE object that its driver holds, for the driver.  That hold ends
 * here, and there may be no other.
 */
void object_remove(struct iommufd_ctx *ctx, struct object *obj);

/*
 * Ends a use, and buries the object if it is LIVE, which nothing may hold.  If it
 * isn't, user space is about to destroy it.
 */
void object_tombstone(struct iommufd_ctx *ctx, struct object *obj);

/* Destroys everything, users before what they use.  No task is left to race with. */
void object_destroy_all(struct iommufd_ctx *ctx);

#endif
