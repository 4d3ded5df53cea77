// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mem.h"
#include "meters.h"
#include "tap.h"

#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB (21u << 26)
#endif
#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB (21 << 26)
#endif

#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"

const char *const mem_kind_name[MEM_KINDS] = {
	"anonymous", "THP", "hugetlb", "memfd", "huge memfd",
};

static long pool(long set)
{
	FILE *f = fopen(POOL, set < 0 ? "r" : "w");
	long n = -1;

	if (!f)
		return -1;
	if (set >= 0)
		fprintf(f, "%ld", set);
	else if (fscanf(f, "%ld", &n) != 1)
		n = -1;
	fclose(f);
	return n;
}

bool mem_huge_reserve(unsigned int pages)
{
	long want;

	if (meters_field("/proc/meminfo", "HugePages_Free") >= pages)
		return true;
	want = pool(-1) + pages;
	pool(want);
	return pool(-1) >= want;
}

long mem_huge_pool(void)
{
	return pool(-1);
}

void mem_huge_restore(long pages)
{
	if (pages >= 0 && pool(-1) != pages)
		pool(pages);
}

static int mem_file(enum mem_kind kind, size_t size)
{
	unsigned int flags = MFD_CLOEXEC;
	int fd;

	if (kind == MEM_MEMFD_HUGE)
		flags |= MFD_HUGETLB | MFD_HUGE_2MB;
	fd = memfd_create("test", flags);
	require(fd >= 0 && !ftruncate(fd, size));
	return fd;
}

/* Anonymous memory that begins at a multiple of 2 MiB. */
static void *aligned(size_t size)
{
	uint8_t *p = mmap(NULL, size + HUGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t skip;

	if (p == MAP_FAILED)
		return MAP_FAILED;
	skip = -(uintptr_t)p & (HUGE - 1);
	if (skip)
		munmap(p, skip);
	munmap(p + skip + size, HUGE - skip);
	return p + skip;
}

void mem_get(struct mem *m, enum mem_kind kind, size_t size)
{
	bool huge = kind == MEM_HUGETLB || kind == MEM_MEMFD_HUGE;

	if (huge && !mem_huge_reserve((size + HUGE - 1) / HUGE))
		tap_skip("no room for %zu MiB of huge pages", size >> 20);
	m->fd = -1;
	m->size = size;
	if (kind == MEM_HUGETLB) {
		m->va = mmap(NULL, size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
			     MAP_HUGE_2MB, -1, 0);
	} else if (kind == MEM_ANON || kind == MEM_THP) {
		m->va = aligned(size);
	} else {
		m->fd = mem_file(kind, size);
		m->va = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			     m->fd, 0);
	}
	require(m->va != MAP_FAILED);
	if (kind == MEM_ANON || kind == MEM_THP)
		madvise(m->va, size, kind == MEM_THP ? MADV_HUGEPAGE :
			MADV_NOHUGEPAGE);
}

bool mem_has_thp(void)
{
	return !access("/sys/kernel/mm/transparent_hugepage", F_OK);
}

void mem_put(struct mem *m)
{
	munmap(m->va, m->size);
	if (m->fd >= 0)
		close(m->fd);
	m->va = NULL;
	m->fd = -1;
}

static uint8_t byte_at(size_t i, uint32_t seed)
{
	uint32_t x = (uint32_t)i * 2654435761u + seed * 40503u + 1;

	return x >> 24 ^ x >> 11;
}

void mem_fill(void *p, size_t size, uint32_t seed)
{
	uint8_t *b = p;

	for (size_t i = 0; i < size; i++)
		b[i] = byte_at(i, seed);
}

long mem_differs(const void *p, size_t size, uint32_t seed)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < size; i++)
		if (b[i] != byte_at(i, seed))
			return i;
	return -1;
}

long mem_differs_from(const void *p, size_t size, uint8_t value)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < size; i++)
		if (b[i] != value)
			return i;
	return -1;
}

uint64_t mem_available(void)
{
	return meters_field("/proc/meminfo", "MemAvailable") * 1024;
}

void *before_hole(size_t size)
{
	char *va = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	require(va != MAP_FAILED);
	require(!munmap(va + PAGE, PAGE));
	return va + PAGE - size;
}
