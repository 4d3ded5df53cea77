// SPDX-License-Identifier: GPL-2.0-only
/* Page tables of an IOAS: filling and emptying them. */
#include <linux/err.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>

#include "../core/refusal.h"
#include "../hw/hw.h"
#include "area.h"
#include "dmabuf.h"
#include "ioas.h"
#include "memory.h"

/*
 * Returns the first area after @area (NULL: from the start) that is, or is to
 * be, in page tables. ioas->users is held for writing, so that such areas stay,
 * while others may come and go once ioas->lock is dropped.
 */
static struct area *ioas_next_filled(struct ioas *ioas, struct area *area)
{
	struct iova_node *node;

	lockdep_assert_held_write(&ioas->users);
	down_read(&ioas->lock);
	node = area ? space_next(&area->node, ULONG_MAX) :
		      space_find(&ioas->space, 0, ULONG_MAX);
	while (node && !to_area(node)->filled)
		node = space_next(node, ULONG_MAX);
	up_read(&ioas->lock);
	return node ? to_area(node) : NULL;
}

#define ioas_for_each_filled(_area, _ioas)				\
	for ((_area) = ioas_next_filled(_ioas, NULL); (_area);	\
	     (_area) = ioas_next_filled(_ioas, _area))

/* Unmap all areas before @end (NULL: all) from a page table. */
static void table_unfill(struct ioas *ioas, struct ioas_table *table, struct area *end)
{
	struct hw_unmapper from;
	struct area *area;

	hw_unmap_begin(&from, table->domain);
	ioas_for_each_filled(area, ioas) {
		if (area == end)
			break;
		area_unmap_gather(area, &from);
	}
	hw_unmap_end(&from);
}

static void ioas_unpin_all(struct ioas *ioas)
{
	struct area *area;

	ioas_for_each_filled(area, ioas)
		area_try_unpin(area);
}

static int table_map(struct ioas *ioas, struct ioas_table *table, struct area *area,
		     struct refusal *refusal)
{
	int rc = area_map_into(ioas, area, table);

	if (rc)
		refusal_set(refusal, "the driver of its IOMMU can't map [%#lx, %#lx]",
			    area->node.first, area->node.last);
	return rc;
}

/* Under a lock that others need, so don't wait for page faults: areas are pinned already. */
static int table_fill(struct ioas *ioas, struct ioas_table *table,
		      struct refusal *refusal)
{
	struct area *area;
	int rc;

	ioas_for_each_filled(area, ioas) {
		/* A DMA-buf isn't pinned. */
		if (area->pinned || area->memory->dmabuf)
			rc = table_map(ioas, table, area, refusal);
		else
			rc = -ESTALE;
		if (rc) {
			table_unfill(ioas, table, area);
			return rc;
		}
		cond_resched();
	}
	return 0;
}

int ioas_add_table(struct ioas *ioas, struct ioas_table *table, struct refusal *refusal)
{
	int rc = 0;

	down_write(&ioas->users);
	/* Another group may have added the same page table. */
	if (table->filled)
		goto out;
	rc = ioas_restrict(ioas, table, refusal);
	if (rc)
		goto out;
	rc = table_fill(ioas, table, refusal);
	if (rc) {
		ioas_unrestrict(ioas, table);
		goto out;
	}
	list_add_tail(&table->item, &ioas->tables);
	WRITE_ONCE(table->filled, true);
out:
	up_write(&ioas->users);
	return rc;
}

/*
 * List the pages that areas in no page table have, as areas that are in no IOAS: these are
 * pinned first, without a lock, and hold the pages until the others are pinned.
 */
static int prepin_list(struct ioas *ioas, struct area **list)
{
	struct area *area, *new;

	ioas_for_each_filled(area, ioas) {
		if (area->pinned || area->memory->dmabuf)
			continue;
		new = area_share(area->memory, area->holder.start * PAGE_SIZE + area->offset,
				 area_length(area), area->prot);
		if (IS_ERR(new))
			return PTR_ERR(new);
		new->next = *list;
		*list = new;
	}
	return 0;
}

static int prepin_all(struct area *list, struct refusal *refusal)
{
	int rc = 0;

	for (; list && !rc; list = list->next)
		rc = area_pin(list, refusal);
	return rc;
}

static void prepin_end(struct area *list)
{
	area_list_unpin(list);
	area_list_free(list);
}

/* Pin the areas whose pages are held by now.  Returns 0, -ESTALE, or another error. */
static int ioas_pin_held(struct ioas *ioas, struct refusal *refusal)
{
	struct area *area;
	int rc = 0;

	ioas_for_each_filled(area, ioas) {
		if (!area->pinned)
			rc = area_try_pin(area, refusal);
		if (rc)
			break;
		cond_resched();
	}
	return rc;
}

/* Pin all areas.  Returns 0, -ESTALE if others are pinning the same memory, or another error. */
static int ioas_pin_all(struct ioas *ioas, struct refusal *refusal)
{
	struct area *list = NULL;
	int rc;

	rc = down_write_killable(&ioas->users);
	if (rc)
		return rc;
	rc = prepin_list(ioas, &list);
	up_write(&ioas->users);

	if (!rc && list) {
		rc = prepin_all(list, refusal);
		if (!rc) {
			down_write(&ioas->users);
			rc = ioas_pin_held(ioas, refusal);
			up_write(&ioas->users);
		}
	}
	prepin_end(list);
	return rc;
}

int ioas_expect_table(struct ioas *ioas, struct refusal *refusal)
{
	bool pinned;
	int rc;

	rc = down_write_killable(&ioas->users);
	if (rc)
		return rc;
	pinned = !list_empty(&ioas->tables);
	/* From now on, tasks that map memory also pin it. */
	WRITE_ONCE(ioas->comers, ioas->comers + 1);
	up_write(&ioas->users);
	if (pinned)
		return 0;
	do {
		rc = ioas_pin_all(ioas, refusal);
	} while (memory_try_again(&rc));
	if (rc)
		ioas_expect_end(ioas);
	return rc;
}

void ioas_expect_end(struct ioas *ioas)
{
	down_write(&ioas->users);
	WRITE_ONCE(ioas->comers, ioas->comers - 1);
	if (!ioas_wants_pins(ioas))
		ioas_unpin_all(ioas);
	up_write(&ioas->users);
}

void ioas_remove_table(struct ioas *ioas, struct ioas_table *table)
{
	down_write(&ioas->users);
	if (table->filled) {
		list_del(&table->item);
		table_unfill(ioas, table, NULL);
		if (!ioas_wants_pins(ioas))
			ioas_unpin_all(ioas);
		ioas_unrestrict(ioas, table);
		table->filled = false;
	}
	up_write(&ioas->users);
}

void ioas_freeze(struct ioas *ioas, struct ioas *other)
{
	/* In order of their IDs, as another task may have them the other way round. */
	if (other && other->obj.id < ioas->obj.id)
		swap(ioas, other);
	down_write(&ioas->users);
	if (other && other != ioas)
		down_write_nested(&other->users, SINGLE_DEPTH_NESTING);
	dmabuf_block_revokes();
}

void ioas_thaw(struct ioas *ioas, struct ioas *other)
{
	dmabuf_permit_revokes();
	up_write(&ioas->users);
	if (other && other != ioas)
		up_write(&other->users);
}
