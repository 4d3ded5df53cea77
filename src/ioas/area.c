// SPDX-License-Identifier: GPL-2.0-only
/* Areas: how they come and go. */
#include <linux/err.h>
#include <linux/huge_mm.h>
#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "../core/context.h"
#include "../core/trace.h"
#include "ioas.h"
#include "memory.h"

static struct area *area_init(struct area *area, struct memory *memory,
			      unsigned long start, unsigned long length, int prot)
{
	/* The links of node and holder are set by the trees. */
	area->node.first = 0;
	area->node.last = length - 1;
	area->holder.start = start / PAGE_SIZE;
	area->holder.last = (start + length - 1) / PAGE_SIZE;
	area->memory = memory;
	area->next = NULL;
	area->entries = NULL;
	area->offset = start % PAGE_SIZE;
	area->prot = prot;
	area->pinned = false;
	area->filled = false;
	area->stuck = false;
	area->live = false;
	atomic_set(&area->pins, 0);
	atomic_set(&area->locks, 0);
	area->leaving = false;
	return area;
}

struct area *area_new(struct memory *memory, unsigned long start,
		      unsigned long length, int prot)
{
	return area_init(&memory->first, memory, start, length, prot);
}

struct area *area_share(struct memory *memory, unsigned long start,
			unsigned long length, int prot)
{
	struct area *area = kmalloc(sizeof(*area), GFP_KERNEL_ACCOUNT);

	if (!area)
		return ERR_PTR(-ENOMEM);
	return area_init(area, memory_get(memory), start, length, prot);
}

void area_free_list(struct area *areas)
{
	struct memory *memory;
	struct area *next;

	for (; areas; areas = next) {
		next = areas->next;
		/* What a device might still reach stays pinned for good, by it. */
		if (areas->stuck)
			continue;
		memory = areas->memory;
		if (areas != &memory->first)
			kfree(areas);
		memory_put(memory);
	}
}

/*
 * A place whose alignment lets the IOMMU use huge pages as the CPU does: as
 * aligned as the memory is, if that is of use to that much memory.
 */
static int choose_iova(struct ioas *ioas, unsigned long length,
		       unsigned long hint, unsigned long *iova)
{
	unsigned long align;

	if (length >= ULONG_MAX / 2)
		return -EOVERFLOW;
	align = roundup_pow_of_two(length);
	if (hint)
		align = min(align, 1UL << __ffs(hint));
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	align = min(align, HPAGE_SIZE);
#else
	align = min(align, PAGE_SIZE);
#endif
	if (align < ioas->align)
		return -EINVAL;
	return space_find_room(&ioas->space, length, max(align, PAGE_SIZE),
			       hint % PAGE_SIZE, iova);
}

static int check_iova(struct ioas *ioas, unsigned long iova, unsigned long length,
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

static int check_areas(struct ioas *ioas, const struct area *area)
{
	for (; area; area = area->next) {
		if ((area->prot & IOMMU_WRITE) && !area->memory->writable)
			return -EPERM;
		if ((area->offset | area_length(area)) & (ioas->align - 1))
			return -EINVAL;
	}
	return 0;
}

/* @sign: 1 for an area that comes, -1 for one that goes. */
static void count_area(struct ioas *ioas, const struct area *area, int sign)
{
	unsigned long length = sign * area_length(area);

	lockdep_assert_held_write(&ioas->lock);
	WRITE_ONCE(ioas->mapped, ioas->mapped + length);
	if (area->memory->dmabuf)
		WRITE_ONCE(ioas->lent, ioas->lent + length);
}

int area_reserve(struct ioas *ioas, struct area *areas, unsigned long length,
		 unsigned long *iova, bool fixed, unsigned long hint)
{
	unsigned long at = *iova;
	struct iova_spot spot;
	struct area *area;
	int rc;

	down_write(&ioas->lock);
	if (length & (ioas->align - 1))
		rc = -EINVAL;
	else if (fixed)
		rc = check_iova(ioas, at, length, &spot);
	else
		rc = choose_iova(ioas, length, hint, &at);
	if (!rc)
		rc = check_areas(ioas, areas);
	if (rc)
		goto out;
	*iova = at;
	for (area = areas; area; area = area->next) {
		area->node.first = at;
		area->node.last += at;
		at = area->node.last + 1;
		/* The first one's spot is known already. */
		if (fixed && area == areas)
			space_take_spot(&ioas->space, &area->node, &spot);
		else
			space_take(&ioas->space, &area->node);
		count_area(ioas, area, 1);
	}
out:
	up_write(&ioas->lock);
	return rc;
}

/* Takes a list of areas, at least one, out of all page tables. */
static void empty_areas(struct ioas *ioas, struct area *area)
{
	struct ioas_table *table;

	lockdep_assert_held(&ioas->users);
	list_for_each_entry(table, &ioas->tables, item) {
		if (area->next)
			areas_unmap(area, table);
		else if (area->filled)
			area_unmap(area, table);
	}
	for (; area; area = area->next)
		area->filled = false;
}

static void unpin_areas(struct area *area)
{
	for (; area; area = area->next)
		if (area->pinned)
			area_unpin(area);
}

static int pin_areas(struct area *area)
{
	int rc;

	for (; area; area = area->next) {
		rc = area->pinned ? 0 : area_pin(area);
		if (rc)
			return rc;
	}
	return 0;
}

/* Takes an area out of the page tables before @end. */
static void unmap_area(struct ioas *ioas, struct area *area, struct ioas_table *end)
{
	struct ioas_table *table;

	list_for_each_entry(table, &ioas->tables, item) {
		if (table == end)
			break;
		area_unmap(area, table);
	}
}

/* Maps an area into all page tables, or into none. */
static int map_area(struct ioas *ioas, struct area *area)
{
	struct ioas_table *table;
	int rc;

	list_for_each_entry(table, &ioas->tables, item) {
		rc = area_map(ioas, area, table);
		if (rc) {
			unmap_area(ioas, area, table);
			return rc;
		}
	}
	area->filled = true;
	return 0;
}

static int fill_areas(struct ioas *ioas, struct area *areas)
{
	struct area *area;
	int rc = 0;

	/* A page table may have come since area_fill() looked. */
	if (!list_empty(&ioas->tables))
		rc = pin_areas(areas);
	for (area = areas; area && !rc; area = area->next)
		rc = map_area(ioas, area);
	if (rc)
		empty_areas(ioas, areas);
	return rc;
}

/* For each area, because IOAS_COPY makes many. */
static void trace_map(struct ioas *ioas, const struct area *area, int rc)
{
	for (; area; area = area->next)
		trace_iommufd_map(ioas->ctx, ioas->obj.id, area->node.first,
				  area->node.last, rc ? 0 : area_length(area), rc);
}

int area_fill(struct ioas *ioas, struct area *areas)
{
	int rc = 0;

	if (!list_empty(&ioas->tables))
		rc = pin_areas(areas);
	if (!rc)
		rc = down_read_killable(&ioas->users);
	if (rc) {
		if (trace_iommufd_map_enabled())
			trace_map(ioas, areas, rc);
		unpin_areas(areas);
		return rc;
	}
	rc = fill_areas(ioas, areas);
	if (trace_iommufd_map_enabled())
		trace_map(ioas, areas, rc);
	/* In case the page tables have gone since. */
	if (rc || list_empty(&ioas->tables))
		unpin_areas(areas);
	up_read(&ioas->users);
	return rc;
}

void area_publish(struct area *areas)
{
	struct area *next;

	for (; areas; areas = next) {
		next = areas->next;
		smp_store_release(&areas->live, true);
	}
}

/* The end of areas that are in no page table any more. */
static void drop_areas(struct ioas *ioas, struct area *areas)
{
	struct area *area;

	unpin_areas(areas);
	down_write(&ioas->lock);
	for (area = areas; area; area = area->next) {
		count_area(ioas, area, -1);
		space_free(&ioas->space, &area->node);
	}
	up_write(&ioas->lock);
	area_free_list(areas);
}

void area_remove(struct ioas *ioas, struct area *areas)
{
	down_read(&ioas->users);
	empty_areas(ioas, areas);
	up_read(&ioas->users);
	drop_areas(ioas, areas);
}

/* The number of areas that are unmapped in one go, for the sake of other tasks. */
#define UNMAP_BATCH 1024

/* How often access objects are asked for their pins in one area. */
#define UNMAP_TRIES 100

/* An unmap under way. */
struct unmap {
	struct ioas *ioas;
	unsigned long first;		/* what is left to do */
	unsigned long last;
	unsigned long unmapped;
	struct area *areas;		/* taken, to be emptied and dropped */
	struct iova_range pinned;	/* the area with pins that the batch met */
	unsigned int tries;
	bool checked;
	bool more;			/* the batch was full */
	bool blocked;			/* the batch met an area with pins */
};

/*
 * Nothing may be unmapped in part, so look at both ends before touching anything.
 * @node is the first that is met.
 */
static int check_ends(const struct unmap *un, const struct iova_node *node)
{
	if (!node)
		return 0;
	if (node->first < un->first)
		return -ENOENT;
	/* Most often it is the last one too. */
	if (node->last < un->last)
		node = space_find(&un->ioas->space, un->last, un->last);
	return node && node->last > un->last ? -ENOENT : 0;
}

/* Takes the next areas.  Stops before one that access objects have pinned. */
static int take_areas(struct unmap *un)
{
	struct iova_node *node = space_find(&un->ioas->space, un->first, un->last);
	struct area **tail = &un->areas;
	unsigned int n = 0;
	struct area *area;
	int rc;

	rc = un->checked ? 0 : check_ends(un, node);
	if (rc)
		return rc;
	un->checked = true;
	for (; node && n < UNMAP_BATCH; node = space_next(node, un->last), n++) {
		area = to_area(node);
		/* It came across our place or our end since check_ends() looked. */
		if (node->first < un->first || node->last > un->last)
			continue;
		/* Mapped or unmapped by another task at this moment. */
		if (!smp_load_acquire(&area->live))
			return -EBUSY;
		/* It goes when the one that has it does. */
		if (atomic_read_acquire(&area->locks))
			return -EBUSY;
		if (atomic_read_acquire(&area->pins)) {
			area->leaving = true;
			un->blocked = true;
			un->pinned.first = node->first;
			un->pinned.last = node->last;
			return 0;
		}
		area->live = false;
		area->next = NULL;
		*tail = area;
		tail = &area->next;
		un->unmapped += area_length(area);
		un->tries = 0;
		un->first = node->last + 1;
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
	rc = take_areas(un);
	up_write(&ioas->lock);
	if (un->areas)
		empty_areas(ioas, un->areas);
	up_read(&ioas->users);
	if (un->areas)
		drop_areas(ioas, un->areas);
	return rc;
}

/* Asks access objects for their pins in the area that stopped a batch. */
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

/* Lets access objects pin again what stays. */
static void allow_pins(struct unmap *un)
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
		allow_pins(&un);
	*unmapped = un.unmapped;
	trace_iommufd_unmap(ioas->ctx, ioas->obj.id, first, last, un.unmapped, rc);
	return rc;
}
