/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A context: one open /dev/iommu and all that was made through it.
 *
 * Locks, outermost first:
 *
 *   access->attach_lock which IOAS an access object reaches
 *   ctx->change_lock    one CHANGE_PROCESS at a time
 *   ioas->auto_lock     which page table is made or shared for an attach
 *   ctx->groups_lock    which groups the context owns; never with those below
 *   group->lock         which page tables a group's devices use
 *   hwpt->lock          a group is coming to a page table
 *   ioas->users         (rw) which page tables and accesses an IOAS serves
 *   ioas->lock          (rw) the areas and reserved ranges of an IOAS
 *   pages->lock         what of a piece of memory is pinned, and by whom
 *   mmap_lock           (mm's)
 *   ctx->objects.xa_lock   innermost, never slept under
 *
 * access->pins_lock is taken with no other inside.  Two IOAS are locked together by nobody.  Nothing is copied to or from user
 * memory under any of them.
 */
#ifndef IOMMUFD_CORE_CONTEXT_H
#define IOMMUFD_CORE_CONTEXT_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "object.h"

struct file;
struct payer;

struct iommufd_ctx {
	struct file *file;
	struct xarray objects;		/* ID -> struct object */
	struct mutex groups_lock;
	struct xarray groups;		/* iommu_group_id() -> struct group */
	unsigned int next_msi_stretch;	/* a hint, so no lock */
	wait_queue_head_t idle;		/* of whoever waits for uses to end */
	struct mutex change_lock;
	struct payer *payer;		/* the latest one, under objects.xa_lock */
	bool account_mm;		/* charge the process, not the user */
};

/*
 * An ioctl under way.  @arg is the structure, zero-filled to its full size;
 * @size is what user space believes it to be.
 */
struct command {
	struct iommufd_ctx *ctx;
	void __user *user;
	u32 size;
	void *arg;
};

/* Writes back the structure's first @len bytes, as far as user space knows them. */
int command_respond(struct command *cmd, size_t len);

/*
 * The last steps of every ioctl that makes an object: the response, and then the
 * object is published, or is gone.
 */
int command_publish(struct command *cmd, size_t len, struct object *obj);

#endif
