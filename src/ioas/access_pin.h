/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pins: ranges of an IOAS whose memory the kernel, or hardware by physical address,
 * reaches by itself.  A pin remembers the areas that it lies in, so that giving it
 * back asks nothing of the address space.
 */
#ifndef IOMMUFD_IOAS_ACCESS_PIN_H
#define IOMMUFD_IOAS_ACCESS_PIN_H

#include <linux/interval_tree.h>
#include <linux/types.h>

struct area;
struct ioas;
struct page;

/* The part of a pin that lies in one area. */
struct access_pin_part {
	struct area *area;
	struct interval_tree_node holder;	/* of area->memory */
};

struct access_pin {
	struct interval_tree_node iova;
	bool locked;			/* nobody can ask for it back */
	unsigned int nparts;
	struct access_pin_part parts[];
};

/*
 * Pins [iova, last] and lists its pages, one for each that the range touches.
 * @flags are IOMMUFD_ACCESS_RW_*.  Returns an ERR_PTR as
 * iommufd_access_pin_pages().
 */
struct access_pin *access_pin_pages(struct ioas *ioas, unsigned long iova,
				    unsigned long last, struct page **pages,
				    unsigned int flags);

/*
 * Pins [iova, last] for hardware that reads it at *@base, and keeps it from being
 * unmapped (-EBUSY).  -EFAULT if it isn't physically contiguous, else as above.
 */
struct access_pin *access_pin_locked(struct ioas *ioas, unsigned long iova,
				     unsigned long last, phys_addr_t *base);

void access_pin_free(struct access_pin *pin);

/* Copies to or from [iova, last], as iommufd_access_rw(). */
int access_pin_rw(struct ioas *ioas, unsigned long iova, unsigned long last, void *data,
		  unsigned int flags);

#endif
