/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The front door: device nodes for the devices of stock VFIO drivers.
 *
 * The drivers, vfio.ko and its legacy group nodes stay as they are.  Beside
 * them stands /dev/vfio/devices/vfioN, whose file does what vfio.ko would do
 * for a device node, with the driver's own vfio_device_ops.
 *
 * A file (struct front) goes through these states:
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
 *   vdev->dev_set->lock (stock)  open and close, bind, attach: front_assert_locked()
 *     those of iommufd, see core/context.h; mmap_lock
 *     pci_bus_sem (stock)      which devices a hot reset reaches
 *     device_lock, vma_lock, memory_lock (stock)  of a device; those of all devices
 *                              of a set only tried (hot_reset.c)
 *   hold_lock                  innermost: which legacy groups are held
 *   front->kvm_lock            innermost: which VM has the file (kvm.c)
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
struct front_kvm {
	struct kvm *kvm;
	void (*put)(struct kvm *kvm);
};

struct front {
	struct vfio_device *vdev;

	spinlock_t kvm_lock;
	struct kvm *kvm;		/* that has the file, not counted; under kvm_lock */

	/* Set while bound; under dev_set->lock. */
	struct iommufd_ctx *ictx;
	struct iommufd_device *idev;
	struct group_hold *hold;
	struct list_head bound;		/* of those that are, under bound_lock */
	struct front_kvm vm;		/* that the driver knows */
	u32 devid;
	struct xarray attached;		/* PASIDs, the device's own DMA is IOMMU_NO_PASID */

	bool granted;			/* by front_granted() */
};

static inline void front_assert_locked(struct front *front)
{
	lockdep_assert_held(&front->vdev->dev_set->lock);
}

/* Pairs with the release in front_bind(): what BIND did is seen after this. */
static inline bool front_granted(struct front *front)
{
	return smp_load_acquire(&front->granted);
}

/* cdev.c: the nodes and their file operations */
extern const struct file_operations front_fops;
static inline struct front *front_of_file(struct file *file)
{
	return file && file->f_op == &front_fops ? file->private_data : NULL;
}
int front_cdev_init(void);
void front_cdev_exit(void);
dev_t front_devt(struct vfio_device *vdev);
int front_node_create(struct vfio_device *vdev);
void front_node_remove(struct vfio_device *vdev);

/* node.c: the node of a device and its names; under the mutex of the class */
int node_init(const struct class *class);
void node_exit(void);
int node_publish(struct vfio_device *vdev);
/* Also after device_del() has removed the node. */
void node_withdraw(struct vfio_device *vdev);

/* discovery.c: which devices have a node */
int front_discovery_init(void);
void front_discovery_exit(void);

/* bind.c: between a file and a context */
long front_bind(struct front *front, struct vfio_uapi_bind __user *user);
void front_unbind(struct front *front);
/*
 * The file that has bound a device, or NULL.  Stays so while dev_set->lock is held,
 * under which files come and go.
 */
struct front *front_bound_to(struct vfio_device *vdev);

/* group.c: keeping the legacy path out */
int group_hold_get(struct vfio_device *vdev, struct group_hold **hold);
void group_hold_put(struct group_hold *hold);

/* attach.c: between a bound device and page tables */
long front_attach(struct front *front, struct vfio_uapi_attach __user *user);
long front_detach(struct front *front, struct vfio_uapi_detach __user *user);
void front_detach_all(struct front *front);

/* kvm_hook.c: how KVM learns of files */
void front_kvm_init(void);
void front_kvm_exit(void);

/* kvm.c: the VM that has a file */
/* A reference to the VM that has the file; none if none has, or it is ending. */
void front_kvm_get(struct front *front, struct front_kvm *ref);
void front_kvm_put(const struct front_kvm *ref);

/* forward.c: what the driver answers */
long front_forward(struct front *front, unsigned int cmd, void __user *user);

/* hot_reset.c: devices that are reset together */
long front_hot_reset_info(struct front *front, struct vfio_pci_hot_reset_info __user *user);
long front_hot_reset(struct front *front, struct vfio_pci_hot_reset __user *user);

/* feature.c: VFIO_DEVICE_FEATURE */
long front_feature(struct vfio_device *vdev, struct vfio_device_feature __user *user);

#endif
