/* SPDX-License-Identifier: GPL-2.0-only */
/* A device that VFIO drivers may have, as sysfs shows it. */
#ifndef IOMMUFDCTL_DEVICE_H
#define IOMMUFDCTL_DEVICE_H

#include <stdbool.h>

#define NAME_SIZE 64

struct vdevice {
	char address[NAME_SIZE];	/* its name on the bus */
	char bus[16];			/* pci, platform, ... */
	char driver[NAME_SIZE];		/* or empty */
	char group[16];			/* number of its IOMMU group, or empty */
	char node[NAME_SIZE];		/* vfioN, or empty */
};

/* Takes 01:00.0 for 0000:01:00.0 as well.  false if no device has that name. */
bool vdevice_find(const char *name, struct vdevice *dev);
/* The sysfs directory of it */
const char *vdevice_path(const struct vdevice *dev);
/* Is it a bridge, which IOMMU groups have beside devices? */
bool vdevice_is_bridge(const struct vdevice *dev);
/* May a group be used while this driver has one of its devices? */
bool driver_is_harmless(const char *driver);

/* Calls back for each device with a node of class vfio-dev, or behind a VFIO driver. */
typedef void vdevice_fn(const struct vdevice *dev, void *data);
void vdevice_each(vdevice_fn *fn, void *data);
/* Calls back for each device of a group. */
void group_each(const char *group, vdevice_fn *fn, void *data);

#endif
