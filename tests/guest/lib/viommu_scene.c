// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mem.h"
#include "mock.h"
#include "tap.h"
#include "viommu_scene.h"

struct viommu_scene viommus;

void viommus_up(void)
{
	viommus.fd = mock_open();
	viommus.ioas = ioas_new(viommus.fd);
	require_ok(mock_device(viommus.fd, viommus.ioas, 0, &viommus.mock));
	require_ok(hwpt_alloc(viommus.fd, viommus.mock.dev, viommus.ioas,
			      IOMMU_HWPT_ALLOC_NEST_PARENT, &viommus.parent));
	require_ok(mock_viommu(viommus.fd, viommus.mock.dev, viommus.parent, NULL, &viommus.viommu));
}

void viommus_down(void)
{
	check_ret(iommu_destroy(viommus.fd, viommus.viommu), 0);
	check_ret(iommu_destroy(viommus.fd, viommus.parent), 0);
	check_ret(mock_unplug(viommus.fd, &viommus.mock), 0);
	check_ret(iommu_destroy(viommus.fd, viommus.ioas), 0);
	close(viommus.fd);
}

int viommu_unanswered(unsigned long cmd, const void *args, size_t size)
{
	void *p = before_hole(PAGE);

	memcpy(p, args, size);
	require_ok(mprotect(p, PAGE, PROT_READ));
	return iommu_ioctl(viommus.fd, cmd, p);
}
