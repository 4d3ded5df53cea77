/* SPDX-License-Identifier: GPL-2.0-only */
/* An address space, a device, and calls that wait in a page fault until the test ends that. */
#ifndef TESTS_GUEST_STALL_SCENE_H
#define TESTS_GUEST_STALL_SCENE_H

#include <stdint.h>

#include "device.h"
#include "mem.h"
#include "stuck.h"

#define STALL_BASE	0x1000000ull
#define STALL_PAGES	16ull
#define STALL_TRAP	(4 * GIB)	/* where the trap is mapped */

struct stall_scene {
	int fd;
	uint32_t ioas, table;
	uint32_t apart;		/* see stall_map_apart() */
	struct device dev;
	struct trap trap;
	struct mem m;		/* mapped at STALL_BASE */
	struct call call;
};

extern struct stall_scene stall;

void stall_up(void);

/* The calls that wait; none needs its argument. */
int stall_map_trap(void *arg);
int stall_alloc_table(void *arg);
int stall_attach(void *arg);
int stall_get_info(void *arg);

/*
 * One piece of memory, a page and then the trap, in an address space that nobody attaches to,
 * at STALL_TRAP.
 */
void stall_map_apart(void);
/* Copies its first page to the device's address space; no argument. */
int stall_copy_half(void *arg);
#define STALL_HALF	(2 * STALL_TRAP)	/* where to */

/* Starts one, and waits until it is in the trap; or lets it go on, to return @want. */
void stall_begin(int (*fn)(void *arg));
void stall_release(int want);

/* Checks that mappings come and go meanwhile. */
void stall_check_space(void);

/* Not before 6.3: there -EFAULT is all that comes of it. */
void stall_need_fault_in_pin(void);

#endif
