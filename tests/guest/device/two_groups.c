// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two groups come to one page table at the same moment.  On Linux 6.1 the table
 * is filled by its first attachment, which takes its time and may happen once.
 */
#include <errno.h>
#include <pthread.h>

#include "rig.h"
#include "tap.h"

#define ROUNDS	4
#define AT	0x9000000ull	/* edu reaches it; clear of arm64's doorbells */
#define SIZE	(96 * MIB / tap_time_factor())	/* 16 MiB on debug kernels */

static struct pair {
	int fd;
	uint32_t ioas, home, table;
	struct rig rig[2];
	struct mem m;
	uint8_t *copy;
	pthread_barrier_t start;
} s;

static void *attach(void *arg)
{
	struct rig *r = arg;

	pthread_barrier_wait(&s.start);
	check_ret(device_attach(&r->dev, s.table), 0);
	return NULL;
}

static void attach_both(void)
{
	pthread_t t[2];

	for (int i = 0; i < 2; i++)
		require(!pthread_create(&t[i], NULL, attach, &s.rig[i]));
	for (int i = 0; i < 2; i++)
		require(!pthread_join(t[i], NULL));
}

static void pair_up(void)
{
	struct mem scratch;

	s.fd = iommu_open();
	s.home = ioas_new(s.fd);
	mem_get(&scratch, MEM_ANON, PAGE);
	s.copy = scratch.va;
	for (int i = 0; i < 2; i++) {
		struct rig *r = &s.rig[i];

		device_get(&r->dev, "edu", i, s.fd);
		edu_init(&r->edu, &r->dev);
		r->fd = s.fd;
		r->copy = s.copy;
	}
	pthread_barrier_init(&s.start, NULL, 2);
}

/* A space with memory that takes time to fill a table with, and the table. */
static void new_table(enum mem_kind kind)
{
	s.ioas = ioas_new(s.fd);
	mem_get(&s.m, kind, SIZE);	/* its pages come when they are pinned */
	require_ok(ioas_map_at(s.fd, s.ioas, s.m.va, SIZE, AT));
	require_ok(ioas_map_at(s.fd, s.ioas, s.copy, PAGE, RIG_SCRATCH));
	require_ok(hwpt_alloc(s.fd, s.rig[0].dev.id, s.ioas, 0, &s.table));
}

static void check_round(enum mem_kind kind, bool attached, bool look)
{
	/* with no group to try it on, 6.1 can't fill the table before */
	if (attached)
		require_ok(device_attach(&s.rig[0].dev, s.home));
	new_table(kind);
	attach_both();
	/* a transfer takes its time: after the last round only */
	for (int i = 0; look && i < 2; i++) {
		check(rig_reaches(&s.rig[i], AT, s.m.va, 64, i));
		check(rig_reaches(&s.rig[i], AT + SIZE - 64,
				  s.m.va + SIZE - 64, 64, i + 2));
	}
	/* it follows the space, once for both */
	check_eq(ioas_unmap_all(s.fd, s.ioas), SIZE + PAGE);
	for (int i = 0; i < 2; i++)
		check_ret(device_detach(&s.rig[i].dev), 0);
	check_ret(iommu_destroy(s.fd, s.table), 0);
	check_ret(iommu_destroy(s.fd, s.ioas), 0);
	mem_put(&s.m);
}

static void check_pair(enum mem_kind kind, bool attached)
{
	pair_up();
	for (int i = 0; i < ROUNDS; i++)
		check_round(kind, attached, i == ROUNDS - 1);
	check_ret(iommu_destroy(s.fd, s.home), 0);
}

static void fresh(void) { check_pair(MEM_ANON, false); }
static void fresh_huge(void) { check_pair(MEM_THP, false); }
static void moved(void) { check_pair(MEM_ANON, true); }
static void moved_huge(void) { check_pair(MEM_THP, true); }

/* The same, while others change what is mapped. */
static void *remap(void *arg)
{
	struct mem *m = arg;
	uint64_t at = AT + SIZE;

	pthread_barrier_wait(&s.start);
	for (int i = 0; i < 20; i++) {
		check_ret(ioas_map_at(s.fd, s.ioas, m->va, m->size, at), 0);
		if (i < 19)
			check_ret(ioas_unmap(s.fd, s.ioas, at, m->size, NULL), 0);
	}
	return NULL;
}

static void while_mapping(void)
{
	struct mem m;
	pthread_t t;

	pair_up();
	pthread_barrier_init(&s.start, NULL, 3);
	mem_get(&m, MEM_ANON, 16 * PAGE);
	for (int i = 0; i < ROUNDS; i++) {
		require_ok(device_attach(&s.rig[0].dev, s.home));
		new_table(MEM_ANON);
		require(!pthread_create(&t, NULL, remap, &m));
		attach_both();
		require(!pthread_join(t, NULL));
		for (int j = 0; i == ROUNDS - 1 && j < 2; j++)
			check(rig_reaches(&s.rig[j], AT + SIZE, m.va, 64, j));
		for (int j = 0; j < 2; j++)
			check_ret(device_detach(&s.rig[j].dev), 0);
		check_ret(iommu_destroy(s.fd, s.table), 0);
		check_ret(iommu_destroy(s.fd, s.ioas), 0);
		mem_put(&s.m);
	}
}

static const struct test tests[] = {
	{ "fresh", fresh },
	{ "fresh_huge", fresh_huge },
	{ "moved", moved },
	{ "moved_huge", moved_huge },
	{ "while_mapping", while_mapping },
};

TAP_MAIN("two_groups", tests)
