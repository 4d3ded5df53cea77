// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long pins of the in-kernel API last: until unmapping or leaving the space
 * asks for them, and beyond the mapping or the process that they come from.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "access.h"
#include "frames.h"
#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "tap.h"

static void check_call(struct pinner *s, uint64_t calls, uint64_t iova,
		       uint64_t length)
{
	struct access_test_state state;

	access_state(&s->a, &state);
	check_eq(state.calls, calls);
	check_eq(state.iova, iova);
	check_eq(state.length, length);
}

/* Unmapping asks for the pins in the way, and for no others. */
static void unmapping(void)
{
	uint64_t second = PIN_BASE + GIB, bytes = 0;
	struct pinner s;

	pinner_up(&s);
	require_ok(ioas_map_at(s.fd, s.ioas, s.m.va, PIN_SIZE, second));
	check_ret(pinner_pin(&s, 1, 2), 0);
	check_ret(pinner_pin(&s, 1, 1), 0);
	check_ret(access_pin(&s.a, second + PAGE, PAGE, 0, NULL), 0);
	/* refused before anybody is asked */
	check_ret(ioas_unmap(s.fd, s.ioas, PIN_BASE, PIN_SIZE - PAGE, NULL), -ENOENT);
	check_ret(ioas_unmap(s.fd, s.ioas, PIN_BASE + PAGE, GIB, NULL), -ENOENT);
	check_eq(access_calls(&s.a), 0);
	check_eq(access_pins(&s.a), 3);
	require_ok(ioas_unmap(s.fd, s.ioas, PIN_BASE, PIN_SIZE, &bytes));
	check_eq(bytes, PIN_SIZE);
	check_call(&s, 1, PIN_BASE, PIN_SIZE);
	check_eq(access_pins(&s.a), 1);
	check_eq(meters_vmpin(), 1);
	check_ret(pinner_pin(&s, 0, 1), -ENOENT);
	/* the same addresses can be used again */
	require_ok(ioas_map_at(s.fd, s.ioas, s.m.va + PAGE, PAGE, PIN_BASE));
	check_ret(pinner_pin(&s, 0, 1), 0);
	check_eq(ioas_unmap_all(s.fd, s.ioas), PIN_SIZE + PAGE);
	check_call(&s, 3, second, PIN_SIZE);
	check_eq(access_pins(&s.a), 0);
	/* nobody is asked for what isn't pinned */
	require_ok(ioas_map_at(s.fd, s.ioas, s.m.va, PIN_SIZE, PIN_BASE));
	check_ret(pinner_pin(&s, 0, 1), 0);
	check_ret(pinner_unpin(&s, 0, 1), 0);
	require_ok(ioas_unmap(s.fd, s.ioas, PIN_BASE, PIN_SIZE, NULL));
	check_eq(access_calls(&s.a), 3);
}

static void leaving(void)
{
	struct pinner s;

	pinner_up(&s);
	check_ret(pinner_pin(&s, 0, 4), 0);
	check_ret(access_replace(&s.a, s.ioas), 0);	/* the same: nothing happens */
	check_eq(access_calls(&s.a), 0);
	check_eq(meters_vmpin(), 4);
	check_ret(access_replace(&s.a, 0), -ENOENT);
	check_eq(access_calls(&s.a), 0);
	check_ret(access_replace(&s.a, s.other), 0);
	check_call(&s, 1, 0, UINT64_MAX);
	check_eq(meters_vmpin(), 0);
	check_eq(access_pins(&s.a), 0);
	check_ret(pinner_pin(&s, 0, 1), -ENOENT);
	check_ret(access_replace(&s.a, s.ioas), 0);
	check_ret(pinner_pin(&s, 0, 1), 0);
	check_ret(access_detach(&s.a), 0);
	check_eq(meters_vmpin(), 0);
	check_ret(access_attach(&s.a, s.ioas), 0);
	check_ret(pinner_pin(&s, 0, 1), 0);
	check_ret(access_destroy(&s.a), 0);
	check_eq(meters_vmpin(), 0);
	check_eq(access_pins(&s.a), 0);
	check_eq(ioas_unmap_all(s.fd, s.ioas), PIN_SIZE);
	check_ret(iommu_destroy(s.fd, s.ioas), 0);
}

/* A driver that takes some calls to give in. */
static void refusing(void)
{
	struct pinner s;

	pinner_up(&s);
	check_ret(pinner_pin(&s, 0, 4), 0);
	check_ret(pinner_pin(&s, 2, 6), 0);
	access_behave(&s.a, 50, 0);
	require_ok(ioas_unmap(s.fd, s.ioas, PIN_BASE, PIN_SIZE, NULL));
	check_call(&s, 51, PIN_BASE, PIN_SIZE);
	check_eq(meters_vmpin(), 0);
	check_eq(access_pins(&s.a), 0);
}

static void *unmap_thread(void *arg)
{
	struct pinner *s = arg;

	check_ret(ioas_unmap(s->fd, s->ioas, PIN_BASE, PIN_SIZE, NULL), 0);
	return NULL;
}

/* While it doesn't, nobody pins anew there, and all else goes on. */
static void refusing_slowly(void)
{
	pthread_t thread;
	struct pinner s;

	pinner_up(&s);
	require_ok(ioas_map_at(s.fd, s.ioas, s.m.va, PIN_SIZE, PIN_BASE + GIB));
	check_ret(pinner_pin(&s, 0, 4), 0);
	access_behave(&s.a, 3, 500000);
	require(!pthread_create(&thread, NULL, unmap_thread, &s));
	while (!access_calls(&s.a))
		usleep(1000);
	check_ret(pinner_pin(&s, 0, 1), -EINVAL);
	check_ret(pinner_pin(&s, 60, 1), -EINVAL);
	check_ret(access_pin(&s.a, PIN_BASE + GIB, PAGE, 0, NULL), 0);
	check(access_sees(&s.a, PIN_BASE, s.m.va, PIN_SIZE, 0));
	check_ret(ioas_map_at(s.fd, s.ioas, s.m.va, PAGE, PIN_BASE), -EEXIST);
	require_ok(ioas_map_at(s.fd, s.ioas, s.m.va, PAGE, PIN_BASE + 2 * GIB));
	check_eq(access_pins(&s.a), 2);
	pthread_join(thread, NULL);
	check_eq(access_calls(&s.a), 4);
	check_eq(access_pins(&s.a), 1);
	access_behave(&s.a, 0, 0);
	check_eq(ioas_unmap_all(s.fd, s.ioas), PIN_SIZE + PAGE);
}

/* What is pinned stays what it was, though the process let go of it. */
static void outlives_munmap(void)
{
	long long pins = meters_pins();
	static uint8_t want[4 * PAGE];
	struct pinner s;
	uint64_t pfns[4];
	uint8_t b;

	pinner_up(&s);
	check_ret(access_pin(&s.a, PIN_BASE, 4 * PAGE, WRITE, pfns), 0);
	memcpy(want, s.m.va, sizeof(want));
	require(mmap(s.m.va, PIN_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == s.m.va);
	memset(s.m.va, 0x55, PIN_SIZE);
	check(mem_pfn(s.m.va) != pfns[0]);
	check(access_sees(&s.a, PIN_BASE, want, sizeof(want), BY_PAGES));
	check(access_sees(&s.a, PIN_BASE, want, sizeof(want), 0));
	/* what isn't pinned is the new */
	check(access_sees(&s.a, PIN_BASE + 4 * PAGE, s.m.va, 16 * PAGE, 0));
	require(!munmap(s.m.va, PIN_SIZE));
	check(access_sees(&s.a, PIN_BASE, want, sizeof(want), BY_PAGES));
	check(access_sees(&s.a, PIN_BASE, want, sizeof(want), KTHREAD));
	check_ret(access_copy(&s.a, PIN_BASE + 4 * PAGE, &b, 1, 0), -EFAULT);
	check_ret(pinner_pin(&s, 3, 2), -EFAULT);
	check_ret(pinner_pin(&s, 2, 2), 0);
	check_eq(meters_vmpin(), 4);
	check_ret(access_unpin(&s.a, PIN_BASE, 4 * PAGE), 0);
	check_eq(meters_vmpin(), 2);
	check_ret(access_copy(&s.a, PIN_BASE, &b, 1, 0), -EFAULT);
	check(access_sees(&s.a, PIN_BASE + 2 * PAGE, want + 2 * PAGE, 2 * PAGE, 0));
	check_eq(ioas_unmap_all(s.fd, s.ioas), PIN_SIZE);
	check_eq(meters_wait_pins(pins), pins);
}

struct owner {
	struct pinner *s;
	int down[2], up[2];
};

static void own(void *arg)
{
	struct owner *o = arg;
	struct mem m;
	char c;

	mem_get(&m, MEM_ANON, PIN_SIZE);
	memset(m.va, 0x42, PIN_SIZE);
	require_ok(ioas_map_at(o->s->fd, o->s->other, m.va, PIN_SIZE, PIN_BASE));
	require(write(o->up[1], "x", 1) == 1 && read(o->down[0], &c, 1) == 1);
}

/* The process whose memory is pinned ends; another one works on. */
static void outlives_process(void)
{
	long long pins = meters_pins();
	static uint8_t want[4 * PAGE];
	struct owner o;
	struct pinner s;
	int pid;
	char c;

	pinner_up(&s);
	memset(want, 0x42, sizeof(want));
	require_ok(access_replace(&s.a, s.other));
	require(!pipe(o.down) && !pipe(o.up));
	o.s = &s;
	pid = tap_spawn(own, &o);
	require(read(o.up[0], &c, 1) == 1);
	check_ret(pinner_pin(&s, 0, 4), 0);		/* of another process's memory */
	check_eq(meters_vmpin(), 0);
	require(write(o.down[1], "x", 1) == 1);
	tap_join(pid);
	check(access_sees(&s.a, PIN_BASE, want, sizeof(want), BY_PAGES));
	check(access_sees(&s.a, PIN_BASE, want, sizeof(want), 0));
	check_ret(access_pin(&s.a, PIN_BASE + 3 * PAGE, 2 * PAGE, WRITE | KTHREAD,
			     NULL), -EFAULT);
	check_ret(access_pin(&s.a, PIN_BASE + 3 * PAGE, PAGE, WRITE | KTHREAD, NULL), 0);
	check_ret(pinner_unpin(&s, 0, 4), 0);
	check_eq(meters_pins(), pins + 1);
	check_eq(ioas_unmap_all(s.fd, s.other), PIN_SIZE);
	check_eq(meters_wait_pins(pins), pins);
}

struct leaver {
	int how;
	int up[2];
};

static void leave(void *arg)
{
	struct leaver *l = arg;
	struct pinner s;

	pinner_up(&s);
	for (int i = 0; i < 10; i++)
		check_ret(pinner_pin(&s, i, 10), 0);
	if (l->how == 1)
		close(s.fd);
	if (l->how == 2)
		close(s.a.fd);
	if (l->how == 3)
		munmap(s.m.va, PIN_SIZE);
	require(write(l->up[1], "x", 1) == 1);
	while (l->how == 4)
		pause();
}

static void no_cleanup(void)
{
	long long pins = meters_pins();
	struct leaver l;
	struct access a;
	char c;

	access_open(&a);
	require(!pipe(l.up));
	for (l.how = 0; l.how < 5; l.how++) {
		int pid = tap_spawn(leave, &l);

		require(read(l.up[0], &c, 1) == 1);
		if (l.how == 4)
			kill(pid, SIGKILL);
		tap_join(pid);
		check_eq(meters_wait_pins(pins), pins);
	}
}

/* Who takes over a context takes over the charge for the pins too. */
static void take_over(void *arg)
{
	struct pinner *s = arg;

	check_ret(ioas_change_process(s->fd), 0);
	check_eq(meters_vmpin(), 6);
	check_ret(pinner_unpin(s, 0, 4), 0);
	check_eq(meters_vmpin(), 4);
	check_ret(pinner_pin(s, 8, 1), 0);
	check_eq(meters_vmpin(), 5);
}

static void change_process(void)
{
	uint64_t iova = PIN_BASE;
	struct pinner s;
	struct mem m;

	pinner_up(&s);
	check_eq(ioas_unmap_all(s.fd, s.ioas), PIN_SIZE);
	mem_get(&m, MEM_MEMFD, PIN_SIZE);
	require_ok(ioas_map_file(s.fd, s.ioas, MAP_RW | MAP_FIX, m.fd, 0, PIN_SIZE,
				 &iova));
	check_ret(pinner_pin(&s, 0, 4), 0);
	check_ret(pinner_pin(&s, 2, 4), 0);
	check_eq(meters_vmpin(), 6);
	tap_join(tap_spawn(take_over, &s));
	check_eq(meters_vmpin(), 0);
	check_ret(ioas_change_process(s.fd), 0);
	check_eq(meters_vmpin(), 5);
	check_eq(ioas_unmap_all(s.fd, s.ioas), PIN_SIZE);
	check_eq(meters_vmpin(), 0);
}

static const struct test tests[] = {
	{ "unmapping", unmapping },
	{ "leaving", leaving },
	{ "refusing", refusing },
	{ "refusing_slowly", refusing_slowly },
	{ "outlives_munmap", outlives_munmap },
	{ "outlives_process", outlives_process },
	{ "no_cleanup", no_cleanup },
	{ "change_process", change_process },
};

TAP_MAIN("access_life", tests)
