/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctls of VFIO's containers (type1) on /dev/iommu: they reach one IOAS, which
 * user space chooses by IOMMU_VFIO_IOAS.
 */
#ifndef IOMMUFD_IOAS_TYPE1_H
#define IOMMUFD_IOAS_TYPE1_H

struct command;
struct ioas;
struct iommufd_ctx;

int type1_ioas_ioctl(struct command *cmd);

/* What isn't in the table of commands.  -ENOTTY if it isn't one of these either. */
long type1_ioctl(struct iommufd_ctx *ctx, unsigned int number, unsigned long arg);

/* The chosen IOAS, in use: or -ENODEV. */
struct ioas *type1_ioas(struct iommufd_ctx *ctx);

/* VFIO_CHECK_EXTENSION and VFIO_IOMMU_GET_INFO.  In type1_info.c. */
long type1_check_extension(struct iommufd_ctx *ctx, unsigned long extension);
long type1_get_info(struct iommufd_ctx *ctx, void __user *user);

#endif
