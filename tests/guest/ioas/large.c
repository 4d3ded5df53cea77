// SPDX-License-Identifier: GPL-2.0-only
/*
 * 64 GiB in one mapping: 64 MiB of a file that is seen a thousand times.  It keeps a CPU
 * for long, who has to let others have it: the kernel complains of one that doesn't,
 * after two seconds here, and other calls aren't held up.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"
#include "iommu.h"
#include "mem.h"
#include "tap.h"

#define PIECE	(64 * MIB)
#define IOVA	(64 * GIB)
#define SMALL_IOVA 0x1000000ull
#define WATCHDOG "/proc/sys/kernel/watchdog_thresh"

struct large {
	int fd;
	uint32_t ioas;
	struct device dev;
	struct mem piece, page;
	uint8_t *va;
	uint64_t size;
	bool over;
	unsigned int maps;
};

/* Seconds after which the kernel complains, half of them. */
static void set_watchdog(const char *seconds)
{
	int fd = open(WATCHDOG, O_WRONLY | O_CLOEXEC);

	require(fd >= 0);
	require(write(fd, seconds, strlen(seconds)) > 0);
	close(fd);
}

static void get_watchdog(char *seconds, int size)
{
	FILE *f = fopen(WATCHDOG, "re");

	require(f && fgets(seconds, size, f));
	fclose(f);
}

/* The file's pages are there already, and the process's page tables too. */
static void see_often(struct large *l, enum mem_kind kind, uint64_t size)
{
	mem_get(&l->piece, kind, PIECE);
	memset(l->piece.va, 1, PIECE);
	l->size = size;
	l->va = mmap(NULL, size + HUGE, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	require(l->va != MAP_FAILED);
	l->va += -(uintptr_t)l->va & (HUGE - 1);
	for (uint64_t at = 0; at < size; at += PIECE)
		require(mmap(l->va + at, PIECE, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_FIXED | MAP_POPULATE, l->piece.fd, 0) !=
			MAP_FAILED);
}

/* Calls of somebody else, meanwhile. */
static void *map_pages(void *arg)
{
	struct large *l = arg;

	while (!__atomic_load_n(&l->over, __ATOMIC_SEQ_CST)) {
		require_ok(ioas_map_at(l->fd, l->ioas, l->page.va, PAGE, SMALL_IOVA));
		require_ok(ioas_unmap(l->fd, l->ioas, SMALL_IOVA, PAGE, NULL));
		__atomic_fetch_add(&l->maps, 1, __ATOMIC_SEQ_CST);
		usleep(10000);
	}
	return NULL;
}

static void map_large(struct large *l)
{
	double start = tap_now(), mapped, unmapped;
	unsigned int maps = l->maps;

	require_ok(ioas_map_at(l->fd, l->ioas, l->va, l->size, IOVA));
	mapped = tap_now();
	require_ok(ioas_unmap(l->fd, l->ioas, IOVA, l->size, NULL));
	unmapped = tap_now();
	maps = __atomic_load_n(&l->maps, __ATOMIC_SEQ_CST) - maps;
	tap_diag("%llu GiB: %.2f s to map, %.2f s to unmap, %u small maps meanwhile",
		 (unsigned long long)(l->size / GIB), mapped - start, unmapped - mapped,
		 maps);
	if (unmapped - start > 0.5)
		check(maps > 0);
}

static void large(enum mem_kind kind, uint64_t size)
{
	struct large l = {};
	char before[16];
	pthread_t thread;

	l.fd = iommu_open();
	l.ioas = ioas_new(l.fd);
	device_get(&l.dev, "edu", 0, l.fd);
	require_ok(device_attach(&l.dev, l.ioas));
	mem_get(&l.page, MEM_ANON, PAGE);
	see_often(&l, kind, size);
	get_watchdog(before, sizeof(before));
	set_watchdog("1");
	require(!pthread_create(&thread, NULL, map_pages, &l));
	map_large(&l);
	__atomic_store_n(&l.over, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	set_watchdog(before);
	device_close(&l.dev);
	close(l.fd);
}

static void huge_pages(void)
{
	large(MEM_MEMFD_HUGE, 64 * GIB);
}

/* Debug kernels take too long for all of it. */
static void small_pages(void)
{
	large(MEM_MEMFD, tap_time_factor() > 1 ? 4 * GIB : 64 * GIB);
}

static const struct test tests[] = {
	{ "huge_pages", huge_pages, 120 },
	{ "small_pages", small_pages, 240 },
};

TAP_MAIN("large", tests)
