// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <unistd.h>
#include <linux/vfio.h>

#include "iommu.h"
#include "mock.h"
#include "tap.h"
#include "vfio_driver_scene.h"
#include "vfio_mock.h"

struct vfio_mock driver_mock;

int driver_iommufd;

uint32_t driver_ioas;

void driver_scene_up(void)
{
	struct vfio_mock_make make = VFIO_MOCK_PLAIN;
	struct vfio_mock_behave behave = {};

	driver_iommufd = iommu_open();
	driver_ioas = ioas_new(driver_iommufd);
	if (tap_oracle())
		vfio_mock_adopt(&driver_mock);
	else
		require_ok(vfio_mock_make(&driver_mock, &make));
	vfio_mock_behave(&driver_mock, &behave);
}

void driver_scene_need_mock(void)
{
	if (tap_oracle())
		tap_skip("needs a device behind our mock IOMMU");
	driver_iommufd = mock_open();
	driver_ioas = ioas_new(driver_iommufd);
}

bool driver_scene_node_exists(const char *directory, const char *name)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return !access(path, F_OK);
}
