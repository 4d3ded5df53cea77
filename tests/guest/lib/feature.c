// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <linux/vfio.h>

#include "feature.h"
#include "mock.h"
#include "tap.h"
#include "vfio_mock.h"

struct vfio_mock feature_mock;

int feature_iommufd;

uint32_t feature_asked_before;		/* an adopted device was there in another test */

uint32_t feature_asked(void)
{
	return vfio_mock_seen(&feature_mock).features - feature_asked_before;
}

void feature_up(uint32_t mig_flags)
{
	struct vfio_mock_make make = VFIO_MOCK_PLAIN;
	struct vfio_mock_behave behave = { .mig_flags = mig_flags };

	feature_iommufd = iommu_open();
	if (tap_oracle())
		vfio_mock_adopt(&feature_mock);
	else
		require_ok(vfio_mock_make(&feature_mock, &make));
	vfio_mock_behave(&feature_mock, &behave);
	vfio_mock_get(&feature_mock, feature_iommufd);
	feature_asked_before = vfio_mock_seen(&feature_mock).features;
}

int feature_ask(uint32_t flags, void *data, uint32_t size)
{
	struct { struct vfio_device_feature f; uint8_t data[64]; } arg = {
		.f = { .argsz = HEADER + size, .flags = flags },
	};
	int ret;

	if (data)
		memcpy(arg.data, data, size);
	ret = iommu_ioctl(feature_mock.dev.fd, VFIO_DEVICE_FEATURE, &arg);
	if (data)
		memcpy(data, arg.data, size);
	return ret;
}

int feature_set_state(uint32_t state, int *fd)
{
	struct state s = { .state = state, .fd = 4711 };
	int ret = feature_ask(STATE | SET, &s, sizeof(s));

	*fd = s.fd;
	return ret;
}
