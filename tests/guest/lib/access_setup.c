// SPDX-License-Identifier: GPL-2.0-only

#include "access.h"
#include "access_setup.h"
#include "iommu.h"
#include "mem.h"
#include "tap.h"

void access_setup(struct access_setup *s)
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
