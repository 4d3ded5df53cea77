// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory whose place does not depend on luck: how many runs of pages it has
 * decides what mapping it costs.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

/*
 * Of 262,144 pages that are touched in an order of pairs and single ones that is
 * random, so many are pairs; the memory has 176,835 runs then.
 */
#define PAIRS_OF_1G	85309

#define PIECE	(4 * MIB)
#define FEW	32

#define LEFTOVERS	(256 * MIB)

const char *const memory_name[M_KINDS] = {
	"small", "thp", "hugetlb", "memfd-thp", "memfd-hugetlb", "memfd-scattered",
};

static const enum mem_kind base_kind[M_KINDS] = {
	MEM_THP, MEM_THP, MEM_HUGETLB, MEM_MEMFD, MEM_MEMFD_HUGE, MEM_MEMFD,
};

static void tell(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	require(fd >= 0);
	require(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/*
 * A page of 1 GiB, taken and given back, empties the lists of single free pages, which
 * are in any order, and leaves large pieces.
 */
static void tidy(void)
{
	static const char pool[] =
		"/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages";

	tell("/proc/sys/vm/compact_memory", "1");
	tell(pool, "1");
	tell(pool, "0");
}

static void touch(const struct mem *m)
{
	for (uint64_t at = 0; at < m->size; at += PAGE)
		m->va[at] = 1;
}

/* The largest pieces that the page allocator has, from the last to the first. */
static void touch_backwards(const struct mem *m)
{
	for (uint64_t piece = m->size & ~(PIECE - 1); piece; piece -= PIECE)
		for (uint64_t at = piece - PIECE; at < piece; at += PAGE)
			m->va[at] = 1;
	touch(m);
}

static void drop(const struct mem *m)
{
	if (m->fd >= 0)
		require(!ftruncate(m->fd, 0) && !ftruncate(m->fd, m->size));
	else
		require(!madvise(m->va, m->size, MADV_DONTNEED));
}

static void touch_scattered(const struct mem *m)
{
	uint64_t pages = m->size / PAGE, pairs = pages * PAIRS_OF_1G / (GIB / PAGE);
	uint32_t *order = random_order(pages - pairs);

	/* the first ones are the pairs */
	for (uint64_t i = 0; i < pages - pairs; i++) {
		uint64_t n = order[i];
		uint64_t page = n < pairs ? 2 * n : n + pairs;

		m->va[page * PAGE] = 1;
		if (n < pairs)
			m->va[(page + 1) * PAGE] = 1;
	}
	free(order);
}

/* Makes single pages of huge ones, which stay where they are. */
static void split(const struct mem *m)
{
	char text[80];

	snprintf(text, sizeof(text), "%d,0x%lx,0x%lx", getpid(), (long)m->va,
		 (long)(m->va + m->size));
	tell("/sys/kernel/debug/split_huge_pages", text);
	require(!madvise(m->va, m->size, MADV_NOHUGEPAGE));
}

/* The number of pages that don't follow the one before. */
static uint64_t count_runs(const struct mem *m)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry, last = 0, runs = 0;

	require(fd >= 0);
	for (uint64_t at = 0; at < m->size; at += PAGE) {
		off_t where = ((uintptr_t)m->va + at) / PAGE * sizeof(entry);

		require(pread(fd, &entry, sizeof(entry), where) == sizeof(entry));
		runs += (entry & ((1ull << 55) - 1)) != last + 1;
		last = entry & ((1ull << 55) - 1);
	}
	close(fd);
	return runs;
}

/*
 * What was freed last is taken first, so large memory may lie backwards: then the
 * same in the other direction.
 */
static void touch_in_few_runs(const struct mem *m)
{
	for (unsigned int i = 0; i < 6; i++) {
		if (i)
			drop(m);
		if (i % 2)
			touch_backwards(m);
		else
			touch(m);
		if (count_runs(m) <= FEW)
			return;
	}
}

void memory_get(struct mem *m, enum memory_kind kind, uint64_t size)
{
	bool huge = kind == M_FILE_THP;
	struct mem leftovers;

	tidy();
	/* small pieces that are left are taken first */
	mem_get(&leftovers, MEM_ANON, LEFTOVERS);
	touch(&leftovers);
	tell("/sys/kernel/mm/transparent_hugepage/shmem_enabled", "advise");
	mem_get(m, base_kind[kind], (size + HUGE - 1) & ~(HUGE - 1));
	if (huge || kind == M_FILE_SCATTERED)
		require(!madvise(m->va, m->size,
				 huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE));
	if (kind == M_FILE_SCATTERED)
		touch_scattered(m);
	else
		touch_in_few_runs(m);
	if (kind == M_SMALL)
		split(m);
	m->size = size;
	mem_put(&leftovers);
	tap_diag("memory %s %llu KiB in %llu runs", memory_name[kind],
		 (unsigned long long)size / KIB, (unsigned long long)count_runs(m));
}
