// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that isn't like other memory: that the kernel itself has no access to, that the
 * process has none to for now, and pages of 1 GiB.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device.h"
#include "edu.h"
#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "plug.h"
#include "rig.h"
#include "tap.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef MFD_HUGE_1GB
#define MFD_HUGE_1GB (30u << 26)
#endif
#ifndef MAP_HUGE_1GB
#define MAP_HUGE_1GB (30 << 26)
#endif

#define BASE	(4 * GIB)
#define SIZE	(16 * PAGE)
#define BYTES	256u	/* of a transfer */
#define POOL	"/sys/kernel/mm/hugepages/hugepages-1048576kB/"

static struct {
	struct rig r;
	long long pins;
} s;

static void scene_up(void)
{
	rig_up(&s.r);
	s.r.edu.limit = UINT64_MAX;
	s.pins = meters_pins();
}

static int map_at(const void *va, uint64_t size, uint32_t flags)
{
	return ioas_map_fixed(s.r.fd, s.r.ioas, flags, va, size, BASE);
}

static void unmap(uint64_t size)
{
	check_ret(ioas_unmap(s.r.fd, s.r.ioas, BASE, size, NULL), 0);
	check_eq(meters_wait_pins(s.pins), s.pins);
}

static void check_refused(const void *va, uint64_t size, uint32_t flags)
{
	check_ret(map_at(va, size, flags), -EFAULT);
	check_eq(meters_wait_pins(s.pins), s.pins);
}

static int secret_file(void)
{
	int fd = syscall(SYS_memfd_secret, 0);

	if (fd < 0)
		tap_skip("no memfd_secret: %s", strerror(errno));
	require(!ftruncate(fd, SIZE));
	return fd;
}

/* It isn't for any device: not by address, used or not, and not by file. */
static void secret(void)
{
	uint64_t iova = BASE;
	int fd = secret_file();
	uint8_t *va;

	scene_up();
	va = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	require(va != MAP_FAILED);
	for (int i = 0; i < 2; i++) {
		check_refused(va, SIZE, MAP_RW);
		check_refused(va, SIZE, MAP_R);
		check_refused(va + PAGE, PAGE, MAP_RW);
		check_refused(va + PAGE, PAGE, MAP_R);
		mem_fill(va, SIZE, 1);
	}
	check_ret(ioas_map_file(s.r.fd, s.r.ioas, MAP_RW | MAP_FIX, fd, 0, SIZE, &iova), -EINVAL);
	check_eq(meters_wait_pins(s.pins), s.pins);
	check_eq(mem_differs(va, SIZE, 1), -1);
	munmap(va, SIZE);
}

/* Behind memory that can be mapped, in one range. */
static void secret_behind(void)
{
	int fd = secret_file();
	struct mem m;

	scene_up();
	mem_get(&m, MEM_ANON, 2 * SIZE);
	require_ok(map_at(m.va, m.size, MAP_RW));
	unmap(m.size);
	require(mmap(m.va + SIZE, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
		m.va + SIZE);
	memset(m.va, 1, m.size);
	check_refused(m.va, m.size, MAP_RW);
	require_ok(map_at(m.va, SIZE, MAP_RW));
	check(rig_reaches(&s.r, BASE + SIZE - BYTES, m.va + SIZE - BYTES, BYTES, 2));
	unmap(SIZE);
	munmap(m.va, m.size);
}

/* When a device comes. */
static void secret_later(void)
{
	int fd = secret_file();
	uint8_t *va;

	scene_up();
	va = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	require(va != MAP_FAILED);
	mem_fill(va, SIZE, 1);
	require_ok(device_detach(&s.r.dev));
	s.pins = meters_pins();
	require_ok(map_at(va, SIZE, MAP_RW));
	check_ret(device_attach(&s.r.dev, s.r.ioas), -EFAULT);
	unmap(SIZE);
	require_ok(device_attach(&s.r.dev, s.r.ioas));
	munmap(va, SIZE);
}

static int key_get(void)
{
	int key = pkey_alloc(0, 0);

	if (key < 0)
		tap_skip("no protection keys: %s", strerror(errno));
	return key;
}

/* What the thread has no right to for now isn't mapped, though its pages' are there. */
static void check_key(enum mem_kind kind, uint64_t size, bool filled)
{
	int key = key_get();
	struct mem m;

	scene_up();
	mem_get(&m, kind, size);
	if (filled)
		memset(m.va, 3, size);
	require(!pkey_mprotect(m.va, size, PROT_READ | PROT_WRITE, key));
	require(!pkey_set(key, PKEY_DISABLE_ACCESS));
	check_refused(m.va, size, MAP_RW);
	check_refused(m.va, size, MAP_R);
	check_refused(m.va + size - PAGE, PAGE, MAP_RW);
	require(!pkey_set(key, PKEY_DISABLE_WRITE));
	check_refused(m.va, size, MAP_RW);
	require(!pkey_set(key, 0));
	require_ok(map_at(m.va, size, MAP_RW));
	/* later changes don't concern the device */
	require(!pkey_set(key, PKEY_DISABLE_ACCESS));
	require_ok(edu_load(&s.r.edu, BASE + size - BYTES, 0, BYTES));
	require_ok(edu_store(&s.r.edu, RIG_SCRATCH, 0, BYTES));
	check_eq(mem_differs_from(s.r.copy, BYTES, filled ? 3 : 0), -1);
	rig_charge(&s.r, BYTES, 5);
	require_ok(edu_store(&s.r.edu, BASE, 0, BYTES));
	require(!pkey_set(key, 0));
	check_eq(mem_differs(m.va, BYTES, 5), -1);
	unmap(size);
}

static void key(void) { check_key(MEM_ANON, SIZE, true); }
static void key_empty(void) { check_key(MEM_ANON, SIZE, false); }
static void key_thp(void) { check_key(MEM_THP, 4 * HUGE, true); }
static void key_hugetlb(void) { check_key(MEM_HUGETLB, 2 * HUGE, true); }
static void key_memfd(void) { check_key(MEM_MEMFD, SIZE, true); }
/* so much that kernel threads would help, which have no keys */
static void key_large(void) { check_key(MEM_ANON, 96 * MIB, false); }
static void key_large_thp(void) { check_key(MEM_THP, 96 * MIB, false); }

/* To read is allowed where only writes aren't; and the last page may be what is refused. */
static void key_parts(void)
{
	int key = key_get();
	struct mem m;

	scene_up();
	mem_get(&m, MEM_ANON, SIZE);
	mem_fill(m.va, SIZE, 4);
	require(!pkey_mprotect(m.va + SIZE - PAGE, PAGE, PROT_READ | PROT_WRITE, key));
	require(!pkey_set(key, PKEY_DISABLE_WRITE));
	check_refused(m.va, SIZE, MAP_RW);
	require_ok(map_at(m.va, SIZE, MAP_R));
	check(rig_reads(&s.r, BASE + SIZE - BYTES, m.va + SIZE - BYTES, BYTES));
	unmap(SIZE);
	require(!pkey_set(key, PKEY_DISABLE_ACCESS));
	check_refused(m.va, SIZE, MAP_RW);
	check_refused(m.va, SIZE, MAP_R);
	require_ok(map_at(m.va, SIZE - PAGE, MAP_RW));
	unmap(SIZE - PAGE);
}

/* A page of 1 GiB, which only a large machine has. */
static void gigantic_reserve(void)
{
	FILE *f;
	int n = 0;

	if (access(POOL, F_OK))
		tap_skip("no pages of 1 GiB");
	check_ret(write_file(POOL "nr_hugepages", "1"), 0);
	f = fopen(POOL "free_hugepages", "re");
	if (f && fscanf(f, "%d", &n) != 1)
		n = 0;
	if (f)
		fclose(f);
	if (n < 1)
		tap_skip("no room for a page of 1 GiB");
}

static void gigantic_get(struct mem *m, bool file)
{
	gigantic_reserve();
	m->size = GIB;
	m->fd = file ? memfd_create("test", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_1GB) : -1;
	require(!file || (m->fd >= 0 && !ftruncate(m->fd, GIB)));
	m->va = mmap(NULL, GIB, PROT_READ | PROT_WRITE,
		     file ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_1GB,
		     m->fd, 0);
	require(m->va != MAP_FAILED);
}

static void check_part(const struct mem *m, uint64_t start, uint64_t length)
{
	uint64_t iova = BASE, middle = length / 2 & ~(PAGE - 1);

	if (m->fd >= 0)
		require_ok(ioas_map_file(s.r.fd, s.r.ioas, MAP_RW | MAP_FIX, m->fd, start, length,
					 &iova));
	else
		require_ok(map_at(m->va + start, length, MAP_RW));
	check_eq(meters_vmpin(), (length + RIG_SIZE + PAGE) / PAGE);
	check(rig_reaches(&s.r, BASE, m->va + start, BYTES, 6));
	check(rig_reaches(&s.r, BASE + middle, m->va + start + middle, BYTES, 7));
	check(rig_reaches(&s.r, BASE + length - BYTES, m->va + start + length - BYTES, BYTES, 8));
	/* nothing before and behind it */
	rig_charge(&s.r, BYTES, 9);
	require_ok(edu_store(&s.r.edu, BASE - BYTES, 0, BYTES));
	require_ok(edu_store(&s.r.edu, BASE + length, 0, BYTES));
	check(!start || mem_differs(m->va + start - BYTES, BYTES, 9) >= 0);
	check(start + length == GIB || mem_differs(m->va + start + length, BYTES, 9) >= 0);
	unmap(length);
}

static void check_gigantic(bool file)
{
	struct mem m;

	scene_up();
	gigantic_get(&m, file);
	check_part(&m, 0, GIB);
	check_part(&m, 3 * PAGE, GIB - 3 * PAGE);
	check_part(&m, 0, GIB - 5 * PAGE);
	check_part(&m, 511 * HUGE + 7 * PAGE, PAGE);
	check_part(&m, 9 * PAGE, 17 * HUGE);
	mem_put(&m);
	check_ret(write_file(POOL "nr_hugepages", "0"), 0);
}

static void gigantic(void) { check_gigantic(false); }
static void gigantic_file(void) { check_gigantic(true); }

static const struct test tests[] = {
	{ "secret", secret },
	{ "secret_behind", secret_behind },
	{ "secret_later", secret_later },
	{ "key", key },
	{ "key_empty", key_empty },
	{ "key_thp", key_thp },
	{ "key_hugetlb", key_hugetlb },
	{ "key_memfd", key_memfd },
	{ "key_large", key_large },
	{ "key_large_thp", key_large_thp },
	{ "key_parts", key_parts },
	{ "gigantic", gigantic, 120 },
	{ "gigantic_file", gigantic_file, 120 },
};

TAP_MAIN("memory_kinds", tests)
