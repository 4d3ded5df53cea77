// SPDX-License-Identifier: GPL-2.0-only
/*
 * Access objects of drivers in the kernel: created, attached, kept, aligned.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "access.h"
#include "access_setup.h"
#include "iommu.h"
#include "mem.h"
#include "tap.h"

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
	struct access_setup s;
	uint64_t value;

	access_setup(&s);
	check_ret(ioas_map_at(s.fd, s.a.id, s.m.va, PAGE, BASE), -ENOENT);
	check_ret(ioas_unmap(s.fd, s.a.id, BASE, PAGE, NULL), -ENOENT);
	check_ret(option_get(s.fd, IOMMU_OPTION_HUGE_PAGES, s.a.id, &value),
		  -ENOENT);
	check_ret(access_replace(&s.a, s.a.id), -ENOENT);
	check(access_sees(&s.a, BASE, s.m.va, PAGE, 0));
}

static void check_bad_ids(struct access_setup *s, int (*call)(struct access *, uint32_t))
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
	struct access_setup s;
	uint8_t b;

	access_setup(&s);
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
	struct access_setup s;

	access_setup(&s);
	close(s.fd);
	check(access_sees(&s.a, BASE, s.m.va, SIZE, 0));
	check_ret(access_replace(&s.a, s.other), 0);
	check_ret(access_replace(&s.a, s.ioas), 0);
	check(access_sees(&s.a, BASE, s.m.va, SIZE, 0));
	check_ret(access_detach(&s.a), 0);
	check_ret(access_destroy(&s.a), 0);
}

static uint64_t alignment(struct access_setup *s)
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
	struct access_setup s;

	access_setup(&s);
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

/* After the process that mapped its memory has ended there is none any more. */
static void map_and_leave(void *arg)
{
	struct access_setup *s = arg;
	struct mem m;

	mem_get(&m, MEM_ANON, PAGE);
	memset(m.va, 0x42, PAGE);
	require_ok(ioas_map_at(s->fd, s->other, m.va, PAGE, BASE));
	check(access_sees(&s->a, BASE, m.va, PAGE, 0));
	check(access_sees(&s->a, BASE, m.va, PAGE, KTHREAD));
}

static void owner_left(void)
{
	struct access_setup s;
	uint8_t b;

	access_setup(&s);
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
	{ "owner_left", owner_left },
};

TAP_MAIN("access", tests)
