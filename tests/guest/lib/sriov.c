// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <unistd.h>

#include "igb.h"
#include "iommu.h"
#include "node.h"
#include "plug.h"
#include "sriov.h"
#include "tap.h"

const uint8_t sriov_token[16] = { 0x11, 0x22, 0x33, 0x44, 0xa5 };

const char *sriov_with_vfs(unsigned int count)
{
	const char *pf = device_find("igb", 0);
	char bdf[16];

	if (!pf)
		tap_skip("needs an igb, which a newer QEMU has (--qemu 10.0)");
	require_ok(igb_set_vfs(pf, 0));
	if (count)
		require_ok(igb_set_vfs(pf, count));
	for (unsigned int i = 0; i < count; i++) {
		char path[64];

		igb_vf(pf, i, bdf);
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", bdf);
		require_ok(access(path, F_OK));
	}
	return pf;
}

int sriov_bind_with(struct device *dev, int iommufd, const uint8_t *token)
{
	struct cdev_bind c = {
		.argsz = sizeof(c), .iommufd = iommufd,
		.flags = token ? 1 : 0, .token_uuid_ptr = (uintptr_t)token,
	};
	int ret = iommu_ioctl(dev->fd, CDEV_BIND, &c);

	if (!ret)
		dev->id = c.out_devid;
	return ret;
}

int sriov_try_bind(const char *bdf, const uint8_t *token)
{
	int fd = iommu_open(), ret;
	struct device dev;

	require_ok(device_open(&dev, bdf));
	ret = sriov_bind_with(&dev, fd, token);
	device_close(&dev);
	close(fd);
	return ret;
}

void function_up(struct function *f, const char *bdf, const uint8_t *token)
{
	f->fd = iommu_open();
	f->ioas = ioas_new(f->fd);
	require_ok(device_open(&f->dev, bdf));
	require_ok(sriov_bind_with(&f->dev, f->fd, token));
	require_ok(device_attach(&f->dev, f->ioas));
	mem_get(&f->m, MEM_ANON, SIZE);
	require_ok(ioas_map_at(f->fd, f->ioas, f->m.va, SIZE, IOVA));
	igb_init(&f->igb, &f->dev);
}

void function_down(struct function *f)
{
	igb_fini(&f->igb);
	device_close(&f->dev);
	close(f->fd);
}

bool function_sends(struct function *f)
{
	return igb_sends(&f->igb, &f->m, IOVA);
}
