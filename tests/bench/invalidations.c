// SPDX-License-Identifier: GPL-2.0-only
/*
 * How often the IOMMU is told to forget, counted by the tracepoint of VT-d's driver.
 * With caching-mode=on that is needed after mapping too.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define TRACING "/sys/kernel/tracing/"
#define IOVA	(256 * MIB)

static void tell(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		tap_skip("needs %s", file);
	require(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* Commands to drop translations. */
static unsigned int count(void)
{
	FILE *f = fopen(TRACING "trace", "re");
	unsigned int found = 0;
	char line[512];

	require(f);
	while (fgets(line, sizeof(line), f))
		found += strstr(line, "qi_submit:") && strstr(line, "iotlb");
	fclose(f);
	return found;
}

static unsigned int watched(struct call *call)
{
	tell(TRACING "trace", "");
	tell(TRACING "tracing_on", "1");
	timed(call);
	tell(TRACING "tracing_on", "0");
	return count();
}

static void measure(struct space *s, enum memory_kind kind, uint64_t size,
		    const char *what)
{
	struct call map, unmap;
	struct mem m;

	memory_get(&m, kind, size);
	map = call_map(s, m.va, size, IOVA, true);
	unmap = call_unmap(s, IOVA, size);
	figure(watched(&map), "%s/flushes/map-%s-%s", space_name(s), memory_name[kind],
	       what);
	figure(watched(&unmap), "%s/flushes/unmap-%s-%s", space_name(s),
	       memory_name[kind], what);
	mem_put(&m);
}

static void invalidations(bool type1)
{
	struct space s;

	tell(TRACING "buffer_size_kb", "65536");
	tell(TRACING "events/intel_iommu/qi_submit/enable", "1");
	space_open(&s, type1);
	measure(&s, M_SMALL, 4 * KIB, "4K");
	measure(&s, M_SMALL, 64 * MIB, "64M");
	measure(&s, M_FILE_SCATTERED, 64 * MIB, "64M");
	measure(&s, M_THP, GIB, "1G");
	space_close(&s);
	tell(TRACING "events/intel_iommu/qi_submit/enable", "0");
	tell(TRACING "buffer_size_kb", "64");
}

void bench_invalidations(void)
{
	invalidations(false);
}

void bench_invalidations_type1(void)
{
	invalidations(true);
}
