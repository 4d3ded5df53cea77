// SPDX-License-Identifier: GPL-2.0-only
/*
 * BIND: a file of an unused device and a context become one, until the file's
 * release.  Every step has its counterpart in the same order backwards, and a
 * BIND that fails half-way runs the same counterparts.
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
	struct front_kvm vm;
};

static int read_request(struct bind_request *req, struct vfio_uapi_bind __user *user)
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

/* A few at the most, and asked for by few. */
static LIST_HEAD(bound_files);
static DEFINE_SPINLOCK(bound_lock);

struct front *front_bound_to(struct vfio_device *vdev)
{
	struct front *front, *found = NULL;

	lockdep_assert_held(&vdev->dev_set->lock);
	spin_lock(&bound_lock);
	list_for_each_entry(front, &bound_files, bound) {
		if (front->vdev == vdev) {
			found = front;
			break;
		}
	}
	spin_unlock(&bound_lock);
	return found;
}

static void front_add_bound(struct front *front)
{
	front_assert_locked(front);
	spin_lock(&bound_lock);
	list_add(&front->bound, &bound_files);
	spin_unlock(&bound_lock);
}

static void front_remove_bound(struct front *front)
{
	front_assert_locked(front);
	spin_lock(&bound_lock);
	list_del(&front->bound);
	spin_unlock(&bound_lock);
}

static int device_open(struct front *front)
{
	struct vfio_device *vdev = front->vdev;
	struct module *driver = vdev->dev->driver->owner;
	int rc;

	front_assert_locked(front);
	if (!try_module_get(driver))
		return -ENODEV;

	front->idev = iommufd_device_bind(front->ictx, vdev->dev, &front->devid);
	if (IS_ERR(front->idev)) {
		rc = PTR_ERR(front->idev);	/* iommufd has told why */
		goto err_module;
	}

	/* Drivers count the open devices of their set. */
	vdev->open_count = 1;
	vfio_set_cdev_opened(vdev, true);
	vfio_set_kvm(vdev, front->vm.kvm, front->vm.put);
	rc = vdev->ops->open_device ? vdev->ops->open_device(vdev) : 0;
	if (rc) {
		log_refused(vdev->dev, "BIND", rc, "the driver can't open the device");
		goto err_unbind;
	}
	front_add_bound(front);
	return 0;

err_unbind:
	vfio_set_kvm(vdev, NULL, NULL);
	vfio_set_cdev_opened(vdev, false);
	vdev->open_count = 0;
	iommufd_device_unbind(front->idev);
err_module:
	front->idev = NULL;
	module_put(driver);
	return rc;
}

/* The driver stops the device first; its DMA stays translated until then. */
static void device_close(struct front *front)
{
	struct vfio_device *vdev = front->vdev;
	struct module *driver = vdev->dev->driver->owner;

	front_assert_locked(front);
	front_remove_bound(front);
	if (vdev->ops->close_device)
		vdev->ops->close_device(vdev);
	front_detach_all(front);
	iommufd_device_unbind(front->idev);
	front->idev = NULL;
	vfio_set_kvm(vdev, NULL, NULL);
	vfio_set_precopy_info_v2(vdev, false);
	vfio_set_cdev_opened(vdev, false);
	vdev->open_count = 0;
	module_put(driver);
}

static int bind_locked(struct front *front, const struct bind_request *req,
		       struct vfio_uapi_bind __user *user)
{
	struct vfio_device *vdev = front->vdev;
	int rc;

	front_assert_locked(front);
	if (front->idev)
		return -EINVAL;
	rc = vfio_match_token(vdev, req->has_token ? &req->token : NULL);
	if (rc) {
		log_refused(vdev->dev, "BIND", rc, "the token isn't the one that its driver wants");
		return rc;
	}
	front->ictx = iommufd_ctx_from_fd(req->iommufd);
	if (IS_ERR(front->ictx)) {
		rc = PTR_ERR(front->ictx);
		log_refused(vdev->dev, "BIND", rc, "descriptor %d isn't of /dev/iommu",
			    req->iommufd);
		goto err;
	}
	/* By another file, that is: the legacy path is shut by now. */
	if (vdev->open_count) {
		rc = -EINVAL;
		log_refused(vdev->dev, "BIND", rc, "another file has bound the device");
		goto err_ctx;
	}
	front->vm = req->vm;
	rc = device_open(front);
	if (rc)
		goto err_vm;
	if (put_user(front->devid, &user->out_devid)) {
		rc = -EFAULT;
		goto err_close;
	}
	return 0;

err_close:
	device_close(front);
err_vm:
	front->vm = (struct front_kvm) {};
err_ctx:
	iommufd_ctx_put(front->ictx);
err:
	front->ictx = NULL;
	return rc;
}

long front_bind(struct front *front, struct vfio_uapi_bind __user *user)
{
	struct mutex *lock = &front->vdev->dev_set->lock;
	struct bind_request req = {};
	struct group_hold *hold;
	int rc;

	rc = read_request(&req, user);
	if (rc)
		return rc;
	rc = group_hold_get(front->vdev, &hold);
	if (rc) {
		if (rc != -EINTR)
			log_refused(front->vdev->dev, "BIND", rc, "%s", rc == -EBUSY ?
				    "its group is open by the legacy path" :
				    "its group can't be kept from the legacy path");
		return rc;
	}

	front_kvm_get(front, &req.vm);
	rc = mutex_lock_killable(lock);
	if (rc)
		goto out;
	rc = bind_locked(front, &req, user);
	if (!rc) {
		front->hold = hold;
		/* Pairs with front_granted(). */
		smp_store_release(&front->granted, true);
	}
	mutex_unlock(lock);
out:
	if (rc) {
		front_kvm_put(&req.vm);
		group_hold_put(hold);
	}
	return rc;
}

void front_unbind(struct front *front)
{
	struct mutex *lock = &front->vdev->dev_set->lock;

	/* No call is under way in a release, and none will come. */
	if (!front->granted)
		return;
	mutex_lock(lock);
	device_close(front);
	mutex_unlock(lock);
	front_kvm_put(&front->vm);
	iommufd_ctx_put(front->ictx);
	group_hold_put(front->hold);
}
