// SPDX-License-Identifier: GPL-2.0-only
/* IOAS_MAP, _MAP_FILE, _COPY and _UNMAP. */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/overflow.h>

#include <uapi/linux/iommufd.h>

#include "../core/context.h"
#include "dmabuf.h"
#include "ioas.h"
#include "memory.h"

#define MAP_FLAGS (IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_WRITEABLE | \
		   IOMMU_IOAS_MAP_READABLE)

/*
 * All devices are bound on condition that their DMA is coherent with the CPU's
 * caches, as user space has no way to flush them.
 */
static int map_prot(u32 flags)
{
	int prot = IOMMU_CACHE;

	if (flags & IOMMU_IOAS_MAP_WRITEABLE)
		prot |= IOMMU_WRITE;
	if (flags & IOMMU_IOAS_MAP_READABLE)
		prot |= IOMMU_READ;
	return prot;
}

static int check_map(u32 flags, u64 iova, u64 length)
{
	if (flags & ~MAP_FLAGS)
		return -EOPNOTSUPP;
	if (iova >= ULONG_MAX || length >= ULONG_MAX)
		return -EOVERFLOW;
	/* A mapping without any right maps nothing. */
	if (!(flags & (IOMMU_IOAS_MAP_WRITEABLE | IOMMU_IOAS_MAP_READABLE)))
		return -EINVAL;
	return 0;
}

/* The request that the three mapping ioctls have in common. */
struct mapping {
	struct area *areas;
	unsigned long length;
	unsigned long hint;
	u32 flags;
	u64 *iova;		/* in the ioctl's structure */
};

/*
 * Maps areas, tells user space where, and publishes them only when it knows.
 * Takes the areas over, also on failure.
 */
static int map_areas(struct command *cmd, struct ioas *ioas,
		     const struct mapping *map)
{
	bool fixed = map->flags & IOMMU_IOAS_MAP_FIXED_IOVA;
	unsigned long iova = *map->iova;
	int rc;

	rc = area_reserve(ioas, map->areas, map->length, &iova, fixed, map->hint);
	if (rc) {
		area_free_list(map->areas);
		return rc;
	}
	rc = area_fill(ioas, map->areas);
	if (!rc) {
		*map->iova = iova;
		rc = command_tell(cmd, map->iova);
	}
	if (rc)
		area_remove(ioas, map->areas);
	else
		area_publish(map->areas);
	return rc;
}

/* Maps new memory, or passes on why there is none.  Takes over its reference. */
static int map_memory(struct command *cmd, struct ioas *ioas,
		      struct memory *memory, struct mapping *map)
{
	if (IS_ERR(memory))
		return PTR_ERR(memory);
	map->areas = area_new(memory, map->hint % PAGE_SIZE, map->length,
			      map_prot(map->flags));
	return map_areas(cmd, ioas, map);
}

int memory_check(u64 start, u64 length)
{
	u64 end;

	if (!length)
		return -EINVAL;
	if (check_add_overflow(start, length, &end) ||
	    check_add_overflow(end, (u64)PAGE_SIZE - 1, &end))
		return -EOVERFLOW;
	return 0;
}

int ioas_map_ioctl(struct command *cmd)
{
	struct iommu_ioas_map *arg = cmd->arg;
	bool writable = arg->flags & IOMMU_IOAS_MAP_WRITEABLE;
	struct mapping map = {
		.length = arg->length,
		.hint = arg->user_va,
		.flags = arg->flags,
		.iova = &arg->iova,
	};
	struct ioas *ioas;
	int rc;

	if (arg->__reserved)
		return -EOPNOTSUPP;
	rc = check_map(arg->flags, arg->iova, arg->length);
	if (rc)
		return rc;
	ioas = ioas_get(cmd->ctx, arg->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	rc = memory_check(arg->user_va, arg->length);
	if (!rc)
		rc = map_memory(cmd, ioas,
				memory_of_process(cmd->ctx, arg->user_va, writable),
				&map);
	ioas_put(ioas);
	return rc;
}

static struct memory *memory_of_fd(struct iommufd_ctx *ctx,
				   const struct iommu_ioas_map_file *arg)
{
	bool writable = arg->flags & IOMMU_IOAS_MAP_WRITEABLE;
	struct memory *memory;
	struct file *file;

	memory = memory_of_dmabuf(ctx, arg->fd, arg->start, arg->length, writable);
	if (memory)
		return memory;
	file = fget(arg->fd);
	if (!file)
		return ERR_PTR(-EBADF);
	memory = memory_of_file(ctx, file, arg->start, writable);
	fput(file);
	return memory;
}

static int map_file(struct command *cmd, struct ioas *ioas, struct mapping *map)
{
	struct iommu_ioas_map_file *arg = cmd->arg;
	int rc;

	rc = memory_check(arg->start, arg->length);
	if (rc)
		return rc;
	/* No file reaches beyond. */
	if (arg->start + arg->length > LLONG_MAX)
		return -EINVAL;
	return map_memory(cmd, ioas, memory_of_fd(cmd->ctx, arg), map);
}

int ioas_map_file_ioctl(struct command *cmd)
{
	struct iommu_ioas_map_file *arg = cmd->arg;
	struct mapping map = {
		.length = arg->length,
		.hint = arg->start,
		.flags = arg->flags,
		.iova = &arg->iova,
	};
	struct ioas *ioas;
	int rc;

	rc = check_map(arg->flags, arg->iova, arg->length);
	if (rc)
		return rc;
	ioas = ioas_get(cmd->ctx, arg->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	rc = map_file(cmd, ioas, &map);
	ioas_put(ioas);
	return rc;
}

/* New areas over the memory that stands at [iova, last] of another space. */
static struct area *share_areas(struct ioas *ioas, unsigned long iova,
				unsigned long last, int prot, unsigned long *hint)
{
	struct area *areas = NULL, **tail = &areas, *src, *area;
	struct iova_node *node;
	unsigned long start, end;

	down_read(&ioas->lock);
	for (node = space_find(&ioas->space, iova, last); node;
	     node = space_next(node, last)) {
		src = to_area(node);
		if (node->first > iova || !smp_load_acquire(&src->live))
			break;
		/* Counted from the first page of the memory. */
		start = src->holder.start * PAGE_SIZE + src->offset +
			(iova - node->first);
		end = min(node->last, last);
		if (!areas)
			*hint = memory_position(src->memory, start);
		area = area_share(src->memory, start, end - iova + 1, prot);
		if (IS_ERR(area)) {
			up_read(&ioas->lock);
			area_free_list(areas);
			return area;
		}
		*tail = area;
		tail = &area->next;
		if (end == last) {
			up_read(&ioas->lock);
			return areas;
		}
		iova = end + 1;
	}
	up_read(&ioas->lock);
	area_free_list(areas);
	return ERR_PTR(-ENOENT);
}

static struct area *share_by_id(struct command *cmd,
				const struct iommu_ioas_copy *arg,
				unsigned long *hint)
{
	struct area *areas;
	struct ioas *ioas;
	u64 last;

	ioas = ioas_get(cmd->ctx, arg->src_ioas_id);
	if (IS_ERR(ioas))
		return ERR_CAST(ioas);
	if (!arg->length)
		areas = ERR_PTR(-EINVAL);
	else if (check_add_overflow(arg->src_iova, arg->length - 1, &last))
		areas = ERR_PTR(-EOVERFLOW);
	else
		areas = share_areas(ioas, arg->src_iova, last,
				    map_prot(arg->flags), hint);
	ioas_put(ioas);
	return areas;
}

int ioas_copy_ioctl(struct command *cmd)
{
	struct iommu_ioas_copy *arg = cmd->arg;
	struct mapping map = {
		.length = arg->length,
		.flags = arg->flags,
		.iova = &arg->dst_iova,
	};
	struct ioas *ioas;
	int rc;

	rc = check_map(arg->flags, max(arg->src_iova, arg->dst_iova), arg->length);
	if (rc)
		return rc;
	map.areas = share_by_id(cmd, arg, &map.hint);
	if (IS_ERR(map.areas))
		return PTR_ERR(map.areas);
	ioas = ioas_get(cmd->ctx, arg->dst_ioas_id);
	if (IS_ERR(ioas)) {
		area_free_list(map.areas);
		return PTR_ERR(ioas);
	}
	rc = map_areas(cmd, ioas, &map);
	ioas_put(ioas);
	return rc;
}

int ioas_unmap_ioctl(struct command *cmd)
{
	struct iommu_ioas_unmap *arg = cmd->arg;
	bool all = !arg->iova && arg->length == U64_MAX;
	unsigned long unmapped;
	struct ioas *ioas;
	u64 last;
	int rc;

	ioas = ioas_get(cmd->ctx, arg->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	if (all) {
		rc = ioas_unmap(ioas, 0, ULONG_MAX, &unmapped);
	} else if (arg->iova >= ULONG_MAX || arg->length >= ULONG_MAX) {
		rc = -EOVERFLOW;
	} else if (!arg->length) {
		rc = -EINVAL;
	} else if (check_add_overflow(arg->iova, arg->length - 1, &last)) {
		rc = -EOVERFLOW;
	} else {
		rc = ioas_unmap(ioas, arg->iova, last, &unmapped);
		if (!rc && !unmapped)
			rc = -ENOENT;
	}
	ioas_put(ioas);
	if (rc)
		return rc;
	arg->length = unmapped;
	return command_tell(cmd, &arg->length);
}
