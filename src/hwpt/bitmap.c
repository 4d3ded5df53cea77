// SPDX-License-Identifier: GPL-2.0-only
/* Record ranges of IOVA in a bitmap in user memory. */
#include <linux/errno.h>
#include <linux/highmem.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include "bitmap.h"

#define PAGE_BITS (PAGE_SIZE * BITS_PER_BYTE)

static unsigned long bitmap_bit(const struct user_bitmap *map, unsigned long iova)
{
	return (iova - map->first) >> map->shift;
}

int bitmap_begin(struct user_bitmap *map, unsigned long first, unsigned long last,
		 u64 page_size, u64 data)
{
	unsigned long end;

	if (!is_power_of_2(page_size))
		return -EINVAL;
	memset(map, 0, sizeof(*map));
	map->first = first;
	map->last = last;
	map->shift = ilog2(page_size);
	map->data = data;
	if (map->data != data ||
	    check_add_overflow(map->data, bitmap_bit(map, last) / BITS_PER_BYTE, &end))
		return -EFAULT;
	return 0;
}

/* Set bits @first to @last of a page without writing to other bytes. */
static void bitmap_set_bits(u8 *page, unsigned int first, unsigned int last)
{
	u8 head = 0xff << first % BITS_PER_BYTE;
	u8 tail = 0xff >> (BITS_PER_BYTE - 1 - last % BITS_PER_BYTE);

	first /= BITS_PER_BYTE;
	last /= BITS_PER_BYTE;
	if (first == last) {
		page[first] |= head & tail;
		return;
	}
	page[first] |= head;
	memset(page + first + 1, 0xff, last - first - 1);
	page[last] |= tail;
}

/* Set the bits of a range that lies in the window. */
static void bitmap_set_range(struct user_bitmap *map, unsigned long first, unsigned long last)
{
	/* Bits are relative to the window's first page. */
	unsigned long skip = map->offset * BITS_PER_BYTE - map->window_bit;
	unsigned long bit = bitmap_bit(map, first) + skip, end = bitmap_bit(map, last) + skip;
	unsigned long page_end;
	void *page;

	map->touched = true;
	for (; bit <= end; bit = page_end + 1) {
		page_end = min(end, bit | (PAGE_BITS - 1));
		page = kmap_local_page(map->pages[bit / PAGE_BITS]);
		bitmap_set_bits(page, bit % PAGE_BITS, page_end % PAGE_BITS);
		kunmap_local(page);
	}
}

void bitmap_note(struct user_bitmap *map, unsigned long first, unsigned long last)
{
	bitmap_set_range(map, first, min(last, map->window_last));
	if (!map->any || last > map->noted)
		map->noted = last;
	map->any = true;
}

/* The last IOVA that has its bit in the window. */
static unsigned long bitmap_window_end(const struct user_bitmap *map)
{
	unsigned long bits = map->npages * PAGE_BITS - map->offset * BITS_PER_BYTE;
	unsigned long left = bitmap_bit(map, map->last) - map->window_bit;

	if (left < bits)
		return map->last;
	return map->first + ((map->window_bit + bits) << map->shift) - 1;
}

int bitmap_open(struct user_bitmap *map, unsigned long iova)
{
	unsigned long byte = bitmap_bit(map, iova) / BITS_PER_BYTE;
	unsigned long bytes = bitmap_bit(map, map->last) / BITS_PER_BYTE - byte + 1;
	unsigned long start = map->data + byte, nth, pages;
	int got;

	map->offset = offset_in_page(start);
	nth = start / PAGE_SIZE - map->data / PAGE_SIZE;
	pages = (map->offset + bytes - 1) / PAGE_SIZE + 1;
	pages = min(pages, BITMAP_PAGES - nth % BITMAP_PAGES);
	got = pin_user_pages_fast(start & PAGE_MASK, pages, FOLL_WRITE, map->pages);
	if (got <= 0)
		return got == -EINTR || got == -ENOMEM ? got : -EFAULT;
	map->npages = got;
	map->cut = map->npages < pages;
	map->touched = false;
	map->window_bit = byte * BITS_PER_BYTE;
	map->window_last = bitmap_window_end(map);
	/* The rest of a range that reached past an earlier window. */
	if (bitmap_has_noted(map, iova))
		bitmap_set_range(map, iova, min(map->noted, map->window_last));
	return 0;
}

void bitmap_close(struct user_bitmap *map)
{
	unpin_user_pages_dirty_lock(map->pages, map->npages, map->touched);
	map->npages = 0;
}
