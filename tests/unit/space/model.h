/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A map of cells of 512 bytes, each of which is taken, reserved or allowed.  The
 * cells are a window at the bottom, in the middle or at the very top of the 64-bit
 * space; the rest of it is reserved.
 */
#ifndef TESTS_SPACE_MODEL_H
#define TESTS_SPACE_MODEL_H

#define CELLS	4096
#define CELL	512UL
#define WINDOW	(CELLS * CELL)

static unsigned long base;		/* address of cell 0 */

static struct {
	unsigned char taken[CELLS];
	unsigned char allowed[CELLS];	/* 2 where a range begins */
	unsigned short reserved[CELLS];
	bool any_allowed;
} model;

static unsigned long address(unsigned long cell)
{
	return base + cell * CELL;
}

static unsigned long last_of(unsigned long cell)
{
	return base + cell * CELL + (CELL - 1);
}

static unsigned long cell_of(unsigned long addr)
{
	return (addr - base) / CELL;
}

static bool model_is_taken(unsigned long first, unsigned long last)
{
	return memchr(model.taken + first, 1, last - first + 1);
}

static bool model_is_reserved(unsigned long first, unsigned long last)
{
	for (; first <= last; first++)
		if (model.reserved[first])
			return true;
	return false;
}

static bool model_is_allowed(unsigned long first, unsigned long last)
{
	for (; first <= last; first++)
		if (model.allowed[first])
			return true;
	return false;
}

/* May space_find_room() give out this cell? */
static bool model_is_room(unsigned long cell)
{
	unsigned long addr = address(cell);

	return !model.taken[cell] && !model.reserved[cell] &&
	       (!model.any_allowed || model.allowed[cell]) &&
	       addr >= PAGE_SIZE && addr <= ULONG_MAX - PAGE_SIZE;
}

/* Is there a place for the request that lies in a single allowed range? */
static bool model_has_room(unsigned long length, unsigned long align,
			   unsigned long offset)
{
	unsigned long need = DIV_ROUND_UP(length, CELL), run = 0, cell, at;

	for (cell = CELLS; cell-- > 0;) {
		run = model_is_room(cell) ? run + 1 : 0;
		at = address(cell);
		if (run >= need && (at - offset) % align == 0 && at >= offset)
			return true;
		if (model.any_allowed && model.allowed[cell] == 2)
			run = 0;
	}
	return false;
}

#endif
