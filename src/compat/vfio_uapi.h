/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of VFIO's user API for device nodes, as of Linux 7.3.
 * <linux/vfio.h> of older kernels has only some of the numbers, and shorter
 * structures, which therefore have names of our own.
 */
#ifndef IOMMUFD_COMPAT_VFIO_UAPI_H
#define IOMMUFD_COMPAT_VFIO_UAPI_H

#include <linux/build_bug.h>
#include <linux/vfio.h>

#ifndef VFIO_DEVICE_BIND_IOMMUFD
#define VFIO_DEVICE_BIND_IOMMUFD	_IO(VFIO_TYPE, VFIO_BASE + 18)
#define VFIO_DEVICE_ATTACH_IOMMUFD_PT	_IO(VFIO_TYPE, VFIO_BASE + 19)
#define VFIO_DEVICE_DETACH_IOMMUFD_PT	_IO(VFIO_TYPE, VFIO_BASE + 20)
#endif

/* The VF token is at token_uuid_ptr. */
#ifndef VFIO_DEVICE_BIND_FLAG_TOKEN
#define VFIO_DEVICE_BIND_FLAG_TOKEN	(1 << 0)
#endif

/* Attach or detach DMA with a PASID. */
#ifndef VFIO_DEVICE_ATTACH_PASID
#define VFIO_DEVICE_ATTACH_PASID	(1 << 0)
#endif
#ifndef VFIO_DEVICE_DETACH_PASID
#define VFIO_DEVICE_DETACH_PASID	(1 << 0)
#endif

/* Features that the VFIO core implements by itself. */
#ifdef VFIO_DEVICE_FEATURE_MIG_DATA_SIZE
#define VFIO_CORE_MIG_DATA_SIZE 1
#else
#define VFIO_DEVICE_FEATURE_MIG_DATA_SIZE	9
#endif
#ifdef VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2
#define VFIO_CORE_MIG_PRECOPY_INFO 1
#else
#define VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2	12
#endif

/* PCI errors of s390, reported by the driver. */
#ifndef VFIO_DEVICE_FEATURE_ZPCI_ERROR
#define VFIO_DEVICE_FEATURE_ZPCI_ERROR	13
#endif

/* The device's state can be read before it stops. */
#ifndef VFIO_MIGRATION_PRE_COPY
#define VFIO_MIGRATION_PRE_COPY		(1 << 2)
#endif

/* BIND_IOMMUFD.  Before Linux 6.17 the structure ends with out_devid. */
struct vfio_uapi_bind {
	__u32 argsz;
	__u32 flags;
	__s32 iommufd;			/* file descriptor of /dev/iommu */
	__u32 out_devid;
	__aligned_u64 token_uuid_ptr;	/* 16 bytes, with FLAG_TOKEN only */
};

/* ATTACH_IOMMUFD_PT.  pasid is only read with ATTACH_PASID. */
struct vfio_uapi_attach {
	__u32 argsz;
	__u32 flags;
	__u32 pt_id;			/* in: IOAS or HWPT; out: HWPT in use */
	__u32 pasid;
};

/* DETACH_IOMMUFD_PT.  pasid is only read with DETACH_PASID. */
struct vfio_uapi_detach {
	__u32 argsz;
	__u32 flags;
	__u32 pasid;
};

/* Devices that PCI_HOT_RESET affects, by IDs in the caller's context. */
#ifndef VFIO_PCI_HOT_RESET_FLAG_DEV_ID
#define VFIO_PCI_HOT_RESET_FLAG_DEV_ID		(1 << 0)
#define VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED	(1 << 1)
#define VFIO_PCI_DEVID_OWNED			0
#define VFIO_PCI_DEVID_NOT_OWNED		-1
#endif

/* GET_PCI_HOT_RESET_INFO: an entry of the array after the structure. */
struct vfio_uapi_reset_device {
	__s32 devid;			/* a __u32 in Linux's header, though -1 is valid */
	__u16 segment;
	__u8 bus;
	__u8 devfn;
};

static_assert(sizeof(struct vfio_uapi_reset_device) ==
	      sizeof(struct vfio_pci_dependent_device));
static_assert(sizeof(struct vfio_uapi_bind) == 24);
static_assert(sizeof(struct vfio_uapi_attach) == 16);
static_assert(sizeof(struct vfio_uapi_detach) == 12);
static_assert(_IOC_NR(VFIO_DEVICE_BIND_IOMMUFD) == VFIO_BASE + 18);
static_assert(_IOC_NR(VFIO_DEVICE_ATTACH_IOMMUFD_PT) == VFIO_BASE + 19);
static_assert(_IOC_NR(VFIO_DEVICE_DETACH_IOMMUFD_PT) == VFIO_BASE + 20);

#endif
