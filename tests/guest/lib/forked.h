/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fork() of a process with pinned memory.  Nothing here allocates memory, so that threads
 * and children may call it, and so that it doesn't change what it looks at.
 */
#ifndef TESTS_GUEST_FORKED_H
#define TESTS_GUEST_FORKED_H

#include <stdbool.h>

#include "mem.h"

/* The mappings of this process are what each child is to have, from now on. */
void forked_expect(void);

/*
 * In a child: 0 if it has these mappings and nothing is charged to it.  It writes to all of
 * @m then, if that isn't shared memory, and is 0 only if it reads that.
 */
int forked_look(const struct mem *m);

/*
 * Checks that this process keeps each page of @m when it writes to it, and reads what it
 * wrote.  All of @m has to be pinned: a page that became shared with a child would be copied,
 * and the device had the old one.
 */
bool forked_keeps(const struct mem *m);

#endif
