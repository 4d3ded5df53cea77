/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers for randomised tests, the same on every machine: SEED=<n> in the
 * environment repeats a run, ROUNDS=<n> makes it longer or shorter.
 */
#ifndef SHIM_RANDOM_H
#define SHIM_RANDOM_H

#include <stdint.h>
#include <stdlib.h>

static uint64_t random_state;

static inline unsigned long from_environment(const char *name, unsigned long other)
{
	const char *s = getenv(name);

	return s ? strtoul(s, NULL, 0) : other;
}

/* Begins a sequence; @stream tells those of one seed apart. */
static inline void random_begin(unsigned long stream)
{
	random_state = from_environment("SEED", 1) * 0x9e3779b97f4a7c15ULL + stream;
}

/* splitmix64, by Sebastiano Vigna. */
static inline uint64_t random_u64(void)
{
	uint64_t z = (random_state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* 0 to @n - 1. */
static inline unsigned long random_below(unsigned long n)
{
	return random_u64() % n;
}

/* @low to @high, both possible. */
static inline unsigned long random_in(unsigned long low, unsigned long high)
{
	return low + random_below(high - low + 1);
}

/* True once in @n times. */
static inline int one_in(unsigned long n)
{
	return !random_below(n);
}

#endif
