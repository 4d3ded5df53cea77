// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_DEVICE_FEATURE: a feature number, a direction and data.  The driver implements most
 * features.  Those that vfio.ko implements itself, on top of other callbacks of the driver,
 * it doesn't export, so they are implemented here again.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/uaccess.h>

#include "../core/refusal.h"
#include "vfio.h"

#define FEATURE_GET	VFIO_DEVICE_FEATURE_GET
#define FEATURE_SET	VFIO_DEVICE_FEATURE_SET
#define FEATURE_HOW	(FEATURE_GET | FEATURE_SET | VFIO_DEVICE_FEATURE_PROBE)

struct feature_call {
	struct vfio_device *vdev;
	u32 flags;
	void __user *data;
	size_t size;			/* of the data, as given by the caller */
};

/* GET or SET; both only together with PROBE. */
static int feature_check_flags(u32 flags)
{
	const u32 both = FEATURE_GET | FEATURE_SET;

	if (flags & ~(VFIO_DEVICE_FEATURE_MASK | FEATURE_HOW))
		return -EINVAL;
	if (!(flags & VFIO_DEVICE_FEATURE_PROBE) && (flags & both) == both)
		return -EINVAL;
	return 0;
}

/* Return 1 to go on, or what to return: an errno, or 0 for a PROBE. */
static int feature_check_call(const struct feature_call *call, u32 how, size_t size)
{
	return vfio_check_feature(call->flags, call->size, how, size);
}

static int feature_migration(const struct feature_call *call)
{
	struct vfio_device_feature_migration arg = {
		.flags = call->vdev->migration_flags,
	};
	int rc;

	if (!call->vdev->mig_ops)
		return -ENOTTY;
	rc = feature_check_call(call, FEATURE_GET, sizeof(arg));
	if (rc != 1)
		return rc;
	return copy_to_user(call->data, &arg, sizeof(arg)) ? -EFAULT : 0;
}

/* Install the descriptor only after user space was told its number. */
static int feature_state_give_file(const struct feature_call *call, struct file *file,
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

static int feature_state_answer(const struct feature_call *call,
				struct vfio_device_feature_mig_state *arg)
{
	arg->data_fd = -1;
	return copy_to_user(call->data, arg, sizeof(*arg)) ? -EFAULT : 0;
}

static int feature_state_get(const struct feature_call *call,
			     struct vfio_device_feature_mig_state *arg)
{
	struct vfio_device *vdev = call->vdev;
	enum vfio_device_mig_state state;
	int rc;

	rc = vdev->mig_ops->migration_get_state(vdev, &state);
	if (rc)
		return rc;
	arg->device_state = state;
	return feature_state_answer(call, arg);
}

/* The driver returns a file with the data of the new state, or NULL. */
static int feature_state_set(const struct feature_call *call,
			     struct vfio_device_feature_mig_state *arg)
{
	struct vfio_device *vdev = call->vdev;
	struct file *file;
	int rc;

	file = vdev->mig_ops->migration_set_state(vdev, arg->device_state);
	if (!IS_ERR_OR_NULL(file))
		return feature_state_give_file(call, file, arg);
	/* Also report to user space that there is no file if this failed. */
	rc = feature_state_answer(call, arg);
	return rc ? rc : PTR_ERR_OR_ZERO(file);
}

static int feature_device_state(const struct feature_call *call)
{
	struct vfio_device_feature_mig_state arg;
	int rc;

	if (!call->vdev->mig_ops)
		return -ENOTTY;
	rc = feature_check_call(call, FEATURE_GET | FEATURE_SET, sizeof(arg));
	if (rc != 1)
		return rc;
	if (copy_from_user(&arg, call->data, sizeof(arg)))
		return -EFAULT;
	return call->flags & FEATURE_GET ? feature_state_get(call, &arg) :
		feature_state_set(call, &arg);
}

static int feature_data_size(const struct feature_call *call)
{
	unsigned long length;
	u64 answer;
	int rc;

	if (!call->vdev->mig_ops)
		return -ENOTTY;
	rc = feature_check_call(call, FEATURE_GET, sizeof(answer));
	if (rc != 1)
		return rc;
	rc = vfio_migration_data_size(call->vdev, &length);
	if (rc)
		return rc;
	answer = length;
	return copy_to_user(call->data, &answer, sizeof(answer)) ? -EFAULT : 0;
}

/* Stays set until the device is closed. */
static int feature_precopy_info_v2(const struct feature_call *call)
{
	int rc;

	if (!(call->vdev->migration_flags & VFIO_MIGRATION_PRE_COPY))
		return -EINVAL;
	rc = feature_check_call(call, FEATURE_SET, 0);
	if (rc != 1)
		return rc;
	vfio_set_precopy_info_v2(call->vdev, true);
	return 0;
}

/*
 * Logging of pages that the device wrote to.  Drivers report them by iova_bitmap_set(),
 * which is missing: in kernels built without iommufd, Linux 6.12 and 7.2 compile it to
 * nothing within the driver, and 6.1's takes a structure that is private to vfio.ko.  If
 * logging could be started but never read, a VMM would rely on it.  So refuse it for every
 * driver, and the VMM falls back.
 */
static int feature_dma_logging(const struct feature_call *call)
{
	if (call->vdev->log_ops)
		log_refused(call->vdev->dev, "DMA logging", -ENOTTY,
			    "its driver can't report dirty pages on this kernel");
	return -ENOTTY;
}

/* Features that vfio.ko implements itself. */
static const struct core_feature {
	u32 number;
	int (*answer)(const struct feature_call *call);
	bool in_core;			/* so this kernel does */
} core_features[] = {
	{ VFIO_DEVICE_FEATURE_MIGRATION, feature_migration, true },
	{ VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, feature_device_state, true },
	{ VFIO_DEVICE_FEATURE_MIG_DATA_SIZE, feature_data_size,
	  IS_ENABLED(VFIO_CORE_MIG_DATA_SIZE) },
	{ VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2, feature_precopy_info_v2,
	  IS_ENABLED(VFIO_CORE_MIG_PRECOPY_INFO) },
	{ VFIO_DEVICE_FEATURE_DMA_LOGGING_START, feature_dma_logging, true },
	{ VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP, feature_dma_logging, true },
	{ VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT, feature_dma_logging, true },
};

static const struct core_feature *core_feature_find(u32 number)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(core_features); i++)
		if (core_features[i].number == number && core_features[i].in_core)
			return &core_features[i];
	return NULL;
}

long device_file_feature(struct vfio_device *vdev, struct vfio_device_feature __user *user)
{
	const size_t header = offsetofend(struct vfio_device_feature, flags);
	struct vfio_device_feature arg;
	const struct core_feature *core;
	struct feature_call call;
	int rc;

	if (copy_from_user(&arg, user, header))
		return -EFAULT;
	if (arg.argsz < header)
		return -EINVAL;
	rc = feature_check_flags(arg.flags);
	if (rc)
		return rc;

	call = (struct feature_call){ vdev, arg.flags, user->data, arg.argsz - header };
	core = core_feature_find(arg.flags & VFIO_DEVICE_FEATURE_MASK);
	if (core)
		return core->answer(&call);
	if (!vdev->ops->device_feature)
		return -ENOTTY;
	return vdev->ops->device_feature(vdev, call.flags, call.data, call.size);
}
