/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Areas: memory that is mapped at a range of IOVA of an address space.
 *
 * The life of an area, none of whose steps is undone by another task:
 *
 *   reserved  in the IOVA space, so that nobody else takes it   area_list_reserve()
 *   filled    in every page table, and pinned if there is one   area_list_fill()
 *   live      found by unmap, copy and access objects           area_list_finalize()
 *   emptied   out of all page tables, then unpinned             area_list_remove()
 *   gone      out of the IOVA space                             area_list_remove()
 *
 * An area that a page table didn't let go of (a driver that doesn't unmap) is lost: a
 * device may still reach its memory at its IOVA.  Both are kept for as long as the address
 * space lives, which all its page tables precede.
 *
 * Memory is pinned and unpinned outside of ioas->users and ioas->lock, so that a page
 * fault that takes its time holds up nobody who has to do with other memory.
 *
 * Lists of areas are linked by area->next, in order of IOVA.
 */
#ifndef IOMMUFD_IOAS_AREA_H
#define IOMMUFD_IOAS_AREA_H

#include <linux/atomic.h>
#include <linux/interval_tree.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/types.h>

#include "space.h"

struct dmabuf_entry;
struct hw_unmapper;
struct ioas;
struct ioas_table;
struct memory;

struct area {
	struct iova_node node;
	struct interval_tree_node holder;	/* of @memory, while pinned */
	struct memory *memory;
	union {
		struct area *next;	/* of those that one ioctl makes or removes */
		struct llist_node left;	/* of memory->left */
	};
	struct dmabuf_entry *entries;	/* of a DMA-buf, guarded by memory->lock */
	unsigned int offset;		/* of the first byte in its page */
	int prot;			/* IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE */
	bool pinned;			/* guarded by ioas->users, or by owning it */
	bool filled;			/* guarded by ioas->users */
	bool stuck;			/* a page table didn't let go of it */
	bool live;			/* set with release, cleared under ioas->lock */
	atomic_t pins;			/* of access objects; begun under ioas->lock */
	atomic_t locks;			/* pins that can't be asked for; the same */
	bool leaving;			/* no more pins, guarded by ioas->lock */
	bool lost;			/* only its IOVA is left, guarded by ioas->lock */
};

static inline unsigned long area_length(const struct area *area)
{
	return area->node.last - area->node.first + 1;
}

/* With ioas->lock held; if it's not for writing, more may come. */
static inline bool area_is_pinned_by_readers(const struct area *area)
{
	return atomic_read_acquire(&area->pins) || atomic_read_acquire(&area->locks);
}

static inline struct area *to_area(struct iova_node *node)
{
	return container_of(node, struct area, node);
}

/* Memory that a device may still reach isn't given back. */
static inline void area_check_unmapped(struct area *area, bool ok)
{
	if (ok)
		return;
	area->stuck = true;
	pr_err_ratelimited("the IOMMU's driver doesn't unmap [%#lx, %#lx], which stays in use\n",
			   area->node.first, area->node.last);
}

/*
 * Describes @length bytes from byte @start on (counted from the memory's first page),
 * and takes over a reference to the memory.  Returns @area.
 */
static inline struct area *area_init(struct area *area, struct memory *memory,
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
	area->lost = false;
	return area;
}

/* In area.c: */

/* A new area with a reference of its own; or ERR_PTR(-ENOMEM). */
struct area *area_share(struct memory *memory, unsigned long start,
			unsigned long length, int prot);

/*
 * Frees areas that are nowhere any more, but for those that are lost.  One that is still
 * pinned is left to its memory, where who has the lock unpins and frees it.
 */
void area_list_free(struct area *areas);

/* In map.c: */

struct area_request {
	struct area *areas;
	unsigned long length;		/* of all of them, side by side */
	unsigned long iova;		/* where they are wanted, if @fixed, and come to be */
	unsigned long hint;		/* else a good place for memory that stands there */
	bool fixed;
};

/* Reserves and fills a request's areas; if that fails they are freed. */
int area_list_map(struct ioas *ioas, struct area_request *req);
void area_list_finalize(struct area *areas);

/* Puts one area into a page table: all of it, or nothing. */
int area_map_into(struct ioas *ioas, struct area *area, struct ioas_table *table);

/* Pins what an area covers. */
int area_pin(struct area *area);

/* In unmap.c: */

/* Takes reserved, perhaps filled areas apart and frees them. */
void area_list_remove(struct ioas *ioas, struct area *areas);

/* Takes a list of areas, at least one, out of all page tables. */
void area_list_unmap(struct ioas *ioas, struct area *areas);
void area_list_unpin(struct area *areas);

/* Takes one area out of a page table, or out of those before @end. */
void area_unmap_from(struct area *area, struct ioas_table *table);
void area_unmap_before(struct ioas *ioas, struct area *area, struct ioas_table *end);

/* One of many areas, with one flush for all of them by hw_unmap_end(). */
void area_unmap_gather(struct area *area, struct hw_unmapper *from);

/* Leaves it pinned if the caller is killed before it gets at the memory. */
void area_unpin(struct area *area);

/* Counts what an area maps: @sign is 1 when it comes, -1 when it goes. */
void area_count(struct ioas *ioas, const struct area *area, int sign);

#endif
