// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_DEVICE_FEATURE: one call with a number, a direction and data.  Most
 * features are the driver's; some vfio.ko offers by itself for drivers with the
 * callbacks for them, and keeps for itself, so they are offered here once more.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/uaccess.h>

#include "vfio.h"

#define FEATURE_GET	VFIO_DEVICE_FEATURE_GET
#define FEATURE_SET	VFIO_DEVICE_FEATURE_SET
#define FEATURE_HOW	(FEATURE_GET | FEATURE_SET | VFIO_DEVICE_FEATURE_PROBE)

struct call {
	struct vfio_device *vdev;
	u32 flags;
	void __user *data;
	size_t size;			/* of the data, as the caller says */
};

/* GET or SET; both at once only to ask whether they exist. */
static int check_flags(u32 flags)
{
	const u32 both = FEATURE_GET | FEATURE_SET;

	if (flags & ~(VFIO_DEVICE_FEATURE_MASK | FEATURE_HOW))
		return -EINVAL;
	if (!(flags & VFIO_DEVICE_FEATURE_PROBE) && (flags & both) == both)
		return -EINVAL;
	return 0;
}

/* Is it to be done?  1, or else what to answer: an error, or 0 to a PROBE. */
static int check_call(const struct call *call, u32 how, size_t size)
{
	return vfio_check_feature(call->flags, call->size, how, size);
}

static int migration(const struct call *call)
{
	struct vfio_device_feature_migration arg = {
		.flags = call->vdev->migration_flags,
	};
	int rc;

	if (!call->vdev->mig_ops)
		return -ENOTTY;
	rc = check_call(call, FEATURE_GET, sizeof(arg));
	if (rc != 1)
		return rc;
	return copy_to_user(call->data, &arg, sizeof(arg)) ? -EFAULT : 0;
}

/* The file is in nobody's hands before its descriptor is told. */
static int state_give_file(const struct call *call, struct file *file,
			   struct vfio_device_feature_mig_state *arg)
{
	int rc;

	arg->data_fd = get_unused_fd_flags(O_CLOEXEC);
	if (arg->data_fd < 0) {
		rc = arg->data_fd;
		goto err_file;
	}
	if (copy_to_user(call->data, arg, sizeof(*arg))) {
		rc = -EFAULT;
		goto err_fd;
	}
	fd_install(arg->data_fd, file);
	return 0;

err_fd:
	put_unused_fd(arg->data_fd);
err_file:
	fput(file);
	return rc;
}

static int state_answer(const struct call *call,
			struct vfio_device_feature_mig_state *arg)
{
	arg->data_fd = -1;
	return copy_to_user(call->data, arg, sizeof(*arg)) ? -EFAULT : 0;
}

static int state_get(const struct call *call, struct vfio_device_feature_mig_state *arg)
{
	struct vfio_device *vdev = call->vdev;
	enum vfio_device_mig_state state;
	int rc;

	rc = vdev->mig_ops->migration_get_state(vdev, &state);
	if (rc)
		return rc;
	arg->device_state = state;
	return state_answer(call, arg);
}

/* What the driver returns is a file for the new state's data, or none. */
static int state_set(const struct call *call, struct vfio_device_feature_mig_state *arg)
{
	struct vfio_device *vdev = call->vdev;
	struct file *file;
	int rc;

	file = vdev->mig_ops->migration_set_state(vdev, arg->device_state);
	if (!IS_ERR_OR_NULL(file))
		return state_give_file(call, file, arg);
	/* A failure tells, too, that there is no file. */
	rc = state_answer(call, arg);
	return rc ? rc : PTR_ERR_OR_ZERO(file);
}

static int device_state(const struct call *call)
{
	struct vfio_device_feature_mig_state arg;
	int rc;

	if (!call->vdev->mig_ops)
		return -ENOTTY;
	rc = check_call(call, FEATURE_GET | FEATURE_SET, sizeof(arg));
	if (rc != 1)
		return rc;
	if (copy_from_user(&arg, call->data, sizeof(arg)))
		return -EFAULT;
	return call->flags & FEATURE_GET ? state_get(call, &arg) : state_set(call, &arg);
}

static int data_size(const struct call *call)
{
	unsigned long length;
	u64 answer;
	int rc;

	if (!call->vdev->mig_ops)
		return -ENOTTY;
	rc = check_call(call, FEATURE_GET, sizeof(answer));
	if (rc != 1)
		return rc;
	rc = vfio_migration_data_size(call->vdev, &length);
	if (rc)
		return rc;
	answer = length;
	return copy_to_user(call->data, &answer, sizeof(answer)) ? -EFAULT : 0;
}

/* From now on, until the device is closed. */
static int precopy_info_v2(const struct call *call)
{
	int rc;

	if (!(call->vdev->migration_flags & VFIO_MIGRATION_PRE_COPY))
		return -EINVAL;
	rc = check_call(call, FEATURE_SET, 0);
	if (rc != 1)
		return rc;
	vfio_set_precopy_info_v2(call->vdev, true);
	return 0;
}

/*
 * Which pages the device wrote to.  A driver reports them by iova_bitmap_set(),
 * which isn't there: where iommufd isn't built, Linux 6.12 and 7.2 compile it to
 * nothing within the driver, and 6.1's is for a structure of vfio.ko's own.  Logging
 * that could be begun and never read would have a VMM rely on it; so, whatever the
 * driver has, it can't be begun, and the VMM takes another way.
 */
static int dma_logging(const struct call *call)
{
	if (call->vdev->log_ops)
		dev_info_ratelimited(call->vdev->dev,
				     "vfio: no DMA logging: its driver can't report on this kernel\n");
	return -ENOTTY;
}

static int core_feature(const struct call *call)
{
	switch (call->flags & VFIO_DEVICE_FEATURE_MASK) {
	case VFIO_DEVICE_FEATURE_MIGRATION:
		return migration(call);
	case VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE:
		return device_state(call);
	case VFIO_DEVICE_FEATURE_MIG_DATA_SIZE:
		return data_size(call);
	case VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2:
		return precopy_info_v2(call);
	case VFIO_DEVICE_FEATURE_DMA_LOGGING_START:
	case VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP:
	case VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT:
		return dma_logging(call);
	default:
		return -ENOTTY;
	}
}

long front_feature(struct vfio_device *vdev, struct vfio_device_feature __user *user)
{
	const size_t header = offsetofend(struct vfio_device_feature, flags);
	struct vfio_device_feature arg;
	struct call call;
	int rc;

	if (copy_from_user(&arg, user, header))
		return -EFAULT;
	if (arg.argsz < header)
		return -EINVAL;
	rc = check_flags(arg.flags);
	if (rc)
		return rc;

	call = (struct call){ vdev, arg.flags, user->data, arg.argsz - header };
	if (vfio_core_has_feature(arg.flags & VFIO_DEVICE_FEATURE_MASK))
		return core_feature(&call);
	if (!vdev->ops->device_feature)
		return -ENOTTY;
	return vdev->ops->device_feature(vdev, call.flags, call.data, call.size);
}
