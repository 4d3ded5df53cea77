/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's own, with what its clear_bit() is made of for user space. */
#ifndef SHIM_LINUX_BITOPS_H
#define SHIM_LINUX_BITOPS_H

#include_next <linux/bitops.h>

static inline int test_and_clear_bit(long nr, unsigned long *addr)
{
	unsigned long bit = 1UL << nr % 64, old = addr[nr / 64];

	addr[nr / 64] = old & ~bit;
	return !!(old & bit);
}

#endif
