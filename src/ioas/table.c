// SPDX-License-Identifier: GPL-2.0-only
/* Page tables of an IOAS: filling and emptying them. */
#include <linux/err.h>
#include <linux/mm.h>

#include "../core/refusal.h"
#include "../hw/hw.h"
#include "area.h"
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
		if (area->pinned)
			area_unpin(area);
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

static int table_fill(struct ioas *ioas, struct ioas_table *table,
		      struct refusal *refusal)
{
	struct area *area;
	int rc;

	ioas_for_each_filled(area, ioas) {
		rc = area->pinned ? 0 : area_pin(area, refusal);
		if (!rc)
			rc = table_map(ioas, table, area, refusal);
		if (rc) {
			table_unfill(ioas, table, area);
			return rc;
		}
		cond_resched();
	}
	return 0;
}

/*
 * List the pages that page tables need, as areas that are in no IOAS.  They hold the pages
 * while a page table is being filled.
 */
static int prepin_list(struct ioas *ioas, struct area **list)
{
	struct area *area, *new;
	struct iova_node *node;
	int rc = 0;

	lockdep_assert_held_write(&ioas->users);
	*list = NULL;
	down_read(&ioas->lock);
	for (node = space_find(&ioas->space, 0, ULONG_MAX); node && !rc;
	     node = space_next(node, ULONG_MAX)) {
		area = to_area(node);
		if (!area->filled || area->memory->dmabuf)
			continue;
		new = area_share(area->memory, area->holder.start * PAGE_SIZE + area->offset,
				 area_length(area), area->prot);
		if (IS_ERR(new)) {
			rc = PTR_ERR(new);
			break;
		}
		new->next = *list;
		*list = new;
	}
	up_read(&ioas->lock);
	return rc;
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

static int ioas_add_table_locked(struct ioas *ioas, struct ioas_table *table,
				 struct refusal *refusal)
{
	int rc;

	lockdep_assert_held_write(&ioas->users);
	/* Another group has added the same page table. */
	if (table->filled)
		return 0;
	rc = ioas_restrict(ioas, table, refusal);
	if (rc)
		return rc;
	rc = table_fill(ioas, table, refusal);
	if (rc) {
		ioas_unrestrict(ioas, table);
		return rc;
	}
	list_add_tail(&table->item, &ioas->tables);
	WRITE_ONCE(table->filled, true);
	return 0;
}

/*
 * Pin what the first page table needs before taking the lock to fill it,
 * because page faults may take any time.
 */
int ioas_add_table(struct ioas *ioas, struct ioas_table *table, struct refusal *refusal)
{
	struct area *prepin = NULL;
	int rc;

	rc = down_write_killable(&ioas->users);
	if (rc)
		return rc;
	/* From now on, tasks that map memory also pin it. */
	WRITE_ONCE(ioas->comers, ioas->comers + 1);
	if (list_empty(&ioas->tables))
		rc = prepin_list(ioas, &prepin);
	up_write(&ioas->users);

	if (!rc)
		rc = prepin_all(prepin, refusal);
	down_write(&ioas->users);
	if (!rc)
		rc = ioas_add_table_locked(ioas, table, refusal);
	WRITE_ONCE(ioas->comers, ioas->comers - 1);
	if (!ioas_wants_pins(ioas))
		ioas_unpin_all(ioas);
	up_write(&ioas->users);
	prepin_end(prepin);
	return rc;
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
