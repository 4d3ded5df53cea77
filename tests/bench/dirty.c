// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading which of 128 MiB were written to.  On the mock IOMMU only, which is ours
 * here and Linux's there.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "dirty.h"

#define BASE	(256 * MIB)
#define SIZE	(128 * MIB)
#define PAGES	(SIZE / PAGE)
#define TIMES	5

/* Every nth page is written to; 0: none. */
static void measure(const struct dirty *d, unsigned int nth, const char *what)
{
	static uint8_t bits[PAGES / 8];
	static struct samples took;

	for (unsigned int i = 0; i <= TIMES; i++) {
		uint64_t start;

		if (nth == 1)
			dirty_write(d, BASE, PAGES);
		for (uint64_t page = 0; nth > 1 && page < PAGES; page += nth)
			dirty_write(d, BASE + page * PAGE, 1);
		memset(bits, 0, sizeof(bits));
		start = ticks();
		require_ok(dirty_get(d, BASE, SIZE, PAGE, bits, 0));
		if (i)
			sample(&took, ticks() - start);
	}
	samples_print(&took, "iommufd/dirty/%s", what);
}

static void with(bool huge)
{
	struct dirty d;
	struct mem m;

	dirty_open(&d, huge);
	memory_get(&m, huge ? M_HUGETLB : M_SMALL, SIZE);
	require_ok(ioas_map_at(d.fd, d.ioas, m.va, SIZE, BASE));
	measure(&d, 0, huge ? "huge-none" : "small-none");
	measure(&d, 1024, huge ? "huge-sparse" : "small-sparse");
	measure(&d, 1, huge ? "huge-dense" : "small-dense");
}

void bench_dirty(void)
{
	with(false);
}

void bench_dirty_huge(void)
{
	with(true);
}
