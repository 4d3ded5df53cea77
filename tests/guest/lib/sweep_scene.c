// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <unistd.h>

#include "events.h"
#include "iommu.h"
#include "mem.h"
#include "mock.h"
#include "sweep_scene.h"
#include "tap.h"

struct swept swept;

void sweep_bare(void)
{
	swept.fd = iommu_open();
	mem_get(&swept.m, MEM_ANON, 32 * PAGE);
	mem_fill(swept.m.va, swept.m.size, 1);
}

void sweep_two_spaces(void)
{
	sweep_bare();
	swept.ioas = ioas_new(swept.fd);
	swept.ioas2 = ioas_new(swept.fd);
}

void sweep_mocked(void)
{
	sweep_two_spaces();
	close(swept.fd);
	swept.fd = mock_open();
	swept.ioas = ioas_new(swept.fd);
	swept.ioas2 = ioas_new(swept.fd);
}

void sweep_with_device(void)
{
	sweep_mocked();
	require_ok(mock_device(swept.fd, swept.ioas, 0, &swept.dev));
}

int sweep_close_fd(int fd)
{
	return close(fd) ? -errno : 0;
}

void sweep_with_file(void)
{
	sweep_with_device();
	mem_get(&swept.m, MEM_MEMFD, 32 * PAGE);
}
