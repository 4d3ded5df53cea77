// SPDX-License-Identifier: GPL-2.0-only
/*
 * RLIMIT_MEMLOCK: who is charged for pinned memory, by user and by process, and when
 * a mapping is refused.
 */
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "account.h"
#include "device.h"
#include "iommu.h"
#include "klog.h"
#include "mem.h"
#include "meters.h"
#include "tap.h"

static void check_limit(struct account_setup *s)
{
	check_ret(account_map(s, LIMIT + 1, 0), -ENOMEM);
	check_eq(meters_vmpin(), 0);
	for (int i = 0; i < 3; i++) {
		check_ret(account_map(s, LIMIT, 0), 0);
		check_eq(meters_vmpin(), LIMIT);
		check_ret(account_map(s, 1, LIMIT), -ENOMEM);
		check_eq(meters_vmpin(), LIMIT);
		check_ret(account_unmap(s, LIMIT, 0), 0);
		check_eq(meters_vmpin(), 0);
	}
	for (uint64_t i = 0; i < LIMIT; i++)
		check_ret(account_map(s, 1, i), 0);
	check_ret(account_map(s, 1, LIMIT), -ENOMEM);
	check_ret(account_unmap(s, 1, 7), 0);
	check_ret(account_map(s, 2, LIMIT), -ENOMEM);
	check_ret(account_map(s, 1, LIMIT), 0);
	check_eq(ioas_unmap_all(s->fd, s->ioas), LIMIT * PAGE);
	check_ret(account_map(s, LIMIT, 0), 0);
	check_eq(ioas_unmap_all(s->fd, s->ioas), LIMIT * PAGE);
}

static void by_user(void)
{
	struct account_setup s;

	account_setup(&s, 0);
	account_become(UID_A, LIMIT);
	check_limit(&s);
	check_eq(meters_vmlck(), 0);
}

static void by_process(void)
{
	struct account_setup s;

	account_setup(&s, 1);
	account_become(UID_A, LIMIT);
	check_limit(&s);
	check_ret(account_map(&s, 10, 0), 0);
	check_eq(meters_vmlck(), 10);
	check_eq(meters_vmpin(), 10);
	/* it shares the limit with mlock() */
	check(!mlock(s.m.va + LIMIT * PAGE, (LIMIT - 10) * PAGE));
	check_ret(account_map(&s, 1, 10), -ENOMEM);
	check(!munlock(s.m.va + LIMIT * PAGE, (LIMIT - 10) * PAGE));
	check_ret(account_map(&s, LIMIT - 10, 10), 0);
	check_eq(meters_vmlck(), LIMIT);
	check_eq(ioas_unmap_all(s.fd, s.ioas), LIMIT * PAGE);
	check_eq(meters_vmlck(), 0);
}

/* CAP_IPC_LOCK: no limit, nothing charged, yet still counted. */
static void privileged(void)
{
	for (int mode = 0; mode < 2; mode++) {
		struct account_setup s;

		account_setup(&s, mode);
		account_limit(1);
		check_ret(account_map(&s, LIMIT, 0), 0);
		check_eq(meters_vmpin(), LIMIT);
		check_eq(meters_vmlck(), 0);
		check_eq(ioas_unmap_all(s.fd, s.ioas), LIMIT * PAGE);
		check_eq(meters_vmpin(), 0);
		device_close(&s.dev);
		close(s.fd);
	}
}

/* The program sees no more than ENOMEM, so the log tells of the limit. */
static void refusal_in_log(void)
{
	struct account_setup s;
	int klog = klog_open();

	if (tap_oracle())
		tap_skip("Linux says nothing of it");
	account_setup(&s, 0);
	account_become(UID_A, 3);
	check_ret(account_map(&s, 3, 0), 0);
	check(!klog_says(klog, "RLIMIT_MEMLOCK", 200));
	check_ret(account_map(&s, 2, 3), -ENOMEM);
	check(klog_says(klog, "8 KiB more were asked for", 10000));
	check_msg(strstr(klog_line(), "RLIMIT_MEMLOCK of ") &&
		  strstr(klog_line(), "is 12 KiB, of which user"), "%s", klog_line());
	close(klog);
}

static void zero_limit(void)
{
	struct account_setup s;

	account_setup(&s, 0);
	account_become(UID_A, 0);
	check_ret(account_map(&s, 1, 0), -ENOMEM);
	check_eq(meters_vmpin(), 0);
}

/* Attaching is charged like mapping, and refused whole. */
static void attach_over_limit(void)
{
	struct account_setup s;

	account_setup(&s, 0);
	require_ok(device_detach(&s.dev));
	account_become(UID_A, LIMIT);
	check_ret(account_map(&s, LIMIT - 5, 0), 0);
	check_ret(account_map(&s, 6, LIMIT), 0);
	check_ret(device_attach(&s.dev, s.ioas), -ENOMEM);
	check_eq(meters_vmpin(), 0);
	check_ret(account_unmap(&s, 6, LIMIT), 0);
	check_ret(device_attach(&s.dev, s.ioas), 0);
	check_eq(meters_vmpin(), LIMIT - 5);
	check_ret(account_map(&s, 6, LIMIT), -ENOMEM);
	check_ret(device_detach(&s.dev), 0);
	check_eq(meters_vmpin(), 0);
	check_ret(device_attach(&s.dev, s.ioas), 0);
	check_ret(account_map(&s, 5, LIMIT), 0);
	check_eq(ioas_unmap_all(s.fd, s.ioas), LIMIT * PAGE);
}

/* A second page table and copies cost nothing more. */
static void charged_once(void)
{
	uint64_t at = BASE + 4096 * PAGE;
	uint32_t table = 0;
	struct account_setup s;

	account_setup(&s, 0);
	account_become(UID_A, LIMIT);
	check_ret(account_map(&s, LIMIT, 0), 0);
	check_ret(hwpt_alloc(s.fd, s.dev.id, s.ioas, 0, &table), 0);
	check_ret(ioas_copy(s.fd, s.ioas, s.ioas, MAP_RW | MAP_FIX, BASE,
			    LIMIT * PAGE, &at), 0);
	check_eq(meters_vmpin(), LIMIT);
	check_ret(account_map(&s, 1, LIMIT), -ENOMEM);
	check_ret(account_unmap(&s, LIMIT, 0), 0);
	check_ret(account_map(&s, 1, LIMIT), -ENOMEM);
	check_eq(ioas_unmap_all(s.fd, s.ioas), LIMIT * PAGE);
	check_ret(account_map(&s, LIMIT, 0), 0);
}

/* A limit that was lowered keeps nobody from giving memory back. */
static void lowered(void)
{
	struct account_setup s;

	account_setup(&s, 0);
	account_become(UID_A, LIMIT);
	check_ret(account_map(&s, 30, 0), 0);
	check_ret(account_map(&s, 30, 100), 0);
	account_limit(10);
	check_ret(account_map(&s, 1, 50), -ENOMEM);
	check_ret(account_unmap(&s, 30, 0), 0);
	check_ret(account_map(&s, 1, 50), -ENOMEM);
	check_ret(account_unmap(&s, 30, 100), 0);
	check_ret(account_map(&s, 10, 50), 0);
}

static void second_mapper(void *arg)
{
	struct helper *h = arg;

	account_become(UID_A, LIMIT);
	check_ret(account_map(h->s, 40, 0), 0);
	check_eq(meters_vmpin(), 40);
	steps_go(h->steps.up);
	steps_wait_for(h->steps.down);
	check_eq(meters_vmpin(), 40);
	tap_end();
}

/* Processes of one user share what the user may pin ... */
static void shared_by_user(void)
{
	struct helper h;
	struct account_setup s;
	int pid;

	account_setup(&s, 0);
	h.s = &s;
	steps_init(&h.steps);
	pid = tap_spawn(second_mapper, &h);
	account_become(UID_A, LIMIT);
	steps_wait_for(h.steps.up);
	check_eq(meters_vmpin(), 0);
	check_ret(account_map(&s, 25, 100), -ENOMEM);
	check_ret(account_map(&s, 24, 100), 0);
	check_eq(meters_vmpin(), 24);
	steps_go(h.steps.down);
	tap_join(pid);
	/* the mapping outlives its maker, and so does the charge */
	check_ret(account_map(&s, 1, 200), -ENOMEM);
	check_ret(account_unmap(&s, 40, 0), 0);
	check_ret(account_map(&s, 40, 200), 0);
	check_ret(account_map(&s, 1, 300), -ENOMEM);
	check_eq(ioas_unmap_all(s.fd, s.ioas), 64 * PAGE);
	check_eq(meters_vmpin(), 0);
}

/* ... and by process each has its own. */
static void apart_by_process(void)
{
	struct helper h;
	struct account_setup s;
	int pid;

	account_setup(&s, 1);
	h.s = &s;
	steps_init(&h.steps);
	pid = tap_spawn(second_mapper, &h);
	account_become(UID_A, LIMIT);
	steps_wait_for(h.steps.up);
	check_ret(account_map(&s, LIMIT, 100), 0);
	check_eq(meters_vmlck(), LIMIT);
	/* one process may give back what another pinned */
	check_ret(account_unmap(&s, 40, 0), 0);
	check_eq(meters_vmlck(), LIMIT);
	check_ret(account_map(&s, 40, 0), -ENOMEM);
	check_ret(account_unmap(&s, LIMIT, 100), 0);
	check_eq(meters_vmlck(), 0);
	kill(pid, SIGKILL);
	tap_join(pid);
}

static void child_unmaps(void *arg)
{
	struct helper *h = arg;

	/* a child inherits no charge, but can unmap */
	check_eq(meters_vmpin(), 0);
	check_ret(account_unmap(h->s, LIMIT / 2, 0), 0);
	check_eq(meters_vmpin(), 0);
	tap_end();
}

static void across_fork(void)
{
	for (int mode = 0; mode < 2; mode++) {
		struct helper h;
		struct account_setup s;

		account_setup(&s, mode);
		h.s = &s;
		account_limit(LIMIT);
		require(!seteuid(UID_A));	/* effective capabilities steps_go */
		check_ret(account_map(&s, LIMIT / 2, 0), 0);
		check_ret(account_map(&s, LIMIT / 2, 100), 0);
		check_eq(meters_vmlck(), mode ? LIMIT : 0);
		tap_join(tap_spawn(child_unmaps, &h));
		check_eq(meters_vmpin(), LIMIT / 2);
		check_ret(account_map(&s, LIMIT / 2, 0), 0);
		check_ret(account_map(&s, 1, 200), -ENOMEM);
		check_eq(ioas_unmap_all(s.fd, s.ioas), LIMIT * PAGE);
		check_eq(meters_vmlck(), 0);
		require(!seteuid(0));
		device_close(&s.dev);
		close(s.fd);
	}
}

static const struct test tests[] = {
	{ "refusal_in_log", refusal_in_log },
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
};

TAP_MAIN("account", tests)
