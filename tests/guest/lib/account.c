// SPDX-License-Identifier: GPL-2.0-only
#include <grp.h>
#include <sys/resource.h>
#include <unistd.h>

#include "account.h"
#include "device.h"
#include "iommu.h"
#include "mem.h"
#include "tap.h"

void account_setup(struct account_setup *s, uint64_t by_process)
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

void account_limit(uint64_t pages)
{
	struct rlimit r = { pages * PAGE, pages * PAGE };

	require(!setrlimit(RLIMIT_MEMLOCK, &r));
}

void account_become(unsigned int uid, uint64_t pages)
{
	account_limit(pages);
	require(!setgroups(0, NULL) && !setresgid(uid, uid, uid) &&
		!setresuid(uid, uid, uid));
}

int account_map(struct account_setup *s, uint64_t pages, uint64_t at)
{
	return ioas_map_at(s->fd, s->ioas, s->m.va, pages * PAGE,
			   BASE + at * PAGE);
}

int account_unmap(struct account_setup *s, uint64_t pages, uint64_t at)
{
	return ioas_unmap(s->fd, s->ioas, BASE + at * PAGE, pages * PAGE,
			  NULL);
}

void steps_init(struct steps *p)
{
	require(!pipe(p->down) && !pipe(p->up));
}

void steps_go(int fds[2])
{
	require(write(fds[1], "x", 1) == 1);
}

void steps_wait_for(int fds[2])
{
	char c;

	require(read(fds[0], &c, 1) == 1);
}
