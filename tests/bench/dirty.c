// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading which of some memory was written to: on the mock IOMMU, which is ours here and
 * Linux's there, and on a real driver with an IOMMU that sets the bits (tests/qemu).
 */
#include <string.h>
#include <unistd.h>

#include "tracked.h"

#define MOCK_BASE	(256 * MIB)	/* the mock has 2 GiB of IOVA */
#define BASE		(4 * GIB)
#define SMALL		(128 * MIB)	/* in entries of single pages */
#define LARGE		GIB		/* in entries of huge pages, */
#define LARGE_TIMES	16		/* which are mapped so many times */
#define TIMES		5

void tracked_open(struct tracked *t, bool huge)
{
	t->d.fd = iommu_open();
	t->d.ioas = ioas_new(t->d.fd);
	require_ok(option_set(t->d.fd, IOMMU_OPTION_HUGE_PAGES, t->d.ioas, huge));
	device_get(&t->dev, "edu", 0, t->d.fd);
	edu_init(&t->edu, &t->dev);
	t->edu.limit = UINT64_MAX;
	require_ok(hwpt_alloc(t->d.fd, t->dev.id, t->d.ioas, IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
			      &t->d.hwpt));
	require_ok(device_attach(&t->dev, t->d.hwpt));
	require_ok(dirty_set(t->d.fd, t->d.hwpt, true));
}

void tracked_close(struct tracked *t)
{
	edu_fini(&t->edu);
	device_close(&t->dev);
	close(t->d.fd);
}

/* A transfer across the end of an entry writes to two. */
void tracked_write(struct tracked *t, uint64_t iova, uint64_t entry, unsigned int n)
{
	for (; n >= 2; n -= 2, iova += 2 * entry)
		require_ok(edu_store(&t->edu, iova + entry - 4, 0, 8));
	if (n)
		require_ok(edu_store(&t->edu, iova, 0, 8));
}

/* What is measured, and who writes: the mock, or a device. */
struct scene {
	struct tracked t;
	uint64_t base;
	uint64_t entry;		/* size of the page table's entries */
	bool mock;
};

static void write_entries(struct scene *s, uint64_t iova, unsigned int n)
{
	if (s->mock)
		dirty_write(&s->t.d, iova, n * s->entry / PAGE);
	else
		tracked_write(&s->t, iova, s->entry, n);
}

/* Every nth entry is written to; 0: none. */
static void measure(struct scene *s, uint64_t size, unsigned int nth, const char *what)
{
	static uint8_t bits[LARGE_TIMES * LARGE / PAGE / 8] __attribute__((aligned(PAGE)));
	static struct samples took;
	uint64_t start, told;

	for (unsigned int i = 0; i <= TIMES; i++) {
		if (nth == 1)
			write_entries(s, s->base, size / s->entry);
		for (uint64_t at = 0; nth > 1 && at < size; at += nth * s->entry)
			write_entries(s, s->base + at, 1);
		memset(bits, 0, size / PAGE / 8);
		start = ticks();
		require_ok(dirty_get(&s->t.d, s->base, size, PAGE, bits, 0));
		if (i)
			sample(&took, ticks() - start);
		told = 0;
		for (uint64_t at = 0; at < size; at += s->entry)
			told += bit(bits, at / PAGE);
		check_eq(told, nth ? size / s->entry / nth : 0);
	}
	samples_print(&took, "iommufd/dirty/%s-%s", s->entry == PAGE ? "small" : "huge", what);
}

static void measure_all(struct scene *s, uint64_t size, unsigned int sparse)
{
	struct mem m;

	memory_get(&m, s->entry == PAGE ? M_SMALL : M_HUGETLB, size);
	require_ok(ioas_map_at(s->t.d.fd, s->t.d.ioas, m.va, size, s->base));
	measure(s, size, 0, "none");
	measure(s, size, sparse, "sparse");
	measure(s, size, 1, "dense");
	if (size < LARGE)
		return;
	for (unsigned int i = 1; i < LARGE_TIMES; i++)
		require_ok(ioas_map_at(s->t.d.fd, s->t.d.ioas, m.va, size,
				       s->base + i * size));
	measure(s, LARGE_TIMES * size, 0, "none-16G");
}

/* The mock's huge entries have 1 MiB, of which each page is written to. */
static void on_mock(bool huge)
{
	struct scene s = { .base = MOCK_BASE, .entry = huge ? MIB : PAGE, .mock = true };

	dirty_open(&s.t.d, huge);
	measure_all(&s, SMALL, huge ? 4 : 1024);
}

void bench_dirty(void)
{
	on_mock(false);
}

void bench_dirty_huge(void)
{
	on_mock(true);
}

static void on_device(bool huge)
{
	struct scene s = { .base = BASE, .entry = huge ? HUGE : PAGE };

	tracked_open(&s.t, huge);
	measure_all(&s, huge ? LARGE : SMALL, huge ? 64 : 1024);
	tracked_close(&s.t);
}

void bench_dirty_device(void)
{
	on_device(false);
}

void bench_dirty_device_huge(void)
{
	on_device(true);
}
