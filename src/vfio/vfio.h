/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Device nodes for the devices of stock VFIO drivers.
 *
 * The drivers, vfio.ko and its legacy group nodes are used unchanged.  The device node
 * /dev/vfio/devices/vfioN is added beside them; its files behave as those of a vfio.ko with
 * device nodes, and call the driver's own vfio_device_ops.
 *
 * States of an open file (struct vfio_device_file):
 *
 *   open     has a registration reference, so device and driver stay.  Every call but BIND
 *            is refused.
 *   bound    the context owns the device's DMA, the legacy group is held, the driver has
 *            opened the device.  At most one file of a device is bound.
 *   granted  BIND has succeeded, and has told so: all calls are allowed.
 *
 * A file leaves granted only when it is released, and bound then or if BIND can't tell.
 *
 * Lock order, outermost first; "stock" ones belong to vfio.ko and its drivers:
 *
 *   class mutex (stock)          discovery.c and node.c run under it
 *   hold->open_lock              opening a legacy group (group.c)
 *     group->group_lock (stock)
 *   vdev->dev_set->lock (stock)  open and close, bind, attach: device_file_assert_locked()
 *     those of iommufd, see core/context.h; mmap_lock
 *     pci_bus_sem (stock)        devices that a hot reset affects
 *     device_lock, vma_lock, memory_lock (stock)  of a device; for all devices of a set
 *                                only by trylock (hot_reset.c)
 *   hold_lock                    leaf: legacy groups that are held
 *   df->kvm_lock                 the VM that uses the file (kvm.c); within it only
 *                                files->file_lock (stock), with kprobes
 *   nodes.xa_lock                leaf: devices that have a node (cdev.c)
 *   bound_lock                   leaf: files that are bound (bind.c)
 *
 * Never hold open_lock and dev_set->lock together: a legacy program takes group_lock, then
 * dev_set->lock.  Put references to VMs with none of these held; KVM takes kvm_lock with
 * locks of its own held.
 */
#ifndef IOMMUFD_VFIO_VFIO_H
#define IOMMUFD_VFIO_VFIO_H

#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/vfio.h>
#include <linux/xarray.h>

#include <iommufd/iommufd.h>

#include "../compat/vfio.h"

struct group_hold;

/* A reference to a VM, or none. */
struct vm_ref {
	struct kvm *kvm;
	void (*put)(struct kvm *kvm);
};

struct vfio_device_file {
	struct vfio_device *vdev;

	spinlock_t kvm_lock;		/* protects @kvm */
	struct kvm *kvm;		/* the VM that uses the file, not counted */

	/* Set while bound; under dev_set->lock. */
	struct iommufd_ctx *ictx;
	struct iommufd_device *idev;
	struct group_hold *hold;
	struct list_head bound;		/* in bound_files, under bound_lock */
	struct vm_ref vm;		/* the VM that the driver was told */
	u32 devid;
	struct xarray attached;		/* PASIDs; IOMMU_NO_PASID for DMA without one */

	bool granted;			/* read it by device_file_granted() */
};

/**
 * device_file_assert_locked() - assert that the caller holds dev_set->lock
 * @df: a file of the device
 */
static inline void device_file_assert_locked(struct vfio_device_file *df)
{
	lockdep_assert_held(&df->vdev->dev_set->lock);
}

/**
 * device_file_granted() - check whether BIND has succeeded
 * @df: the file
 *
 * Context: any, without dev_set->lock.
 *
 * Return: true if it has; then the file's members that are set while bound are visible, and
 * stay as they are until the file is released.
 */
static inline bool device_file_granted(struct vfio_device_file *df)
{
	/* Acquire: see what BIND did, pairs with the release in device_file_bind(). */
	return smp_load_acquire(&df->granted);
}

/* cdev.c: device nodes and their file operations */
extern const struct file_operations device_file_fops;

/**
 * device_file_of() - get our structure of an open file
 * @file: a file, or NULL
 *
 * Return: the structure, as long as the caller keeps @file open, or NULL unless it is the
 * file of a device node.
 */
static inline struct vfio_device_file *device_file_of(struct file *file)
{
	return file && file->f_op == &device_file_fops ? file->private_data : NULL;
}

/**
 * device_node_init() - register the character device, without any nodes
 *
 * Return: 0 or an errno.
 */
int device_node_init(void);

/**
 * device_node_exit() - undo device_node_init()
 *
 * After discovery_exit(), so no nodes are left.  Nor are open files, which hold the module.
 */
void device_node_exit(void);

/**
 * device_node_devt() - get the device number that a device's node has or would have
 * @vdev: the device
 *
 * Return: the number; the minor is the N of vfioN.
 */
dev_t device_node_devt(struct vfio_device *vdev);

/**
 * device_node_create() - create a device's node, and let it be opened
 * @vdev: the device, registered
 *
 * Context: under the class mutex.
 *
 * Return: 0, -EBUSY if the minor number has a node, -ENOMEM, or as node_publish().
 */
int device_node_create(struct vfio_device *vdev);

/**
 * device_node_remove() - remove a device's node, if it has one
 * @vdev: the device, which device_del() may be removing
 *
 * Open files have references of their own and stay usable.
 *
 * Context: under the class mutex.
 */
void device_node_remove(struct vfio_device *vdev);

/* node.c: a device's node and its names */

/**
 * node_init() - find what nodes are added to
 * @class: vfio.ko's class of devices
 *
 * Context: before the class mutex is needed, as no device has a node yet.
 *
 * Return: 0, or -EOPNOTSUPP if the class or sysfs isn't as expected.
 */
int node_init(const struct class *class);

/**
 * node_exit() - undo node_init()
 *
 * Waits until no task is in the callback that the class got.
 *
 * Context: without the class mutex, after all nodes were withdrawn.
 */
void node_exit(void);

/**
 * node_publish() - create the node under all of its names, and announce it by a uevent
 * @vdev: the device
 *
 * Context: under the class mutex.
 *
 * Return: 0, or the driver core's errno, without a trace of the node.
 */
int node_publish(struct vfio_device *vdev);

/**
 * node_withdraw() - undo node_publish(), with a uevent
 * @vdev: the device; does nothing if device_del() has removed the node
 *
 * Context: under the class mutex.
 */
void node_withdraw(struct vfio_device *vdev);

/* discovery.c: find devices that need a node */

/**
 * discovery_init() - create nodes for the devices that there are, and for all that come
 *
 * A device whose node can't be created is logged and has none.
 *
 * Return: 0; an errno, which is logged, if this kernel's VFIO isn't as expected.
 */
int discovery_init(void);

/**
 * discovery_exit() - remove all nodes
 */
void discovery_exit(void);

/* bind.c: bind a file to a context */

/**
 * device_file_bind() - VFIO_DEVICE_BIND_IOMMUFD
 * @df: the file
 * @user: the ioctl's argument
 *
 * The file becomes granted.  A refusal is logged with its reason.
 *
 * Context: takes dev_set->lock.  Waits killably, for that lock and for legacy programs.
 *
 * Return: 0; -EFAULT; -EINVAL for a bad argument, a file that is bound, a device that
 * another file has bound, or an unexpected VF token; -EACCES for a missing or wrong one;
 * -EINTR by a fatal signal; as group_hold_get(), iommufd_ctx_from_fd() and
 * iommufd_device_bind(); or the errno of the driver's open_device().
 */
long device_file_bind(struct vfio_device_file *df, struct vfio_uapi_bind __user *user);

/**
 * device_file_unbind() - close the device and leave the context, when a file is released
 * @df: the file; does nothing unless it is granted
 *
 * Context: no other call of the file can run.  Takes dev_set->lock, and puts the references
 * to the VM, the context and the legacy group without it.
 */
void device_file_unbind(struct vfio_device_file *df);

/**
 * device_file_bound_to() - find the file that has bound a device
 * @vdev: the device
 *
 * Context: under dev_set->lock.
 *
 * Return: the file, which stays bound while the lock is held, or NULL.
 */
struct vfio_device_file *device_file_bound_to(struct vfio_device *vdev);

/* group.c: lock out the legacy path */

/**
 * group_hold_get() - keep the node of a device's legacy group open
 * @vdev: the device
 * @hold: out: what ends by group_hold_put(); NULL on failure, and on kernels without groups
 *
 * While it is held, other openers of the group's node get -EBUSY.
 *
 * Context: without dev_set->lock, as it waits killably for legacy programs.
 *
 * Return: 0, -EBUSY if a legacy program has the node open, -EOPNOTSUPP if struct vfio_group
 * isn't as expected, -EINTR by a fatal signal, -ENOMEM, or another errno of
 * opening the node.
 */
int group_hold_get(struct vfio_device *vdev, struct group_hold **hold);

/**
 * group_hold_put() - undo group_hold_get()
 * @hold: the hold, or NULL
 *
 * With the last one, others can open the node before the caller returns to user space.
 */
void group_hold_put(struct group_hold *hold);

/* attach.c: attach a bound device to page tables */

/**
 * device_file_attach() - VFIO_DEVICE_ATTACH_IOMMUFD_PT
 * @df: the file, granted
 * @user: the ioctl's argument
 *
 * Replaces the page table if there is one.
 *
 * Context: takes dev_set->lock, and waits for it killably.
 *
 * Return: 0; -EFAULT, after which the device isn't attached if @user was unmapped
 * meanwhile; -EINVAL for a bad argument; -EINTR by a fatal signal; -ENOMEM; or as
 * iommufd_device_attach() and iommufd_device_replace().
 */
long device_file_attach(struct vfio_device_file *df, struct vfio_uapi_attach __user *user);

/**
 * device_file_detach() - VFIO_DEVICE_DETACH_IOMMUFD_PT
 * @df: the file, granted
 * @user: the ioctl's argument
 *
 * Context: takes dev_set->lock, and waits for it killably.
 *
 * Return: 0, also if nothing was attached; -EFAULT; -EINVAL for a bad argument; or -EINTR by
 * a fatal signal.
 */
long device_file_detach(struct vfio_device_file *df, struct vfio_uapi_detach __user *user);

/**
 * device_file_detach_all() - detach a device from all page tables
 * @df: the file, bound
 *
 * Context: under dev_set->lock.
 */
void device_file_detach_all(struct vfio_device_file *df);

/* kvm_hook.c: tell KVM about files */

/**
 * kvm_hook_init() - hook the functions by which KVM asks vfio.ko about files
 *
 * If that fails, it is logged, and KVM refuses device files.
 */
void kvm_hook_init(void);

/**
 * kvm_hook_exit() - remove the hooks
 *
 * No device file is open, so no call is redirected now.
 */
void kvm_hook_exit(void);

/**
 * kvm_hook_can_miss() - check whether the hooks may be disabled by others
 *
 * Return: true if a VM may have ended without clearing the address that its files have of it.
 */
bool kvm_hook_can_miss(void);

/* kvm.c: the VM that uses a file */

/**
 * device_file_get_vm() - take a reference to the VM that uses a file
 * @df: the file
 * @ref: out: ends by vm_ref_put(); none if no VM has the file or the VM is being destroyed
 *
 * Where hooks can miss the end of a VM, also none unless the current process has it open.
 *
 * Context: takes df->kvm_lock.
 */
void device_file_get_vm(struct vfio_device_file *df, struct vm_ref *ref);

/**
 * vm_ref_put() - put the reference to a VM
 * @ref: the reference, or none
 *
 * May destroy the VM, which takes long.
 *
 * Context: with none of the locks above held.
 */
void vm_ref_put(const struct vm_ref *ref);

/* forward.c: calls that the driver answers */

/**
 * device_file_forward() - pass an ioctl to the driver, unless it must be answered here
 * @df: the file, granted; its device is resumed
 * @cmd: number of the ioctl
 * @user: its argument
 *
 * Return: as the driver, or as the functions below; -EINVAL if the driver has no ioctls.
 */
long device_file_forward(struct vfio_device_file *df, unsigned int cmd, void __user *user);

/**
 * device_file_forward_write() - pass a write to the driver
 * @df: the file, granted
 * @buf: what is written
 * @count: its length
 * @pos: the place, as the driver's regions have it
 *
 * Return: as the driver; -EINVAL if it takes none, -EINTR by a fatal signal.
 */
ssize_t device_file_forward_write(struct vfio_device_file *df, const char __user *buf,
				  size_t count, loff_t *pos);

/* hot_reset.c: reset of a bus or slot */

/**
 * device_file_hot_reset_info() - VFIO_DEVICE_GET_PCI_HOT_RESET_INFO
 * @df: the file, granted
 * @user: the ioctl's argument, followed by room for the devices
 *
 * Context: takes dev_set->lock, and waits for it killably.
 *
 * Return: 0; -ENOTTY if the driver isn't based on vfio-pci-core; -ENODEV if neither slot nor
 * bus can be reset; -ENOSPC if the room doesn't suffice, with the number of devices set;
 * -EAGAIN if devices are being added; -EINVAL for a bad argument; -EFAULT; -EINTR by a fatal
 * signal; -ENOMEM.
 */
long device_file_hot_reset_info(struct vfio_device_file *df,
				struct vfio_pci_hot_reset_info __user *user);

/**
 * device_file_hot_reset() - VFIO_DEVICE_PCI_HOT_RESET
 * @df: the file, granted
 * @user: the ioctl's argument
 *
 * User space can't access registers of the devices meanwhile.  A refusal for the devices'
 * owners, drivers or DMA-bufs is logged with its reason.
 *
 * Context: takes dev_set->lock, and waits for it killably.
 *
 * Return: 0; -ENOTTY and -ENODEV as above; -EINVAL for a bad argument, or if a device that
 * would be reset isn't the context's or has another driver; -EBUSY if a device's memory is
 * exported as a DMA-buf or its locks are taken; -EINTR by a fatal signal; -EAGAIN; -ENOMEM;
 * or the errno of resuming a device, of blocking access, or of pci_reset_bus().
 */
long device_file_hot_reset(struct vfio_device_file *df, struct vfio_pci_hot_reset __user *user);

/* feature.c: VFIO_DEVICE_FEATURE */

/**
 * device_file_feature() - VFIO_DEVICE_FEATURE
 * @vdev: the device, of a file that is granted
 * @user: the ioctl's argument
 *
 * Return: 0; -ENOTTY if neither driver nor VFIO has the feature; -EINVAL for bad flags or
 * sizes; -EFAULT; or the driver's errno.
 */
long device_file_feature(struct vfio_device *vdev, struct vfio_device_feature __user *user);

#endif
