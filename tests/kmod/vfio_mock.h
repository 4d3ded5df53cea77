/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a program can ask of the VFIO test driver.  An open file of its node has one
 * device: a new one, made behind the mock IOMMU or without an IOMMU, which goes when the
 * file is closed, or a PCI device that the driver was given by sysfs.
 */
#ifndef TESTS_KMOD_VFIO_MOCK_H
#define TESTS_KMOD_VFIO_MOCK_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VFIO_MOCK_NAME	"vfio_mock"

enum {
	VFIO_MOCK_PHYSICAL,		/* behind the mock IOMMU */
	VFIO_MOCK_EMULATED,		/* without an IOMMU, as a mediated device is */
};

/* Which callbacks the driver has: all, or none that it can do without. */
enum {
	VFIO_MOCK_FULL,
	VFIO_MOCK_BARE,
};

struct vfio_mock_make {
	__u32 kind;
	__u32 ops;
	__u32 flags;		/* MOCK_FLAGS_DEVICE_* of tests/mock/uapi.h */
	__u32 set;		/* devices with the same number are reset together; 0: alone */
	__s32 beside;		/* another file, whose physical device shares its group; or -1 */
};

struct vfio_mock_adopt {
	char name[32];		/* of a PCI device */
};

/* Where user space finds the device. */
struct vfio_mock_place {
	__u32 index;		/* N of /dev/vfio/devices/vfioN */
	__s32 group;		/* N of /dev/vfio/N */
	char path[192];		/* in /sys */
};

/* How it behaves from now on.  Errors are negative errnos. */
struct vfio_mock_behave {
	__s32 open_error;
	__s32 match_error;	/* what it says of any name or token */
	__s32 wake_error;
	__s32 state_error;	/* of migration */
	__u32 mig_flags;	/* VFIO_MIGRATION_*; 0: no migration at all */
	__u32 logs;		/* has callbacks for the logging of DMA */
	__u32 wants_token;
	__u8 token[16];
};

/* What it saw. */
struct vfio_mock_seen {
	__u32 opens;
	__u32 closes;
	__u32 requests;		/* to give the device back */
	__u32 open_count;	/* of the device, when it was opened last */
	__u32 set_count;	/* of all devices of the set, then */
	__u32 translated;	/* its DMA, when it was closed last */
	__u32 closed_as;	/* the how-manyth device to be closed that was */
	__u32 features;		/* calls of device_feature */
	__u32 state;		/* of migration */
	__u32 precopy_v2;
	__u32 log_calls;
	__u32 wakes;
};

/* A feature that the driver has, with a __u64 that can be got and set. */
#define VFIO_MOCK_FEATURE	0x7700
/* What the state's size is said to be, and what its file is full of. */
#define VFIO_MOCK_STATE_SIZE	4242
#define VFIO_MOCK_STATE_BYTE	0x6d
/* The capability of region 0: what follows its header */
#define VFIO_MOCK_CAP		0x7701
#define VFIO_MOCK_CAP_VALUE	0x1122334455667788ull
/* An ioctl of the driver's, which returns that. */
#define VFIO_MOCK_ANSWER_CALL	_IO(';', 240)
#define VFIO_MOCK_ANSWER	4711

/*
 * -EEXIST where the file has a device and should have none, -EBADFD the other way
 * round.  UNBIND takes the device from its driver, and waits until it is unused; BIND
 * gives it back, as a new device.
 */
#define VFIO_MOCK_MAKE		_IOW('v', 0, struct vfio_mock_make)
#define VFIO_MOCK_ADOPT		_IOW('v', 1, struct vfio_mock_adopt)
#define VFIO_MOCK_PLACE		_IOR('v', 2, struct vfio_mock_place)
#define VFIO_MOCK_BEHAVE	_IOW('v', 3, struct vfio_mock_behave)
#define VFIO_MOCK_SEEN		_IOR('v', 4, struct vfio_mock_seen)
#define VFIO_MOCK_UNBIND	_IO('v', 5)
#define VFIO_MOCK_BIND		_IO('v', 6)

#endif
