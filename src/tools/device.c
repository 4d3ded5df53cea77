// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "files.h"

static const char *const buses[] = { "pci", "platform", "fsl-mc", "cdx", "ap", "mdev" };

#define BUSES (sizeof(buses) / sizeof(*buses))

const char *vdevice_path(const struct vdevice *dev)
{
	return path_at("/sys/bus/%s/devices/%s", dev->bus, dev->address);
}

static void vdevice_look(struct vdevice *dev)
{
	const char *path = vdevice_path(dev);
	char link[PATH_MAX];

	snprintf(link, sizeof(link), "%s/driver", path);
	link_name(link, dev->driver, sizeof(dev->driver));
	snprintf(link, sizeof(link), "%s/iommu_group", path);
	link_name(link, dev->group, sizeof(dev->group));
	snprintf(link, sizeof(link), "%s/vfio-dev", path);
	directory_first(link, dev->node, sizeof(dev->node));
}

static bool vdevice_find_on(const char *bus, const char *address, struct vdevice *dev)
{
	*dev = (struct vdevice) {};
	if (strchr(address, '/') || *address == '.' ||
	    snprintf(dev->address, sizeof(dev->address), "%s", address) >= NAME_SIZE)
		return false;
	snprintf(dev->bus, sizeof(dev->bus), "%s", bus);
	if (!file_exists(vdevice_path(dev)))
		return false;
	vdevice_look(dev);
	return true;
}

bool vdevice_find(const char *name, struct vdevice *dev)
{
	char longer[NAME_SIZE + 8];
	unsigned int i;

	for (i = 0; i < BUSES; i++)
		if (vdevice_find_on(buses[i], name, dev))
			return true;
	snprintf(longer, sizeof(longer), "0000:%.60s", name);
	return vdevice_find_on("pci", longer, dev);
}

bool vdevice_is_bridge(const struct vdevice *dev)
{
	char class[16], path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/class", vdevice_path(dev));
	return !strcmp(dev->bus, "pci") && file_read(path, class, sizeof(class)) &&
	       !strncmp(class, "0x06", 4);
}

/* Drivers that do no DMA on behalf of the kernel, by the kernel's own rule. */
bool driver_is_harmless(const char *driver)
{
	static const char *const harmless[] = { "", "pci-stub", "pcieport", "shpchp" };
	unsigned int i;

	for (i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		if (!strcmp(driver, harmless[i]))
			return true;
	return strstr(driver, "vfio");
}

struct each {
	vdevice_fn *fn;
	void *data;
	const char *bus;
};

static void vdevice_each_of_bus(const char *name, void *data)
{
	struct each *each = data;
	struct vdevice dev;

	if (vdevice_find_on(each->bus, name, &dev) && (*dev.node || strstr(dev.driver, "vfio")))
		each->fn(&dev, each->data);
}

void vdevice_each(vdevice_fn *fn, void *data)
{
	struct each each = { .fn = fn, .data = data };
	unsigned int i;

	for (i = 0; i < BUSES; i++) {
		each.bus = buses[i];
		directory_each(path_at("/sys/bus/%s/devices", buses[i]), vdevice_each_of_bus, &each);
	}
}

static void group_each_device(const char *name, void *data)
{
	struct each *each = data;
	struct vdevice dev;

	if (vdevice_find(name, &dev))
		each->fn(&dev, each->data);
}

void group_each(const char *group, vdevice_fn *fn, void *data)
{
	struct each each = { .fn = fn, .data = data };

	directory_each(path_at("/sys/kernel/iommu_groups/%s/devices", group), group_each_device,
		       &each);
}
