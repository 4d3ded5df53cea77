// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "frames.h"
#include "mem.h"
#include "tap.h"

#define PAGEMAP_PRESENT	(1ull << 63)
#define PAGEMAP_PFN	((1ull << 55) - 1)

void mem_pfns(const void *va, uint64_t n, uint64_t *pfns)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	size_t size = n * sizeof(*pfns);

	require(fd >= 0);
	require(pread(fd, pfns, size, (uintptr_t)va / PAGE * sizeof(*pfns)) ==
		(ssize_t)size);
	close(fd);
	for (uint64_t i = 0; i < n; i++)
		pfns[i] = pfns[i] & PAGEMAP_PRESENT ? pfns[i] & PAGEMAP_PFN : 0;
}

uint64_t mem_pfn(const void *va)
{
	uint64_t pfn;

	mem_pfns(va, 1, &pfn);
	return pfn;
}

uint64_t frame_flags(uint64_t pfn)
{
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	uint64_t flags = 0;

	require(fd >= 0);
	require(pread(fd, &flags, sizeof(flags), pfn * sizeof(flags)) == sizeof(flags));
	close(fd);
	return flags;
}

/* Where ZONE_MOVABLE of the only node is; both are 0 if there is none. */
static void find_movable(uint64_t *start, uint64_t *end)
{
	unsigned long long value, spanned = 0;
	FILE *f = fopen("/proc/zoneinfo", "re");
	bool movable = false;
	char line[256];

	*start = *end = 0;
	require(f);
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "Node ", 5)) {
			movable = !!strstr(line, "Movable");
			spanned = 0;
		}
		if (movable && sscanf(line, " spanned %llu", &value) == 1)
			spanned = value;
		if (movable && sscanf(line, " start_pfn: %llu", &value) == 1) {
			*start = value;
			*end = value + spanned;
		}
	}
	fclose(f);
}

bool frame_is_movable(uint64_t pfn)
{
	static uint64_t start, end;
	static bool known;

	if (!known)
		find_movable(&start, &end);
	known = true;
	return pfn >= start && pfn < end;
}

size_t mem_movable(const void *va, size_t size)
{
	size_t left = size / PAGE, n = 0;
	uint64_t pfns[512];

	for (size_t at = 0; left; ) {
		size_t some = left < ARRAY_SIZE(pfns) ? left : ARRAY_SIZE(pfns);

		mem_pfns((const char *)va + at, some, pfns);
		for (size_t i = 0; i < some; i++)
			n += pfns[i] && frame_is_movable(pfns[i]);
		at += some * PAGE;
		left -= some;
	}
	return n;
}
