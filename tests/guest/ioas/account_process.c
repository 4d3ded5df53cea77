// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking over the charge by IOMMU_IOAS_CHANGE_PROCESS, and who may choose the mode.
 */
#include <errno.h>
#include <grp.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "account.h"
#include "iommu.h"
#include "mem.h"
#include "meters.h"
#include "tap.h"

#define UID_B	4343

static int map_file(struct account_setup *s, uint64_t pages, uint64_t at)
{
	uint64_t iova = BASE + at * PAGE;

	return ioas_map_file(s->fd, s->ioas, MAP_RW | MAP_FIX, s->file.fd,
			     0, pages * PAGE, &iova);
}

static void file_mapper(void *arg)
{
	struct helper *h = arg;

	account_become(UID_A, LIMIT);
	check_ret(map_file(h->s, LIMIT + 1, 0), -ENOMEM);
	check_ret(map_file(h->s, 40, 0), 0);
	check_eq(meters_vmpin(), 40);
	steps_go(h->steps.up);
	steps_wait_for(h->steps.down);	/* the other has taken over */
	check_eq(meters_vmpin(), 0);
	check_ret(map_file(h->s, LIMIT, 100), 0);
	check_ret(account_unmap(h->s, LIMIT, 100), 0);
	tap_end();
}

/* Another process, of another user, takes over file mappings. */
static void check_take_over(int mode)
{
	struct helper h;
	struct account_setup s;
	int pid;

	account_setup(&s, mode);
	h.s = &s;
	steps_init(&h.steps);
	pid = tap_spawn(file_mapper, &h);
	account_become(UID_B, 41);
	steps_wait_for(h.steps.up);
	check_ret(ioas_change_process(s.fd), 0);
	check_eq(meters_vmpin(), 40);
	check_eq(meters_vmlck(), mode ? 40 : 0);
	check_ret(ioas_change_process(s.fd), 0);	/* has no effect */
	check_eq(meters_vmpin(), 40);
	check_ret(map_file(&s, 2, 100), -ENOMEM);
	steps_go(h.steps.down);
	tap_join(pid);
	check_ret(account_unmap(&s, 40, 0), 0);
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

	account_become(UID_A, LIMIT);
	check_ret(map_file(h->s, 40, 0), 0);
	steps_go(h->steps.up);
	steps_wait_for(h->steps.down);
	check_eq(meters_vmpin(), 40);
	check_ret(map_file(h->s, LIMIT - 40 + 1, 200), -ENOMEM);
	check_ret(map_file(h->s, LIMIT - 40, 200), 0);
	check_eq(ioas_unmap_all(h->s->fd, h->s->ioas), LIMIT * PAGE);
	tap_end();
}

static void check_refused(int mode)
{
	struct helper h;
	struct account_setup s;
	int pid;

	account_setup(&s, mode);
	require_ok(ioas_change_process(s.fd));	/* nothing mapped yet */
	h.s = &s;
	steps_init(&h.steps);
	pid = tap_spawn(refused_mapper, &h);
	account_become(UID_B, 39);
	steps_wait_for(h.steps.up);
	check_ret(ioas_change_process(s.fd), -ENOMEM);
	check_eq(meters_vmpin(), 0);
	check_eq(meters_vmlck(), 0);
	check_ret(account_map(&s, 39, 100), 0);
	/* anonymous memory can't change hands */
	check_ret(ioas_change_process(s.fd), -EINVAL);
	check_ret(account_unmap(&s, 39, 100), 0);
	steps_go(h.steps.down);
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
	account_become(UID_A, LIMIT);
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
	{ "change_process_user", change_process_user },
	{ "change_process_process", change_process_process },
	{ "change_refused_user", change_refused_user },
	{ "change_refused_process", change_refused_process },
	{ "mode_privilege", mode_privilege },
};

TAP_MAIN("account_process", tests)
