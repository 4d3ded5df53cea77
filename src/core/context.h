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
 *   ctx->vdevices_lock  which device has which vDEVICE
 *   group->lock         which page tables a group's devices and their PASIDs use
 *   hwpt->lock          a group is coming to a page table that isn't nested
 *   ioas->users         (rw) which page tables and accesses an IOAS serves
 *   ioas->lock          (rw) the areas and reserved ranges of an IOAS
 *   memory->lock        what of a piece of memory is pinned, and by whom
 *   mmap_lock           (mm's)
 *   ctx->windows_lock   what can be mapped by mmap()
 *   faults->lock        groups of page faults are read, answered or refused
 *   viommu->events_lock (rw) which vEVENTQs a vIOMMU has
 *   queue->lock         (spin) what waits in a fault queue or vEVENTQ
 *   attach->devices.xa_lock   which devices report faults through an attachment
 *   viommu->vdevices.xa_lock   which device has which virtual ID
 *   ctx->objects.xa_lock   innermost, never slept under
 *
 * Of memory that is a DMA-buf, memory->lock comes behind dma_resv (of the DMA-buf's),
 * and nothing behind it; dma_resv comes behind mmap_lock, and is never taken by us
 * with a lock of ours held.
 *
 * queue->reader, whose holder reads from a queue's file, comes before all of them and
 * is the only one that is held while user memory is copied.
 *
 * access->pins_lock is taken with no other inside, and so is team->lock (spin): who takes
 * which part of memory->lock's memory to pin.  Two IOAS are locked together by nobody.
 *
 * What a task waits for, and another one prolongs as it likes: does the wait end when the
 * task is killed? In brackets, the tests of it (tests/guest).  Page faults last as long as a
 * userfaultfd or a FUSE server wants, in one's own memory or in that of another process.
 *
 *   page faults, to pin: yes [stall: killed_map, killed_alloc, killed_attach]
 *   members of a pinning team, for their page faults: yes, they are too [pin_many:
 *     stall_killed]
 *   user memory of GET_HW_INFO; queue->reader: yes [stall: killed_info; fault_life,
 *     veventq_life: stuck_reader]
 *   i_rwsem of a file, for a write to it: yes [stall: killed_map_file]
 *   memory->lock, for page faults of who pins: to pin, yes; to unpin, yes, see
 *     memory_unlock() [stall: killed_unmap]
 *   mmap_lock, for page faults that keep it: to pin or charge, yes; to take a charge back,
 *     no (only with charges by process)
 *   group->lock, hwpt->lock, for an ATTACH that pins: to attach, yes; to detach, unbind and
 *     close, no
 *   ioas->auto_lock, for the same: yes
 *   uses of an object that is destroyed, for ioctls with page faults: yes; in a close there
 *     are none
 *   hold_gone (vfio/group.c), for who closes the legacy node: yes
 *   hold->open_lock (vfio/group.c), for a legacy program: no
 *   vdev->dev_set->lock, for BIND and resets of that set: yes; in a close, no
 *   ioas->lock, for users in the kernel that pin, and CHANGE_PROCESS of files: no
 *
 * All other waits are for the kernel's own work: ioas->users is held while page tables are
 * filled and emptied, pins are made before; the join of a pinning thread to cgroups waits
 * for a grace period and for cgroup_mutex.
 */
#ifndef IOMMUFD_CORE_CONTEXT_H
#define IOMMUFD_CORE_CONTEXT_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "object.h"

struct device;
struct file;
struct pin_account;

struct iommufd_ctx {
	struct file *file;
	struct device *dev;		/* of /dev/iommu */
	u64 number;			/* of its own, for people: fdinfo, tracepoints */
	struct xarray objects;		/* ID -> struct object */
	struct object *recent;		/* looked up last and LIVE, or NULL; under its xa_lock */
	struct mutex groups_lock;
	struct xarray groups;		/* iommu_group_id() -> struct group */
	unsigned int next_msi_stretch;	/* a hint, so no lock */
	wait_queue_head_t idle;		/* of whoever waits for uses to end */
	struct mutex vdevices_lock;	/* see viommu/vdevice.h */
	struct mutex windows_lock;
	struct xarray windows;		/* page offset -> struct window */
	unsigned long next_window;	/* page offset that was never used */
	struct mutex change_lock;
	struct pin_account *account;		/* the latest one, under objects.xa_lock */
	bool account_mm;		/* charge the process, not the user */
	atomic_long_t charged;		/* pages, with either */
	struct object *type1_ioas;	/* or NULL; under objects.xa_lock */
};

/* A new file's context, or NULL; and its end, when the file is released. */
struct iommufd_ctx *context_new(struct file *file, struct device *dev);
void context_destroy(struct iommufd_ctx *ctx);

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
 * The same for one member, a pointer into @arg, which user space is known to have: one
 * that ends within the ioctl's smallest size.
 */
static inline int command_tell(struct command *cmd, const u64 *member)
{
	u64 __user *to = cmd->user + ((void *)member - cmd->arg);

	return put_user(*member, to);
}

/*
 * The last steps of every ioctl that makes an object: the response, and then the
 * object is published, or is gone.
 */
int command_finalize(struct command *cmd, size_t len, struct object *obj);

/* The option of the whole context: against what pinned memory is charged. */
int context_option_rlimit_mode(struct command *cmd);

#endif
