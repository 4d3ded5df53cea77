// SPDX-License-Identifier: GPL-2.0-only
/*
 * The longest that a map of 4 KiB takes while another thread maps and unmaps 16 GiB,
 * which are 256 MiB of a memfd seen 64 times.  Who waits has a real-time priority, so
 * that with a single CPU it is the other's locks that it waits for.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define TIMES	64
#define PIECE	(256 * MIB)
#define LARGE	(TIMES * PIECE)
#define FAR	(64 * GIB)
#define NEAR	(256 * MIB)
#define PAUSE	200000		/* nanoseconds */

enum phase { IDLE, MAPPING, UNMAPPING, PHASES };

struct contest {
	struct space near, far;
	uint8_t *large;
	void *page;
	enum phase phase;
	bool over;
	uint64_t longest[PHASES], late[PHASES];
	unsigned int maps[PHASES];
};

static enum phase phase_of(struct contest *c)
{
	return __atomic_load_n(&c->phase, __ATOMIC_SEQ_CST);
}

static void note(uint64_t *longest, uint64_t value)
{
	if (*longest < value)
		*longest = value;
}

/* Maps and unmaps a page all the time, and sleeps in between. */
static void *map_pages(void *arg)
{
	const struct timespec pause = { .tv_nsec = PAUSE };
	const struct sched_param priority = { .sched_priority = 10 };
	struct contest *c = arg;

	require(!pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority));
	while (!__atomic_load_n(&c->over, __ATOMIC_SEQ_CST)) {
		struct call map = call_map(&c->near, c->page, PAGE, NEAR, true);
		struct call unmap = call_unmap(&c->near, NEAR, PAGE);
		enum phase phase = phase_of(c);
		uint64_t start = ticks(), woken;

		nanosleep(&pause, NULL);
		woken = ticks() - start;
		start = timed(&map);
		if (phase == phase_of(c)) {
			note(&c->longest[phase], start);
			note(&c->late[phase], woken);
			c->maps[phase]++;
		}
		timed(&unmap);
	}
	return NULL;
}

static void enter(struct contest *c, enum phase phase)
{
	__atomic_store_n(&c->phase, phase, __ATOMIC_SEQ_CST);
}

static void *large_memory(enum memory_kind kind, struct mem *m)
{
	uint8_t *all = mmap(NULL, LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memory_get(m, kind, PIECE);
	require(all != MAP_FAILED);
	all += -(uintptr_t)all & (HUGE - 1);
	for (unsigned int i = 0; i < TIMES - 1; i++)
		require(mmap(all + i * PIECE, PIECE, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_FIXED | MAP_POPULATE, m->fd, 0) != MAP_FAILED);
	return all;
}

static void report(const struct contest *c, const char *what)
{
	static const char *const name[] = { "idle", "map", "unmap" };

	for (unsigned int i = 0; i < PHASES; i++) {
		if (!c->maps[i])
			continue;
		figure(c->longest[i], "iommufd/wait/%s-%s", what, name[i]);
		tap_diag("note %s %s: %u maps of a page, the longest %llu ticks; "
			 "woken after %llu at most", what, name[i], c->maps[i],
			 (unsigned long long)c->longest[i],
			 (unsigned long long)c->late[i]);
	}
}

static void contest(struct contest *c, const char *what)
{
	struct call map = call_map(&c->far, c->large, LARGE - PIECE, FAR, true);
	struct call unmap = call_unmap(&c->far, FAR, LARGE - PIECE);
	uint64_t in, out;
	pthread_t thread;

	c->over = false;
	enter(c, IDLE);
	for (unsigned int i = 0; i < PHASES; i++)
		c->longest[i] = c->late[i] = c->maps[i] = 0;
	require(!pthread_create(&thread, NULL, map_pages, c));
	usleep(20000);
	enter(c, MAPPING);
	in = timed(&map);
	enter(c, UNMAPPING);
	out = timed(&unmap);
	__atomic_store_n(&c->over, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	report(c, what);
	tap_diag("note %s: mapping took %llu ticks, unmapping %llu", what,
		 (unsigned long long)in, (unsigned long long)out);
}

static void with(struct contest *c, enum memory_kind kind)
{
	uint32_t other = ioas_new(c->near.fd), table;
	char what[64];
	struct mem m;

	require_ok(hwpt_alloc(c->near.fd, c->near.dev.id, other, 0, &table));
	c->large = large_memory(kind, &m);
	c->far = c->near;
	snprintf(what, sizeof(what), "%s-same-space", memory_name[kind]);
	contest(c, what);
	c->far.ioas = other;
	snprintf(what, sizeof(what), "%s-other-space", memory_name[kind]);
	contest(c, what);
	munmap(c->large, LARGE - PIECE);
	mem_put(&m);
	require_ok(iommu_destroy(c->near.fd, table));
	require_ok(iommu_destroy(c->near.fd, other));
}

void bench_latency(void)
{
	struct contest c = {};
	struct mem one;

	space_open(&c.near, false);
	memory_get(&one, M_SMALL, PAGE);
	c.page = one.va;
	with(&c, M_FILE_HUGE);
	with(&c, M_FILE_SCATTERED);
	mem_put(&one);
	space_close(&c.near);
}
