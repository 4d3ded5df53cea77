/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Device nodes for the devices of stock VFIO drivers.
 *
 * The drivers, vfio.ko and its legacy group nodes stay as they are.  Beside
 * them stands /dev/vfio/devices/vfioN, whose file does what vfio.ko would do
 * for a device node, with the driver's own vfio_device_ops.
 *
 * A file (struct vfio_device_file) goes through these states:
 *
 *   open     it holds a registration reference, so that its device and driver
 *            stay.  Every call but BIND is refused.
 *   bound    the context owns the device's DMA, the legacy group is held, the
 *            driver has opened the device.  One file of a device at a time.
 *   granted  the caller of BIND has got its answer: all calls are let through.
 *
 * There is no way back but the release of the file.
 *
 * Locks, outermost first; "stock" ones belong to vfio.ko:
 *
 *   class mutex (stock)        discovery and node.c run under it
 *   hold->open_lock            opening a legacy group (group.c)
 *     group->group_lock (stock)
 *   vdev->dev_set->lock (stock)  open and close, bind, attach: device_file_assert_locked()
 *     those of iommufd, see core/context.h; mmap_lock
 *     pci_bus_sem (stock)      which devices a hot reset reaches
 *     device_lock, vma_lock, memory_lock (stock)  of a device; those of all devices
 *                              of a set only tried (hot_reset.c)
 *   hold_lock                  innermost: which legacy groups are held
 *   df->kvm_lock            innermost: which VM has the file (kvm.c)
 *   nodes.xa_lock              innermost: which devices have a node (cdev.c)
 *   bound_lock                 innermost: which devices are bound (bind.c)
 *
 * open_lock and dev_set->lock are never held together: a legacy program takes
 * group_lock, and then dev_set->lock.  A VM's last reference is put with none of
 * these held; KVM holds locks of its own when it comes to kvm_lock.
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

/* A counted reference to a VM, or none. */
struct vm_ref {
	struct kvm *kvm;
	void (*put)(struct kvm *kvm);
};

struct vfio_device_file {
	struct vfio_device *vdev;

	spinlock_t kvm_lock;
	struct kvm *kvm;		/* that has the file, not counted; under kvm_lock */

	/* Set while bound; under dev_set->lock. */
	struct iommufd_ctx *ictx;
	struct iommufd_device *idev;
	struct group_hold *hold;
	struct list_head bound;		/* of those that are, under bound_lock */
	struct vm_ref vm;		/* that the driver knows */
	u32 devid;
	struct xarray attached;		/* PASIDs, the device's own DMA is IOMMU_NO_PASID */

	bool granted;			/* by device_file_granted() */
};

static inline void device_file_assert_locked(struct vfio_device_file *df)
{
	lockdep_assert_held(&df->vdev->dev_set->lock);
}

/* Pairs with the release in device_file_bind(): what BIND did is seen after this. */
static inline bool device_file_granted(struct vfio_device_file *df)
{
	return smp_load_acquire(&df->granted);
}

/* cdev.c: the nodes and their file operations */
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

/* node.c: the node of a device and its names; under the mutex of the class */
int node_init(const struct class *class);
void node_exit(void);
int node_publish(struct vfio_device *vdev);
/* Also after device_del() has removed the node. */
void node_withdraw(struct vfio_device *vdev);

/* discovery.c: which devices have a node */
int discovery_init(void);
void discovery_exit(void);

/* bind.c: between a file and a context */
long device_file_bind(struct vfio_device_file *df, struct vfio_uapi_bind __user *user);
void device_file_unbind(struct vfio_device_file *df);
/*
 * The file that has bound a device, or NULL.  Stays so while dev_set->lock is held,
 * under which files come and go.
 */
struct vfio_device_file *device_file_bound_to(struct vfio_device *vdev);

/* group.c: keeping the legacy path out */
int group_hold_get(struct vfio_device *vdev, struct group_hold **hold);
void group_hold_put(struct group_hold *hold);

/* attach.c: between a bound device and page tables */
long device_file_attach(struct vfio_device_file *df, struct vfio_uapi_attach __user *user);
long device_file_detach(struct vfio_device_file *df, struct vfio_uapi_detach __user *user);
void device_file_detach_all(struct vfio_device_file *df);

/* kvm_hook.c: how KVM learns of files */
void kvm_hook_init(void);
void kvm_hook_exit(void);

/* kvm.c: the VM that has a file */
/* A reference to the VM that has the file; none if none has, or it is ending. */
void device_file_get_vm(struct vfio_device_file *df, struct vm_ref *ref);
void vm_ref_put(const struct vm_ref *ref);

/* forward.c: what the driver answers */
long device_file_forward(struct vfio_device_file *df, unsigned int cmd, void __user *user);

/* hot_reset.c: devices that are reset together */
long device_file_hot_reset_info(struct vfio_device_file *df,
				struct vfio_pci_hot_reset_info __user *user);
long device_file_hot_reset(struct vfio_device_file *df, struct vfio_pci_hot_reset __user *user);

/* feature.c: VFIO_DEVICE_FEATURE */
long device_file_feature(struct vfio_device *vdev, struct vfio_device_feature __user *user);

#endif
