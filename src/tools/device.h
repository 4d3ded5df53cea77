/* SPDX-License-Identifier: GPL-2.0-only */
/* A device that VFIO drivers may bind, as shown by sysfs. */
#ifndef IOMMUFDCTL_DEVICE_H
#define IOMMUFDCTL_DEVICE_H

#include <stdbool.h>

#define NAME_SIZE 64

struct vdevice {
	char address[NAME_SIZE];	/* name on its bus */
	char bus[16];			/* pci, platform, ... */
	char driver[NAME_SIZE];		/* or empty */
	char group[16];			/* number of its IOMMU group, or empty */
	char node[NAME_SIZE];		/* vfioN, or empty */
};

/*
 * Look up a device; 01:00.0 stands for 0000:01:00.0.  Returns false if there is
 * none.
 */
bool vdevice_find(const char *name, struct vdevice *dev);
/* Returns the device's directory in sysfs. */
const char *vdevice_path(const struct vdevice *dev);
/* Returns true for a bridge, which may be in an IOMMU group with devices. */
bool vdevice_is_bridge(const struct vdevice *dev);
/*
 * Returns true if a group may be used while this driver has one of its devices.
 */
bool driver_is_harmless(const char *driver);

/*
 * Call @fn for each device that has a device node (vfio-dev) or a VFIO driver.
 */
typedef void vdevice_fn(const struct vdevice *dev, void *data);
void vdevice_each(vdevice_fn *fn, void *data);
/* Call @fn for each device of a group. */
void group_each(const char *group, vdevice_fn *fn, void *data);

#endif
