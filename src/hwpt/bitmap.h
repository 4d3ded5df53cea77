/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bitmap of user space's in which ranges of IOVA are noted, a bit for each page
 * of a size that user space chose.  Bits are only ever set; a byte without a bit of
 * the range isn't touched.
 *
 * Of the bitmap one window at a time is pinned, so that noting in it can't fault
 * and may be done with locks held.  A range that reaches behind the window is kept
 * in mind, and noted there when the window has moved.
 */
#ifndef IOMMUFD_HWPT_BITMAP_H
#define IOMMUFD_HWPT_BITMAP_H

#include <linux/types.h>

struct page;

/* A window, however the bitmap lies, has the bits of 32,768 pages at least. */
#define BITMAP_PAGES 2

struct user_bitmap {
	unsigned long first;		/* IOVA that bit 0 begins with */
	unsigned long last;
	unsigned long data;		/* user address of the byte with bit 0 */
	unsigned int shift;		/* a bit stands for 1 << shift bytes */

	/* The window: */
	unsigned long window_last;	/* IOVA */
	unsigned long window_bit;	/* the first one in it, of a byte */
	unsigned int offset;		/* of that byte in the first page */
	unsigned int npages;		/* 0: there is none */
	bool touched;
	struct page *pages[BITMAP_PAGES];

	unsigned long noted;		/* the last byte noted, if any was, maybe behind the window */
	bool any;
};

/*
 * @page_size is what a bit stands for.  0; -EINVAL if that's not a power of two,
 * -EFAULT if no bitmap at @data can have so many bits.
 */
int bitmap_begin(struct user_bitmap *map, unsigned long first, unsigned long last,
		 u64 page_size, u64 data);

/*
 * Pins a window that begins with the bit for @iova, or a little before it, and goes
 * on as far as it can: -EFAULT if user space can't write there, -EINTR, -ENOMEM.
 * IOVAs of windows ascend.
 */
int bitmap_open(struct user_bitmap *map, unsigned long iova);
void bitmap_close(struct user_bitmap *map);

/*
 * Notes [first, last], which lies in the bitmap, and begins in the window.  Never
 * sleeps.
 */
void bitmap_note(struct user_bitmap *map, unsigned long first, unsigned long last);

#endif
