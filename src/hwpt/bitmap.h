/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bitmap in user memory that records ranges of IOVA, one bit for each page of a size that
 * user space chose.  Bits are set, never cleared, and bytes without a bit of the range
 * aren't written.
 *
 * One window of the bitmap is pinned at a time, so recording can't fault and is allowed
 * under locks.  The part of a range past the window is remembered, and recorded when the
 * window has moved there.
 */
#ifndef IOMMUFD_HWPT_BITMAP_H
#define IOMMUFD_HWPT_BITMAP_H

#include <linux/types.h>

struct page;

/*
 * Windows end where so many pages of the bitmap do, counted from its first one, wherever they
 * begin.  So if range and bitmap are aligned, and bits stand for 4 KiB, they end between
 * entries of up to 4 GiB.
 */
#define BITMAP_PAGES 32UL

struct user_bitmap {
	unsigned long first;		/* IOVA of bit 0 */
	unsigned long last;
	unsigned long data;		/* user address of the byte with bit 0 */
	unsigned int shift;		/* a bit stands for 1 << shift bytes */

	/* The window: */
	unsigned long window_last;	/* IOVA */
	unsigned long window_bit;	/* the window's first bit, a multiple of 8 */
	unsigned int offset;		/* of its byte in the first page */
	unsigned int npages;		/* 0 if there is no window */
	bool cut;			/* it ends before a page that couldn't be pinned */
	bool touched;			/* a bit was set */
	struct page *pages[BITMAP_PAGES];

	unsigned long noted;		/* last IOVA recorded, maybe past the window */
	bool any;			/* @noted is valid */
};

/**
 * bitmap_begin() - initialize a bitmap, without a window
 * @map: the bitmap
 * @first: first IOVA of the range, of bit 0
 * @last: last IOVA of the range
 * @page_size: bytes per bit
 * @data: user address of the bitmap
 *
 * Return: 0, -EINVAL if @page_size isn't a power of two, -EFAULT if the bitmap would exceed
 * the address space.
 */
int bitmap_begin(struct user_bitmap *map, unsigned long first, unsigned long last,
		 u64 page_size, u64 data);

/**
 * bitmap_open() - pin a window, to its end or as far as user space can write
 * @map: the bitmap
 * @iova: the window begins at its bit or shortly before; above that of earlier windows
 *
 * Ends by bitmap_close().
 *
 * Return: 0, -EFAULT if user space can't write there, -EINTR or -ENOMEM.
 */
int bitmap_open(struct user_bitmap *map, unsigned long iova);

/**
 * bitmap_close() - unpin the window
 * @map: the bitmap, with a window
 *
 * What was noted past the window is kept for the next one.
 */
void bitmap_close(struct user_bitmap *map);

static inline bool bitmap_is_open(const struct user_bitmap *map)
{
	return map->npages;
}

/* Was a range noted that reaches to @iova or further? */
static inline bool bitmap_has_noted(const struct user_bitmap *map, unsigned long iova)
{
	return map->any && map->noted >= iova;
}

/**
 * bitmap_note() - set the bits of a range
 * @map: the bitmap, with a window
 * @first: first IOVA, in the window
 * @last: last IOVA, in the bitmap
 *
 * Never sleeps.
 */
void bitmap_note(struct user_bitmap *map, unsigned long first, unsigned long last);

#endif
