/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files that pin pages share; memory.h has what others need. */
#ifndef IOMMUFD_IOAS_PIN_H
#define IOMMUFD_IOAS_PIN_H

#include <linux/mm.h>

#include "memory.h"

/* Pointers to pages are kept in pieces of a page. */
#define PIN_BATCH (PAGE_SIZE / sizeof(struct page *))

/* Pages that are pinned and not recorded yet. */
struct pinned {
	struct page **pages;
	unsigned long room;	/* for pointers in @pages */
	unsigned long n;	/* pages */
	bool own;		/* the memory's process is the one that current works in */
	bool run;	/* they follow pages[0] in memory; the other pointers aren't set */
};

/* Is it the calling process's own memory, as its page tables have it? */
bool pin_is_own(const struct memory *memory);

/*
 * Pins pages from @index on, at most @npages and perhaps fewer; @pinned comes with room
 * for pointers and with @own.  @flags are more flags for the kernel.  0 if one is pinned, or an error.
 */
int pin_some(struct memory *memory, unsigned long index, unsigned long npages,
	     unsigned int flags, struct pinned *pinned);

/* Records what is pinned; what can't be recorded is unpinned. */
int pin_record(struct run_appender *to, const struct pinned *pinned);
void pin_undo(const struct pinned *pinned);

/*
 * Pins what one entry of the calling process's page tables maps from @va on, if that
 * is a huge one: at most @max pages that follow *@page.  Returns how many, or 0.  In
 * pin_huge.c.
 */
unsigned long pin_huge(unsigned long va, unsigned long max, unsigned int flags,
		       struct page **page);

/*
 * Pins and records up to @last together with kernel threads, if that pays.
 * In pin_team.c.  0, and then to->index may be anywhere: the caller goes on from there
 * alone, and learns so by itself what is wrong with the page there.  Or -ENOMEM, -EINTR.
 */
int pin_by_team(struct memory *memory, struct run_appender *to, unsigned long last);

/* Would that pay, if the memory isn't there yet? */
bool pin_team_pays(const struct memory *memory, unsigned long npages);

#endif
