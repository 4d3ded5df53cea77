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
 *   granted  BIND has succeeded: all calls are allowed.
 *
 * A file leaves bound and granted only when it is released.
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
 *   df->kvm_lock                 leaf: the VM that uses the file (kvm.c)
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

static inline void device_file_assert_locked(struct vfio_device_file *df)
{
	lockdep_assert_held(&df->vdev->dev_set->lock);
}

static inline bool device_file_granted(struct vfio_device_file *df)
{
	/* Acquire: see what BIND did, pairs with the release in device_file_bind(). */
	return smp_load_acquire(&df->granted);
}

/* cdev.c: device nodes and their file operations */
extern const struct file_operations device_file_fops;

static inline struct vfio_device_file *device_file_of(struct file *file)
{
	return file && file->f_op == &device_file_fops ? file->private_data : NULL;
}

int device_node_init(void);
void device_node_exit(void);
dev_t device_node_devt(struct vfio_device *vdev);
int device_node_create(struct vfio_device *vdev);
void device_node_remove(struct vfio_device *vdev);

/* node.c: a device's node and its names; under the class mutex */
int node_init(const struct class *class);
void node_exit(void);
int node_publish(struct vfio_device *vdev);
/* Also works after device_del() has removed the node. */
void node_withdraw(struct vfio_device *vdev);

/* discovery.c: find devices that need a node */
int discovery_init(void);
void discovery_exit(void);

/* bind.c: bind a file to a context */
long device_file_bind(struct vfio_device_file *df, struct vfio_uapi_bind __user *user);
void device_file_unbind(struct vfio_device_file *df);
/*
 * Return the file that has bound a device, or NULL.  Valid while the caller holds
 * dev_set->lock.
 */
struct vfio_device_file *device_file_bound_to(struct vfio_device *vdev);

/* group.c: lock out the legacy path; *@hold is NULL on kernels without groups */
int group_hold_get(struct vfio_device *vdev, struct group_hold **hold);
void group_hold_put(struct group_hold *hold);

/* attach.c: attach a bound device to page tables */
long device_file_attach(struct vfio_device_file *df, struct vfio_uapi_attach __user *user);
long device_file_detach(struct vfio_device_file *df, struct vfio_uapi_detach __user *user);
void device_file_detach_all(struct vfio_device_file *df);

/* kvm_hook.c: tell KVM about files */
void kvm_hook_init(void);
void kvm_hook_exit(void);
/* May a VM have ended without clearing the address that its files have of it? */
bool kvm_hook_can_miss(void);

/* kvm.c: the VM that uses a file */
/*
 * Take a reference to the VM; none if there is no VM or it is being destroyed.  Where hooks
 * can miss its end, also none unless the current process has the VM open.
 */
void device_file_get_vm(struct vfio_device_file *df, struct vm_ref *ref);
void vm_ref_put(const struct vm_ref *ref);

/* forward.c: calls that the driver answers */
long device_file_forward(struct vfio_device_file *df, unsigned int cmd, void __user *user);

/* hot_reset.c: reset of a bus or slot */
long device_file_hot_reset_info(struct vfio_device_file *df,
				struct vfio_pci_hot_reset_info __user *user);
long device_file_hot_reset(struct vfio_device_file *df, struct vfio_pci_hot_reset __user *user);

/* feature.c: VFIO_DEVICE_FEATURE */
long device_file_feature(struct vfio_device *vdev, struct vfio_device_feature __user *user);

#endif
