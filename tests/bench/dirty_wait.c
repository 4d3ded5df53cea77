// SPDX-License-Identifier: GPL-2.0-only
/*
 * The longest that a map of 4 KiB takes while another thread reads the dirty bits of a TiB:
 * from when its thread, which has a real-time priority, is due to when the page is mapped.
 * So it is the longest that a lock is held, and that the reader doesn't let others run.
 *
 * The address space has many small areas, then a GiB in single pages, half of which was
 * written to; the rest is a GiB of huge pages, again and again.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "tracked.h"

#define TIB		(1024 * GIB)
#define AREAS		(64 * GIB)	/* where the small areas begin */
#define N_AREAS		16384u
#define FIRST		(128 * GIB)	/* where a GiB begins in single pages */
#define WRITTEN		(512 * MIB)
#define REST		(129 * GIB)	/* and where those of huge pages begin */
#define TURN		(2 * TIB)	/* what is mapped meanwhile */
#define PAUSE		100000		/* nanoseconds */

struct wait {
	struct tracked t;
	struct space space;
	void *page;
	bool over;
	uint64_t longest;
	unsigned int maps;
};

static uint64_t sleep_ticks(void)
{
	uint64_t start = ticks(), least = UINT64_MAX;

	for (unsigned int i = 0; i < 20; i++) {
		start = ticks();
		nanosleep(&(struct timespec){ .tv_nsec = PAUSE }, NULL);
		start = ticks() - start;
		least = start < least ? start : least;
	}
	return least;
}

static void *map_pages(void *arg)
{
	const struct sched_param priority = { .sched_priority = 10 };
	struct wait *w = arg;
	uint64_t asleep, start;

	require(!pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority));
	asleep = sleep_ticks();
	while (!__atomic_load_n(&w->over, __ATOMIC_SEQ_CST)) {
		struct call map = call_map(&w->space, w->page, PAGE, TURN, true);
		struct call unmap = call_unmap(&w->space, TURN, PAGE);

		start = ticks();
		nanosleep(&(struct timespec){ .tv_nsec = PAUSE }, NULL);
		timed(&map);
		start = ticks() - start;
		/* A sleep may be shorter than the shortest before. */
		if (start > asleep && start - asleep > w->longest)
			w->longest = start - asleep;
		w->maps++;
		timed(&unmap);
	}
	return NULL;
}

static void map_areas(struct wait *w)
{
	for (unsigned int i = 0; i < N_AREAS; i++)
		require_ok(ioas_map_at(w->t.d.fd, w->t.d.ioas, w->page, PAGE,
				       AREAS + i * PAGE));
}

static void fill(struct wait *w)
{
	struct mem small, huge;

	memory_get(&small, M_FILE_SCATTERED, GIB);
	require_ok(ioas_map_at(w->t.d.fd, w->t.d.ioas, small.va, GIB, FIRST));
	memory_get(&huge, M_HUGETLB, GIB);
	for (uint64_t at = REST; at < TIB; at += GIB)
		require_ok(ioas_map_at(w->t.d.fd, w->t.d.ioas, huge.va, GIB, at));
	map_areas(w);
	tracked_write(&w->t, FIRST, PAGE, WRITTEN / PAGE);
}

void bench_dirty_wait(void)
{
	struct wait w = {};
	uint8_t *bits = mmap(NULL, TIB / PAGE / 8, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	uint64_t start, told = 0;
	pthread_t thread;
	struct mem one;

	require(bits != MAP_FAILED);
	tracked_open(&w.t, true);
	w.space = (struct space){ .fd = w.t.d.fd, .ioas = w.t.d.ioas };
	memory_get(&one, M_SMALL, PAGE);
	w.page = one.va;
	fill(&w);
	require(!pthread_create(&thread, NULL, map_pages, &w));
	nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	w.longest = w.maps = 0;
	start = ticks();
	require_ok(dirty_get(&w.t.d, 0, TIB, PAGE, bits, 0));
	start = ticks() - start;
	__atomic_store_n(&w.over, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	for (uint64_t i = 0; i < TIB / PAGE; i++)
		told += bit(bits, i);
	check_eq(told, WRITTEN / PAGE);
	check(w.maps > 0);
	figure(start, "iommufd/dirty-wait/read-1T");
	figure(w.longest, "iommufd/dirty-wait/map-4K");
	tap_diag("note %u maps of a page", w.maps);
	tracked_close(&w.t);
}
