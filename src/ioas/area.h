/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Areas: memory mapped at an IOVA range of an IOAS.
 *
 * The states of an area.  No other task reverts a step:
 *
 *   reserved  range taken in the IOVA space                  area_list_reserve()
 *   filled    in every page table; pinned if there is one    area_list_fill()
 *   live      visible to unmap, copy and access objects      area_list_finalize()
 *   emptied   out of all page tables, then unpinned          area_list_remove()
 *   gone      range free in the IOVA space                   area_list_remove()
 *
 * If a driver fails to unmap an area, the area is lost: a device may still
 * access its memory at its IOVA.  Range and pin are kept until the IOAS is
 * destroyed, which is after the last of its page tables.
 *
 * With ioas->users or ioas->lock held, nobody waits for memory->lock, which who
 * pins holds across page faults: pin and unpin before and after, or try.  So a
 * slow page fault never blocks tasks that use other memory.
 *
 * Lists of areas are linked by area->next in order of IOVA.
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
struct refusal;

struct area {
	struct iova_node node;
	struct interval_tree_node holder;	/* in memory->holders, while pinned */
	struct memory *memory;
	union {
		struct area *next;	/* in the list of one ioctl */
		struct llist_node left;	/* in memory->left */
	};
	struct dmabuf_entry *entries;	/* DMA-buf only, guarded by memory->lock */
	unsigned int offset;		/* of the first byte within its page */
	int prot;			/* IOMMU_READ, IOMMU_WRITE, IOMMU_CACHE */
	bool pinned;			/* guarded by ioas->users, or private to a task */
	bool filled;			/* guarded by ioas->users */
	bool stuck;			/* a driver failed to unmap it */
	bool live;			/* store-release to set, ioas->lock to clear */
	atomic_t pins;			/* by access objects; increased under ioas->lock */
	atomic_t locks;			/* pins whose owner can't be asked; same locking */
	bool leaving;			/* refuse new pins; guarded by ioas->lock */
	bool lost;			/* only the range is left; guarded by ioas->lock */
};

/* In bytes. */
static inline unsigned long area_length(const struct area *area)
{
	return area->node.last - area->node.first + 1;
}

/*
 * Call with ioas->lock held.  Unless it is held for writing, a new pin may
 * appear at once.
 */
static inline bool area_is_pinned_by_readers(const struct area *area)
{
	return atomic_read_acquire(&area->pins) || atomic_read_acquire(&area->locks);
}

/* The area whose range @node is. */
static inline struct area *to_area(struct iova_node *node)
{
	return container_of(node, struct area, node);
}

/* Keep memory pinned that a device may still access. */
static inline void area_check_unmapped(struct area *area, bool ok)
{
	if (ok)
		return;
	area->stuck = true;
	pr_err_ratelimited("the IOMMU driver failed to unmap [%#lx, %#lx]; its memory stays pinned\n",
			   area->node.first, area->node.last);
}

/*
 * Initialise @area for @length bytes from byte @start on, counted from the
 * first page of @memory.  Takes over a reference to @memory.  Returns @area.
 */
static inline struct area *area_init(struct area *area, struct memory *memory,
				     unsigned long start, unsigned long length, int prot)
{
	/* The trees initialise the links of node and holder. */
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

/*
 * Allocate an area with its own reference to @memory.  Returns ERR_PTR(-ENOMEM)
 * on failure.
 */
struct area *area_share(struct memory *memory, unsigned long start,
			unsigned long length, int prot);

/*
 * Free areas that are in neither the IOVA space nor a page table; skip lost
 * ones.  An area that is still pinned is queued on memory->left, for the holder
 * of memory->lock to unpin and free.
 */
void area_list_free(struct area *areas);

/* In map.c: */

struct area_request {
	struct area *areas;
	unsigned long length;		/* of all areas together */
	unsigned long iova;		/* wanted if @fixed, else chosen */
	unsigned long hint;		/* unless @fixed: align like this address */
	bool fixed;
};

/* Reserve and fill the areas of a request.  Frees them on failure. */
int area_list_map(struct ioas *ioas, struct area_request *req);
void area_list_finalize(struct area *areas);

/*
 * Map one area into a page table, completely or not at all.  Returns -ESTALE if
 * another task pins the same memory: release the locks, see memory_try_again().
 */
int area_map_into(struct ioas *ioas, struct area *area, struct ioas_table *table);

/* Pin the pages of an area.  As in memory_pin(), @refusal may be NULL. */
int area_pin(struct area *area, struct refusal *refusal);

/* The same, but return -ESTALE rather than wait for others who pin the same memory. */
int area_try_pin(struct area *area, struct refusal *refusal);

/* In unmap.c: */

/* Unmap, unpin and free areas that are reserved or filled. */
void area_list_remove(struct ioas *ioas, struct area *areas);

/* Unmap a non-empty list of areas from all page tables. */
void area_list_unmap(struct ioas *ioas, struct area *areas);

/* Unpin areas.  They stay pinned if the caller is killed while waiting for memory->lock. */
void area_list_unpin(struct area *areas);

/* Unmap an area from one page table, or from those before @end. */
void area_unmap_from(struct area *area, struct ioas_table *table);
void area_unmap_before(struct ioas *ioas, struct area *area, struct ioas_table *end);

/* Unmap one of several areas; hw_unmap_end() flushes for all of them. */
void area_unmap_gather(struct area *area, struct hw_unmapper *from);

/*
 * Unpin an area that is pinned, but don't wait for others who pin the same memory,
 * as ioas->users is held: then it stays pinned until it is unmapped, or until the
 * next page table goes.
 */
void area_try_unpin(struct area *area);

#endif
