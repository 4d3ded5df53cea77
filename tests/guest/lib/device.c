// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "device.h"
#include "iommu.h"
#include "tap.h"

const char *device_find(const char *kind, unsigned int nth)
{
	static char bdf[16];
	const char *p = getenv("VFIO_BDFS");
	char name[16];
	int used;

	while (p && sscanf(p, " %15[^= ]=%15s%n", bdf, name, &used) == 2) {
		if (!strcmp(name, kind) && !nth--)
			return bdf;
		p += used;
	}
	return NULL;
}

int device_group(const char *bdf)
{
	char path[128], link[256];
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", bdf);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		return -errno;
	link[len] = 0;
	return atoi(strrchr(link, '/') + 1);
}

void device_find_pair(const char *kind, char first[16], char second[16])
{
	const char *bdf;

	for (unsigned int i = 0; (bdf = device_find(kind, i)); i++) {
		strcpy(first, bdf);
		for (unsigned int j = i + 1; (bdf = device_find(kind, j)); j++) {
			strcpy(second, bdf);
			if (device_group(first) == device_group(second))
				return;
		}
	}
	tap_skip("needs two %ss in one group", kind);
}

/* The one entry of /sys/bus/pci/devices/BDF/vfio-dev is the node's name. */
static int find_node(struct device *dev)
{
	char path[128];
	struct dirent *e;
	int ret = -ENOENT;
	DIR *d;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev",
		 dev->bdf);
	d = opendir(path);
	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		if (strncmp(e->d_name, "vfio", 4))
			continue;
		snprintf(dev->node, sizeof(dev->node), "/dev/vfio/devices/%.32s",
			 e->d_name);
		ret = 0;
	}
	closedir(d);
	return ret;
}

static void put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (!check_msg(fd >= 0 && write(fd, text, strlen(text)) > 0, "%s > %s", text, path))
		tap_end();
	close(fd);
}

void device_give(const char *bdf, const char *driver)
{
	char path[96], link[128] = "";

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", bdf);
	if (readlink(path, link, sizeof(link) - 1) > 0) {
		if (!strcmp(strrchr(link, '/') + 1, driver))
			return;
		strcat(path, "/unbind");
		put_text(path, bdf);
	}
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override", bdf);
	put_text(path, driver);
	put_text("/sys/bus/pci/drivers_probe", bdf);
}

int device_open(struct device *dev, const char *bdf)
{
	int ret;

	memset(dev, 0, sizeof(*dev));
	snprintf(dev->bdf, sizeof(dev->bdf), "%s", bdf);
	ret = find_node(dev);
	if (ret)
		return ret;
	dev->fd = open(dev->node, O_RDWR | O_CLOEXEC);
	return dev->fd < 0 ? -errno : 0;
}

int device_bind(struct device *dev, int iommufd)
{
	struct cdev_bind c = { .argsz = sizeof(c), .iommufd = iommufd };
	int ret = iommu_ioctl(dev->fd, CDEV_BIND, &c);

	if (!ret)
		dev->id = c.out_devid;
	return ret;
}

int device_attach_out(struct device *dev, uint32_t *pt)
{
	struct cdev_attach c = { .argsz = sizeof(c), .pt_id = *pt };
	int ret = iommu_ioctl(dev->fd, CDEV_ATTACH, &c);

	if (!ret)
		*pt = c.pt_id;
	return ret;
}

int device_attach(struct device *dev, uint32_t pt)
{
	return device_attach_out(dev, &pt);
}

int device_detach(struct device *dev)
{
	struct cdev_detach c = { .argsz = sizeof(c) };

	return iommu_ioctl(dev->fd, CDEV_DETACH, &c);
}

int device_reset(struct device *dev)
{
	return iommu_ioctl(dev->fd, VFIO_DEVICE_RESET, NULL);
}

void device_close(struct device *dev)
{
	close(dev->fd);
	dev->fd = -1;
}

void device_get(struct device *dev, const char *kind, unsigned int nth,
		int iommufd)
{
	const char *bdf = device_find(kind, nth);

	if (!bdf)
		tap_skip("needs %u %s device(s) on vfio-pci", nth + 1, kind);
	require_ok(device_open(dev, bdf));
	require_ok(device_bind(dev, iommufd));
}

static int region(struct device *dev, unsigned int index,
		  struct vfio_region_info *info)
{
	*info = (struct vfio_region_info){
		.argsz = sizeof(*info),
		.index = index,
	};
	return iommu_ioctl(dev->fd, VFIO_DEVICE_GET_REGION_INFO, info);
}

void *device_map_bar(struct device *dev, unsigned int bar, size_t *size)
{
	struct vfio_region_info info;
	void *p;

	if (region(dev, bar, &info))
		return NULL;
	p = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, dev->fd,
		 info.offset);
	if (p == MAP_FAILED)
		return NULL;
	if (size)
		*size = info.size;
	return p;
}

/* By the numbers, as older headers lack these features. */
#define LOW_POWER_ENTRY	3
#define LOW_POWER_EXIT	5

int device_low_power(struct device *dev, bool enter)
{
	struct vfio_device_feature f = {
		.argsz = sizeof(f),
		.flags = VFIO_DEVICE_FEATURE_SET |
			 (enter ? LOW_POWER_ENTRY : LOW_POWER_EXIT),
	};

	return iommu_ioctl(dev->fd, VFIO_DEVICE_FEATURE, &f);
}

static bool is_suspended(const char *directory)
{
	char path[320], text[16] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/power/runtime_status", directory);
	f = fopen(path, "re");
	if (f && !fgets(text, sizeof(text), f))
		text[0] = 0;
	if (f)
		fclose(f);
	return !strcmp(text, "suspended\n");
}

bool device_sleeps(const char *directory)
{
	double end = tap_now() + 5 * tap_patience();

	while (!is_suspended(directory)) {
		if (tap_now() > end)
			return false;
		usleep(10000);
	}
	return true;
}

int device_config_read(struct device *dev, unsigned int at, void *buf,
		       size_t size)
{
	struct vfio_region_info info;
	int ret = region(dev, VFIO_PCI_CONFIG_REGION_INDEX, &info);

	if (ret)
		return ret;
	if (pread(dev->fd, buf, size, info.offset + at) != (ssize_t)size)
		return -EIO;
	return 0;
}

int device_config_write(struct device *dev, unsigned int at, const void *buf,
			size_t size)
{
	struct vfio_region_info info;
	int ret = region(dev, VFIO_PCI_CONFIG_REGION_INDEX, &info);

	if (ret)
		return ret;
	if (pwrite(dev->fd, buf, size, info.offset + at) != (ssize_t)size)
		return -EIO;
	return 0;
}

uint8_t device_capability(struct device *dev, uint8_t id)
{
	uint8_t at, found;

	require_ok(device_config_read(dev, PCI_CAPABILITY_LIST, &at, 1));
	for (int i = 0; at && i < 48; i++) {
		require_ok(device_config_read(dev, at, &found, 1));
		if (found == id)
			return at;
		require_ok(device_config_read(dev, at + 1, &at, 1));
	}
	return 0;
}

int device_bus_master(struct device *dev)
{
	uint16_t command;
	int ret = device_config_read(dev, PCI_COMMAND, &command, 2);

	if (ret)
		return ret;
	command |= PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY;
	return device_config_write(dev, PCI_COMMAND, &command, 2);
}
