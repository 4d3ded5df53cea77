/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A context: one open /dev/iommu and everything created through it.
 *
 * Lock order, outermost first:
 *
 *   access->attach_lock the IOAS that an access object is attached to
 *   ctx->change_lock    serializes IOMMU_IOAS_CHANGE_PROCESS
 *   ioas->auto_lock     choice and creation of automatic page tables
 *   ctx->groups_lock    groups the context owns; never nested with the locks below
 *   ctx->vdevices_lock  the vDEVICE of each device
 *   group->lock         page tables that a group's devices and PASIDs are attached to
 *   hwpt->lock          serializes groups that attach to a page table that is not nested
 *   ioas->users         (rw) page tables and access objects of an IOAS; of two in the order
 *                       of their IDs, see ioas_freeze()
 *   ioas->lock          (rw) areas and reserved ranges of an IOAS
 *   memory->lock        pinned pages of a memory object, and their holders
 *   mmap_lock           (mm)
 *   ctx->windows_lock   ranges that mmap() accepts
 *   faults->lock        groups of page faults: read, answer, refuse
 *   viommu->events_lock (rw) vEVENTQs of a vIOMMU
 *   queue->lock         (spin) pending entries of a fault queue or vEVENTQ
 *   attach->devices.xa_lock   devices that report faults through an attachment
 *   viommu->vdevices.xa_lock  virtual ID -> device
 *   ctx->objects.xa_lock      innermost of these
 *
 * On Linux 6.1, compat_attach_lock (rw) is around the core's functions that attach, map
 * and flush; only the core's own locks are taken within it, and those of nested page tables:
 * overlays_lock (spin) and within it uses_lock (spin) of VT-d's shim.
 *
 * For DMA-buf memory, memory->lock nests inside the DMA-buf's dma_resv lock, and only
 * dmabuf_revoke_lock within it, which ioas_freeze() takes, too.  dma_resv nests inside
 * mmap_lock and is never taken with one of these locks held.
 *
 * queue->reader serializes readers of a queue's file.  It is outermost, and the only lock
 * held while user memory is copied.
 *
 * access->pins_lock and team->lock (spin: which thread pins which part of a memory) are
 * leaf locks, but for the scheduler's and those of a signal that is sent.  Never hold
 * other locks of two IOASes at once.
 *
 * Waits that another task can prolong at will, and whether a fatal signal ends them.  A
 * page fault lasts as long as a userfaultfd or FUSE server wants, in the task's own memory
 * or in that of another process.  The tests are in brackets (tests/guest):
 *
 *   page faults, to pin: yes [stall_killed: killed_map, killed_alloc,
 *     killed_attach]
 *   threads of a pinning team, for their page faults: yes, they are killed, too
 *     [pin_many_end: stall_killed]
 *   user memory of GET_HW_INFO; queue->reader: yes [stall_killed: killed_info;
 *     fault_life, veventq_life: stuck_reader]
 *   i_rwsem of a file, for a write to it: yes [stall_killed: killed_map_file]
 *   memory->lock, for page faults of a task that pins: to pin, map, cut or move a charge, yes,
 *     see memory_try_again() [stall: other_half, other_half_mapped]; to unpin, yes, see
 *     memory_unlock() [stall_killed: killed_unmap, killed_attach_end]; to undo a
 *     CHANGE_PROCESS that failed halfway, no
 *   mmap_lock, for page faults that hold it: to pin or charge, yes; to uncharge, no (only
 *     with accounting by process)
 *   uses of an object that is destroyed, for ioctls with page faults: yes; a close finds
 *     none
 *   hold_gone (vfio/group.c), for the close of the legacy node: yes
 *   hold->open_lock (vfio/group.c), for a legacy program: no
 *   ioas->lock, for in-kernel users that pin: no
 *
 * No page fault is waited for under the locks that a close needs, which can't be killed:
 * an ATTACH pins before it takes dev_set->lock, ioas->auto_lock, group->lock and hwpt->lock
 * (iommufd_device_expect()), and a BIND answers after it has released dev_set->lock
 * [stall: in_attach, sibling_leaves, in_bind].  The exceptions are ioas->lock, for
 * in-kernel users, and mmap_lock where the process is charged, which CAP_SYS_RESOURCE is
 * needed to ask for.
 *
 * All other waits are for the kernel's own work: ioas->users is held while page tables are
 * filled, emptied and left by devices, but pages are pinned before, and memory->lock is only
 * tried; a pinning thread that joins cgroups waits for a grace period and for cgroup_mutex.
 * The call doesn't wait for a thread that hasn't begun to join.
 */
#ifndef IOMMUFD_CORE_CONTEXT_H
#define IOMMUFD_CORE_CONTEXT_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/xarray.h>

struct device;
struct file;
struct object;
struct pin_account;

struct iommufd_ctx {
	struct file *file;
	struct device *dev;		/* of /dev/iommu */
	u64 number;			/* unique, names the context in fdinfo and traces */
	struct xarray objects;		/* ID -> struct object */
	struct object *recent;		/* last one looked up, LIVE, or NULL; objects.xa_lock */
	struct mutex groups_lock;	/* protects @groups */
	struct xarray groups;		/* iommu_group_id() -> struct group */
	unsigned int next_msi_stretch;	/* search hint, needs no lock */
	wait_queue_head_t idle;		/* waiters for an object's uses to end */
	struct mutex vdevices_lock;	/* see viommu/vdevice.h */
	struct mutex windows_lock;	/* protects @windows and @next_window */
	struct xarray windows;		/* page offset -> struct window */
	unsigned long next_window;	/* page offset above all that were ever used */
	struct mutex change_lock;	/* serializes IOMMU_IOAS_CHANGE_PROCESS */
	struct pin_account *account;		/* the latest, under objects.xa_lock */
	bool account_mm;		/* charge the process, not the user */
	atomic_long_t charged;		/* pages, by user or process */
	struct object *type1_ioas;	/* or NULL; under objects.xa_lock */
};

/**
 * context_new() - allocate the context of a new file
 * @file: the file, which has no reference from its context
 * @dev: the device of /dev/iommu
 *
 * Ends by context_destroy().
 *
 * Return: the context, without objects, or NULL if out of memory.
 */
struct iommufd_ctx *context_new(struct file *file, struct device *dev);

/**
 * context_destroy() - destroy a context with all of its objects
 * @ctx: the context of a file that is being released, so no other task has access
 */
void context_destroy(struct iommufd_ctx *ctx);

/**
 * struct command - an ioctl in progress
 * @ctx: the context of the file
 * @user: the ioctl's argument
 * @size: size of the structure in bytes, as passed by user space
 * @arg: a copy of the structure, zero-filled to its full size
 *
 * The functions that carry out ioctls, X_ioctl(), are called in the caller's task, without
 * locks.  They respond to user space themselves, and return 0 or the errno that the UAPI
 * header documents.
 */
struct command {
	struct iommufd_ctx *ctx;
	void __user *user;
	u32 size;
	void *arg;
};

/**
 * command_respond() - copy the structure back to user space
 * @cmd: the ioctl
 * @len: bytes to copy, truncated to @cmd's size
 *
 * Return: 0 or -EFAULT.
 */
int command_respond(struct command *cmd, size_t len);

/**
 * command_tell() - copy one member of the structure back to user space
 * @cmd: the ioctl
 * @member: the member of @cmd's arg; it must end within the ioctl's minimal size, as the
 *	size that user space passed isn't checked
 *
 * Return: 0 or -EFAULT.
 */
static inline int command_tell(struct command *cmd, const u64 *member)
{
	u64 __user *to = cmd->user + ((void *)member - cmd->arg);

	return put_user(*member, to);
}

/**
 * command_finalize() - complete an ioctl that creates an object
 * @cmd: the ioctl
 * @len: as for command_respond()
 * @obj: the finished object: published, or aborted if the response fails
 *
 * Return: 0 or -EFAULT.
 */
int command_finalize(struct command *cmd, size_t len, struct object *obj);

/**
 * context_option_rlimit_mode() - IOMMU_OPTION_RLIMIT_MODE: charge the user or the process
 * @cmd: an IOMMU_OPTION; the caller responds with its arg
 *
 * Return: 0, -EPERM without CAP_SYS_RESOURCE, -EBUSY if the context has objects, -EINVAL for
 * an unknown mode, -EOPNOTSUPP if an object is given.
 */
int context_option_rlimit_mode(struct command *cmd);

#endif
