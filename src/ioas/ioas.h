/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * I/O address spaces: the areas mapped at IOVAs, and the page tables and access
 * objects that use them.
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

	/*
	 * Serialises the choice of an automatic HWPT.  Taken before
	 * group->lock.
	 */
	struct mutex auto_lock;

	struct rw_semaphore users;
	struct list_head tables;	/* struct ioas_table, guarded by @users */
	unsigned int comers;		/* page tables being added, guarded by @users */
	struct xarray readers;		/* object ID -> struct ioas_reader */

	struct rw_semaphore lock;
	struct iova_space space;	/* guarded by @lock */
	unsigned long mapped;		/* bytes in areas; written under @lock */
	unsigned long exported;		/* bytes in DMA-bufs of @mapped; same locking */
	unsigned long align;		/* guarded by @lock; written under @users, too */
	bool single_pages;		/* no huge entries; same locking as @align */
};

/*
 * Returns true if mapped memory has to be pinned.  Ask before @users is taken,
 * because pinning may wait for page faults; the answer is only reliable under
 * @users.
 */
static inline bool ioas_wants_pins(const struct ioas *ioas)
{
	return !list_empty(&ioas->tables) || READ_ONCE(ioas->comers);
}

/* A page table filled from an IOAS: the IOAS's part of a HWPT. */
struct ioas_table {
	struct list_head item;		/* of ioas->tables, guarded by ioas->users */
	struct iommu_domain *domain;
	bool filled;			/* guarded by ioas->users */
	bool coherent;			/* enforces coherency; set before @filled */
	struct iova_range outside[2];	/* beyond the aperture; reserved */
	size_t n_outside;
};

/* An in-kernel user of an IOAS: the IOAS's part of an access object. */
struct ioas_reader {
	struct object *obj;
	unsigned long align;		/* required of all mappings */
	/*
	 * Ask the owner to release its pins in [first, last].  NULL if it makes
	 * none.
	 */
	void (*ask)(struct ioas_reader *reader, unsigned long first,
		    unsigned long last);
};

/*
 * In unmap.c: unmap all areas in [first, last], and store their length in bytes
 * in *@unmapped, also on failure.  Returns 0, also if there is none; -ENOENT if
 * an area lies only partly in the range; -EBUSY if an area is being mapped or
 * unmapped, or hardware reads it by physical address; -EINTR; -EDEADLOCK if an
 * access object doesn't release its pins.
 */
int ioas_unmap(struct ioas *ioas, unsigned long first, unsigned long last,
	       unsigned long *unmapped);

/*
 * In table.c: fill a page table with all areas and keep it up to date.  Filling
 * it twice is no error.  Doesn't wait for page faults.  Returns 0; -EADDRINUSE
 * if an area or an allowed range is beyond its aperture or not aligned to its
 * page size; -ESTALE if areas aren't pinned, as ioas_expect_table() wasn't
 * called; or -ENOMEM.  Sets @refusal, which may be NULL, to the reason.
 */
int ioas_add_table(struct ioas *ioas, struct ioas_table *table, struct refusal *refusal);
void ioas_remove_table(struct ioas *ioas, struct ioas_table *table);

/*
 * Announce a page table: pin all areas, which may take any time, so don't hold a
 * lock.  Until ioas_expect_end(), new areas are pinned, too.  Returns 0, -EINTR,
 * -ENOMEM, or the error of pinning.
 */
int ioas_expect_table(struct ioas *ioas, struct refusal *refusal);
void ioas_expect_end(struct ioas *ioas);

/*
 * Keep the page tables of @ioas, and of @other unless that is NULL or the same, from
 * being mapped and unmapped until ioas_thaw().  Waits for what is under way: page
 * faults aren't.
 */
void ioas_freeze(struct ioas *ioas, struct ioas *other);
void ioas_thaw(struct ioas *ioas, struct ioas *other);

/* In limits.c: */

/*
 * Returns 0, -EINTR, -ENOMEM, or -EADDRINUSE if an area lacks the alignment
 * that the reader requires.
 */
int ioas_add_reader(struct ioas *ioas, struct ioas_reader *reader);
void ioas_remove_reader(struct ioas *ioas, struct ioas_reader *reader);

/*
 * Reserve IOVA ranges for a device.  Returns 0, -ENOMEM, or -EADDRINUSE if one
 * of them is mapped or set as allowed.
 */
int ioas_reserve(struct ioas *ioas, const struct iova_range *ranges, size_t count);
void ioas_unreserve(struct ioas *ioas, const struct iova_range *ranges, size_t count);

/*
 * Restrict the IOAS to a page table's aperture and page size.  Returns 0,
 * -EADDRINUSE, or -ENOMEM.
 */
int ioas_restrict(struct ioas *ioas, struct ioas_table *table, struct refusal *refusal);
void ioas_unrestrict(struct ioas *ioas, struct ioas_table *table);

/*
 * Forbid or allow page table entries larger than a page.  Returns 0, -EINTR,
 * -EINVAL if page tables are filled already, or -EADDRINUSE.
 */
int ioas_set_single_pages(struct ioas *ioas, bool single_pages);

/*
 * In cut.c: split areas at @first and after @last if the IOAS uses single
 * pages, else do nothing.  Returns 0; -EINVAL if the cut isn't page-aligned or
 * access objects have pinned the area; -EBUSY; -EOPNOTSUPP for a DMA-buf;
 * -EINTR; -ENOMEM.
 */
int ioas_cut(struct ioas *ioas, unsigned long first, unsigned long last);

extern const struct object_type ioas_object_type;

/* Returns a reference to the IOAS @id, or an ERR_PTR. */
static inline struct ioas *ioas_get(struct iommufd_ctx *ctx, u32 id)
{
	return object_get(ctx, id, &ioas_object_type);
}

/* End the use of ioas_get(). */
static inline void ioas_put(struct ioas *ioas)
{
	object_put(ioas->ctx, &ioas->obj);
}

/* Add @length bytes, which may be negative, to the statistics. */
static inline void ioas_count_mapped(struct ioas *ioas, long length, bool exported)
{
	lockdep_assert_held_write(&ioas->lock);
	WRITE_ONCE(ioas->mapped, ioas->mapped + length);
	if (exported)
		WRITE_ONCE(ioas->exported, ioas->exported + length);
}

/*
 * Returns the first arg->num_iovas holes between reserved ranges, to be freed
 * by kvfree(), and sets arg->num_iovas to the number of all.  ERR_PTR(-ENOMEM)
 * on failure.
 */
struct iommu_iova_range *ioas_get_holes(struct ioas *ioas,
					struct iommu_ioas_iova_ranges *arg);

/* The ioctls of an IOAS, see struct command in core/context.h. */
int ioas_alloc_ioctl(struct command *cmd);
int ioas_allow_iovas_ioctl(struct command *cmd);
int ioas_change_process_ioctl(struct command *cmd);
int ioas_copy_ioctl(struct command *cmd);
int ioas_noiommu_get_pa_ioctl(struct command *cmd);
int ioas_iova_ranges_ioctl(struct command *cmd);
int ioas_map_ioctl(struct command *cmd);
int ioas_map_file_ioctl(struct command *cmd);
int ioas_unmap_ioctl(struct command *cmd);

/*
 * IOMMU_OPTION_HUGE_PAGES; the caller responds with cmd->arg.  Returns 0, -ENOENT, -EINVAL, or
 * as ioas_set_single_pages().
 */
int ioas_option_huge_pages(struct command *cmd);

#endif
