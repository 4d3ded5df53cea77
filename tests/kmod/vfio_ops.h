/* SPDX-License-Identifier: GPL-2.0-only */
/* What VFIO drivers of the tests have in common. */
#ifndef TESTS_KMOD_VFIO_OPS_H
#define TESTS_KMOD_VFIO_OPS_H

#include "../../src/compat/vfio.h"

/* How Linux's own nodes get to iommufd; callbacks that exist where nodes may. */
#ifdef IOMMUFD_HAVE_VFIO_CDEV_OPENED
#define VFIO_IOMMUFD_OPS					\
	.bind_iommufd = vfio_iommufd_physical_bind,		\
	.unbind_iommufd = vfio_iommufd_physical_unbind,		\
	.attach_ioas = vfio_iommufd_physical_attach_ioas,	\
	.detach_ioas = vfio_iommufd_physical_detach_ioas,
#else
#define VFIO_IOMMUFD_OPS
#endif

#endif
