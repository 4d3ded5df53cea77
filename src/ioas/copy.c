// SPDX-License-Identifier: GPL-2.0-only
/* IOAS_COPY: map the memory of a range once more. */
#include <linux/err.h>
#include <linux/overflow.h>

#include <uapi/linux/iommufd.h>

#include "../core/context.h"
#include "area.h"
#include "ioas.h"
#include "map.h"
#include "memory.h"

/* Allocate areas that share the memory mapped at [iova, last] of @ioas. */
static struct area *copy_areas(struct ioas *ioas, unsigned long iova,
			       unsigned long last, int prot, unsigned long *hint)
{
	struct area *areas = NULL, **tail = &areas, *src, *area;
	struct iova_node *node;
	unsigned long start, end;

	down_read(&ioas->lock);
	for (node = space_find(&ioas->space, iova, last); node;
	     node = space_next(node, last)) {
		src = to_area(node);
		/* Pairs with smp_store_release() in area_list_finalize(). */
		if (node->first > iova || !smp_load_acquire(&src->live))
			break;
		/* Offset from the first page of the memory. */
		start = src->holder.start * PAGE_SIZE + src->offset +
			(iova - node->first);
		end = min(node->last, last);
		if (!areas)
			*hint = memory_position(src->memory, start);
		area = area_share(src->memory, start, end - iova + 1, prot);
		if (IS_ERR(area)) {
			up_read(&ioas->lock);
			area_list_free(areas);
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
	area_list_free(areas);
	return ERR_PTR(-ENOENT);
}

static struct area *copy_areas_by_id(struct command *cmd,
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
		areas = copy_areas(ioas, arg->src_iova, last,
				   map_prot(arg->flags), hint);
	ioas_put(ioas);
	return areas;
}

int ioas_copy_ioctl(struct command *cmd)
{
	struct iommu_ioas_copy *arg = cmd->arg;
	struct area_request req = { .length = arg->length };
	struct ioas *ioas;
	int rc;

	rc = map_check(arg->flags, max(arg->src_iova, arg->dst_iova), arg->length);
	if (rc)
		return rc;
	req.areas = copy_areas_by_id(cmd, arg, &req.hint);
	if (IS_ERR(req.areas))
		return PTR_ERR(req.areas);
	ioas = ioas_get(cmd->ctx, arg->dst_ioas_id);
	if (IS_ERR(ioas)) {
		area_list_free(req.areas);
		return PTR_ERR(ioas);
	}
	rc = map_areas(cmd, ioas, &req, arg->flags, &arg->dst_iova);
	ioas_put(ioas);
	return rc;
}
