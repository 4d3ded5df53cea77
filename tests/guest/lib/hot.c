// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/vfio.h>

#include "hot.h"
#include "tap.h"

int hot_info(int fd, struct hot_info *info)
{
	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	return iommu_ioctl(fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info);
}

int hot_reset(int fd)
{
	struct hot_reset reset = { .argsz = 12 };

	return iommu_ioctl(fd, VFIO_DEVICE_PCI_HOT_RESET, &reset);
}

/* The ID that the answer has for this device; ends the test if there is none. */
static uint32_t id_in(const struct hot_info *info, const char *bdf)
{
	unsigned int segment, bus, slot, function;

	require(sscanf(bdf, "%x:%x:%x.%x", &segment, &bus, &slot, &function) == 4);
	require(info->count <= HOT_MAX);
	for (unsigned int i = 0; i < info->count; i++) {
		const struct hot_device *d = &info->device[i];

		if (d->segment == segment && d->bus == bus &&
		    d->devfn == (slot << 3 | function))
			return d->id;
	}
	check_msg(false, "%s isn't among the devices that are reset", bdf);
	tap_end();
}

void hot_check_info(struct device *by, uint32_t flags, const char *bdf, uint32_t id)
{
	struct hot_info info;

	require_ok(hot_info(by->fd, &info));
	check_eq(info.flags, flags);
	check_eq(id_in(&info, bdf), id);
	check_eq(id_in(&info, by->bdf), by->id);
}

void hot_nvme(struct device *dev, int iommufd)
{
	struct hot_info info;
	const char *bdf;

	for (unsigned int i = 0; (bdf = device_find("nvme", i)); i++) {
		require_ok(device_open(dev, bdf));
		require_ok(device_bind(dev, iommufd));
		if (!hot_info(dev->fd, &info) && info.count == 1)
			return;
		device_close(dev);
	}
	tap_skip("needs an nvme on a bus that can be reset");
}

void hot_pair_bind(struct hot_pair *p)
{
	struct hot_info info;
	int ret;

	device_find_pair("edu", p->bdf[0], p->bdf[1]);
	p->rig.fd = iommu_open();
	p->rig.ioas = ioas_new(p->rig.fd);
	require_ok(device_open(&p->dev[0], p->bdf[0]));
	require_ok(device_bind(&p->dev[0], p->rig.fd));
	ret = hot_info(p->dev[0].fd, &info);
	if (ret == -ENODEV)
		tap_skip("needs two edus on a bus that can be reset");
	require_ok(ret);
}

void hot_pair_up(struct hot_pair *p)
{
	hot_pair_bind(p);
	require_ok(device_open(&p->dev[1], p->bdf[1]));
	require_ok(device_bind(&p->dev[1], p->rig.fd));
	for (int i = 0; i < 2; i++) {
		edu_init(&p->edu[i], &p->dev[i]);
		require_ok(device_attach(&p->dev[i], p->rig.ioas));
	}
	rig_map(&p->rig);
}

bool hot_pair_works(struct hot_pair *p, int which)
{
	p->rig.edu = p->edu[which];
	p->rig.dev = p->dev[which];
	return rig_reaches(&p->rig, RIG_BASE, p->rig.m.va, 256, which);
}
