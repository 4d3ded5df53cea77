// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "iommu.h"
#include "tap.h"
#include "vfio_mock.h"

static void open_control(struct vfio_mock *m)
{
	memset(m, 0, sizeof(*m));
	m->dev.fd = -1;
	m->control = open("/dev/" VFIO_MOCK_NAME, O_RDWR | O_CLOEXEC);
	if (m->control < 0 && errno == ENOENT)
		tap_skip("the module %s is not loaded", VFIO_MOCK_NAME);
	require(m->control >= 0);
}

static int find_place(struct vfio_mock *m)
{
	int ret = iommu_ioctl(m->control, VFIO_MOCK_PLACE, &m->place);

	snprintf(m->dev.node, sizeof(m->dev.node), "/dev/vfio/devices/vfio%u",
		 m->place.index);
	return ret;
}

int vfio_mock_make(struct vfio_mock *m, const struct vfio_mock_make *make)
{
	struct vfio_mock_make arg = *make;
	int ret;

	open_control(m);
	ret = iommu_ioctl(m->control, VFIO_MOCK_MAKE, &arg);
	if (!ret)
		ret = find_place(m);
	if (ret)
		close(m->control);
	return ret;
}

void vfio_mock_adopt(struct vfio_mock *m)
{
	const char *bdf = device_find("edu", 0);
	struct vfio_mock_adopt arg = {};

	if (!bdf)
		tap_skip("needs an edu on vfio-pci");
	open_control(m);
	device_give(bdf, VFIO_MOCK_NAME);
	snprintf(arg.name, sizeof(arg.name), "%s", bdf);
	require_ok(iommu_ioctl(m->control, VFIO_MOCK_ADOPT, &arg));
	require_ok(find_place(m));
	snprintf(m->dev.bdf, sizeof(m->dev.bdf), "%s", bdf);
}

int vfio_mock_open(struct vfio_mock *m)
{
	m->dev.fd = open(m->dev.node, O_RDWR | O_CLOEXEC);
	return m->dev.fd < 0 ? -errno : 0;
}

void vfio_mock_get(struct vfio_mock *m, int iommufd)
{
	require_ok(vfio_mock_open(m));
	require_ok(device_bind(&m->dev, iommufd));
}

void vfio_mock_behave(struct vfio_mock *m, const struct vfio_mock_behave *behave)
{
	require_ok(iommu_ioctl(m->control, VFIO_MOCK_BEHAVE, (void *)behave));
}

struct vfio_mock_seen vfio_mock_seen(struct vfio_mock *m)
{
	struct vfio_mock_seen seen = {};

	require_ok(iommu_ioctl(m->control, VFIO_MOCK_SEEN, &seen));
	return seen;
}

int vfio_mock_unbind(struct vfio_mock *m)
{
	return iommu_ioctl(m->control, VFIO_MOCK_UNBIND, NULL);
}

int vfio_mock_bind(struct vfio_mock *m)
{
	int ret = iommu_ioctl(m->control, VFIO_MOCK_BIND, NULL);

	return ret ? ret : find_place(m);
}

int vfio_mock_try_group(struct vfio_mock *m)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/vfio/%d", m->place.group);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

long vfio_mock_uses(void)
{
	long uses = -1;
	FILE *f = fopen("/sys/module/" VFIO_MOCK_NAME "/refcnt", "r");

	if (f) {
		if (fscanf(f, "%ld", &uses) != 1)
			uses = -1;
		fclose(f);
	}
	return uses;
}

void vfio_mock_check_uses(long uses)
{
	/* files give it back a moment after they are closed */
	for (int i = 0; i < 200 && vfio_mock_uses() != uses; i++)
		usleep(10000);
	check_eq(vfio_mock_uses(), uses);
}
