// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VFIO driver that does as it's told, and notes what it sees: its callbacks.  The
 * device is a page of memory.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uuid.h>

#include "vfio_mock_driver.h"
#include "vfio_ops.h"

static atomic_t closes;

/* Is its DMA translated, and not blocked?  The test's own device doesn't move meanwhile. */
static bool translated(struct vfio_device *vdev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(vdev->dev);

	return domain && (domain->type == IOMMU_DOMAIN_UNMANAGED ||
			  domain->type == IOMMU_DOMAIN_NESTED);
}

static int mock_open(struct vfio_device *vdev)
{
	struct vfio_mock *m = to_vfio_mock(vdev);

	lockdep_assert_held(&vdev->dev_set->lock);
	m->seen.open_count = vdev->open_count;
	m->seen.set_count = vfio_device_set_open_count(vdev->dev_set);
	if (m->behave.open_error)
		return m->behave.open_error;
	m->seen.opens++;
	m->seen.state = VFIO_DEVICE_STATE_RUNNING;
	return 0;
}

static void mock_close(struct vfio_device *vdev)
{
	struct vfio_mock *m = to_vfio_mock(vdev);

	lockdep_assert_held(&vdev->dev_set->lock);
	WARN_ON(vdev->open_count != 1);
	m->seen.closes++;
	m->seen.closed_as = atomic_inc_return(&closes);
	m->seen.translated = translated(vdev);
}

static ssize_t mock_read(struct vfio_device *vdev, char __user *buf, size_t count,
			 loff_t *pos)
{
	struct vfio_mock *m = to_vfio_mock(vdev);

	return simple_read_from_buffer(buf, count, pos, page_address(m->page), PAGE_SIZE);
}

static ssize_t mock_write(struct vfio_device *vdev, const char __user *buf, size_t count,
			  loff_t *pos)
{
	struct vfio_mock *m = to_vfio_mock(vdev);

	return simple_write_to_buffer(page_address(m->page), PAGE_SIZE, pos, buf, count);
}

static int mock_mmap(struct vfio_device *vdev, struct vm_area_struct *vma)
{
	struct vfio_mock *m = to_vfio_mock(vdev);

	if (vma->vm_pgoff || vma->vm_end - vma->vm_start != PAGE_SIZE)
		return -EINVAL;
	return vm_insert_page(vma, vma->vm_start, m->page);
}

static void mock_request(struct vfio_device *vdev, unsigned int count)
{
	to_vfio_mock(vdev)->seen.requests++;
}

static int region(struct vfio_region_info *info)
{
	if (info->index > 1)
		return -EINVAL;
	info->offset = 0;
	info->size = info->index ? 0 : PAGE_SIZE;
	info->flags = info->index ? 0 : VFIO_REGION_INFO_FLAG_READ |
		      VFIO_REGION_INFO_FLAG_WRITE | VFIO_REGION_INFO_FLAG_MMAP;
	return 0;
}

#ifdef IOMMUFD_HAVE_VFIO_REGION_INFO_CAPS
static int mock_region_caps(struct vfio_device *vdev, struct vfio_region_info *info,
			    struct vfio_info_cap *caps)
{
	struct {
		struct vfio_info_cap_header header;
		u64 value;
	} cap = {
		.header = { .id = VFIO_MOCK_CAP, .version = 1 },
		.value = VFIO_MOCK_CAP_VALUE,
	};
	int rc = region(info);

	if (rc || info->index)
		return rc;
	return vfio_info_add_capability(caps, &cap.header, sizeof(cap));
}
#else
static long region_info(struct vfio_region_info __user *user)
{
	struct vfio_region_info info;
	int rc;

	if (copy_from_user(&info, user, sizeof(info)))
		return -EFAULT;
	if (info.argsz < sizeof(info))
		return -EINVAL;
	rc = region(&info);
	if (!rc && copy_to_user(user, &info, sizeof(info)))
		rc = -EFAULT;
	return rc;
}
#endif

static long mock_ioctl(struct vfio_device *vdev, unsigned int cmd, unsigned long arg)
{
	struct vfio_device_info info = { .argsz = sizeof(info), .num_regions = 2 };

	switch (cmd) {
	case VFIO_DEVICE_GET_INFO:
		return copy_to_user((void __user *)arg, &info,
				    offsetofend(struct vfio_device_info, num_irqs)) ?
			-EFAULT : 0;
#ifndef IOMMUFD_HAVE_VFIO_REGION_INFO_CAPS
	case VFIO_DEVICE_GET_REGION_INFO:
		return region_info((void __user *)arg);
#endif
	case VFIO_DEVICE_RESET:
		return 0;
	case VFIO_MOCK_ANSWER_CALL:
		return VFIO_MOCK_ANSWER;
	default:
		return -ENOTTY;
	}
}

static int mock_feature(struct vfio_device *vdev, u32 flags, void __user *arg,
			size_t argsz)
{
	struct vfio_mock *m = to_vfio_mock(vdev);
	int rc;

	m->seen.features++;
	if ((flags & VFIO_DEVICE_FEATURE_MASK) != VFIO_MOCK_FEATURE)
		return -ENOTTY;
	rc = vfio_check_feature(flags, argsz,
				VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET,
				sizeof(m->value));
	if (rc != 1)
		return rc;
	if (flags & VFIO_DEVICE_FEATURE_GET)
		rc = copy_to_user(arg, &m->value, sizeof(m->value));
	else
		rc = copy_from_user(&m->value, arg, sizeof(m->value));
	return rc ? -EFAULT : 0;
}

/* As vfio-pci does: who names no token where one is wanted, or another, is refused. */
static int check_token(struct vfio_mock *m, const uuid_t *token)
{
	if (m->behave.match_error)
		return m->behave.match_error;
	if (!m->behave.wants_token)
		return token ? -EINVAL : 0;
	if (!token || memcmp(token, m->behave.token, sizeof(m->behave.token)))
		return -EACCES;
	return 0;
}

/* Linux calls it for the legacy path only, from 7.2 on. */
static int mock_match(struct vfio_device *vdev, char *buf)
{
	const char *name = dev_name(vdev->dev);
	size_t length = strlen(name);
	uuid_t token, *given = NULL;
	int rc;

	if (strncmp(buf, name, length))
		return 0;
	buf += length;
	if (*buf && strncmp(buf, " vf_token=", 10))
		return 0;
	if (*buf) {
		if (uuid_parse(buf + 10, &token))
			return -EINVAL;
		given = &token;
	}
	rc = check_token(to_vfio_mock(vdev), given);
	return rc ? rc : 1;
}

#ifdef IOMMUFD_HAVE_VFIO_MATCH_TOKEN_UUID
static int mock_match_token(struct vfio_device *vdev, const uuid_t *token)
{
	return check_token(to_vfio_mock(vdev), token);
}
#endif

/* The data of a state: bytes without end, or a hole for them. */
static ssize_t state_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	char byte = VFIO_MOCK_STATE_BYTE;
	size_t done;

	for (done = 0; done < min_t(size_t, count, VFIO_MOCK_STATE_SIZE); done++)
		if (put_user(byte, buf + done))
			return -EFAULT;
	return done;
}

static ssize_t state_write(struct file *file, const char __user *buf, size_t count,
			   loff_t *pos)
{
	return count;
}

static const struct file_operations state_fops = {
	.owner = THIS_MODULE,
	.read = state_read,
	.write = state_write,
};

static struct file *mock_set_state(struct vfio_device *vdev,
				   enum vfio_device_mig_state state)
{
	struct vfio_mock *m = to_vfio_mock(vdev);
	enum vfio_device_mig_state next;
	int rc = m->behave.state_error;

	if (!rc)
		rc = vfio_mig_get_next_state(vdev, m->seen.state, state, &next);
	if (rc)
		return ERR_PTR(rc);
	m->seen.state = state;
	if (state != VFIO_DEVICE_STATE_STOP_COPY && state != VFIO_DEVICE_STATE_RESUMING)
		return NULL;
	return anon_inode_getfile("vfio_mock_state", &state_fops, NULL,
				  state == VFIO_DEVICE_STATE_RESUMING ? O_WRONLY : O_RDONLY);
}

static int mock_get_state(struct vfio_device *vdev, enum vfio_device_mig_state *state)
{
	struct vfio_mock *m = to_vfio_mock(vdev);

	*state = m->seen.state;
	return m->behave.state_error;
}

#ifdef VFIO_CORE_MIG_DATA_SIZE
static int mock_data_size(struct vfio_device *vdev, unsigned long *length)
{
	*length = VFIO_MOCK_STATE_SIZE;
	return to_vfio_mock(vdev)->behave.state_error;
}
#endif

static const struct vfio_migration_ops migration_ops = {
	.migration_set_state = mock_set_state,
	.migration_get_state = mock_get_state,
#ifdef VFIO_CORE_MIG_DATA_SIZE
	.migration_get_data_size = mock_data_size,
#endif
};

static int mock_log_start(struct vfio_device *vdev, struct rb_root_cached *ranges,
			  u32 nodes, u64 *page_size)
{
	to_vfio_mock(vdev)->seen.log_calls++;
	return 0;
}

static int mock_log_stop(struct vfio_device *vdev)
{
	to_vfio_mock(vdev)->seen.log_calls++;
	return 0;
}

static int mock_log_read(struct vfio_device *vdev, unsigned long iova,
			 unsigned long length, struct iova_bitmap *dirty)
{
	to_vfio_mock(vdev)->seen.log_calls++;
	return 0;
}

static const struct vfio_log_ops log_ops = {
	.log_start = mock_log_start,
	.log_stop = mock_log_stop,
	.log_read_and_clear = mock_log_read,
};

/* Linux wants these set before a device is registered; the test sets them while it's unused. */
void vfio_mock_set_behaviour(struct vfio_mock *m, const struct vfio_mock_behave *behave)
{
	m->behave = *behave;
	m->vdev.migration_flags = behave->mig_flags;
	m->vdev.mig_ops = behave->mig_flags ? &migration_ops : NULL;
	m->vdev.log_ops = behave->logs ? &log_ops : NULL;
}

static const struct vfio_device_ops full_ops = {
	.name = VFIO_MOCK_NAME,
	.release = vfio_release_nothing,
	VFIO_IOMMUFD_OPS
	.open_device = mock_open,
	.close_device = mock_close,
	.read = mock_read,
	.write = mock_write,
	.ioctl = mock_ioctl,
#ifdef IOMMUFD_HAVE_VFIO_REGION_INFO_CAPS
	.get_region_info_caps = mock_region_caps,
#endif
	.mmap = mock_mmap,
	.request = mock_request,
	.match = mock_match,
#ifdef IOMMUFD_HAVE_VFIO_MATCH_TOKEN_UUID
	.match_token_uuid = mock_match_token,
#endif
	.device_feature = mock_feature,
};

static const struct vfio_device_ops bare_ops = {
	.name = VFIO_MOCK_NAME "-bare",
	.release = vfio_release_nothing,
	VFIO_IOMMUFD_OPS
};

const struct vfio_device_ops *vfio_mock_ops(u32 ops)
{
	return ops == VFIO_MOCK_BARE ? &bare_ops : &full_ops;
}
