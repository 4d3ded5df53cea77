/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An I/O address space: areas of mapped memory at IOVAs, and the page tables and
 * access objects that it serves.
 *
 * The life of an area, none of whose steps is undone by another task:
 *
 *   reserved  in the IOVA space, so that nobody else takes it   area_reserve()
 *   filled    in every page table, and pinned if there is one   area_fill()
 *   live      found by unmap, copy and access objects           area_publish()
 *   emptied   out of all page tables, then unpinned             area_remove()
 *   gone      out of the IOVA space                             area_remove()
 *
 * Memory is pinned and unpinned outside of @users and @lock, so that a page fault
 * that takes its time holds up nobody who has to do with other memory.
 */
#ifndef IOMMUFD_IOAS_IOAS_H
#define IOMMUFD_IOAS_IOAS_H

#include <linux/atomic.h>
#include <linux/interval_tree.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/xarray.h>

#include "../core/object.h"
#include "space.h"

struct command;
struct dmabuf_entry;
struct iommu_domain;
struct iommu_ioas_iova_ranges;
struct iommu_iova_range;
struct memory;

struct ioas {
	struct object obj;
	struct iommufd_ctx *ctx;

	/* Serialises the choice of an automatic page table.  Taken before group->lock. */
	struct mutex auto_lock;

	struct rw_semaphore users;
	struct list_head tables;	/* struct ioas_table, guarded by @users */
	struct xarray readers;		/* object ID -> struct ioas_reader */

	struct rw_semaphore lock;
	struct iova_space space;	/* guarded by @lock */
	unsigned long mapped;		/* bytes of areas, written under @lock */
	unsigned long lent;		/* of that, DMA-bufs; the same */
	unsigned long align;		/* guarded by @lock; written under both */
	bool single_pages;		/* the same; no huge pages in page tables */
};

/* A page table that is filled from an IOAS: part of a HWPT. */
struct ioas_table {
	struct list_head item;		/* of ioas->tables, guarded by ioas->users */
	struct iommu_domain *domain;
	bool filled;			/* the same */
	bool coherent;			/* all DMA through it is; set before it's filled */
	struct iova_range outside[2];	/* what it can't translate, reserved for it */
	size_t n_outside;
};

/* A part of the kernel that reaches an IOAS by itself: part of an access object. */
struct ioas_reader {
	struct object *obj;
	unsigned long align;		/* that mappings must have for its sake */
	/* Asks it for its pins in a range; NULL if it makes none. */
	void (*ask)(struct ioas_reader *reader, unsigned long first,
		    unsigned long last);
};

struct area {
	struct iova_node node;
	struct interval_tree_node holder;	/* of @memory, while pinned */
	struct memory *memory;
	struct area *next;		/* of those that one ioctl makes or removes */
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

/* Areas: area.c.  Lists of them are linked by area->next, in order of IOVA. */

/*
 * The first area of new memory: @length bytes from byte @start on (counted from the
 * memory's first page).  It has room within the memory, and takes over the reference.
 */
struct area *area_new(struct memory *memory, unsigned long start,
		      unsigned long length, int prot);

/* One more area, with a reference of its own; or ERR_PTR(-ENOMEM). */
struct area *area_share(struct memory *memory, unsigned long start,
			unsigned long length, int prot);

/* Frees areas that were never reserved. */
void area_free_list(struct area *areas);

/*
 * Takes IOVA for a list of areas, side by side: at *@iova if @fixed, else *@iova
 * becomes a good place, for memory that stands at @hint.
 */
int area_reserve(struct ioas *ioas, struct area *areas, unsigned long length,
		 unsigned long *iova, bool fixed, unsigned long hint);

/* Pins and maps reserved areas.  On failure they are reserved, and no more. */
int area_fill(struct ioas *ioas, struct area *areas);
void area_publish(struct area *areas);

/* Takes reserved, perhaps filled areas apart and frees them. */
void area_remove(struct ioas *ioas, struct area *areas);

/*
 * Unmaps all areas in [first, last].  *@unmapped is the sum of their lengths.
 * Returns 0, also if there's none; -ENOENT if an area lies in it only partly,
 * -EBUSY if one is being mapped or unmapped or hardware reads it by itself, -EINTR,
 * -EDEADLOCK if an access object doesn't give back its pins.
 */
int ioas_unmap(struct ioas *ioas, unsigned long first, unsigned long last,
	       unsigned long *unmapped);

/* Page tables: fill.c */

/* Puts one area into a page table, or takes it out. */
int area_map(struct ioas *ioas, struct area *area, struct ioas_table *table);
void area_unmap(struct area *area, struct ioas_table *table);

/* Takes those of a list out that are filled, with one flush for all. */
void areas_unmap(struct area *areas, struct ioas_table *table);

/* Pins or unpins what an area covers. */
int area_pin(struct area *area);
void area_unpin(struct area *area);

/*
 * Fills a page table with all that is mapped, and keeps it so from now on.  That
 * it is filled already is no error.  Returns 0, -EADDRINUSE if a mapping or allowed range lies outside of its
 * aperture or isn't aligned to its pages, -EINTR, -ENOMEM, or why pinning failed.
 */
int ioas_add_table(struct ioas *ioas, struct ioas_table *table);
void ioas_remove_table(struct ioas *ioas, struct ioas_table *table);

/* 0, -ENOMEM, or -EADDRINUSE if mappings aren't aligned for the reader. */
int ioas_add_reader(struct ioas *ioas, struct ioas_reader *reader);
void ioas_remove_reader(struct ioas *ioas, struct ioas_reader *reader);

/* Reserves ranges for a device, or gives them back: 0, -EADDRINUSE, -ENOMEM. */
int ioas_reserve(struct ioas *ioas, const struct iova_range *ranges, size_t count);
void ioas_unreserve(struct ioas *ioas, const struct iova_range *ranges, size_t count);

/* Whether page tables may map more than a page in one entry: 0, -EINVAL, -EADDRINUSE */
int ioas_set_single_pages(struct ioas *ioas, bool single_pages);

/*
 * Makes areas end at @last and begin at @first, if the address space has single
 * pages; else does nothing.  0, -EINVAL if that isn't a page's border or access
 * objects have pinned the area, -EBUSY, -EOPNOTSUPP for a dma-buf, -EINTR, -ENOMEM.
 * In cut.c.
 */
int ioas_cut(struct ioas *ioas, unsigned long first, unsigned long last);

/* Objects and ioctls: ioas.c, ioctl.c */

struct ioas *ioas_get(struct iommufd_ctx *ctx, u32 id);
static inline void ioas_put(struct ioas *ioas)
{
	object_put(ioas->ctx, &ioas->obj);
}

extern const struct object_type ioas_object_type;

/*
 * The holes between reserved ranges, for kvfree(): as many of them as arg->num_iovas
 * said, which becomes the number of all.  An ERR_PTR without memory.
 */
struct iommu_iova_range *ioas_get_holes(struct ioas *ioas,
					struct iommu_ioas_iova_ranges *arg);

int ioas_alloc_ioctl(struct command *cmd);
int ioas_allow_iovas_ioctl(struct command *cmd);
int ioas_change_process_ioctl(struct command *cmd);
int ioas_copy_ioctl(struct command *cmd);
int ioas_iova_ranges_ioctl(struct command *cmd);
int ioas_map_ioctl(struct command *cmd);
int ioas_map_file_ioctl(struct command *cmd);
int ioas_unmap_ioctl(struct command *cmd);
int ioas_option_huge_pages(struct command *cmd);

#endif
