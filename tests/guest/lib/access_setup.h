/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ACCESS_SETUP_H
#define ACCESS_SETUP_H

/* An access object and mapped memory */

#include "access.h"
#include "mem.h"

#define BASE 0x1000000ull

struct access_setup {
	int fd;
	uint32_t ioas, other;
	struct access a;
	struct mem m;
};

#define SIZE (64 * PAGE)

/* An access object that cannot pin, in a space that maps @m at BASE. */
void access_setup(struct access_setup *s);

#endif
