/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An I/O address space: areas of mapped memory at IOVAs, and the page tables and
 * access objects that it serves.
 */
#ifndef IOMMUFD_IOAS_IOAS_H
#define IOMMUFD_IOAS_IOAS_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/xarray.h>

#include "../core/object.h"
#include "space.h"

struct command;
struct iommu_domain;
struct iommu_ioas_iova_ranges;
struct iommu_iova_range;
struct refusal;

struct ioas {
	struct object obj;
	struct iommufd_ctx *ctx;

	/* Serialises the choice of an automatic page table.  Taken before group->lock. */
	struct mutex auto_lock;

	struct rw_semaphore users;
	struct list_head tables;	/* struct ioas_table, guarded by @users */
	unsigned int comers;		/* page tables to be, guarded by @users */
	struct xarray readers;		/* object ID -> struct ioas_reader */

	struct rw_semaphore lock;
	struct iova_space space;	/* guarded by @lock */
	unsigned long mapped;		/* bytes of areas, written under @lock */
	unsigned long exported;		/* of that, DMA-bufs; the same */
	unsigned long align;		/* guarded by @lock; written under both */
	bool single_pages;		/* the same; no huge pages in page tables */
};

/*
 * Is what is mapped to be pinned?  Then it is before @users is taken, as page faults may
 * take any time.  Without @users only a guess.
 */
static inline bool ioas_wants_pins(const struct ioas *ioas)
{
	return !list_empty(&ioas->tables) || READ_ONCE(ioas->comers);
}

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

/*
 * In unmap.c: unmaps all areas in [first, last].  *@unmapped is the sum of their lengths.
 * Returns 0, also if there's none; -ENOENT if an area lies in it only partly,
 * -EBUSY if one is being mapped or unmapped or hardware reads it by itself, -EINTR,
 * -EDEADLOCK if an access object doesn't give back its pins.
 */
int ioas_unmap(struct ioas *ioas, unsigned long first, unsigned long last,
	       unsigned long *unmapped);

/*
 * In table.c: fills a page table with all that is mapped, and keeps it so from now on.
 * That it is filled already is no error.  Returns 0, -EADDRINUSE if a mapping or allowed
 * range lies outside of its aperture or isn't aligned to its pages, -EINTR, -ENOMEM, or
 * why pinning failed, which is set in @refusal, which may be NULL.
 */
int ioas_add_table(struct ioas *ioas, struct ioas_table *table, struct refusal *refusal);
void ioas_remove_table(struct ioas *ioas, struct ioas_table *table);

/* In limits.c: */

/* 0, -ENOMEM, or -EADDRINUSE if mappings aren't aligned for the reader. */
int ioas_add_reader(struct ioas *ioas, struct ioas_reader *reader);
void ioas_remove_reader(struct ioas *ioas, struct ioas_reader *reader);

/* Reserves ranges for a device, or gives them back: 0, -EADDRINUSE, -ENOMEM. */
int ioas_reserve(struct ioas *ioas, const struct iova_range *ranges, size_t count);
void ioas_unreserve(struct ioas *ioas, const struct iova_range *ranges, size_t count);

/*
 * Makes the address space fit a page table's aperture and pages: 0, -EADDRINUSE,
 * -ENOMEM.
 */
int ioas_restrict(struct ioas *ioas, struct ioas_table *table, struct refusal *refusal);
void ioas_unrestrict(struct ioas *ioas, struct ioas_table *table);

/* Whether page tables may map more than a page in one entry: 0, -EINVAL, -EADDRINUSE */
int ioas_set_single_pages(struct ioas *ioas, bool single_pages);

/*
 * In cut.c: makes areas end at @last and begin at @first, if the address space has single
 * pages; else does nothing.  0, -EINVAL if that isn't a page's border or access
 * objects have pinned the area, -EBUSY, -EOPNOTSUPP for a dma-buf, -EINTR, -ENOMEM.
 */
int ioas_cut(struct ioas *ioas, unsigned long first, unsigned long last);

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
int ioas_noiommu_get_pa_ioctl(struct command *cmd);
int ioas_iova_ranges_ioctl(struct command *cmd);
int ioas_map_ioctl(struct command *cmd);
int ioas_map_file_ioctl(struct command *cmd);
int ioas_unmap_ioctl(struct command *cmd);
int ioas_option_huge_pages(struct command *cmd);

#endif
