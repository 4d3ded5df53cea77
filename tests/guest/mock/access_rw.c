// SPDX-License-Identifier: GPL-2.0-only
/*
 * Access objects of drivers in the kernel: reading and writing mapped memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "access.h"
#include "access_setup.h"
#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "tap.h"

static void rw_errors(void)
{
	uint64_t ro = BASE + GIB, wo = BASE + 2 * GIB, gone = BASE + 3 * GIB;
	uint8_t buf[3 * PAGE] = {};
	struct access_setup s;
	struct mem m;

	access_setup(&s);
	mem_get(&m, MEM_ANON, 3 * PAGE);
	mem_fill(m.va, 3 * PAGE, 2);
	require_ok(ioas_map(s.fd, s.ioas, MAP_R | MAP_FIX, m.va, PAGE, &ro));
	require_ok(ioas_map(s.fd, s.ioas, MAP_W | MAP_FIX, m.va + PAGE, PAGE,
			    &wo));
	require_ok(ioas_map_at(s.fd, s.ioas, m.va + 2 * PAGE, PAGE, gone));

	check_ret(access_copy(&s.a, BASE, buf, 0, 0), -EINVAL);
	check_ret(access_copy(&s.a, BASE, buf, UINT64_MAX, 0), -EOVERFLOW);
	check_ret(access_copy(&s.a, UINT64_MAX, buf, 2, 0), -EOVERFLOW);
	check_ret(access_copy(&s.a, -PAGE, buf, 2 * PAGE, WRITE), -EOVERFLOW);
	check_ret(access_copy(&s.a, 0, buf, 1, 0), -ENOENT);
	check_ret(access_copy(&s.a, BASE - 1, buf, 1, 0), -ENOENT);
	check_ret(access_copy(&s.a, BASE - 1, buf, 2, 0), -ENOENT);
	check_ret(access_copy(&s.a, BASE + SIZE, buf, 1, 0), -ENOENT);
	check_ret(access_copy(&s.a, BASE + SIZE - 1, buf, 2, 0), -ENOENT);
	check_ret(access_copy(&s.a, UINT64_MAX, buf, 1, 0), -ENOENT);

	check(access_sees(&s.a, ro, m.va, PAGE, 0));
	check_ret(access_copy(&s.a, ro, buf, 1, WRITE), -EPERM);
	check_ret(access_copy(&s.a, ro + 5, buf, PAGE - 5, WRITE), -EPERM);
	check_ret(access_copy(&s.a, wo, buf, 1, 0), -EPERM);
	check_eq(mem_differs(m.va, 3 * PAGE, 2), -1);
	memset(buf, 7, PAGE);
	check_ret(access_copy(&s.a, wo, buf, PAGE, WRITE), 0);
	check_eq(mem_differs_from(m.va + PAGE, PAGE, 7), -1);

	require(!munmap(m.va + 2 * PAGE, PAGE));
	check_ret(access_copy(&s.a, gone, buf, 1, 0), -EFAULT);
	check_ret(access_copy(&s.a, gone, buf, 1, WRITE), -EFAULT);
	check_eq(mem_differs(s.m.va, SIZE, 1), -1);
}

/* The IOVA space's last byte can be reached like any other. */
static void rw_edge(void)
{
	struct access_setup s;

	access_setup(&s);
	require_ok(ioas_map_at(s.fd, s.other, s.m.va, PAGE, -PAGE));
	require_ok(ioas_map_at(s.fd, s.other, s.m.va, PAGE, 0));
	require_ok(access_replace(&s.a, s.other));
	check(access_sees(&s.a, -PAGE, s.m.va, PAGE, 0));
	check(access_sees(&s.a, UINT64_MAX, s.m.va + PAGE - 1, 1, 0));
	check(access_sees(&s.a, 0, s.m.va, PAGE, 0));
	check_ret(access_copy(&s.a, -PAGE, s.m.va, 2 * PAGE, 0), -EOVERFLOW);
	check_eq(ioas_unmap_all(s.fd, s.other), 2 * PAGE);
}

/*
 * Areas of any length and offset, one behind the other; the memory behind them
 * lies backwards, so that a copy that goes astray is seen.
 */
#define PARTS 7

static const uint64_t part_length[PARTS] = {
	1, PAGE, 100, 3 * PAGE + 17, PAGE - 1, 20 * PAGE + 5, 33,
};

#define ALL (25 * PAGE + 155)

static void map_parts(struct access_setup *s, uint8_t *va, size_t size)
{
	uint64_t iova = BASE + 123;

	for (int i = 0; i < PARTS; i++) {
		size -= part_length[i] + 29;
		require_ok(ioas_map_at(s->fd, s->other, va + size,
				       part_length[i], iova));
		iova += part_length[i];
	}
	check_eq(iova - BASE - 123, ALL);
}

/* Moves what the parts hold, in the order of IOVA, from or to @flat. */
static void parts_move(uint8_t *va, size_t size, uint8_t *flat, bool to_parts)
{
	for (int i = 0; i < PARTS; i++) {
		size -= part_length[i] + 29;
		if (to_parts)
			memcpy(va + size, flat, part_length[i]);
		else
			memcpy(flat, va + size, part_length[i]);
		flat += part_length[i];
	}
}

/* Reads and writes one range; @shadow is what the memory should hold. */
static void check_range(struct access_setup *s, struct mem *m, uint8_t *shadow,
			uint64_t from, uint64_t n, uint32_t flags)
{
	static uint8_t flat[ALL];

	parts_move(shadow, m->size, flat, false);
	check(access_sees(&s->a, BASE + 123 + from, flat + from, n, flags));
	mem_fill(flat + from, n, from + n);
	parts_move(shadow, m->size, flat, true);
	check_ret(access_copy(&s->a, BASE + 123 + from, flat + from, n,
			      flags | WRITE), 0);
	check(!memcmp(shadow, m->va, m->size));
}

static void check_parts(struct access_setup *s, enum mem_kind kind, uint32_t flags)
{
	const uint64_t from[] = { 0, 1, 2, PAGE, PAGE + 1, PAGE + 101, 5 * PAGE,
				  10 * PAGE + 3, ALL - 34, ALL - 1 };
	const uint64_t length[] = { 1, 2, 99, PAGE - 1, PAGE, PAGE + 1,
				    16 * PAGE, 17 * PAGE - 1, ALL };
	bool small = kind == MEM_ANON || kind == MEM_MEMFD;
	uint8_t *shadow, b;
	struct mem m;

	mem_get(&m, kind, small ? 32 * PAGE : HUGE);
	mem_fill(m.va, m.size, 3);
	shadow = malloc(m.size);
	require(shadow != NULL);
	memcpy(shadow, m.va, m.size);
	map_parts(s, m.va, m.size);
	for (size_t i = 0; i < ARRAY_SIZE(from); i++)
		for (size_t j = 0; j < ARRAY_SIZE(length); j++)
			if (from[i] + length[j] <= ALL)
				check_range(s, &m, shadow, from[i], length[j],
					    flags);
	check_ret(access_copy(&s->a, BASE + 122, &b, 1, flags), -ENOENT);
	check_ret(access_copy(&s->a, BASE + 123 + ALL, &b, 1, flags), -ENOENT);
	check_eq(meters_vmpin(), 0);
	check_eq(ioas_unmap_all(s->fd, s->other), ALL);
	free(shadow);
	mem_put(&m);
}

static void rw_parts(void)
{
	long long pins = meters_pins();
	struct access_setup s;

	access_setup(&s);
	require_ok(access_replace(&s.a, s.other));
	for (int kind = 0; kind < MEM_KINDS; kind++)
		check_parts(&s, kind, 0);
	check_parts(&s, MEM_ANON, KTHREAD);
	check_parts(&s, MEM_MEMFD, KTHREAD);
	check_eq(meters_wait_pins(pins), pins);
}

/* Memory that was mapped by file, with no address anywhere. */
static void rw_file(void)
{
	uint8_t *buf = malloc(16 * PAGE);
	struct access_setup s;
	struct mem m;

	access_setup(&s);
	require_ok(access_replace(&s.a, s.other));
	for (int huge = 0; huge < 2; huge++) {
		uint64_t size = huge ? 2 * HUGE : 64 * PAGE, iova = BASE;

		mem_get(&m, huge ? MEM_MEMFD_HUGE : MEM_MEMFD, size);
		mem_fill(m.va, size, 6);
		require_ok(ioas_map_file(s.fd, s.other, MAP_RW | MAP_FIX, m.fd, 0,
					 size, &iova));
		check(access_sees(&s.a, BASE, m.va, size, 0));
		check(access_sees(&s.a, BASE + size / 2 - 3, m.va + size / 2 - 3, 9, KTHREAD));
		mem_fill(buf, 16 * PAGE, 8);
		check_ret(access_copy(&s.a, BASE + size / 2 - 5, buf, 16 * PAGE,
				      WRITE), 0);
		check_eq(mem_differs(m.va + size / 2 - 5, 16 * PAGE, 8), -1);
		require(!ftruncate(m.fd, 0));
		check_ret(access_copy(&s.a, BASE, buf, 1, 0), -EINVAL);
		check_eq(ioas_unmap_all(s.fd, s.other), size);
		mem_put(&m);
	}
	free(buf);
}

static const struct test tests[] = {
	{ "rw_errors", rw_errors },
	{ "rw_edge", rw_edge },
	{ "rw_parts", rw_parts },
	{ "rw_file", rw_file },
};

TAP_MAIN("access_rw", tests)
