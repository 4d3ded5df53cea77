// SPDX-License-Identifier: GPL-2.0-only
/*
 * RLIMIT_MEMLOCK: who is charged for pinned memory, how much, until when.
 * The limit binds processes without CAP_IPC_LOCK; the context and the device
 * are opened as root and handed down.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "tap.h"

#define BASE	0x1000000ull
#define UID_A	4242
#define UID_B	4343
#define LIMIT	64ull		/* pages */

struct setup {
	int fd;
	uint32_t ioas;
	struct device dev;
	struct mem m;		/* twice the limit */
	struct mem file;
};

static void setup_mode(struct setup *s, uint64_t by_process)
{
	s->fd = iommu_open();
	if (by_process)
		require_ok(option_set(s->fd, IOMMU_OPTION_RLIMIT_MODE, 0, 1));
	s->ioas = ioas_new(s->fd);
	device_get(&s->dev, "edu", 0, s->fd);
	require_ok(device_attach(&s->dev, s->ioas));
	mem_get(&s->m, MEM_ANON, 2 * LIMIT * PAGE);
	mem_get(&s->file, MEM_MEMFD, 2 * LIMIT * PAGE);
}

static void limit(uint64_t pages)
{
	struct rlimit r = { pages * PAGE, pages * PAGE };

	require(!setrlimit(RLIMIT_MEMLOCK, &r));
}

static void become(unsigned int uid, uint64_t pages)
{
	limit(pages);
	require(!setgroups(0, NULL) && !setresgid(uid, uid, uid) &&
		!setresuid(uid, uid, uid));
}

static int map(struct setup *s, uint64_t pages, uint64_t at)
{
	return ioas_map_at(s->fd, s->ioas, s->m.va, pages * PAGE,
			   BASE + at * PAGE);
}

static int unmap(struct setup *s, uint64_t pages, uint64_t at)
{
	return ioas_unmap(s->fd, s->ioas, BASE + at * PAGE, pages * PAGE,
			  NULL);
}

/* Two processes in step: each waits for the other's byte. */
struct steps {
	int down[2], up[2];
};

static void steps_init(struct steps *p)
{
	require(!pipe(p->down) && !pipe(p->up));
}

static void go(int fds[2])
{
	require(write(fds[1], "x", 1) == 1);
}

static void wait_for(int fds[2])
{
	char c;

	require(read(fds[0], &c, 1) == 1);
}

struct helper {
	struct setup *s;
	struct steps steps;
};

static void check_limit(struct setup *s)
{
	check_ret(map(s, LIMIT + 1, 0), -ENOMEM);
	check_eq(meters_vmpin(), 0);
	for (int i = 0; i < 3; i++) {
		check_ret(map(s, LIMIT, 0), 0);
		check_eq(meters_vmpin(), LIMIT);
		check_ret(map(s, 1, LIMIT), -ENOMEM);
		check_eq(meters_vmpin(), LIMIT);
		check_ret(unmap(s, LIMIT, 0), 0);
		check_eq(meters_vmpin(), 0);
	}
	for (uint64_t i = 0; i < LIMIT; i++)
		check_ret(map(s, 1, i), 0);
	check_ret(map(s, 1, LIMIT), -ENOMEM);
	check_ret(unmap(s, 1, 7), 0);
	check_ret(map(s, 2, LIMIT), -ENOMEM);
	check_ret(map(s, 1, LIMIT), 0);
	check_eq(ioas_unmap_all(s->fd, s->ioas), LIMIT * PAGE);
	check_ret(map(s, LIMIT, 0), 0);
	check_eq(ioas_unmap_all(s->fd, s->ioas), LIMIT * PAGE);
}

static void by_user(void)
{
	struct setup s;

	setup_mode(&s, 0);
	become(UID_A, LIMIT);
	check_limit(&s);
	check_eq(meters_vmlck(), 0);
}

static void by_process(void)
{
	struct setup s;

	setup_mode(&s, 1);
	become(UID_A, LIMIT);
	check_limit(&s);
	check_ret(map(&s, 10, 0), 0);
	check_eq(meters_vmlck(), 10);
	check_eq(meters_vmpin(), 10);
	/* it shares the limit with mlock() */
	check(!mlock(s.m.va + LIMIT * PAGE, (LIMIT - 10) * PAGE));
	check_ret(map(&s, 1, 10), -ENOMEM);
	check(!munlock(s.m.va + LIMIT * PAGE, (LIMIT - 10) * PAGE));
	check_ret(map(&s, LIMIT - 10, 10), 0);
	check_eq(meters_vmlck(), LIMIT);
	check_eq(ioas_unmap_all(s.fd, s.ioas), LIMIT * PAGE);
	check_eq(meters_vmlck(), 0);
}

/* CAP_IPC_LOCK: no limit, nothing charged, yet still counted. */
static void privileged(void)
{
	for (int mode = 0; mode < 2; mode++) {
		struct setup s;

		setup_mode(&s, mode);
		limit(1);
		check_ret(map(&s, LIMIT, 0), 0);
		check_eq(meters_vmpin(), LIMIT);
		check_eq(meters_vmlck(), 0);
		check_eq(ioas_unmap_all(s.fd, s.ioas), LIMIT * PAGE);
		check_eq(meters_vmpin(), 0);
		device_close(&s.dev);
		close(s.fd);
	}
}

static void zero_limit(void)
{
	struct setup s;

	setup_mode(&s, 0);
	become(UID_A, 0);
	check_ret(map(&s, 1, 0), -ENOMEM);
	check_eq(meters_vmpin(), 0);
}

/* Attaching is charged like mapping, and refused whole. */
static void attach_over_limit(void)
{
	struct setup s;

	setup_mode(&s, 0);
	require_ok(device_detach(&s.dev));
	become(UID_A, LIMIT);
	check_ret(map(&s, LIMIT - 5, 0), 0);
	check_ret(map(&s, 6, LIMIT), 0);
	check_ret(device_attach(&s.dev, s.ioas), -ENOMEM);
	check_eq(meters_vmpin(), 0);
	check_ret(unmap(&s, 6, LIMIT), 0);
	check_ret(device_attach(&s.dev, s.ioas), 0);
	check_eq(meters_vmpin(), LIMIT - 5);
	check_ret(map(&s, 6, LIMIT), -ENOMEM);
	check_ret(device_detach(&s.dev), 0);
	check_eq(meters_vmpin(), 0);
	check_ret(device_attach(&s.dev, s.ioas), 0);
	check_ret(map(&s, 5, LIMIT), 0);
	check_eq(ioas_unmap_all(s.fd, s.ioas), LIMIT * PAGE);
}

/* A second page table and copies cost nothing more. */
static void charged_once(void)
{
	uint64_t at = BASE + 4096 * PAGE;
	uint32_t table = 0;
	struct setup s;

	setup_mode(&s, 0);
	become(UID_A, LIMIT);
	check_ret(map(&s, LIMIT, 0), 0);
	check_ret(hwpt_alloc(s.fd, s.dev.id, s.ioas, 0, &table), 0);
	check_ret(ioas_copy(s.fd, s.ioas, s.ioas, MAP_RW | MAP_FIX, BASE,
			    LIMIT * PAGE, &at), 0);
	check_eq(meters_vmpin(), LIMIT);
	check_ret(map(&s, 1, LIMIT), -ENOMEM);
	check_ret(unmap(&s, LIMIT, 0), 0);
	check_ret(map(&s, 1, LIMIT), -ENOMEM);
	check_eq(ioas_unmap_all(s.fd, s.ioas), LIMIT * PAGE);
	check_ret(map(&s, LIMIT, 0), 0);
}

/* A limit that was lowered keeps nobody from giving memory back. */
static void lowered(void)
{
	struct setup s;

	setup_mode(&s, 0);
	become(UID_A, LIMIT);
	check_ret(map(&s, 30, 0), 0);
	check_ret(map(&s, 30, 100), 0);
	limit(10);
	check_ret(map(&s, 1, 50), -ENOMEM);
	check_ret(unmap(&s, 30, 0), 0);
	check_ret(map(&s, 1, 50), -ENOMEM);
	check_ret(unmap(&s, 30, 100), 0);
	check_ret(map(&s, 10, 50), 0);
}

static void second_mapper(void *arg)
{
	struct helper *h = arg;

	become(UID_A, LIMIT);
	check_ret(map(h->s, 40, 0), 0);
	check_eq(meters_vmpin(), 40);
	go(h->steps.up);
	wait_for(h->steps.down);
	check_eq(meters_vmpin(), 40);
	tap_end();
}

/* Processes of one user share what the user may pin ... */
static void shared_by_user(void)
{
	struct helper h;
	struct setup s;
	int pid;

	setup_mode(&s, 0);
	h.s = &s;
	steps_init(&h.steps);
	pid = tap_spawn(second_mapper, &h);
	become(UID_A, LIMIT);
	wait_for(h.steps.up);
	check_eq(meters_vmpin(), 0);
	check_ret(map(&s, 25, 100), -ENOMEM);
	check_ret(map(&s, 24, 100), 0);
	check_eq(meters_vmpin(), 24);
	go(h.steps.down);
	tap_join(pid);
	/* the mapping outlives its maker, and so does the charge */
	check_ret(map(&s, 1, 200), -ENOMEM);
	check_ret(unmap(&s, 40, 0), 0);
	check_ret(map(&s, 40, 200), 0);
	check_ret(map(&s, 1, 300), -ENOMEM);
	check_eq(ioas_unmap_all(s.fd, s.ioas), 64 * PAGE);
	check_eq(meters_vmpin(), 0);
}

/* ... and by process each has its own. */
static void apart_by_process(void)
{
	struct helper h;
	struct setup s;
	int pid;

	setup_mode(&s, 1);
	h.s = &s;
	steps_init(&h.steps);
	pid = tap_spawn(second_mapper, &h);
	become(UID_A, LIMIT);
	wait_for(h.steps.up);
	check_ret(map(&s, LIMIT, 100), 0);
	check_eq(meters_vmlck(), LIMIT);
	/* one process may give back what another pinned */
	check_ret(unmap(&s, 40, 0), 0);
	check_eq(meters_vmlck(), LIMIT);
	check_ret(map(&s, 40, 0), -ENOMEM);
	check_ret(unmap(&s, LIMIT, 100), 0);
	check_eq(meters_vmlck(), 0);
	kill(pid, SIGKILL);
	tap_join(pid);
}

static void child_unmaps(void *arg)
{
	struct helper *h = arg;

	/* a child inherits no charge, but can unmap */
	check_eq(meters_vmpin(), 0);
	check_ret(unmap(h->s, LIMIT / 2, 0), 0);
	check_eq(meters_vmpin(), 0);
	tap_end();
}

static void across_fork(void)
{
	for (int mode = 0; mode < 2; mode++) {
		struct helper h;
		struct setup s;

		setup_mode(&s, mode);
		h.s = &s;
		limit(LIMIT);
		require(!seteuid(UID_A));	/* effective capabilities go */
		check_ret(map(&s, LIMIT / 2, 0), 0);
		check_ret(map(&s, LIMIT / 2, 100), 0);
		check_eq(meters_vmlck(), mode ? LIMIT : 0);
		tap_join(tap_spawn(child_unmaps, &h));
		check_eq(meters_vmpin(), LIMIT / 2);
		check_ret(map(&s, LIMIT / 2, 0), 0);
		check_ret(map(&s, 1, 200), -ENOMEM);
		check_eq(ioas_unmap_all(s.fd, s.ioas), LIMIT * PAGE);
		check_eq(meters_vmlck(), 0);
		require(!seteuid(0));
		device_close(&s.dev);
		close(s.fd);
	}
}

static int map_file(struct setup *s, uint64_t pages, uint64_t at)
{
	uint64_t iova = BASE + at * PAGE;

	return ioas_map_file(s->fd, s->ioas, MAP_RW | MAP_FIX, s->file.fd,
			     0, pages * PAGE, &iova);
}

static void file_mapper(void *arg)
{
	struct helper *h = arg;

	become(UID_A, LIMIT);
	check_ret(map_file(h->s, LIMIT + 1, 0), -ENOMEM);
	check_ret(map_file(h->s, 40, 0), 0);
	check_eq(meters_vmpin(), 40);
	go(h->steps.up);
	wait_for(h->steps.down);	/* the other has taken over */
	check_eq(meters_vmpin(), 0);
	check_ret(map_file(h->s, LIMIT, 100), 0);
	check_ret(unmap(h->s, LIMIT, 100), 0);
	tap_end();
}

/* Another process, of another user, takes over file mappings. */
static void check_take_over(int mode)
{
	struct helper h;
	struct setup s;
	int pid;

	setup_mode(&s, mode);
	h.s = &s;
	steps_init(&h.steps);
	pid = tap_spawn(file_mapper, &h);
	become(UID_B, 41);
	wait_for(h.steps.up);
	check_ret(ioas_change_process(s.fd), 0);
	check_eq(meters_vmpin(), 40);
	check_eq(meters_vmlck(), mode ? 40 : 0);
	check_ret(ioas_change_process(s.fd), 0);	/* has no effect */
	check_eq(meters_vmpin(), 40);
	check_ret(map_file(&s, 2, 100), -ENOMEM);
	go(h.steps.down);
	tap_join(pid);
	check_ret(unmap(&s, 40, 0), 0);
	check_eq(meters_vmpin(), 0);
	check_eq(meters_vmlck(), 0);
	check_ret(map_file(&s, 41, 0), 0);
}

static void change_process_user(void) { check_take_over(0); }
static void change_process_process(void) { check_take_over(1); }

/* The one that is refused leaves the charge with the first. */
static void refused_mapper(void *arg)
{
	struct helper *h = arg;

	become(UID_A, LIMIT);
	check_ret(map_file(h->s, 40, 0), 0);
	go(h->steps.up);
	wait_for(h->steps.down);
	check_eq(meters_vmpin(), 40);
	check_ret(map_file(h->s, LIMIT - 40 + 1, 200), -ENOMEM);
	check_ret(map_file(h->s, LIMIT - 40, 200), 0);
	check_eq(ioas_unmap_all(h->s->fd, h->s->ioas), LIMIT * PAGE);
	tap_end();
}

static void check_refused(int mode)
{
	struct helper h;
	struct setup s;
	int pid;

	setup_mode(&s, mode);
	require_ok(ioas_change_process(s.fd));	/* nothing mapped yet */
	h.s = &s;
	steps_init(&h.steps);
	pid = tap_spawn(refused_mapper, &h);
	become(UID_B, 39);
	wait_for(h.steps.up);
	check_ret(ioas_change_process(s.fd), -ENOMEM);
	check_eq(meters_vmpin(), 0);
	check_eq(meters_vmlck(), 0);
	check_ret(map(&s, 39, 100), 0);
	/* anonymous memory can't change hands */
	check_ret(ioas_change_process(s.fd), -EINVAL);
	check_ret(unmap(&s, 39, 100), 0);
	go(h.steps.down);
	tap_join(pid);
}

static void change_refused_user(void) { check_refused(0); }
static void change_refused_process(void) { check_refused(1); }

/* Setting the mode takes CAP_SYS_RESOURCE, and a context without objects. */
static void mode_privilege(void)
{
	uint64_t value = 7;
	int fd = iommu_open();

	require_ok(option_get(fd, IOMMU_OPTION_RLIMIT_MODE, 0, &value));
	check_eq(value, 0);
	check_ret(option_set(fd, IOMMU_OPTION_RLIMIT_MODE, 0, 2), -EINVAL);
	require_ok(option_set(fd, IOMMU_OPTION_RLIMIT_MODE, 0, 1));
	require_ok(option_get(fd, IOMMU_OPTION_RLIMIT_MODE, 0, &value));
	check_eq(value, 1);
	become(UID_A, LIMIT);
	check_ret(option_set(fd, IOMMU_OPTION_RLIMIT_MODE, 0, 0), -EPERM);
	check_ret(option_set(fd, IOMMU_OPTION_RLIMIT_MODE, 0, 1), -EPERM);
	check_ret(option_set(fd, IOMMU_OPTION_RLIMIT_MODE, 0, 2), -EPERM);
	value = 7;
	require_ok(option_get(fd, IOMMU_OPTION_RLIMIT_MODE, 0, &value));
	check_eq(value, 1);
	/* the other option is anyone's */
	check_ret(option_set(fd, IOMMU_OPTION_HUGE_PAGES, ioas_new(fd), 0), 0);
}

static const struct test tests[] = {
	{ "by_user", by_user },
	{ "by_process", by_process },
	{ "privileged", privileged },
	{ "zero_limit", zero_limit },
	{ "attach_over_limit", attach_over_limit },
	{ "charged_once", charged_once },
	{ "lowered", lowered },
	{ "shared_by_user", shared_by_user },
	{ "apart_by_process", apart_by_process },
	{ "across_fork", across_fork },
	{ "change_process_user", change_process_user },
	{ "change_process_process", change_process_process },
	{ "change_refused_user", change_refused_user },
	{ "change_refused_process", change_refused_process },
	{ "mode_privilege", mode_privilege },
};

TAP_MAIN("account", tests)
