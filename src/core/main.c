// SPDX-License-Identifier: GPL-2.0-only
/* The misc device, its ioctl table, and contexts. */
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <iommufd/iommufd.h>
#include <uapi/linux/iommufd.h>

#include "../device/device.h"
#include "../device/group.h"
#include "../event/fault.h"
#include "../event/veventq.h"
#include "../hw/hw.h"
#include "../hwpt/hwpt.h"
#include "../ioas/account.h"
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

/*
 * Structures are a few words, for which the general ways of copying are slow.  These two
 * copy whole words: 0 or -EFAULT.
 */
static int load_words(u64 *to, const u64 __user *from, size_t size)
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

static int store_words(u64 __user *to, const u64 *from, size_t size)
{
	if (!user_write_access_begin(to, size))
		return -EFAULT;
	for (; size; size -= sizeof(*to))
		unsafe_put_user(*from++, to++, fault);
	user_write_access_end();
	return 0;
fault:
	user_write_access_end();
	return -EFAULT;
}

int command_respond(struct command *cmd, size_t len)
{
	size_t size = min_t(size_t, len, cmd->size);

	if (!(size % sizeof(u64)))
		return store_words(cmd->user, cmd->arg, size);
	return copy_to_user(cmd->user, cmd->arg, size) ? -EFAULT : 0;
}

int command_publish(struct command *cmd, size_t len, struct object *obj)
{
	int rc = command_respond(cmd, len);

	if (rc)
		object_abandon(cmd->ctx, obj);
	else
		object_publish(cmd->ctx, obj);
	return rc;
}

static int destroy_ioctl(struct command *cmd)
{
	const struct iommu_destroy *arg = cmd->arg;

	return object_destroy(cmd->ctx, arg->id);
}

/* The option of the whole context: who is charged for pinned memory. */
static int option_rlimit_mode(struct command *cmd)
{
	struct iommu_option *arg = cmd->arg;
	struct iommufd_ctx *ctx = cmd->ctx;
	int rc = 0;

	if (arg->object_id)
		return -EOPNOTSUPP;
	if (arg->op == IOMMU_OPTION_OP_GET) {
		arg->val64 = ctx->account_mm;
		return 0;
	}
	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;
	/* What was charged by one rule can't be given back by the other. */
	xa_lock(&ctx->objects);
	if (!xa_empty(&ctx->objects))
		rc = -EBUSY;
	else if (arg->val64 > 1)
		rc = -EINVAL;
	else
		ctx->account_mm = arg->val64;
	xa_unlock(&ctx->objects);
	return rc;
}

static int option_ioctl(struct command *cmd)
{
	struct iommu_option *arg = cmd->arg;
	int rc;

	if (arg->__reserved)
		return -EOPNOTSUPP;
	if (arg->op != IOMMU_OPTION_OP_GET && arg->op != IOMMU_OPTION_OP_SET)
		return -EOPNOTSUPP;
	switch (arg->option_id) {
	case IOMMU_OPTION_RLIMIT_MODE:
		rc = option_rlimit_mode(cmd);
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
 * @min_size ends with the last member that the ioctl had when it was new: a
 * program that knows less than that knows nothing of it.
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
	COMMAND(IOMMU_DESTROY, destroy_ioctl, iommu_destroy, id),
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
	COMMAND(IOMMU_IOAS_UNMAP, ioas_unmap_ioctl, iommu_ioas_unmap, length),
	COMMAND(IOMMU_OPTION, option_ioctl, iommu_option, val64),
	COMMAND(IOMMU_VDEVICE_ALLOC, vdevice_alloc_ioctl, iommu_vdevice_alloc, virt_id),
	COMMAND(IOMMU_VIOMMU_ALLOC, viommu_alloc_ioctl, iommu_viommu_alloc,
		out_viommu_id),
	COMMAND(IOMMU_VEVENTQ_ALLOC, veventq_alloc_ioctl, iommu_veventq_alloc,
		out_veventq_fd),
	COMMAND(IOMMU_VFIO_IOAS, type1_ioas_ioctl, iommu_vfio_ioas, __reserved),
	TEST_COMMANDS
};

static int load_command(struct command *cmd, const struct command_entry *entry)
{
	/* Every structure begins with its size. */
	if (get_user(cmd->size, (u32 __user *)cmd->user))
		return -EFAULT;
	if (cmd->size < entry->min_size)
		return -EINVAL;
	if (cmd->size == entry->size && !(entry->size % sizeof(u64)))
		return load_words(cmd->arg, cmd->user, entry->size);
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

	rc = load_command(&cmd, entry);
	return rc ? rc : entry->run(&cmd);
}

/* Contexts are numbered from 1 on, so that people can tell them apart. */
static atomic64_t last_number;

static int iommufd_open(struct inode *inode, struct file *file)
{
	struct iommufd_ctx *ctx;

	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL_ACCOUNT);
	if (!ctx)
		return -ENOMEM;
	xa_init_flags(&ctx->objects, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	mutex_init(&ctx->groups_lock);
	xa_init(&ctx->groups);
	init_waitqueue_head(&ctx->idle);
	mutex_init(&ctx->change_lock);
	mutex_init(&ctx->vdevices_lock);
	windows_init(ctx);
	ctx->file = file;
	ctx->number = atomic64_inc_return(&last_number);
	file->private_data = ctx;
	return 0;
}

static int iommufd_release(struct inode *inode, struct file *file)
{
	struct iommufd_ctx *ctx = file->private_data;

	object_destroy_all(ctx);
	WARN_ON(!xa_empty(&ctx->groups));
	payer_put(ctx->payer);
	windows_destroy(ctx);
	mutex_destroy(&ctx->vdevices_lock);
	mutex_destroy(&ctx->change_lock);
	mutex_destroy(&ctx->groups_lock);
	kfree(ctx);
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

void iommufd_ctx_get(struct iommufd_ctx *ctx)
{
	get_file(ctx->file);
}
EXPORT_SYMBOL_NS_GPL(iommufd_ctx_get, "IOMMUFD");

void iommufd_ctx_put(struct iommufd_ctx *ctx)
{
	fput(ctx->file);
}
EXPORT_SYMBOL_NS_GPL(iommufd_ctx_put, "IOMMUFD");

static struct miscdevice iommufd_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "iommu",
	.fops = &iommufd_fops,
	.nodename = "iommu",
	.mode = 0660,
};

struct device *iommufd_this_device(void)
{
	return iommufd_misc.this_device;
}

static int __init iommufd_init(void)
{
	int rc;

	rc = memory_init();
	if (rc)
		return rc;
	rc = pin_init();
	if (rc)
		goto err_memory;
	rc = misc_register(&iommufd_misc);
	if (rc)
		goto err_pin;
	return 0;

err_pin:
	pin_exit();
err_memory:
	memory_exit();
	return rc;
}
module_init(iommufd_init);

static void __exit iommufd_exit(void)
{
	misc_deregister(&iommufd_misc);
	pin_exit();
	hw_attachments_exit();
	memory_exit();
}
module_exit(iommufd_exit);

MODULE_DESCRIPTION("I/O address spaces and DMA by user space (/dev/iommu)");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("DMA_BUF");
MODULE_IMPORT_NS("IOMMUFD_INTERNAL");
IOMMUFD_MODULE_INFO;
