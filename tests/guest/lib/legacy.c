// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "legacy.h"

int legacy_open_group(const char *bdf)
{
	char path[128], link[256], *number;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", bdf);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		return -errno;
	link[len] = 0;
	number = strrchr(link, '/') + 1;
	snprintf(path, sizeof(path), "/dev/vfio/%.16s", number);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int use_group(struct legacy *l, const char *bdf)
{
	l->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (l->container < 0 ||
	    ioctl(l->group, VFIO_GROUP_SET_CONTAINER, &l->container) ||
	    ioctl(l->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return -errno;
	l->device = ioctl(l->group, VFIO_GROUP_GET_DEVICE_FD, bdf);
	return l->device < 0 ? -errno : 0;
}

int legacy_open(struct legacy *l, const char *bdf)
{
	int ret;

	*l = (struct legacy){ -1, -1, -1 };
	l->group = legacy_open_group(bdf);
	if (l->group < 0)
		return l->group;
	ret = use_group(l, bdf);
	if (ret)
		legacy_close(l);
	return ret;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void legacy_close(struct legacy *l)
{
	close_one(&l->device);
	close_one(&l->group);
	close_one(&l->container);
}

bool legacy_is_free(const char *bdf)
{
	struct legacy l;

	if (legacy_open(&l, bdf))
		return false;
	legacy_close(&l);
	return true;
}

long module_uses(void)
{
	static const char *const modules[] = {
		"iommufd", "iommufd_vfio", "vfio", "vfio_pci", "vfio_pci_core",
		"vfio_iommu_type1",
	};
	long sum = 0;

	for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++) {
		char path[64], text[16] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/sys/module/%s/refcnt", modules[i]);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fgets(text, sizeof(text), f))
			sum += atol(text);
		fclose(f);
	}
	return sum;
}
