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
 *   class mutex (stock)        discovery runs under it
 *   hold->open_lock            opening a legacy group (group.c)
 *     group->group_lock (stock)
 *   vdev->dev_set->lock (stock)  open and close, bind, attach: front_assert_locked()
 *     those of iommufd, see core/context.h; mmap_lock
 *   hold_lock                  innermost: which legacy groups are held
 *   nodes.xa_lock              innermost: which devices have a node (discovery.c)
 *
 * open_lock and dev_set->lock are never held together: a legacy program takes
 * group_lock, and then dev_set->lock.
 */
#ifndef IOMMUFD_VFIO_VFIO_H
#define IOMMUFD_VFIO_VFIO_H

#include <linux/lockdep.h>
#include <linux/types.h>
#include <linux/vfio.h>
#include <linux/xarray.h>

#include <iommufd/iommufd.h>

#include "../compat/vfio.h"

struct class;
struct group_hold;

struct front {
	struct vfio_device *vdev;

	/* Set while bound; under dev_set->lock. */
	struct iommufd_ctx *ictx;
	struct iommufd_device *idev;
	struct group_hold *hold;
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
extern struct class front_class;
int front_cdev_init(void);
void front_cdev_exit(void);
dev_t front_devt(struct vfio_device *vdev);

/* discovery.c: which devices have a node */
int front_discovery_init(void);
void front_discovery_exit(void);
/*
 * The device behind a minor number, with a registration reference; -ENXIO if
 * there is none, -ENODEV if it is coming or going.
 */
struct vfio_device *front_find(unsigned int minor);

/* bind.c: between a file and a context */
long front_bind(struct front *front, struct vfio_uapi_bind __user *user);
void front_unbind(struct front *front);

/* group.c: keeping the legacy path out */
int group_hold_get(struct vfio_device *vdev, struct group_hold **hold);
void group_hold_put(struct group_hold *hold);

/* attach.c: between a bound device and page tables */
long front_attach(struct front *front, struct vfio_uapi_attach __user *user);
long front_detach(struct front *front, struct vfio_uapi_detach __user *user);
void front_detach_all(struct front *front);

/* forward.c: what the driver answers */
long front_forward(struct front *front, unsigned int cmd, void __user *user);

/* feature.c: VFIO_DEVICE_FEATURE */
long front_feature(struct vfio_device *vdev, struct vfio_device_feature __user *user);

#endif
