// SPDX-License-Identifier: GPL-2.0-only
/* The IOAS object, and the ioctls that query and configure it. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <uapi/linux/iommufd.h>

#include "../core/context.h"
#include "area.h"
#include "ioas.h"
#include "memory.h"

/* The IOAS may be the one that VFIO's type1 ioctls use. */
static void ioas_forget_type1(struct ioas *ioas)
{
	struct iommufd_ctx *ctx = ioas->ctx;

	xa_lock(&ctx->objects);
	if (ctx->type1_ioas == &ioas->obj)
		ctx->type1_ioas = NULL;
	xa_unlock(&ctx->objects);
}

/*
 * Release the areas that a driver failed to unmap: their page tables are gone.
 */
static void ioas_free_lost(struct ioas *ioas)
{
	struct iova_node *node;
	struct area *area;

	while ((node = space_find(&ioas->space, 0, ULONG_MAX))) {
		area = to_area(node);
		WARN_ON(!area->lost);
		space_free(&ioas->space, node);
		area->stuck = false;
		area->lost = false;
		area->next = NULL;
		area_list_unpin(area);
		area_list_free(area);
	}
}

/*
 * Called without references left: no page table and no access object uses it.
 */
static void ioas_destroy(struct object *obj)
{
	struct ioas *ioas = container_of(obj, struct ioas, obj);
	unsigned long unmapped;

	WARN_ON(!list_empty(&ioas->tables) || !xa_empty(&ioas->readers));
	ioas_forget_type1(ioas);
	/*
	 * No lock is contended any more, so a pending signal can't interrupt
	 * this.
	 */
	WARN_ON(ioas_unmap(ioas, 0, ULONG_MAX, &unmapped));
	ioas_free_lost(ioas);
	space_destroy(&ioas->space);
	mutex_destroy(&ioas->auto_lock);
}

static unsigned int ioas_count_tables(struct ioas *ioas)
{
	struct ioas_table *table;
	unsigned int n = 0;

	list_for_each_entry(table, &ioas->tables, item) {
		n++;
		cond_resched();
	}
	return n;
}

static unsigned int ioas_count_readers(struct ioas *ioas)
{
	struct ioas_reader *reader;
	unsigned long id;
	unsigned int n = 0;

	xa_for_each(&ioas->readers, id, reader)
		n++;
	return n;
}

static void ioas_show(struct seq_file *m, struct object *obj)
{
	struct ioas *ioas = container_of(obj, struct ioas, obj);
	unsigned long mapped = READ_ONCE(ioas->mapped);
	bool pinned;

	seq_printf(m, " mapped=%lu", mapped);
	if (!down_read_trylock(&ioas->users)) {
		seq_puts(m, " busy");
		return;
	}
	/*
	 * With a page table present, everything mapped is pinned, except
	 * DMA-bufs.
	 */
	pinned = !list_empty(&ioas->tables);
	seq_printf(m, " pinned=%lu page-tables=%u accesses=%u",
		   pinned ? mapped - READ_ONCE(ioas->exported) : 0, ioas_count_tables(ioas),
		   ioas_count_readers(ioas));
	up_read(&ioas->users);
}

const struct object_type ioas_object_type = {
	.name = "ioas",
	.destroy = ioas_destroy,
	.show = ioas_show,
};

int ioas_alloc_ioctl(struct command *cmd)
{
	struct iommu_ioas_alloc *arg = cmd->arg;
	struct ioas *ioas;

	if (arg->flags)
		return -EOPNOTSUPP;
	ioas = object_new(cmd->ctx, &ioas_object_type, sizeof(*ioas));
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	ioas->ctx = cmd->ctx;
	mutex_init(&ioas->auto_lock);
	init_rwsem(&ioas->users);
	INIT_LIST_HEAD(&ioas->tables);
	xa_init(&ioas->readers);
	init_rwsem(&ioas->lock);
	space_init(&ioas->space);
	ioas->align = 1;

	arg->out_ioas_id = ioas->obj.id;
	return command_finalize(cmd, sizeof(*arg), &ioas->obj);
}

/*
 * Returns the number of holes between reserved ranges; stores the first @max.
 */
static u32 ioas_list_holes(struct ioas *ioas, struct iommu_iova_range *out, u32 max)
{
	struct iova_range hole;
	unsigned long from = 0;
	u32 n = 0;

	while (space_next_hole(&ioas->space, from, &hole)) {
		if (n < max) {
			out[n].start = hole.first;
			out[n].last = hole.last;
		}
		n++;
		if (hole.last == ULONG_MAX)
			break;
		from = hole.last + 1;
	}
	return n;
}

struct iommu_iova_range *ioas_get_holes(struct ioas *ioas,
					struct iommu_ioas_iova_ranges *arg)
{
	struct iommu_iova_range *holes;
	u32 n = 0, room;

	do {
		room = min(n, arg->num_iovas);
		holes = kvcalloc(room + 1, sizeof(*holes), GFP_KERNEL);
		if (!holes)
			return ERR_PTR(-ENOMEM);
		down_read(&ioas->lock);
		n = ioas_list_holes(ioas, holes, room);
		arg->out_iova_alignment = ioas->align;
		up_read(&ioas->lock);
		if (min(n, arg->num_iovas) == room)
			break;
		kvfree(holes);
	} while (1);
	arg->num_iovas = n;
	return holes;
}

int ioas_iova_ranges_ioctl(struct command *cmd)
{
	struct iommu_ioas_iova_ranges *arg = cmd->arg;
	struct iommu_iova_range *holes;
	u32 room = arg->num_iovas;
	struct ioas *ioas;
	int rc = 0;

	if (arg->__reserved)
		return -EOPNOTSUPP;
	ioas = ioas_get(cmd->ctx, arg->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	holes = ioas_get_holes(ioas, arg);
	ioas_put(ioas);
	if (IS_ERR(holes))
		return PTR_ERR(holes);

	if (copy_to_user(u64_to_user_ptr(arg->allowed_iovas), holes,
			 min(arg->num_iovas, room) * sizeof(*holes)))
		rc = -EFAULT;
	kvfree(holes);
	/* Report the required size even if the array was too small. */
	if (!rc)
		rc = command_respond(cmd, sizeof(*arg));
	if (!rc && arg->num_iovas > room)
		rc = -EMSGSIZE;
	return rc;
}

/*
 * Bounds the memory that user space makes us keep; no machine has as many
 * holes.
 */
#define ALLOWED_MAX 65536

static struct iova_range *ioas_load_ranges(const struct iommu_ioas_allow_iovas *arg)
{
	struct iova_range *ranges;
	size_t size;

	BUILD_BUG_ON(sizeof(*ranges) != sizeof(struct iommu_iova_range));
	if (!arg->num_iovas)
		return NULL;
	if (arg->num_iovas > ALLOWED_MAX)
		return ERR_PTR(-EINVAL);
	size = arg->num_iovas * sizeof(*ranges);
	ranges = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!ranges)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(ranges, u64_to_user_ptr(arg->allowed_iovas), size)) {
		kvfree(ranges);
		return ERR_PTR(-EFAULT);
	}
	return ranges;
}

int ioas_allow_iovas_ioctl(struct command *cmd)
{
	const struct iommu_ioas_allow_iovas *arg = cmd->arg;
	struct iova_range *ranges;
	struct ioas *ioas;
	int rc;

	if (arg->__reserved)
		return -EOPNOTSUPP;
	ioas = ioas_get(cmd->ctx, arg->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	ranges = ioas_load_ranges(arg);
	if (IS_ERR(ranges)) {
		rc = PTR_ERR(ranges);
		goto out;
	}
	down_write(&ioas->lock);
	rc = space_allow(&ioas->space, ranges, arg->num_iovas);
	up_write(&ioas->lock);
	if (rc)
		kvfree(ranges);
out:
	ioas_put(ioas);
	return rc;
}

int ioas_option_huge_pages(struct command *cmd)
{
	struct iommu_option *arg = cmd->arg;
	struct ioas *ioas;
	int rc = 0;

	ioas = ioas_get(cmd->ctx, arg->object_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	if (arg->op == IOMMU_OPTION_OP_GET)
		arg->val64 = !READ_ONCE(ioas->single_pages);
	else if (arg->val64 > 1)
		rc = -EINVAL;
	else
		rc = ioas_set_single_pages(ioas, !arg->val64);
	ioas_put(ioas);
	return rc;
}

/*
 * Move the charge for all memory of an IOAS to @to.  With @to NULL, only check
 * that all of it can be moved.
 */
static int ioas_move_charge(struct ioas *ioas, struct pin_account *to, struct memory **moved)
{
	struct iova_node *node;
	struct area *area;
	int rc = 0;

	down_read(&ioas->lock);
	for (node = space_find(&ioas->space, 0, ULONG_MAX); node && !rc;
	     node = space_next(node, ULONG_MAX)) {
		area = to_area(node);
		if (area->lost)
			continue;
		/* Pairs with smp_store_release() in area_list_finalize(). */
		if (!smp_load_acquire(&area->live))
			rc = -EBUSY;
		else if (!area->memory->file)
			rc = -EINVAL;
		else if (to)
			rc = memory_move(area->memory, to, moved);
	}
	up_read(&ioas->lock);
	return rc;
}

/* Returns a reference to the IOAS with the lowest ID >= *@id, or NULL. */
static struct ioas *ioas_next(struct iommufd_ctx *ctx, unsigned long *id)
{
	struct ioas *ioas;
	struct object *obj;

	for (obj = xa_find(&ctx->objects, id, ULONG_MAX, XA_PRESENT); obj;
	     obj = xa_find_after(&ctx->objects, id, ULONG_MAX, XA_PRESENT)) {
		ioas = ioas_get(ctx, *id);
		if (!IS_ERR(ioas))
			return ioas;
	}
	return NULL;
}

static int context_move_charge(struct iommufd_ctx *ctx, struct pin_account *to,
			       struct memory **moved)
{
	struct ioas *ioas;
	unsigned long id;
	int rc = 0;

	for (id = 0; !rc && (ioas = ioas_next(ctx, &id)); id++) {
		rc = ioas_move_charge(ioas, to, moved);
		ioas_put(ioas);
	}
	return rc;
}

int ioas_change_process_ioctl(struct command *cmd)
{
	const struct iommu_ioas_change_process *arg = cmd->arg;
	struct iommufd_ctx *ctx = cmd->ctx;
	struct memory *moved = NULL;
	struct pin_account *to;
	int rc;

	if (arg->__reserved)
		return -EOPNOTSUPP;
	to = pin_account_get_current(ctx);
	if (!to)
		return -ENOMEM;
	rc = mutex_lock_killable(&ctx->change_lock);
	if (rc)
		goto out;
	rc = context_move_charge(ctx, NULL, NULL);
	if (!rc) {
		do {
			rc = context_move_charge(ctx, to, &moved);
		} while (memory_try_again(&rc));
		memory_move_end(moved, !rc);
	}
	mutex_unlock(&ctx->change_lock);
out:
	pin_account_put(to);
	return rc;
}
