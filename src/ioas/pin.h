/* SPDX-License-Identifier: GPL-2.0-only */
/* Interface between the files that pin pages; see memory.h for other users. */
#ifndef IOMMUFD_IOAS_PIN_H
#define IOMMUFD_IOAS_PIN_H

#include <linux/mm.h>

#include "memory.h"

/* Arrays of struct page pointers are at most a page long. */
#define PIN_BATCH (PAGE_SIZE / sizeof(struct page *))

/* Pages that are pinned but not recorded yet. */
struct pinned {
	struct page **pages;
	unsigned long room;	/* entries in @pages */
	unsigned long n;	/* number of pages */
	bool own;		/* memory of current->mm */
	bool run;	/* physically contiguous; only pages[0] is valid */
};

/*
 * Returns true if the memory belongs to the calling process and isn't a file.
 */
bool pin_is_own(const struct memory *memory);

/*
 * Pin at least one and at most @npages pages from @index on.  The caller sets
 * pinned->pages, room and own.  @flags are additional FOLL_* flags.  Returns 0
 * if a page was pinned, else an error.
 */
int pin_some(struct memory *memory, unsigned long index, unsigned long npages,
	     unsigned int flags, struct pinned *pinned);

/* Record pinned pages; unpin those that can't be recorded. */
int pin_record(struct run_appender *to, const struct pinned *pinned);
void pin_undo(const struct pinned *pinned);

/*
 * In pin_huge.c: if the calling process maps @va by a huge page table entry,
 * pin at most @max contiguous pages of it, and store the first one in *@page.
 * Returns the number of pages, or 0.
 */
unsigned long pin_huge(unsigned long va, unsigned long max, unsigned int flags,
		       struct page **page);

/*
 * In pin_team.c: pin and record up to @last in parallel, if that pays.  Returns
 * 0, -ENOMEM or -EINTR.  After 0, to->index may be anywhere: the caller pins
 * what is left by itself, and thereby gets the error for the page there.
 */
int pin_by_team(struct memory *memory, struct run_appender *to, unsigned long last);

/*
 * Returns true if parallel pinning pays for @npages that aren't populated yet.
 */
bool pin_team_pays(const struct memory *memory, unsigned long npages);

#endif
