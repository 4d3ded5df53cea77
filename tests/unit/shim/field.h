/* SPDX-License-Identifier: GPL-2.0-only */
/* Fields of hardware's structures, by the numbers of their bits. */
#ifndef SHIM_FIELD_H
#define SHIM_FIELD_H

#include <linux/types.h>

/* Bits @high to @low of a structure of doublewords, as the architecture counts them. */
static inline u64 field(const u64 *words, unsigned int high, unsigned int low)
{
	u64 value = words[low / 64] >> low % 64;
	unsigned int n = high - low + 1;

	return n == 64 ? value : value & ((1ull << n) - 1);
}

#endif
