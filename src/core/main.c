// SPDX-License-Identifier: GPL-2.0-only
/* The misc device /dev/iommu and its table of ioctls. */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include <iommufd/iommufd.h>
#include <uapi/linux/iommufd.h>

#include "../device/device.h"
#include "../event/fault.h"
#include "../event/veventq.h"
#include "../hw/hw.h"
#include "../hw/shims.h"
#include "../hwpt/hwpt.h"
#include "../ioas/ioas.h"
#include "../ioas/memory.h"
#include "../ioas/type1.h"
#include "../viommu/hw_queue.h"
#include "../viommu/vdevice.h"
#include "../viommu/viommu.h"
#include "../viommu/window.h"
#include "context.h"
#include "fdinfo.h"
#include "test.h"

static int iommufd_destroy_ioctl(struct command *cmd)
{
	const struct iommu_destroy *arg = cmd->arg;

	return object_destroy(cmd->ctx, arg->id);
}

static int iommufd_option_ioctl(struct command *cmd)
{
	struct iommu_option *arg = cmd->arg;
	int rc;

	if (arg->__reserved)
		return -EOPNOTSUPP;
	if (arg->op != IOMMU_OPTION_OP_GET && arg->op != IOMMU_OPTION_OP_SET)
		return -EOPNOTSUPP;
	switch (arg->option_id) {
	case IOMMU_OPTION_RLIMIT_MODE:
		rc = context_option_rlimit_mode(cmd);
		break;
	case IOMMU_OPTION_HUGE_PAGES:
		rc = ioas_option_huge_pages(cmd);
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (rc)
		return rc;
	return command_respond(cmd, sizeof(*arg));
}

/*
 * @min_size is the structure's size in the ioctl's first version, up to the end of its last
 * member; smaller ones are refused.
 */
struct command_entry {
	unsigned int number;
	u16 min_size;
	u16 size;
	int (*run)(struct command *cmd);
};

#define COMMAND(_number, _run, _struct, _last_member)			\
	[_IOC_NR(_number) - IOMMUFD_CMD_BASE] = {			\
		.number = _number,					\
		.min_size = offsetofend(struct _struct, _last_member),	\
		.size = sizeof(struct _struct) +			\
			BUILD_BUG_ON_ZERO(sizeof(struct _struct) > COMMAND_MAX), \
		.run = _run,						\
	}

static const struct command_entry commands[] = {
	COMMAND(IOMMU_DESTROY, iommufd_destroy_ioctl, iommu_destroy, id),
	COMMAND(IOMMU_FAULT_QUEUE_ALLOC, fault_queue_alloc_ioctl, iommu_fault_alloc,
		out_fault_fd),
	COMMAND(IOMMU_GET_HW_INFO, device_hw_info_ioctl, iommu_hw_info, __reserved),
	COMMAND(IOMMU_HWPT_ALLOC, hwpt_alloc_ioctl, iommu_hwpt_alloc, __reserved),
	COMMAND(IOMMU_HWPT_GET_DIRTY_BITMAP, hwpt_get_dirty_ioctl,
		iommu_hwpt_get_dirty_bitmap, data),
	COMMAND(IOMMU_HWPT_SET_DIRTY_TRACKING, hwpt_set_dirty_ioctl,
		iommu_hwpt_set_dirty_tracking, __reserved),
	COMMAND(IOMMU_HWPT_INVALIDATE, hwpt_invalidate_ioctl, iommu_hwpt_invalidate,
		__reserved),
	COMMAND(IOMMU_HW_QUEUE_ALLOC, hw_queue_alloc_ioctl, iommu_hw_queue_alloc,
		length),
	COMMAND(IOMMU_IOAS_ALLOC, ioas_alloc_ioctl, iommu_ioas_alloc, out_ioas_id),
	COMMAND(IOMMU_IOAS_ALLOW_IOVAS, ioas_allow_iovas_ioctl,
		iommu_ioas_allow_iovas, allowed_iovas),
	COMMAND(IOMMU_IOAS_CHANGE_PROCESS, ioas_change_process_ioctl,
		iommu_ioas_change_process, __reserved),
	COMMAND(IOMMU_IOAS_COPY, ioas_copy_ioctl, iommu_ioas_copy, src_iova),
	COMMAND(IOMMU_IOAS_IOVA_RANGES, ioas_iova_ranges_ioctl,
		iommu_ioas_iova_ranges, out_iova_alignment),
	COMMAND(IOMMU_IOAS_MAP, ioas_map_ioctl, iommu_ioas_map, iova),
	COMMAND(IOMMU_IOAS_MAP_FILE, ioas_map_file_ioctl, iommu_ioas_map_file, iova),
	COMMAND(IOMMU_IOAS_NOIOMMU_GET_PA, ioas_noiommu_get_pa_ioctl,
		iommu_ioas_noiommu_get_pa, out_phys),
	COMMAND(IOMMU_IOAS_UNMAP, ioas_unmap_ioctl, iommu_ioas_unmap, length),
	COMMAND(IOMMU_OPTION, iommufd_option_ioctl, iommu_option, val64),
	COMMAND(IOMMU_VDEVICE_ALLOC, vdevice_alloc_ioctl, iommu_vdevice_alloc, virt_id),
	COMMAND(IOMMU_VIOMMU_ALLOC, viommu_alloc_ioctl, iommu_viommu_alloc,
		out_viommu_id),
	COMMAND(IOMMU_VEVENTQ_ALLOC, veventq_alloc_ioctl, iommu_veventq_alloc,
		out_veventq_fd),
	COMMAND(IOMMU_VFIO_IOAS, type1_ioas_ioctl, iommu_vfio_ioas, __reserved),
	TEST_COMMANDS
};

/*
 * The structures are a few words, for which copy_from_user() is slow: copy whole words.
 * Return 0 or -EFAULT.
 */
static int command_load_words(u64 *to, const u64 __user *from, size_t size)
{
	if (!user_read_access_begin(from, size))
		return -EFAULT;
	for (; size; size -= sizeof(*to))
		unsafe_get_user(*to++, from++, fault);
	user_read_access_end();
	return 0;
fault:
	user_read_access_end();
	return -EFAULT;
}

static int command_load(struct command *cmd, const struct command_entry *entry)
{
	/* The first member of every structure is its size. */
	if (get_user(cmd->size, (u32 __user *)cmd->user))
		return -EFAULT;
	if (cmd->size < entry->min_size)
		return -EINVAL;
	if (cmd->size == entry->size && !(entry->size % sizeof(u64)))
		return command_load_words(cmd->arg, cmd->user, entry->size);
	return copy_struct_from_user(cmd->arg, entry->size, cmd->user, cmd->size);
}

static long iommufd_ioctl(struct file *file, unsigned int number, unsigned long arg)
{
	u64 buffer[COMMAND_MAX / sizeof(u64)];
	const struct command_entry *entry;
	struct command cmd = {
		.ctx = file->private_data,
		.user = (void __user *)arg,
		.arg = buffer,
	};
	unsigned int index = _IOC_NR(number) - IOMMUFD_CMD_BASE;
	int rc;

	if (index >= ARRAY_SIZE(commands))
		return type1_ioctl(cmd.ctx, number, arg);
	entry = &commands[array_index_nospec(index, ARRAY_SIZE(commands))];
	if (!entry->run || entry->number != number)
		return -ENOTTY;

	rc = command_load(&cmd, entry);
	return rc ? rc : entry->run(&cmd);
}

static struct miscdevice iommufd_misc;

static int iommufd_open(struct inode *inode, struct file *file)
{
	file->private_data = context_new(file, iommufd_misc.this_device);
	return file->private_data ? 0 : -ENOMEM;
}

static int iommufd_release(struct inode *inode, struct file *file)
{
	context_destroy(file->private_data);
	return 0;
}

static int iommufd_mmap(struct file *file, struct vm_area_struct *vma)
{
	return windows_mmap(file->private_data, vma);
}

static const struct file_operations iommufd_fops = {
	.owner = THIS_MODULE,
	.open = iommufd_open,
	.release = iommufd_release,
	.unlocked_ioctl = iommufd_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = iommufd_mmap,
	.show_fdinfo = iommufd_show_fdinfo,
};

struct iommufd_ctx *iommufd_ctx_from_file(struct file *file)
{
	struct iommufd_ctx *ctx;

	if (file->f_op != &iommufd_fops)
		return ERR_PTR(-EBADFD);
	ctx = file->private_data;
	iommufd_ctx_get(ctx);
	return ctx;
}
EXPORT_SYMBOL_NS_GPL(iommufd_ctx_from_file, "IOMMUFD");

struct iommufd_ctx *iommufd_ctx_from_fd(int fd)
{
	struct iommufd_ctx *ctx;
	struct file *file;

	file = fget(fd);
	if (!file)
		return ERR_PTR(-EBADF);
	ctx = iommufd_ctx_from_file(file);
	fput(file);
	return ctx;
}
EXPORT_SYMBOL_NS_GPL(iommufd_ctx_from_fd, "IOMMUFD");

static struct miscdevice iommufd_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "iommu",
	.fops = &iommufd_fops,
	.nodename = "iommu",
	.mode = 0660,
};

/*
 * Programs take /dev/iommu as a sign that devices can be assigned, so don't offer it without
 * an active IOMMU: they would fail instead of falling back.
 */
static bool without_iommu = IS_ENABLED(IOMMUFD_TEST);
module_param(without_iommu, bool, 0444);
MODULE_PARM_DESC(without_iommu,
		 "Create /dev/iommu even if no IOMMU is active; it can only map memory then");

static DEFINE_MUTEX(iommufd_node_lock);
static bool iommufd_node_exists;		/* under iommufd_node_lock */

int iommufd_node_create(void)
{
	int rc = 0;

	mutex_lock(&iommufd_node_lock);
	if (!iommufd_node_exists)
		rc = misc_register(&iommufd_misc);
	if (!rc)
		iommufd_node_exists = true;
	mutex_unlock(&iommufd_node_lock);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_node_create, "IOMMUFD");

static int iommufd_node_init(void)
{
	char name[32] = "none";
	bool active = hw_active_iommu(name, sizeof(name));

	pr_info("version %s, API of Linux 7.3, IOMMU: %s\n", IOMMUFD_VERSION, name);
	if (active || without_iommu)
		return iommufd_node_create();
	pr_warn("no IOMMU is active: vfio-pci can't bind devices, /dev/iommu isn't created (without_iommu=1 creates it). Enable VT-d or AMD-Vi in the firmware setup; boot with intel_iommu=on (Intel), without iommu=off or amd_iommu=off\n");
	return 0;
}

static void __init iommufd_log_kernel(void)
{
	char text[128];

	if (IS_ENABLED(IOMMUFD_NEWER_THAN_TESTED))
		pr_info("this kernel is newer than those tested; all required interfaces are present\n");
	if (compat_name_unsupported(text, sizeof(text)))
		pr_info("disabled, not supported by this kernel: %s\n", text);
}

static int __init iommufd_init(void)
{
	int rc;

	iommufd_log_kernel();
	rc = memory_init();
	if (rc)
		return rc;
	hw_shims_init();
	rc = iommufd_node_init();
	if (rc) {
		hw_shims_exit();
		memory_exit();
	}
	return rc;
}
module_init(iommufd_init);

static void __exit iommufd_exit(void)
{
	if (iommufd_node_exists)
		misc_deregister(&iommufd_misc);
	hw_shims_exit();
	hw_attachments_exit();
	memory_exit();
}
module_exit(iommufd_exit);

MODULE_DESCRIPTION("I/O address spaces and DMA by user space (/dev/iommu)");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("DMA_BUF");
MODULE_IMPORT_NS("IOMMUFD_INTERNAL");
IOMMUFD_MODULE_INFO;
