/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pins for access objects: ranges of an IOAS that the kernel, or hardware using
 * physical addresses, accesses without a page table.  A pin records the areas
 * that it covers, so releasing it needs no lookup in the IOVA space.
 */
#ifndef IOMMUFD_IOAS_ACCESS_PIN_H
#define IOMMUFD_IOAS_ACCESS_PIN_H

#include <linux/interval_tree.h>
#include <linux/types.h>

struct area;
struct ioas;
struct page;

/* The part of a pin within one area. */
struct access_pin_part {
	struct area *area;
	struct interval_tree_node holder;	/* in area->memory->holders */
};

struct access_pin {
	struct interval_tree_node iova;
	bool locked;			/* can't be asked for: unmap fails with -EBUSY */
	unsigned int nparts;
	struct access_pin_part parts[];
};

/*
 * Pin [iova, last] and store its pages in @pages, one for each page that the
 * range touches.  @flags are IOMMUFD_ACCESS_RW_*.  Takes ioas->lock for
 * reading.  Returns an ERR_PTR with the errors of iommufd_access_pin_pages().
 */
struct access_pin *access_pin_pages(struct ioas *ioas, unsigned long iova,
				    unsigned long last, struct page **pages,
				    unsigned int flags);

/*
 * Pin [iova, last] for hardware that reads it by physical address, and store
 * that address in *@base.  Unmapping the range fails with -EBUSY until
 * access_pin_free().  Returns ERR_PTR(-EFAULT) if the range isn't physically
 * contiguous, other errors as access_pin_pages().
 */
struct access_pin *access_pin_locked(struct ioas *ioas, unsigned long iova,
				     unsigned long last, phys_addr_t *base);

/* Unpin and free.  The areas may be unmapped as soon as this returns. */
void access_pin_free(struct access_pin *pin);

/*
 * Copy to or from [iova, last] as iommufd_access_rw() does.  @flags are
 * IOMMUFD_ACCESS_RW_*.
 */
int access_pin_rw(struct ioas *ioas, unsigned long iova, unsigned long last, void *data,
		  unsigned int flags);

#endif
