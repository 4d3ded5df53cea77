// SPDX-License-Identifier: GPL-2.0-only
/* Figures, and numbers that are random and the same in each run. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

void sample(struct samples *s, uint64_t value)
{
	if (s->n < MAX_SAMPLES)
		s->at[s->n++] = value;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void print(struct samples *s, const char *fmt, va_list ap)
{
	char name[96];

	vsnprintf(name, sizeof(name), fmt, ap);
	require(s->n);
	qsort(s->at, s->n, sizeof(s->at[0]), compare);
	tap_diag("figure %s n=%u min=%llu median=%llu", name, s->n,
		 (unsigned long long)s->at[0],
		 (unsigned long long)s->at[s->n / 2]);
	s->n = 0;
}

void samples_print(struct samples *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(s, fmt, ap);
	va_end(ap);
}

void figure(uint64_t value, const char *fmt, ...)
{
	struct samples one = { .n = 1, .at[0] = value };
	va_list ap;

	va_start(ap, fmt);
	print(&one, fmt, ap);
	va_end(ap);
}

/* Each test runs in a process of its own, so each starts from the same seed. */
uint32_t random_below(uint32_t limit)
{
	static uint64_t state = 0x9e3779b97f4a7c15;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 32) * limit >> 32;
}

uint32_t *random_order(uint32_t n)
{
	uint32_t *order = malloc(n * sizeof(*order));

	require(order);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = random_below(i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	return order;
}
