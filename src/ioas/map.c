// SPDX-License-Identifier: GPL-2.0-only
/* Mapping: from IOAS_MAP and IOAS_MAP_FILE to the page tables. */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/huge_mm.h>
#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/overflow.h>

#include <uapi/linux/iommufd.h>

#include "../core/context.h"
#include "../core/trace.h"
#include "../hw/hw.h"
#include "area.h"
#include "dmabuf.h"
#include "ioas.h"
#include "map.h"
#include "memory.h"

/*
 * Choose an IOVA that is aligned as the memory is, up to a huge page and to the length, so
 * that the IOMMU can use huge pages where the CPU does.
 */
static int area_choose_iova(struct ioas *ioas, struct area_request *req)
{
	unsigned long align;

	if (req->length >= ULONG_MAX / 2)
		return -EOVERFLOW;
	align = roundup_pow_of_two(req->length);
	if (req->hint)
		align = min(align, 1UL << __ffs(req->hint));
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	align = min(align, HPAGE_SIZE);
#else
	align = min(align, PAGE_SIZE);
#endif
	if (align < ioas->align)
		return -EINVAL;
	return space_find_room(&ioas->space, req->length, max(align, PAGE_SIZE),
			       req->hint % PAGE_SIZE, &req->iova);
}

static int area_check_iova(struct ioas *ioas, unsigned long iova, unsigned long length,
			   struct iova_spot *spot)
{
	unsigned long last;

	if (iova & (ioas->align - 1))
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &last))
		return -EOVERFLOW;
	if (space_is_reserved(&ioas->space, iova, last))
		return -EINVAL;
	return space_find_spot(&ioas->space, iova, last, spot) ? 0 : -EEXIST;
}

static int area_list_check(struct ioas *ioas, const struct area *area)
{
	for (; area; area = area->next) {
		if ((area->prot & IOMMU_WRITE) && !area->memory->writable)
			return -EPERM;
		if ((area->offset | area_length(area)) & (ioas->align - 1))
			return -EINVAL;
	}
	return 0;
}

static void area_take_iova(struct ioas *ioas, struct area *area, unsigned long iova,
			   const struct iova_spot *spot)
{
	area->node.first = iova;
	area->node.last += iova;
	if (spot)
		space_take_spot(&ioas->space, &area->node, spot);
	else
		space_take(&ioas->space, &area->node);
	ioas_count_mapped(ioas, area_length(area), area->memory->dmabuf);
}

/* Takes IOVA for a list of areas, side by side. */
static int area_list_reserve(struct ioas *ioas, struct area_request *req)
{
	struct area *area = req->areas;
	struct iova_spot spot;
	unsigned long at;
	int rc;

	down_write(&ioas->lock);
	if (req->length & (ioas->align - 1))
		rc = -EINVAL;
	else if (req->fixed)
		rc = area_check_iova(ioas, req->iova, req->length, &spot);
	else
		rc = area_choose_iova(ioas, req);
	if (!rc)
		rc = area_list_check(ioas, area);
	if (rc)
		goto out;
	/* area_check_iova() has found the first one's spot. */
	area_take_iova(ioas, area, req->iova, req->fixed ? &spot : NULL);
	while (area->next) {
		at = area->node.last + 1;
		area = area->next;
		area_take_iova(ioas, area, at, NULL);
	}
out:
	up_write(&ioas->lock);
	return rc;
}

static int area_map_runs(struct area *area, struct hw_mapper *to)
{
	unsigned long left = area_length(area), offset = area->offset, length;
	struct run_walk walk;
	bool more;
	int rc = 0;

	for (more = runs_walk(&area->memory->runs, &walk, area->holder.start,
			      area->holder.last);
	     more && !rc; more = runs_walk_next(&walk), offset = 0) {
		length = min(left, walk.run.npages * PAGE_SIZE - offset);
		left -= length;
		rc = hw_map_add(to, PFN_PHYS((phys_addr_t)walk.run.pfn) + offset,
				length);
	}
	if (WARN_ON(!rc && left))
		rc = -EFAULT;
	return hw_map_end(to, rc);
}

int area_map_into(struct ioas *ioas, struct area *area, struct ioas_table *table)
{
	struct memory *memory = area->memory;
	struct hw_mapper to;
	int rc = 0;

	/* With ioas->users held, don't wait for page faults in another part of the memory. */
	if (memory->dmabuf)
		rc = mutex_lock_killable(&memory->lock);
	else if (!mutex_trylock(&memory->lock))
		rc = -ESTALE;
	if (rc)
		return rc;
	hw_map_begin(&to, table->domain, area->node.first, area_length(area),
		     memory->dmabuf ? dmabuf_prot(area->prot) : area->prot,
		     ioas->single_pages);
	rc = memory->dmabuf ? dmabuf_map(area, &to) : area_map_runs(area, &to);
	/* Keep the lock, or a revoked DMA-buf could stay mapped in part. */
	if (rc)
		area_check_unmapped(area, hw_unmap(table->domain, area->node.first,
						   to.iova - area->node.first));
	memory_unlock(memory);
	return rc;
}

static int area_pin_locked(struct area *area, struct refusal *refusal)
{
	int rc = memory_pin(area->memory, &area->holder, refusal);

	memory_unlock(area->memory);
	area->pinned = !rc;
	return rc;
}

int area_pin(struct area *area, struct refusal *refusal)
{
	int rc;

	/* A DMA-buf isn't pinned: it stays in place until it is revoked. */
	if (area->memory->dmabuf)
		return 0;
	rc = mutex_lock_killable(&area->memory->lock);
	return rc ? rc : area_pin_locked(area, refusal);
}

int area_try_pin(struct area *area, struct refusal *refusal)
{
	if (area->memory->dmabuf)
		return 0;
	if (!mutex_trylock(&area->memory->lock))
		return -ESTALE;
	return area_pin_locked(area, refusal);
}

static int area_list_pin(struct area *area)
{
	int rc;

	for (; area; area = area->next) {
		rc = area->pinned ? 0 : area_pin(area, NULL);
		if (rc)
			return rc;
	}
	return 0;
}

/* Maps an area into all page tables, or into none. */
static int area_map_all(struct ioas *ioas, struct area *area)
{
	struct ioas_table *table;
	int rc;

	list_for_each_entry(table, &ioas->tables, item) {
		rc = area_map_into(ioas, area, table);
		if (rc) {
			area_unmap_before(ioas, area, table);
			return rc;
		}
	}
	area->filled = true;
	return 0;
}

static int area_list_fill_locked(struct ioas *ioas, struct area *areas)
{
	struct area *area;
	int rc = 0;

	for (area = areas; area && !rc; area = area->next)
		rc = area_map_all(ioas, area);
	if (rc)
		area_list_unmap(ioas, areas);
	return rc;
}

/* For each area, because IOAS_COPY makes many. */
static void area_list_trace(struct ioas *ioas, const struct area *area, int rc)
{
	for (; area; area = area->next)
		trace_iommufd_map(ioas->ctx, ioas->obj.id, area->node.first,
				  area->node.last, rc ? 0 : area_length(area), rc);
}

/* Takes ioas->users, with the areas pinned if needed.  On failure some may be pinned. */
static int area_list_pin_and_lock(struct ioas *ioas, struct area *areas)
{
	bool pinned = false;
	int rc = 0;

	for (;;) {
		if (!pinned && ioas_wants_pins(ioas)) {
			rc = area_list_pin(areas);
			pinned = true;
		}
		if (!rc)
			rc = down_read_killable(&ioas->users);
		if (rc || pinned || !ioas_wants_pins(ioas))
			return rc;
		/* A page table has come, or wants to, since the first look. */
		up_read(&ioas->users);
	}
}

static void area_list_try_unpin(struct area *area)
{
	for (; area; area = area->next)
		area_try_unpin(area);
}

/* Pins and maps reserved areas.  On failure they are reserved, and no more. */
static int area_list_fill(struct ioas *ioas, struct area *areas)
{
	int rc;

	do {
		rc = area_list_pin_and_lock(ioas, areas);
		if (rc)
			break;
		rc = area_list_fill_locked(ioas, areas);
		/* In case the page tables have gone since. */
		if (!rc && !ioas_wants_pins(ioas))
			area_list_try_unpin(areas);
		up_read(&ioas->users);
	} while (memory_try_again(&rc));
	if (trace_iommufd_map_enabled())
		area_list_trace(ioas, areas, rc);
	if (rc)
		area_list_unpin(areas);
	return rc;
}

int area_list_map(struct ioas *ioas, struct area_request *req)
{
	int rc;

	rc = area_list_reserve(ioas, req);
	if (rc) {
		area_list_free(req->areas);
		return rc;
	}
	rc = area_list_fill(ioas, req->areas);
	if (rc)
		area_list_remove(ioas, req->areas);
	return rc;
}

void area_list_finalize(struct area *areas)
{
	struct area *next;

	for (; areas; areas = next) {
		next = areas->next;
		smp_store_release(&areas->live, true);
	}
}

#define MAP_FLAGS (IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_WRITEABLE | \
		   IOMMU_IOAS_MAP_READABLE)

/*
 * All devices are bound on condition that their DMA is coherent with the CPU's
 * caches, as user space has no way to flush them.
 */
int map_prot(u32 flags)
{
	int prot = IOMMU_CACHE;

	if (flags & IOMMU_IOAS_MAP_WRITEABLE)
		prot |= IOMMU_WRITE;
	if (flags & IOMMU_IOAS_MAP_READABLE)
		prot |= IOMMU_READ;
	return prot;
}

int map_check(u32 flags, u64 iova, u64 length)
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

/* Publishes the areas only when user space knows where they are. */
int map_areas(struct command *cmd, struct ioas *ioas, struct area_request *req,
	      u32 flags, u64 *iova)
{
	int rc;

	req->fixed = flags & IOMMU_IOAS_MAP_FIXED_IOVA;
	req->iova = *iova;
	rc = area_list_map(ioas, req);
	if (rc)
		return rc;
	*iova = req->iova;
	rc = command_tell(cmd, iova);
	if (rc)
		area_list_remove(ioas, req->areas);
	else
		area_list_finalize(req->areas);
	return rc;
}

/* Maps new memory, which may be an ERR_PTR.  Takes over its reference. */
static int map_memory(struct command *cmd, struct ioas *ioas, struct memory *memory,
		      struct area_request *req, u32 flags, u64 *iova)
{
	if (IS_ERR(memory))
		return PTR_ERR(memory);
	req->areas = area_init(&memory->first, memory, req->hint % PAGE_SIZE, req->length,
			       map_prot(flags));
	return map_areas(cmd, ioas, req, flags, iova);
}

int ioas_map_ioctl(struct command *cmd)
{
	struct iommu_ioas_map *arg = cmd->arg;
	bool writable = arg->flags & IOMMU_IOAS_MAP_WRITEABLE;
	struct area_request req = { .length = arg->length, .hint = arg->user_va };
	struct memory *memory;
	struct ioas *ioas;
	int rc;

	if (arg->__reserved)
		return -EOPNOTSUPP;
	rc = map_check(arg->flags, arg->iova, arg->length);
	if (rc)
		return rc;
	ioas = ioas_get(cmd->ctx, arg->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	rc = memory_check(arg->user_va, arg->length);
	if (!rc) {
		memory = memory_of_process(cmd->ctx, arg->user_va, writable);
		rc = map_memory(cmd, ioas, memory, &req, arg->flags, &arg->iova);
	}
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

static int map_check_file_range(u64 start, u64 length)
{
	int rc = memory_check(start, length);

	if (rc)
		return rc;
	/* Positions in files are signed. */
	return start + length > LLONG_MAX ? -EINVAL : 0;
}

int ioas_map_file_ioctl(struct command *cmd)
{
	struct iommu_ioas_map_file *arg = cmd->arg;
	struct area_request req = { .length = arg->length, .hint = arg->start };
	struct ioas *ioas;
	int rc;

	rc = map_check(arg->flags, arg->iova, arg->length);
	if (rc)
		return rc;
	ioas = ioas_get(cmd->ctx, arg->ioas_id);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	rc = map_check_file_range(arg->start, arg->length);
	if (!rc)
		rc = map_memory(cmd, ioas, memory_of_fd(cmd->ctx, arg), &req, arg->flags,
				&arg->iova);
	ioas_put(ioas);
	return rc;
}
