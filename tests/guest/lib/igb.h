/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QEMU's "igb", a network device with virtual functions, as a DMA engine: a transmit
 * descriptor is read from memory, and written back to say that it's done.
 */
#ifndef TESTS_GUEST_IGB_H
#define TESTS_GUEST_IGB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device.h"
#include "mem.h"

#define IGB_VFS		8

struct igb {
	struct device *dev;
	volatile uint8_t *regs;
	size_t size;
};

/* The device, physical or virtual function, has to be bound. */
void igb_init(struct igb *igb, struct device *dev);
void igb_fini(struct igb *igb);

/* What the physical function does for its virtual ones: they may send. */
void igb_let_send(struct igb *pf);

/*
 * Sends one frame from the memory @m (two pages at the least) that is mapped at @iova; did
 * the device read the descriptor there and write to it?
 */
bool igb_sends(struct igb *igb, struct mem *m, uint64_t iova);

/* sriov_numvfs: 0 or -errno */
int igb_set_vfs(const char *pf, unsigned int count);
/* The BDF of a virtual function; the test ends if there's none. */
void igb_vf(const char *pf, unsigned int nth, char bdf[16]);

#endif
