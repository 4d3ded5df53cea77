// SPDX-License-Identifier: GPL-2.0-only
/* VFIO's type1 ioctls, and the IOAS that they use. */
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/overflow.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>

#include <uapi/linux/iommufd.h>
#include <uapi/linux/vfio.h>

#include "../core/context.h"
#include "area.h"
#include "ioas.h"
#include "memory.h"
#include "type1.h"

struct ioas *type1_ioas(struct iommufd_ctx *ctx)
{
	struct object *obj = object_get_slot(ctx, &ctx->type1_ioas);

	return obj ? container_of(obj, struct ioas, obj) : ERR_PTR(-ENODEV);
}

static void type1_choose(struct iommufd_ctx *ctx, struct object *obj)
{
	xa_lock(&ctx->objects);
	ctx->type1_ioas = obj;
	xa_unlock(&ctx->objects);
}

int type1_ioas_ioctl(struct command *cmd)
{
	struct iommu_vfio_ioas *arg = cmd->arg;
	struct ioas *ioas;

	if (arg->__reserved)
		return -EOPNOTSUPP;
	switch (arg->op) {
	case IOMMU_VFIO_IOAS_GET:
		ioas = type1_ioas(cmd->ctx);
		if (IS_ERR(ioas))
			return PTR_ERR(ioas);
		arg->ioas_id = ioas->obj.id;
		ioas_put(ioas);
		return command_respond(cmd, sizeof(*arg));
	case IOMMU_VFIO_IOAS_SET:
		ioas = ioas_get(cmd->ctx, arg->ioas_id);
		if (IS_ERR(ioas))
			return PTR_ERR(ioas);
		type1_choose(cmd->ctx, &ioas->obj);
		ioas_put(ioas);
		return 0;
	case IOMMU_VFIO_IOAS_CLEAR:
		type1_choose(cmd->ctx, NULL);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

/*
 * Unlike TYPE1v2, TYPE1 may unmap a part of a mapping.  Page tables support
 * that if no entry is larger than a page.
 */
static int type1_set_iommu(struct iommufd_ctx *ctx, unsigned long type)
{
	struct ioas *ioas;
	int rc = 0;

	if (type != VFIO_TYPE1_IOMMU && type != VFIO_TYPE1v2_IOMMU)
		return -EINVAL;
	ioas = type1_ioas(ctx);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	if (type == VFIO_TYPE1_IOMMU)
		rc = ioas_set_single_pages(ioas, true);
	ioas_put(ioas);
	return rc;
}

static int type1_map_process(struct ioas *ioas, u64 va, u64 length, u64 iova, int prot)
{
	struct area_request req = { .length = length, .iova = iova, .fixed = true };
	struct memory *memory;
	int rc;

	rc = memory_check(va, length);
	if (rc)
		return rc;
	memory = memory_of_process(ioas->ctx, va, prot & IOMMU_WRITE);
	if (IS_ERR(memory))
		return PTR_ERR(memory);
	req.areas = area_init(&memory->first, memory, va % PAGE_SIZE, length, prot);
	rc = area_list_map(ioas, &req);
	if (!rc)
		area_list_finalize(req.areas);
	return rc;
}

static int type1_map_dma(struct iommufd_ctx *ctx, void __user *user)
{
	const size_t min_size = offsetofend(struct vfio_iommu_type1_dma_map, size);
	struct vfio_iommu_type1_dma_map arg;
	int prot = IOMMU_CACHE;
	struct ioas *ioas;
	int rc;

	if (copy_from_user(&arg, user, min_size))
		return -EFAULT;
	if (arg.argsz < min_size)
		return -EINVAL;
	if (arg.flags & ~(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE))
		return -EINVAL;
	if (arg.flags & VFIO_DMA_MAP_FLAG_READ)
		prot |= IOMMU_READ;
	if (arg.flags & VFIO_DMA_MAP_FLAG_WRITE)
		prot |= IOMMU_WRITE;
	ioas = type1_ioas(ctx);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	/* A mapping needs at least one right. */
	if (prot & (IOMMU_READ | IOMMU_WRITE))
		rc = type1_map_process(ioas, arg.vaddr, arg.size, arg.iova, prot);
	else
		rc = -EINVAL;
	ioas_put(ioas);
	return rc;
}

/* Unmap the range of a request.  *@unmapped is valid even on failure. */
static int type1_unmap_range(struct ioas *ioas,
			     const struct vfio_iommu_type1_dma_unmap *arg,
			     unsigned long *unmapped)
{
	u64 last;
	int rc;

	if (arg->flags & VFIO_DMA_UNMAP_FLAG_ALL) {
		if (arg->iova || arg->size)
			return -EINVAL;
		return ioas_unmap(ioas, 0, ULONG_MAX, unmapped);
	}
	if (!arg->size)
		return -EINVAL;
	if (check_add_overflow(arg->iova, arg->size - 1, &last))
		return -EOVERFLOW;
	rc = ioas_cut(ioas, arg->iova, last);
	if (rc)
		return rc;
	return ioas_unmap(ioas, arg->iova, last, unmapped);
}

static int type1_unmap_dma(struct iommufd_ctx *ctx, void __user *user)
{
	const size_t min_size = offsetofend(struct vfio_iommu_type1_dma_unmap, size);
	struct vfio_iommu_type1_dma_unmap arg;
	unsigned long unmapped = 0;
	struct ioas *ioas;
	int rc;

	if (copy_from_user(&arg, user, min_size))
		return -EFAULT;
	/* The dirty bitmap flag isn't supported. */
	if (arg.argsz < min_size || (arg.flags & ~VFIO_DMA_UNMAP_FLAG_ALL))
		return -EINVAL;
	ioas = type1_ioas(ctx);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	rc = type1_unmap_range(ioas, &arg, &unmapped);
	ioas_put(ioas);
	/* A failure may come after a part was unmapped. */
	if (rc && !unmapped)
		return rc;
	arg.size = unmapped;
	if (copy_to_user(user, &arg, min_size))
		return -EFAULT;
	return rc;
}

long type1_ioctl(struct iommufd_ctx *ctx, unsigned int number, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (number) {
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		return type1_check_extension(ctx, arg);
	case VFIO_SET_IOMMU:
		return type1_set_iommu(ctx, arg);
	case VFIO_IOMMU_GET_INFO:
		return type1_get_info(ctx, user);
	case VFIO_IOMMU_MAP_DMA:
		return type1_map_dma(ctx, user);
	case VFIO_IOMMU_UNMAP_DMA:
		return type1_unmap_dma(ctx, user);
	default:
		return -ENOTTY;
	}
}
