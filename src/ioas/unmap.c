// SPDX-License-Identifier: GPL-2.0-only
/* IOAS_UNMAP: remove areas from the page tables, then unpin their memory. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/overflow.h>

#include <uapi/linux/iommufd.h>

#include "../core/context.h"
#include "../core/trace.h"
#include "../hw/hw.h"
#include "area.h"
#include "dmabuf.h"
#include "ioas.h"
#include "memory.h"

void area_unmap_from(struct area *area, struct ioas_table *table)
{
	if (area->memory->dmabuf)
		dmabuf_unmap(area, table->domain);
	else
		area_check_unmapped(area, hw_unmap(table->domain, area->node.first,
						   area_length(area)));
}

void area_unmap_before(struct ioas *ioas, struct area *area, struct ioas_table *end)
{
	struct ioas_table *table;

	list_for_each_entry(table, &ioas->tables, item) {
		if (table == end)
			break;
		area_unmap_from(area, table);
	}
}

void area_unmap_gather(struct area *area, struct hw_unmapper *from)
{
	if (area->memory->dmabuf)
		dmabuf_unmap(area, from->domain);
	else
		area_check_unmapped(area, hw_unmap_add(from, area->node.first,
						       area_length(area)));
}

static void area_list_unmap_from(struct area *areas, struct ioas_table *table)
{
	struct hw_unmapper from;

	hw_unmap_begin(&from, table->domain);
	for (; areas; areas = areas->next)
		if (areas->filled)
			area_unmap_gather(areas, &from);
	hw_unmap_end(&from);
}

/*
 * A task that pins more of the memory may hold memory->lock across slow page
 * faults.  Wait killably; don't wait at all where a signal can't end it:
 * exiting tasks, and kernel threads that close the file for others.
 */
static int memory_lock_to_unpin(struct memory *memory)
{
	if (mutex_trylock(&memory->lock))
		return 0;
	if (current->flags & (PF_EXITING | PF_KTHREAD))
		return -EINTR;
	return mutex_lock_killable(&memory->lock);
}

static void area_unpin_locked(struct area *area)
{
	memory_unpin(area->memory, &area->holder);
	memory_unlock(area->memory);
	area->pinned = false;
}

static void area_unpin(struct area *area)
{
	if (!area->stuck && !memory_lock_to_unpin(area->memory))
		area_unpin_locked(area);
}

void area_try_unpin(struct area *area)
{
	if (area->pinned && !area->stuck && mutex_trylock(&area->memory->lock))
		area_unpin_locked(area);
}

void area_list_unmap(struct ioas *ioas, struct area *area)
{
	struct ioas_table *table;

	lockdep_assert_held(&ioas->users);
	list_for_each_entry(table, &ioas->tables, item) {
		if (area->next)
			area_list_unmap_from(area, table);
		else if (area->filled)
			area_unmap_from(area, table);
	}
	for (; area; area = area->next)
		area->filled = false;
}

void area_list_unpin(struct area *area)
{
	for (; area; area = area->next) {
		if (area->pinned)
			area_unpin(area);
		if (area->next)
			cond_resched();
	}
}

/* Unpin and free areas that are out of all page tables. */
static void area_list_release(struct ioas *ioas, struct area *areas)
{
	struct area *area;

	area_list_unpin(areas);
	down_write(&ioas->lock);
	for (area = areas; area; area = area->next) {
		ioas_count_mapped(ioas, -area_length(area), area->memory->dmabuf);
		if (area->stuck)
			area->lost = true;
		else
			space_free(&ioas->space, &area->node);
	}
	up_write(&ioas->lock);
	area_list_free(areas);
}

void area_list_remove(struct ioas *ioas, struct area *areas)
{
	down_read(&ioas->users);
	area_list_unmap(ioas, areas);
	up_read(&ioas->users);
	area_list_release(ioas, areas);
}

/* Areas unmapped at a time, to bound how long locks are held. */
#define UNMAP_BATCH 1024

/* How often access objects are asked to release pins of one area. */
#define UNMAP_TRIES 100

/* State of an unmap in progress. */
struct unmap {
	struct ioas *ioas;
	unsigned long first;		/* what is left to do */
	unsigned long last;
	unsigned long unmapped;
	struct area *areas;		/* taken by the current batch */
	struct iova_range pinned;	/* the area that stopped the batch */
	unsigned int tries;
	bool checked;
	bool more;			/* the batch was full */
	bool blocked;			/* the batch met an area with pins */
};

/*
 * Nothing may be unmapped in part: check both ends before changing anything.
 * @node is the first area in the range.
 */
static int unmap_check_ends(const struct unmap *un, struct iova_node *node)
{
	if (!node)
		return 0;
	if (node->first < un->first && !to_area(node)->lost)
		return -ENOENT;
	/* Fast path: @node is also the last one. */
	if (node->last < un->last)
		node = space_find(&un->ioas->space, un->last, un->last);
	return node && node->last > un->last && !to_area(node)->lost ? -ENOENT : 0;
}

/*
 * -EBUSY if another task maps or unmaps the area, or if hardware reads its
 * memory by physical address; that ends when the hardware queue is destroyed.
 */
static int unmap_check_area(const struct area *area)
{
	/* Pairs with smp_store_release() in area_list_finalize(). */
	if (!smp_load_acquire(&area->live))
		return -EBUSY;
	return atomic_read_acquire(&area->locks) ? -EBUSY : 0;
}

/* Stop the batch at an area that access objects have pinned. */
static void unmap_block(struct unmap *un, struct area *area)
{
	area->leaving = true;
	un->blocked = true;
	un->pinned.first = area->node.first;
	un->pinned.last = area->node.last;
}

static struct area **unmap_take_area(struct unmap *un, struct area *area,
				     struct area **tail)
{
	area->live = false;
	area->next = NULL;
	*tail = area;
	un->unmapped += area_length(area);
	un->tries = 0;
	un->first = area->node.last + 1;
	return &area->next;
}

/* Take the next areas, up to one that access objects have pinned. */
static int unmap_take_batch(struct unmap *un)
{
	struct iova_node *node = space_find(&un->ioas->space, un->first, un->last);
	struct area **tail = &un->areas;
	unsigned int n = 0;
	struct area *area;
	int rc;

	rc = un->checked ? 0 : unmap_check_ends(un, node);
	if (rc)
		return rc;
	un->checked = true;
	for (; node && n < UNMAP_BATCH; node = space_next(node, un->last), n++) {
		area = to_area(node);
		/*
		 * Mapped across an end of the range since unmap_check_ends().
		 */
		if (node->first < un->first || node->last > un->last || area->lost)
			continue;
		rc = unmap_check_area(area);
		if (rc)
			return rc;
		if (atomic_read_acquire(&area->pins)) {
			unmap_block(un, area);
			return 0;
		}
		tail = unmap_take_area(un, area, tail);
	}
	un->more = node;
	return 0;
}

static int unmap_batch(struct unmap *un)
{
	struct ioas *ioas = un->ioas;
	int rc;

	un->areas = NULL;
	un->more = false;
	un->blocked = false;
	rc = down_read_killable(&ioas->users);
	if (rc)
		return rc;
	down_write(&ioas->lock);
	rc = unmap_take_batch(un);
	up_write(&ioas->lock);
	if (un->areas)
		area_list_unmap(ioas, un->areas);
	up_read(&ioas->users);
	if (un->areas)
		area_list_release(ioas, un->areas);
	return rc;
}

/*
 * Ask access objects to release their pins of the area that stopped the batch.
 */
static int unmap_ask(struct unmap *un)
{
	struct ioas *ioas = un->ioas;
	struct ioas_reader *reader;
	unsigned long id;

	if (WARN_ON(un->tries++ == UNMAP_TRIES))
		return -EDEADLOCK;
	xa_lock(&ioas->readers);
	xa_for_each(&ioas->readers, id, reader) {
		if (!reader->ask || !object_try_get(ioas->ctx, reader->obj))
			continue;
		xa_unlock(&ioas->readers);
		reader->ask(reader, un->pinned.first, un->pinned.last);
		object_put(ioas->ctx, reader->obj);
		xa_lock(&ioas->readers);
	}
	xa_unlock(&ioas->readers);
	return 0;
}

/* Allow new pins in what stays mapped. */
static void unmap_allow_pins(struct unmap *un)
{
	struct iova_node *node;

	down_write(&un->ioas->lock);
	for (node = space_find(&un->ioas->space, un->first, un->last); node;
	     node = space_next(node, un->last))
		to_area(node)->leaving = false;
	up_write(&un->ioas->lock);
}

int ioas_unmap(struct ioas *ioas, unsigned long first, unsigned long last,
	       unsigned long *unmapped)
{
	struct unmap un = { .ioas = ioas, .first = first, .last = last };
	bool asked = false;
	int rc;

	for (;;) {
		rc = unmap_batch(&un);
		if (rc)
			break;
		if (un.blocked) {
			asked = true;
			rc = unmap_ask(&un);
			if (rc)
				break;
		} else if (!un.more) {
			break;
		}
		cond_resched();
	}
	if (rc && asked)
		unmap_allow_pins(&un);
	*unmapped = un.unmapped;
	trace_iommufd_unmap(ioas->ctx, ioas->obj.id, first, last, un.unmapped, rc);
	return rc;
}

/* No-IOMMU devices aren't supported. */
int ioas_noiommu_get_pa_ioctl(struct command *cmd)
{
	return -EOPNOTSUPP;
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
