/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Forced into every file: Linux 7.2's names on the kernel that is built for.
 * What may be used is listed in README.md beside this file.
 */
#ifndef IOMMUFD_COMPAT_H
#define IOMMUFD_COMPAT_H

#include "probed.h"

/* Messages begin with the module's name. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#define dev_fmt(fmt) KBUILD_MODNAME ": " fmt

/*
 * Ours at 7.3's level, with Linux's include guard, so that <linux/iommu.h>
 * doesn't bring the kernel's own, which may be older.
 */
#include "../../include/uapi/linux/iommufd.h"
#ifndef _UAPI_IOMMUFD_H
#error "the guard of include/uapi/linux/iommufd.h must be Linux's"
#endif

/*
 * Without CONFIG_IOMMUFD, <linux/iommufd.h> defines empty functions under the
 * names of <iommufd/iommufd.h>, and <linux/vfio.h> includes it.  Its structures
 * are all that others need.
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
