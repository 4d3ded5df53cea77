// SPDX-License-Identifier: GPL-2.0-only
/* Areas in page tables, and page tables on an address space. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "../hw/hw.h"
#include "dmabuf.h"
#include "ioas.h"
#include "memory.h"

static int fill_runs(struct area *area, struct hw_mapper *to)
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

int area_map(struct ioas *ioas, struct area *area, struct ioas_table *table)
{
	struct memory *memory = area->memory;
	struct hw_mapper to;
	int rc;

	hw_map_begin(&to, table->domain, area->node.first, area_length(area),
		     memory->dmabuf ? dmabuf_prot(area->prot) : area->prot,
		     ioas->single_pages);
	rc = mutex_lock_killable(&memory->lock);
	if (rc)
		return rc;
	rc = memory->dmabuf ? dmabuf_map(area, &to) : fill_runs(area, &to);
	/* Still with the lock, or a DMA-buf could be revoked and a part stay mapped. */
	if (rc && WARN_ON_ONCE(!hw_unmap(table->domain, area->node.first,
					 to.iova - area->node.first)))
		area->stuck = true;
	mutex_unlock(&memory->lock);
	return rc;
}

/* Memory that a device may still reach is never given back. */
static void check_unmapped(struct area *area, bool ok)
{
	if (WARN_ON_ONCE(!ok))
		area->stuck = true;
}

void area_unmap(struct area *area, struct ioas_table *table)
{
	if (area->memory->dmabuf)
		dmabuf_unmap(area, table->domain);
	else
		check_unmapped(area, hw_unmap(table->domain, area->node.first,
					      area_length(area)));
}

/* The same as one of many, with @from's end. */
static void unmap_among(struct area *area, struct hw_unmapper *from)
{
	if (area->memory->dmabuf)
		dmabuf_unmap(area, from->domain);
	else
		check_unmapped(area, hw_unmap_add(from, area->node.first,
						  area_length(area)));
}

void areas_unmap(struct area *areas, struct ioas_table *table)
{
	struct hw_unmapper from;

	hw_unmap_begin(&from, table->domain);
	for (; areas; areas = areas->next)
		if (areas->filled)
			unmap_among(areas, &from);
	hw_unmap_end(&from);
}

int area_pin(struct area *area)
{
	int rc;

	/* It stays where it is until it is revoked. */
	if (area->memory->dmabuf)
		return 0;
	rc = mutex_lock_killable(&area->memory->lock);
	if (rc)
		return rc;
	rc = memory_pin(area->memory, &area->holder);
	mutex_unlock(&area->memory->lock);
	area->pinned = !rc;
	return rc;
}

void area_unpin(struct area *area)
{
	if (area->stuck)
		return;
	mutex_lock(&area->memory->lock);
	memory_unpin(area->memory, &area->holder);
	mutex_unlock(&area->memory->lock);
	area->pinned = false;
}

/*
 * The area behind @area (NULL: the first one) that page tables have or are to
 * have.  With @users held for writing such an area stays, while others may come
 * and go as soon as the address space's lock is dropped.
 */
static struct area *next_filled(struct ioas *ioas, struct area *area)
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

#define for_each_filled(_area, _ioas)				\
	for ((_area) = next_filled(_ioas, NULL); (_area);	\
	     (_area) = next_filled(_ioas, _area))

/* Takes all areas before @end (NULL: all) out of a page table. */
static void unfill(struct ioas *ioas, struct ioas_table *table, struct area *end)
{
	struct hw_unmapper from;
	struct area *area;

	hw_unmap_begin(&from, table->domain);
	for_each_filled(area, ioas) {
		if (area == end)
			break;
		unmap_among(area, &from);
	}
	hw_unmap_end(&from);
}

static void unpin_all(struct ioas *ioas)
{
	struct area *area;

	for_each_filled(area, ioas)
		if (area->pinned)
			area_unpin(area);
}

static int fill_all(struct ioas *ioas, struct ioas_table *table)
{
	struct area *area;
	int rc;

	for_each_filled(area, ioas) {
		rc = area->pinned ? 0 : area_pin(area);
		if (!rc)
			rc = area_map(ioas, area, table);
		if (rc) {
			unfill(ioas, table, area);
			return rc;
		}
		cond_resched();
	}
	return 0;
}

/* The smallest alignment that serves all page tables and readers, and @more. */
static unsigned long common_align(struct ioas *ioas, unsigned long more)
{
	unsigned long align = ioas->single_pages ? PAGE_SIZE : 1, id;
	struct ioas_reader *reader;
	struct ioas_table *table;

	list_for_each_entry(table, &ioas->tables, item)
		align = max(align, hw_page_size(table->domain));
	xa_for_each(&ioas->readers, id, reader)
		align = max(align, reader->align);
	return max(align, more);
}

/* Asks for a larger alignment: -EADDRINUSE if something that's mapped hasn't it. */
static int set_align(struct ioas *ioas, unsigned long align)
{
	struct iova_node *node;
	struct area *area;

	lockdep_assert_held_write(&ioas->lock);
	if (align > ioas->align) {
		for (node = space_find(&ioas->space, 0, ULONG_MAX); node;
		     node = space_next(node, ULONG_MAX)) {
			area = to_area(node);
			if ((node->first | area_length(area) | area->offset) &
			    (align - 1))
				return -EADDRINUSE;
		}
	}
	ioas->align = align;
	return 0;
}

static void update_align(struct ioas *ioas)
{
	down_write(&ioas->lock);
	ioas->align = common_align(ioas, 1);
	up_write(&ioas->lock);
}

static void unreserve_all(struct ioas *ioas, const struct iova_range *ranges,
			  size_t count)
{
	while (count--)
		space_unreserve(&ioas->space, ranges[count].first,
				ranges[count].last);
}

static int reserve_all(struct ioas *ioas, const struct iova_range *ranges,
		       size_t count)
{
	size_t i;
	int rc;

	for (i = 0; i < count; i++) {
		rc = space_reserve(&ioas->space, ranges[i].first, ranges[i].last);
		if (rc) {
			unreserve_all(ioas, ranges, i);
			return rc;
		}
	}
	return 0;
}

int ioas_reserve(struct ioas *ioas, const struct iova_range *ranges, size_t count)
{
	int rc;

	down_write(&ioas->lock);
	rc = reserve_all(ioas, ranges, count);
	up_write(&ioas->lock);
	return rc;
}

void ioas_unreserve(struct ioas *ioas, const struct iova_range *ranges, size_t count)
{
	down_write(&ioas->lock);
	unreserve_all(ioas, ranges, count);
	up_write(&ioas->lock);
}

/* Makes the address space fit a page table's limits. */
static int restrict_space(struct ioas *ioas, struct ioas_table *table)
{
	int rc;

	/* Some drivers change it later on, so what was reserved is noted. */
	table->n_outside = hw_outside(table->domain, table->outside);
	down_write(&ioas->lock);
	rc = reserve_all(ioas, table->outside, table->n_outside);
	if (!rc) {
		rc = set_align(ioas, common_align(ioas, hw_page_size(table->domain)));
		if (rc)
			unreserve_all(ioas, table->outside, table->n_outside);
	}
	up_write(&ioas->lock);
	return rc;
}

static void unrestrict_space(struct ioas *ioas, struct ioas_table *table)
{
	ioas_unreserve(ioas, table->outside, table->n_outside);
	update_align(ioas);
}

/* A hold of what an area covers, for the time that it takes to fill a page table. */
struct advance {
	struct advance *next;
	struct memory *memory;
	struct interval_tree_node holder;
};

static void advance_end(struct advance *list)
{
	struct advance *next;

	for (; list; list = next) {
		next = list->next;
		if (list->memory) {
			mutex_lock(&list->memory->lock);
			memory_unpin(list->memory, &list->holder);
			mutex_unlock(&list->memory->lock);
			memory_put(list->memory);
		}
		kfree(list);
	}
}

/* Lists what is mapped, with a reference to each piece of memory. */
static int advance_list(struct ioas *ioas, struct advance **list)
{
	struct iova_node *node;
	struct advance *new;
	struct area *area;
	int rc = 0;

	*list = NULL;
	down_read(&ioas->lock);
	for (node = space_find(&ioas->space, 0, ULONG_MAX); node && !rc;
	     node = space_next(node, ULONG_MAX)) {
		area = to_area(node);
		if (!smp_load_acquire(&area->live) || area->memory->dmabuf)
			continue;
		new = kmalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
		if (!new) {
			rc = -ENOMEM;
			break;
		}
		new->memory = memory_get(area->memory);
		new->holder.start = area->holder.start;
		new->holder.last = area->holder.last;
		new->next = *list;
		*list = new;
	}
	up_read(&ioas->lock);
	return rc;
}

static int advance_pin(struct advance *one)
{
	int rc;

	rc = mutex_lock_killable(&one->memory->lock);
	if (rc)
		return rc;
	rc = memory_pin(one->memory, &one->holder);
	mutex_unlock(&one->memory->lock);
	return rc;
}

/*
 * Pins what the first page table will need before the locks are taken under which
 * it is filled, as page faults may take any time.
 */
static int advance_begin(struct ioas *ioas, struct advance **list)
{
	struct advance *cur;
	int rc;

	*list = NULL;
	if (!list_empty(&ioas->tables))
		return 0;
	rc = advance_list(ioas, list);
	for (cur = *list; cur; cur = cur->next) {
		if (!rc)
			rc = advance_pin(cur);
		if (!rc)
			continue;
		memory_put(cur->memory);
		cur->memory = NULL;
	}
	if (rc) {
		advance_end(*list);
		*list = NULL;
	}
	return rc;
}

static int add_table(struct ioas *ioas, struct ioas_table *table)
{
	int rc;

	lockdep_assert_held_write(&ioas->users);
	/* Two groups that came to it at once. */
	if (table->filled)
		return 0;
	rc = restrict_space(ioas, table);
	if (rc)
		return rc;
	rc = fill_all(ioas, table);
	if (rc) {
		if (list_empty(&ioas->tables))
			unpin_all(ioas);
		unrestrict_space(ioas, table);
		return rc;
	}
	list_add_tail(&table->item, &ioas->tables);
	WRITE_ONCE(table->filled, true);
	return 0;
}

int ioas_add_table(struct ioas *ioas, struct ioas_table *table)
{
	struct advance *advance;
	int rc;

	rc = advance_begin(ioas, &advance);
	if (rc)
		return rc;
	rc = down_write_killable(&ioas->users);
	if (!rc) {
		rc = add_table(ioas, table);
		up_write(&ioas->users);
	}
	advance_end(advance);
	return rc;
}

void ioas_remove_table(struct ioas *ioas, struct ioas_table *table)
{
	down_write(&ioas->users);
	if (table->filled) {
		list_del(&table->item);
		unfill(ioas, table, NULL);
		if (list_empty(&ioas->tables))
			unpin_all(ioas);
		unrestrict_space(ioas, table);
		table->filled = false;
	}
	up_write(&ioas->users);
}

int ioas_add_reader(struct ioas *ioas, struct ioas_reader *reader)
{
	int rc;

	rc = down_write_killable(&ioas->users);
	if (rc)
		return rc;
	rc = xa_err(xa_store(&ioas->readers, reader->obj->id, reader,
			     GFP_KERNEL_ACCOUNT));
	if (rc)
		goto out;
	down_write(&ioas->lock);
	rc = set_align(ioas, common_align(ioas, 1));
	up_write(&ioas->lock);
	if (rc)
		xa_erase(&ioas->readers, reader->obj->id);
out:
	up_write(&ioas->users);
	return rc;
}

void ioas_remove_reader(struct ioas *ioas, struct ioas_reader *reader)
{
	down_write(&ioas->users);
	xa_erase(&ioas->readers, reader->obj->id);
	update_align(ioas);
	up_write(&ioas->users);
}

int ioas_set_single_pages(struct ioas *ioas, bool single_pages)
{
	int rc;

	rc = down_write_killable(&ioas->users);
	if (rc)
		return rc;
	if (ioas->single_pages == single_pages)
		goto out;
	down_write(&ioas->lock);
	/* Page tables that are filled already may have huge entries. */
	if (single_pages && !list_empty(&ioas->tables) &&
	    space_find(&ioas->space, 0, ULONG_MAX))
		rc = -EINVAL;
	else
		rc = set_align(ioas, max(ioas->align,
					 single_pages ? PAGE_SIZE : 1));
	if (!rc)
		ioas->single_pages = single_pages;
	up_write(&ioas->lock);
	if (!rc && !single_pages)
		update_align(ioas);
out:
	up_write(&ioas->users);
	return rc;
}
