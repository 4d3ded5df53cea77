// SPDX-License-Identifier: GPL-2.0-only
/*
 * The in-kernel API, as a driver uses it that reaches memory by itself: making
 * and attaching access objects, and copying.  access_pin.c has the pins.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "access.h"
#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "tap.h"

#define BASE 0x1000000ull

struct setup {
	int fd;
	uint32_t ioas, other;
	struct access a;
	struct mem m;
};

#define SIZE (64 * PAGE)

/* An access object that cannot pin, in a space that maps @m at BASE. */
static void setup(struct setup *s)
{
	access_open(&s->a);
	s->fd = iommu_open();
	s->ioas = ioas_new(s->fd);
	s->other = ioas_new(s->fd);
	mem_get(&s->m, MEM_ANON, SIZE);
	mem_fill(s->m.va, SIZE, 1);
	require_ok(ioas_map_at(s->fd, s->ioas, s->m.va, SIZE, BASE));
	require_ok(access_create(&s->a, s->fd, 0));
	require_ok(access_attach(&s->a, s->ioas));
}

static void create(void)
{
	int fd, null = open("/dev/null", O_RDWR), pipes[2];
	struct access a, b, c;

	access_open(&a);
	access_open(&b);
	access_open(&c);
	fd = iommu_open();
	require(null >= 0 && !pipe(pipes));
	check_ret(access_create(&a, -1, 0), -EBADF);
	check_ret(access_create(&a, 4000, 0), -EBADF);
	check_ret(access_create(&a, null, 0), -EBADFD);
	check_ret(access_create(&a, pipes[0], 0), -EBADFD);
	check_ret(access_create(&a, a.fd, 0), -EBADFD);
	check_ret(access_create(&a, fd, ACCESS_TEST_NO_UNMAP), -EINVAL);
	check_ret(access_destroy(&a), -EBADFD);

	require_ok(access_create(&a, fd, 0));
	require_ok(access_create(&b, fd, ACCESS_TEST_PINS));
	require_ok(access_create(&c, fd, ACCESS_TEST_PINS));
	check(a.id && b.id && c.id);
	check(a.id != b.id && a.id != c.id && b.id != c.id);
	/* they are their drivers' */
	check_ret(iommu_destroy(fd, a.id), -EBUSY);
	check_ret(iommu_destroy(fd, b.id), -EBUSY);
	check_ret(access_destroy(&a), 0);
	check_ret(iommu_destroy(fd, a.id), -ENOENT);
	check_ret(iommu_destroy(fd, b.id), -EBUSY);
	check_ret(access_destroy(&b), 0);
	for (int i = 0; i < 100; i++) {
		require_ok(access_create(&a, fd, i % 2));
		require_ok(access_destroy(&a));
	}
	close(c.fd);
	check_ret(iommu_destroy(fd, c.id), -ENOENT);
}

/* The object is of another type than what the ioctls want. */
static void wrong_type(void)
{
	struct setup s;
	uint64_t value;

	setup(&s);
	check_ret(ioas_map_at(s.fd, s.a.id, s.m.va, PAGE, BASE), -ENOENT);
	check_ret(ioas_unmap(s.fd, s.a.id, BASE, PAGE, NULL), -ENOENT);
	check_ret(option_get(s.fd, IOMMU_OPTION_HUGE_PAGES, s.a.id, &value),
		  -ENOENT);
	check_ret(access_replace(&s.a, s.a.id), -ENOENT);
	check(access_sees(&s.a, BASE, s.m.va, PAGE, 0));
}

static void check_bad_ids(struct setup *s, int (*call)(struct access *, uint32_t))
{
	uint32_t gone = ioas_new(s->fd), foreign;
	int fd = iommu_open();

	do
		foreign = ioas_new(fd);
	while (foreign <= gone + 8);
	require_ok(iommu_destroy(s->fd, gone));
	check_ret(call(&s->a, 0), -ENOENT);
	check_ret(call(&s->a, gone), -ENOENT);
	check_ret(call(&s->a, foreign), -ENOENT);
	check_ret(call(&s->a, s->a.id), -ENOENT);
	check_ret(call(&s->a, 0x7fffffff), -ENOENT);
	check_ret(call(&s->a, 0x80000000), -ENOENT);
	check_ret(call(&s->a, UINT32_MAX), -ENOENT);
	close(fd);
}

static void attach(void)
{
	struct setup s;
	uint8_t b;

	setup(&s);
	check_ret(access_attach(&s.a, s.ioas), -EINVAL);
	check_ret(access_attach(&s.a, s.other), -EINVAL);
	check_ret(iommu_destroy(s.fd, s.ioas), -EBUSY);
	check_bad_ids(&s, access_replace);
	check(access_sees(&s.a, BASE, s.m.va, SIZE, 0));
	check_ret(access_replace(&s.a, s.ioas), 0);
	check_ret(iommu_destroy(s.fd, s.ioas), -EBUSY);
	check(access_sees(&s.a, BASE, s.m.va, SIZE, 0));

	check_ret(access_replace(&s.a, s.other), 0);
	check_ret(access_copy(&s.a, BASE, &b, 1, 0), -ENOENT);
	check_ret(iommu_destroy(s.fd, s.other), -EBUSY);
	require_ok(ioas_map_at(s.fd, s.other, s.m.va + PAGE, PAGE, BASE));
	check(access_sees(&s.a, BASE, s.m.va + PAGE, PAGE, 0));

	check_ret(access_detach(&s.a), 0);
	check_ret(access_copy(&s.a, BASE, &b, 1, 0), -ENOENT);
	check_ret(access_copy(&s.a, BASE, &b, 1, WRITE), -ENOENT);
	check_ret(access_replace(&s.a, s.ioas), -ENOENT);
	check_bad_ids(&s, access_attach);
	check_ret(iommu_destroy(s.fd, s.other), 0);
	check_ret(access_attach(&s.a, s.ioas), 0);
	check(access_sees(&s.a, BASE, s.m.va, SIZE, 0));
	check_ret(iommu_destroy(s.fd, s.ioas), -EBUSY);
	check_ret(access_destroy(&s.a), 0);	/* detaches */
	check_ret(iommu_destroy(s.fd, s.ioas), 0);
}

/* An object lives as long as its driver wants, whatever the program closes. */
static void context_lives(void)
{
	struct setup s;

	setup(&s);
	close(s.fd);
	check(access_sees(&s.a, BASE, s.m.va, SIZE, 0));
	check_ret(access_replace(&s.a, s.other), 0);
	check_ret(access_replace(&s.a, s.ioas), 0);
	check(access_sees(&s.a, BASE, s.m.va, SIZE, 0));
	check_ret(access_detach(&s.a), 0);
	check_ret(access_destroy(&s.a), 0);
}

static uint64_t alignment(struct setup *s)
{
	struct iommu_iova_range r[8];
	uint64_t align = 0;
	uint32_t n = 8;

	require_ok(ioas_ranges(s->fd, s->ioas, r, &n, &align));
	return align;
}

/* Who pins gets whole pages, so what's mapped has to be made of such. */
static void aligned(void)
{
	const struct { uint64_t skip, length, iova; } odd[] = {
		{ 0, 5, BASE + GIB },
		{ 1, PAGE, BASE + GIB },
		{ 0, PAGE, BASE + GIB + 1 },
	};
	struct access p;
	struct setup s;

	setup(&s);
	check_eq(alignment(&s), 1);
	access_open(&p);
	require_ok(access_create(&p, s.fd, ACCESS_TEST_PINS));
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		require_ok(ioas_map_at(s.fd, s.ioas, s.m.va + odd[i].skip,
				       odd[i].length, odd[i].iova));
		check_ret(access_attach(&p, s.ioas), -EADDRINUSE);
		check_eq(alignment(&s), 1);
		require_ok(access_attach(&p, s.other));
		check_ret(access_replace(&p, s.ioas), -EADDRINUSE);
		check_ret(iommu_destroy(s.fd, s.other), -EBUSY);
		require_ok(access_detach(&p));
		require_ok(ioas_unmap(s.fd, s.ioas, odd[i].iova,
				      odd[i].length, NULL));
	}
	require_ok(access_attach(&p, s.ioas));
	check_eq(alignment(&s), PAGE);
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
		check_ret(ioas_map_at(s.fd, s.ioas, s.m.va + odd[i].skip,
				      odd[i].length, odd[i].iova), -EINVAL);
	require_ok(access_detach(&p));
	check_eq(alignment(&s), 1);
	require_ok(access_attach(&p, s.ioas));
	require_ok(access_replace(&p, s.other));
	check_eq(alignment(&s), 1);
	require_ok(access_destroy(&p));
	/* nothing that failed has left a hold */
	require_ok(access_destroy(&s.a));
	check_ret(iommu_destroy(s.fd, s.ioas), 0);
	check_ret(iommu_destroy(s.fd, s.other), 0);
}

static void rw_errors(void)
{
	uint64_t ro = BASE + GIB, wo = BASE + 2 * GIB, gone = BASE + 3 * GIB;
	uint8_t buf[3 * PAGE] = {};
	struct setup s;
	struct mem m;

	setup(&s);
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
	struct setup s;

	setup(&s);
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

static void map_parts(struct setup *s, uint8_t *va, size_t size)
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
static void check_range(struct setup *s, struct mem *m, uint8_t *shadow,
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

static void check_parts(struct setup *s, enum mem_kind kind, uint32_t flags)
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
	struct setup s;

	setup(&s);
	require_ok(access_replace(&s.a, s.other));
	for (int kind = 0; kind < MEM_KINDS; kind++)
		check_parts(&s, kind, 0);
	check_parts(&s, MEM_ANON, KTHREAD);
	check_parts(&s, MEM_MEMFD, KTHREAD);
	check_eq(meters_wait_pins(pins), pins);
}

/*
 * Linux 6.1 reaches a file's pages by way of a process only, and so do we on 6.12
 * for huge ones.  There a kernel thread reaches what is pinned, and no more.
 */
static bool by_process(bool huge)
{
	const char *kernel = getenv("KERNEL");

	if (!kernel)
		return false;
	return !strcmp(kernel, "6.1") || (huge && strstr(kernel, "6.12"));
}

static void check_kthread(struct setup *s, uint64_t iova, uint8_t *va, bool huge)
{
	struct access p;
	uint8_t b;

	if (!by_process(huge)) {
		check(access_sees(&s->a, iova, va, 9, KTHREAD));
		return;
	}
	check_ret(access_copy(&s->a, iova, &b, 1, KTHREAD), -EFAULT);
	access_get(&p, s->fd, s->other);
	check_ret(access_pin(&p, PAGE * (iova / PAGE), 2 * PAGE, 0, NULL), 0);
	check(access_sees(&s->a, iova, va, 9, KTHREAD));
	close(p.fd);
}

/* Memory that was mapped by file, with no address anywhere. */
static void rw_file(void)
{
	uint8_t *buf = malloc(16 * PAGE);
	struct setup s;
	struct mem m;

	setup(&s);
	require_ok(access_replace(&s.a, s.other));
	for (int huge = 0; huge < 2; huge++) {
		uint64_t size = huge ? 2 * HUGE : 64 * PAGE, iova = BASE;

		mem_get(&m, huge ? MEM_MEMFD_HUGE : MEM_MEMFD, size);
		mem_fill(m.va, size, 6);
		require_ok(ioas_map_file(s.fd, s.other, MAP_RW | MAP_FIX, m.fd, 0,
					 size, &iova));
		check(access_sees(&s.a, BASE, m.va, size, 0));
		check_kthread(&s, BASE + size / 2 - 3, m.va + size / 2 - 3, huge);
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

/* After the process that mapped its memory has ended there is none any more. */
static void map_and_leave(void *arg)
{
	struct setup *s = arg;
	struct mem m;

	mem_get(&m, MEM_ANON, PAGE);
	memset(m.va, 0x42, PAGE);
	require_ok(ioas_map_at(s->fd, s->other, m.va, PAGE, BASE));
	check(access_sees(&s->a, BASE, m.va, PAGE, 0));
	check(access_sees(&s->a, BASE, m.va, PAGE, KTHREAD));
}

static void owner_left(void)
{
	struct setup s;
	uint8_t b;

	setup(&s);
	require_ok(access_replace(&s.a, s.other));
	tap_join(tap_spawn(map_and_leave, &s));
	check_ret(access_copy(&s.a, BASE, &b, 1, 0), -EFAULT);
	check_ret(access_copy(&s.a, BASE, &b, 1, WRITE | KTHREAD), -EFAULT);
	check_eq(ioas_unmap_all(s.fd, s.other), PAGE);
}

static const struct test tests[] = {
	{ "create", create },
	{ "wrong_type", wrong_type },
	{ "attach", attach },
	{ "context_lives", context_lives },
	{ "aligned", aligned },
	{ "rw_errors", rw_errors },
	{ "rw_edge", rw_edge },
	{ "rw_parts", rw_parts },
	{ "rw_file", rw_file },
	{ "owner_left", owner_left },
};

TAP_MAIN("access", tests)
