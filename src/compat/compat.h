/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included in every file by the compiler's command line: names of Linux 7.2 for
 * the kernel built for.  README.md in this directory lists what may be used.
 */
#ifndef IOMMUFD_COMPAT_H
#define IOMMUFD_COMPAT_H

#include "probed.h"

/* Messages begin with the module's name. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#define dev_fmt(fmt) KBUILD_MODNAME ": " fmt

/*
 * Our ABI header is at the level of Linux 7.3.  It shares the include guard of
 * Linux's, so <linux/iommu.h> doesn't include the kernel's, which may be older.
 */
#include "../../include/uapi/linux/iommufd.h"
#ifndef _UAPI_IOMMUFD_H
#error "the guard of include/uapi/linux/iommufd.h must be Linux's"
#endif

/*
 * Without CONFIG_IOMMUFD, <linux/iommufd.h>, which <linux/vfio.h> includes,
 * defines stubs with the names of <iommufd/iommufd.h>.  Suppress it; other
 * headers only need its structures.
 */
#define __LINUX_IOMMUFD_H
struct iommufd_access;
struct iommufd_ctx;
struct iommufd_device;

#include "base.h"
#include "iommu.h"
#include "mm.h"
#include "nested.h"

#endif
