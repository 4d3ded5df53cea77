/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ACCOUNT_H
#define ACCOUNT_H

/* Processes and users whose pinned memory is counted */

#include <grp.h>

#include "device.h"
#include "mem.h"

#define BASE	0x1000000ull

#define UID_A	4242

#define LIMIT	64ull		/* pages */

struct account_setup {
	int fd;
	uint32_t ioas;
	struct device dev;
	struct mem m;		/* twice the account_limit */
	struct mem file;
};

void account_setup(struct account_setup *s, uint64_t by_process);

void account_limit(uint64_t pages);

void account_become(unsigned int uid, uint64_t pages);

int account_map(struct account_setup *s, uint64_t pages, uint64_t at);

int account_unmap(struct account_setup *s, uint64_t pages, uint64_t at);

/* Two processes in step: each waits for the other's byte. */
struct steps {
	int down[2], up[2];
};

void steps_init(struct steps *p);

void steps_go(int fds[2]);

void steps_wait_for(int fds[2]);

struct helper {
	struct account_setup *s;
	struct steps steps;
};

#endif
