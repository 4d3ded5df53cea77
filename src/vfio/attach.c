// SPDX-License-Identifier: GPL-2.0-only
/*
 * ATTACH and DETACH: the page tables that the device's DMA goes through, without PASID and
 * with each.  Attaching what is attached replaces the page table.  PASID 0 is DMA without
 * PASID, whether it is given by flag or not.
 *
 * PASIDs depend on the kernel and the IOMMU, not on the VFIO driver: a stock driver's
 * callbacks don't tell.
 */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>

#include "vfio.h"

static int device_file_attach_locked(struct vfio_device_file *df, u32 pasid, u32 *pt_id)
{
	int rc;

	device_file_assert_locked(df);
	rc = xa_insert(&df->attached, pasid, xa_mk_value(1), GFP_KERNEL_ACCOUNT);
	if (rc == -EBUSY)
		return iommufd_device_replace(df->idev, pasid, pt_id);
	if (rc)
		return rc;
	rc = iommufd_device_attach(df->idev, pasid, pt_id);
	if (rc)
		xa_erase(&df->attached, pasid);
	return rc;
}

static void device_file_detach_locked(struct vfio_device_file *df, u32 pasid)
{
	device_file_assert_locked(df);
	if (xa_erase(&df->attached, pasid))
		iommufd_device_detach(df->idev, pasid);
}

/* PASIDs first: on some IOMMUs their table belongs to DMA without PASID. */
void device_file_detach_all(struct vfio_device_file *df)
{
	unsigned long pasid;
	void *entry;

	xa_for_each_start(&df->attached, pasid, entry, IOMMU_NO_PASID + 1)
		device_file_detach_locked(df, pasid);
	device_file_detach_locked(df, IOMMU_NO_PASID);
}

static int device_file_read_attach(struct vfio_uapi_attach *arg,
				   struct vfio_uapi_attach __user *user)
{
	const size_t known = offsetofend(struct vfio_uapi_attach, pt_id);

	if (copy_from_user(arg, user, known))
		return -EFAULT;
	if (arg->argsz < known || arg->flags & ~VFIO_DEVICE_ATTACH_PASID)
		return -EINVAL;
	arg->pasid = IOMMU_NO_PASID;
	if (!(arg->flags & VFIO_DEVICE_ATTACH_PASID))
		return 0;
	if (arg->argsz < offsetofend(struct vfio_uapi_attach, pasid))
		return -EINVAL;
	return get_user(arg->pasid, &user->pasid);
}

/*
 * Memory is pinned before dev_set->lock is taken: a page fault of this task must not keep
 * the owners of other devices of the set waiting, who may be other users.
 */
static int device_file_attach_once(struct vfio_device_file *df, u32 pasid, u32 *pt_id)
{
	struct mutex *lock = &df->vdev->dev_set->lock;
	struct iommufd_expect expect;
	int rc;

	rc = iommufd_device_expect(df->idev, pasid, *pt_id, &expect);
	if (rc)
		return rc;
	rc = mutex_lock_killable(lock);
	if (!rc) {
		rc = device_file_attach_locked(df, pasid, pt_id);
		mutex_unlock(lock);
	}
	iommufd_expect_end(&expect);
	return rc;
}

long device_file_attach(struct vfio_device_file *df, struct vfio_uapi_attach __user *user)
{
	struct mutex *lock = &df->vdev->dev_set->lock;
	struct vfio_uapi_attach arg;
	int rc;

	rc = device_file_read_attach(&arg, user);
	if (rc)
		return rc;
	/* Fault on unwritable memory before anything changes. */
	if (put_user(arg.pt_id, &user->pt_id))
		return -EFAULT;

	/* Again if another task pins the same memory, or if the ID is another object's by now. */
	do {
		rc = device_file_attach_once(df, arg.pasid, &arg.pt_id);
		if (rc == -ESTALE)
			schedule_timeout_killable(1);
		if (rc == -ESTALE && fatal_signal_pending(current))
			rc = -EINTR;
	} while (rc == -ESTALE);
	if (!rc && put_user(arg.pt_id, &user->pt_id)) {
		/* Unmapped meanwhile.  A replace can't be undone, so detach. */
		mutex_lock(lock);
		device_file_detach_locked(df, arg.pasid);
		mutex_unlock(lock);
		rc = -EFAULT;
	}
	return rc;
}

static int device_file_read_detach(struct vfio_uapi_detach *arg,
				   struct vfio_uapi_detach __user *user)
{
	const size_t known = offsetofend(struct vfio_uapi_detach, flags);

	if (copy_from_user(arg, user, known))
		return -EFAULT;
	if (arg->argsz < known || arg->flags & ~VFIO_DEVICE_DETACH_PASID)
		return -EINVAL;
	arg->pasid = IOMMU_NO_PASID;
	if (!(arg->flags & VFIO_DEVICE_DETACH_PASID))
		return 0;
	if (arg->argsz < offsetofend(struct vfio_uapi_detach, pasid))
		return -EINVAL;
	return get_user(arg->pasid, &user->pasid);
}

long device_file_detach(struct vfio_device_file *df, struct vfio_uapi_detach __user *user)
{
	struct mutex *lock = &df->vdev->dev_set->lock;
	struct vfio_uapi_detach arg;
	int rc;

	rc = device_file_read_detach(&arg, user);
	if (rc)
		return rc;
	rc = mutex_lock_killable(lock);
	if (rc)
		return rc;
	device_file_detach_locked(df, arg.pasid);
	mutex_unlock(lock);
	return 0;
}
