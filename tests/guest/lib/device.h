/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PCI devices behind the VFIO character devices.  The runner names those that
 * vfio-pci owns in VFIO_BDFS="0000:00:03.0=edu 0000:00:04.0=nvme".
 */
#ifndef TESTS_GUEST_DEVICE_H
#define TESTS_GUEST_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/types.h>

/*
 * The ioctls that Debian 12's <linux/vfio.h> does not know yet, under names of
 * our own so that newer headers do not clash.
 */
struct cdev_bind {
	__u32 argsz;
	__u32 flags;
	__s32 iommufd;
	__u32 out_devid;
	__aligned_u64 token_uuid_ptr;
};

struct cdev_attach {
	__u32 argsz;
	__u32 flags;
	__u32 pt_id;
	__u32 pasid;
};

struct cdev_detach {
	__u32 argsz;
	__u32 flags;
	__u32 pasid;
};

#define CDEV_BIND	_IO(';', 100 + 18)
#define CDEV_ATTACH	_IO(';', 100 + 19)
#define CDEV_DETACH	_IO(';', 100 + 20)

struct device {
	char bdf[16];		/* 0000:00:03.0 */
	char node[64];		/* /dev/vfio/devices/vfio0 */
	int fd;
	uint32_t id;		/* its object in the context it's bound to */
};

/* The BDF of the nth device of this kind, or NULL. */
const char *device_find(const char *kind, unsigned int nth);

/* Two devices of this kind in one IOMMU group; the test is skipped if there are none. */
void device_find_pair(const char *kind, char first[16], char second[16]);
/* The number of a device's IOMMU group, or a negative errno. */
int device_group(const char *bdf);

/*
 * Takes a device from vfio-pci and gives it to another driver.  The runner gives it back
 * before the next program, as vm_give.
 */
void device_give(const char *bdf, const char *driver);

/* 0 or -errno */
int device_open(struct device *dev, const char *bdf);
int device_bind(struct device *dev, int iommufd);
int device_attach(struct device *dev, uint32_t pt);
/* As above; @pt becomes the ID of the page table really attached. */
int device_attach_out(struct device *dev, uint32_t *pt);
int device_detach(struct device *dev);

int device_reset(struct device *dev);
void device_close(struct device *dev);

/*
 * Opens and binds the nth device of a kind.  The test is skipped if there is
 * none, and ends as failed if it can't be bound.
 */
void device_get(struct device *dev, const char *kind, unsigned int nth,
		int iommufd);

/* Maps a whole BAR; NULL if that can't be done. */
void *device_map_bar(struct device *dev, unsigned int bar, size_t *size);

/*
 * VFIO's low power, from ENTRY to EXIT: 0 or -errno.  The device sleeps a moment later
 * only, and whether it does shows in its directory of sysfs.
 */
int device_low_power(struct device *dev, bool enter);
/* Waits for that, for a bounded time. */
bool device_sleeps(const char *directory);

/* Configuration space; 0 or -errno. */
int device_config_read(struct device *dev, unsigned int at, void *buf,
		       size_t size);
int device_config_write(struct device *dev, unsigned int at, const void *buf,
			size_t size);

/* Where a capability is in configuration space, or 0. */
uint8_t device_capability(struct device *dev, uint8_t id);

/* Lets the device master the bus, and decode its memory BARs. */
int device_bus_master(struct device *dev);

#endif
