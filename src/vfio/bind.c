// SPDX-License-Identifier: GPL-2.0-only
/*
 * BIND: ties the file of an unused device to a context, until the file is released.  Every
 * step has a counterpart; unbinding runs them in reverse order, and so does a BIND that
 * fails halfway.
 */
#include <linux/device.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <linux/uuid.h>

#include "../core/refusal.h"
#include "vfio.h"

struct bind_request {
	int iommufd;
	bool has_token;
	uuid_t token;
	struct vm_ref vm;
};

static int bind_request_read(struct bind_request *req, struct vfio_uapi_bind __user *user)
{
	struct vfio_uapi_bind bind;
	u32 size;
	int rc;

	if (get_user(size, &user->argsz))
		return -EFAULT;
	if (size < offsetofend(struct vfio_uapi_bind, out_devid))
		return -EINVAL;
	rc = copy_struct_from_user(&bind, sizeof(bind), user, size);
	if (rc)
		return rc;
	if (bind.iommufd < 0 || bind.flags & ~VFIO_DEVICE_BIND_FLAG_TOKEN)
		return -EINVAL;
	req->iommufd = bind.iommufd;
	req->has_token = bind.flags & VFIO_DEVICE_BIND_FLAG_TOKEN;
	if (req->has_token && copy_from_user(&req->token,
					     u64_to_user_ptr(bind.token_uuid_ptr),
					     sizeof(req->token)))
		return -EFAULT;
	return 0;
}

/* Short and rarely searched, so a list will do. */
static LIST_HEAD(bound_files);
static DEFINE_SPINLOCK(bound_lock);

struct vfio_device_file *device_file_bound_to(struct vfio_device *vdev)
{
	struct vfio_device_file *df, *found = NULL;

	lockdep_assert_held(&vdev->dev_set->lock);
	spin_lock(&bound_lock);
	list_for_each_entry(df, &bound_files, bound) {
		if (df->vdev == vdev) {
			found = df;
			break;
		}
	}
	spin_unlock(&bound_lock);
	return found;
}

static void device_file_add_bound(struct vfio_device_file *df)
{
	device_file_assert_locked(df);
	spin_lock(&bound_lock);
	list_add(&df->bound, &bound_files);
	spin_unlock(&bound_lock);
}

static void device_file_remove_bound(struct vfio_device_file *df)
{
	device_file_assert_locked(df);
	spin_lock(&bound_lock);
	list_del(&df->bound);
	spin_unlock(&bound_lock);
}

static int device_file_open_device(struct vfio_device_file *df)
{
	struct vfio_device *vdev = df->vdev;
	struct module *driver = vdev->dev->driver->owner;
	int rc;

	device_file_assert_locked(df);
	if (!try_module_get(driver))
		return -ENODEV;

	df->idev = iommufd_device_bind(df->ictx, vdev->dev, &df->devid);
	if (IS_ERR(df->idev)) {
		rc = PTR_ERR(df->idev);	/* iommufd has logged why */
		goto err_module;
	}

	/* Drivers sum up the open_count of their set. */
	vdev->open_count = 1;
	vfio_set_cdev_opened(vdev, true);
	vfio_set_kvm(vdev, df->vm.kvm, df->vm.put);
	rc = vdev->ops->open_device ? vdev->ops->open_device(vdev) : 0;
	if (rc) {
		log_refused(vdev->dev, "BIND", rc, "the driver failed to open the device");
		goto err_unbind;
	}
	device_file_add_bound(df);
	return 0;

err_unbind:
	vfio_set_kvm(vdev, NULL, NULL);
	vfio_set_cdev_opened(vdev, false);
	vdev->open_count = 0;
	iommufd_device_unbind(df->idev);
err_module:
	df->idev = NULL;
	module_put(driver);
	return rc;
}

/* Let the driver quiesce the device first; its DMA stays translated until then. */
static void device_file_close_device(struct vfio_device_file *df)
{
	struct vfio_device *vdev = df->vdev;
	struct module *driver = vdev->dev->driver->owner;
	int begun;

	device_file_assert_locked(df);
	device_file_remove_bound(df);
	/* The driver may reset the device. */
	begun = iommufd_device_reset_begin(df->idev, false);
	if (vdev->ops->close_device)
		vdev->ops->close_device(vdev);
	if (begun)
		iommufd_device_reset_end(df->idev);
	device_file_detach_all(df);
	iommufd_device_unbind(df->idev);
	df->idev = NULL;
	vfio_set_kvm(vdev, NULL, NULL);
	vfio_set_precopy_info_v2(vdev, false);
	vfio_set_cdev_opened(vdev, false);
	vdev->open_count = 0;
	module_put(driver);
}

static int bind_request_check_token(const struct bind_request *req, struct vfio_device *vdev)
{
	int rc = vfio_match_token(vdev, req->has_token ? &req->token : NULL);

	if (rc)
		log_refused(vdev->dev, "BIND", rc,
			    "the VF token is missing, wrong or not expected");
	return rc;
}

static int device_file_bind_locked(struct vfio_device_file *df, const struct bind_request *req)
{
	struct vfio_device *vdev = df->vdev;
	int rc;

	device_file_assert_locked(df);
	if (df->idev)
		return -EINVAL;
	rc = bind_request_check_token(req, vdev);
	if (rc)
		return rc;
	df->ictx = iommufd_ctx_from_fd(req->iommufd);
	if (IS_ERR(df->ictx)) {
		rc = PTR_ERR(df->ictx);
		log_refused(vdev->dev, "BIND", rc, "descriptor %d isn't a file of /dev/iommu",
			    req->iommufd);
		goto err;
	}
	/* Another device file: the legacy path is locked out by now. */
	if (vdev->open_count) {
		rc = -EINVAL;
		log_refused(vdev->dev, "BIND", rc, "another file has bound the device");
		goto err_ctx;
	}
	df->vm = req->vm;
	rc = device_file_open_device(df);
	if (!rc)
		return 0;
	df->vm = (struct vm_ref) {};
err_ctx:
	iommufd_ctx_put(df->ictx);
err:
	df->ictx = NULL;
	return rc;
}

static void device_file_undo_bind(struct vfio_device_file *df)
{
	struct mutex *lock = &df->vdev->dev_set->lock;
	struct iommufd_ctx *ictx = df->ictx;

	mutex_lock(lock);
	device_file_close_device(df);
	df->vm = (struct vm_ref) {};
	df->ictx = NULL;
	mutex_unlock(lock);
	iommufd_ctx_put(ictx);
}

/* Bound, but not granted yet, the file has no calls but a BIND that fails. */
static int device_file_bind_and_tell(struct vfio_device_file *df, const struct bind_request *req,
				     struct vfio_uapi_bind __user *user)
{
	struct mutex *lock = &df->vdev->dev_set->lock;
	int rc;

	rc = mutex_lock_killable(lock);
	if (rc)
		return rc;
	rc = device_file_bind_locked(df, req);
	mutex_unlock(lock);
	/* Without the lock, as a page fault may take any time. */
	if (!rc && put_user(df->devid, &user->out_devid)) {
		device_file_undo_bind(df);
		rc = -EFAULT;
	}
	return rc;
}

long device_file_bind(struct vfio_device_file *df, struct vfio_uapi_bind __user *user)
{
	struct bind_request req = {};
	struct group_hold *hold;
	int rc;

	rc = bind_request_read(&req, user);
	if (rc)
		return rc;
	rc = group_hold_get(df->vdev, &hold);
	if (rc) {
		if (rc != -EINTR)
			log_refused(df->vdev->dev, "BIND", rc, "%s", rc == -EBUSY ?
				    "its group is open by the legacy path" :
				    "its legacy group node can't be opened");
		return rc;
	}

	device_file_get_vm(df, &req.vm);
	rc = device_file_bind_and_tell(df, &req, user);
	if (rc) {
		vm_ref_put(&req.vm);
		group_hold_put(hold);
		return rc;
	}
	df->hold = hold;
	/* Release: pairs with device_file_granted(). */
	smp_store_release(&df->granted, true);
	return 0;
}

void device_file_unbind(struct vfio_device_file *df)
{
	struct mutex *lock = &df->vdev->dev_set->lock;

	/* Plain read: no other call can run during release. */
	if (!df->granted)
		return;
	mutex_lock(lock);
	device_file_close_device(df);
	mutex_unlock(lock);
	vm_ref_put(&df->vm);
	iommufd_ctx_put(df->ictx);
	group_hold_put(df->hold);
}
