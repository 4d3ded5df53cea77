/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels: VFIO devices, by the names of Linux 7.2 where it
 * has one.
 */
#ifndef IOMMUFD_COMPAT_VFIO_H
#define IOMMUFD_COMPAT_VFIO_H

#include <linux/device.h>
#include <linux/fs.h>
#include <linux/kernfs.h>
#include <linux/rcupdate.h>
#include <linux/vfio.h>

#include "vfio_uapi.h"

/*
 * A registration reference keeps the device registered and its driver bound:
 * unregistering waits for the last one.
 */
#ifndef IOMMUFD_HAVE_VFIO_REGISTRATION
static inline bool vfio_device_try_get_registration(struct vfio_device *vdev)
{
	return refcount_inc_not_zero(&vdev->refcount);
}

static inline void vfio_device_put_registration(struct vfio_device *vdev)
{
	if (refcount_dec_and_test(&vdev->refcount))
		complete(&vdev->comp);
}
#endif

/* vfio_device_ops.release for a device without other resources. */
#ifdef IOMMUFD_HAVE_VFIO_FREE_DEVICE
#define vfio_release_nothing vfio_free_device
#else
#define vfio_release_nothing NULL
#endif

/*
 * Let the driver find all mappings of the device to revoke them.  If a device
 * has no address space of its own, the driver keeps a list instead.
 */
static inline void vfio_share_mapping(struct vfio_device *vdev, struct file *file)
{
#ifdef IOMMUFD_HAVE_VFIO_INODE
	file->f_mapping = vdev->inode->i_mapping;
#endif
}

static inline void vfio_set_cdev_opened(struct vfio_device *vdev, bool opened)
{
#ifdef IOMMUFD_HAVE_VFIO_CDEV_OPENED
	vdev->cdev_opened = opened;
#endif
}

/*
 * Set the VM that uses the device, or NULL, and the driver's function to put
 * it.
 */
static inline void vfio_set_kvm(struct vfio_device *vdev, struct kvm *kvm,
				void (*put)(struct kvm *kvm))
{
	vdev->kvm = kvm;
#ifdef IOMMUFD_HAVE_VFIO_PUT_KVM
	vdev->put_kvm = put;
#endif
}

/* The exported function by which KVM recognises a file of VFIO. */
#ifdef IOMMUFD_HAVE_VFIO_FILE_IS_VALID
#define vfio_file_check vfio_file_is_valid
#else
#define vfio_file_check vfio_file_is_group
#endif

/*
 * Returns true if the VFIO core, not the driver, handles GET_REGION_INFO.  Then
 * the core calls vfio_region_info_caps() if the driver has that.
 */
static inline bool vfio_core_has_region_info(void)
{
	return IS_ENABLED(IOMMUFD_HAVE_VFIO_REGION_INFO_CAPS);
}

bool vfio_has_region_info_caps(struct vfio_device *vdev);
int vfio_region_info_caps(struct vfio_device *vdev, struct vfio_region_info *info,
			  struct vfio_info_cap *caps);

/* Get the size of a migrating device's state in bytes; -ENOTTY if unknown. */
int vfio_migration_data_size(struct vfio_device *vdev, unsigned long *length);

/* Set whether the driver reports pre-copy progress in the newer form. */
static inline void vfio_set_precopy_info_v2(struct vfio_device *vdev, bool v2)
{
#ifdef VFIO_CORE_MIG_PRECOPY_INFO
	vdev->precopy_info_v2 = v2;
#endif
}

/*
 * Check the VF token, NULL if none was given.  Return: 0, -EACCES, or -EINVAL
 * for an unexpected token.
 */
int vfio_match_token(struct vfio_device *vdev, const uuid_t *token);

/*
 * Get the device number of the legacy group's node, 0 without groups.  Return:
 * 0, or -EOPNOTSUPP if struct vfio_group isn't as expected.
 */
int vfio_group_devt(struct vfio_device *vdev, dev_t *devt);

/* Define callbacks of a class interface from functions add and remove. */
#ifdef IOMMUFD_HAVE_VFIO_CLASS_INTERFACE
#define CLASS_INTERFACE_ADD(_name) \
	static int _name(struct device *dev)
#define CLASS_INTERFACE_REMOVE(_name) \
	static void _name(struct device *dev)
#else
#define CLASS_INTERFACE_ADD(_name) \
	static int _name(struct device *dev, struct class_interface *unused)
#define CLASS_INTERFACE_REMOVE(_name) \
	static void _name(struct device *dev, struct class_interface *unused)
#endif

#ifdef IOMMUFD_HAVE_VFIO_CLASS_DEVNODE
#define CLASS_DEVNODE(_name) \
	static char *_name(const struct device *dev, umode_t *mode)
#else
#define CLASS_DEVNODE(_name) \
	static char *_name(struct device *dev, umode_t *mode)
#endif

/* Returns the parent of a directory that never moves. */
static inline struct kernfs_node *kernfs_parent_of(struct kernfs_node *kn)
{
#ifdef IOMMUFD_HAVE_KERNFS_PARENT
	return kn->parent;
#else
	return rcu_dereference_protected(kn->__parent, true);
#endif
}

#endif
