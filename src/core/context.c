// SPDX-License-Identifier: GPL-2.0-only
/* Contexts, and the responses to their ioctls. */
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <iommufd/iommufd.h>
#include <uapi/linux/iommufd.h>

#include "../ioas/account.h"
#include "../viommu/window.h"
#include "object.h"

/* Contexts are numbered from 1. */
static atomic64_t last_number;

struct iommufd_ctx *context_new(struct file *file, struct device *dev)
{
	struct iommufd_ctx *ctx;

	ctx = kzalloc_obj(*ctx, GFP_KERNEL_ACCOUNT);
	if (!ctx)
		return NULL;
	xa_init_flags(&ctx->objects, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	mutex_init(&ctx->groups_lock);
	xa_init(&ctx->groups);
	init_waitqueue_head(&ctx->idle);
	mutex_init(&ctx->change_lock);
	mutex_init(&ctx->vdevices_lock);
	windows_init(ctx);
	ctx->file = file;
	ctx->dev = dev;
	ctx->number = atomic64_inc_return(&last_number);
	return ctx;
}

void context_destroy(struct iommufd_ctx *ctx)
{
	object_destroy_all(ctx);
	WARN_ON(!xa_empty(&ctx->groups));
	pin_account_put(ctx->account);
	windows_destroy(ctx);
	mutex_destroy(&ctx->vdevices_lock);
	mutex_destroy(&ctx->change_lock);
	mutex_destroy(&ctx->groups_lock);
	kfree(ctx);
}

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

int context_option_rlimit_mode(struct command *cmd)
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
	/* Pages must be uncharged by the rule they were charged by, so allow no objects. */
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

/* Copy whole words, see command_load_words() in main.c.  Return 0 or -EFAULT. */
static int command_store_words(u64 __user *to, const u64 *from, size_t size)
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
		return command_store_words(cmd->user, cmd->arg, size);
	return copy_to_user(cmd->user, cmd->arg, size) ? -EFAULT : 0;
}

int command_finalize(struct command *cmd, size_t len, struct object *obj)
{
	int rc = command_respond(cmd, len);

	if (rc)
		object_abort(cmd->ctx, obj);
	else
		object_finalize(cmd->ctx, obj);
	return rc;
}
