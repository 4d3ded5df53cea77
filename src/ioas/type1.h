/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VFIO container (type1) ioctls on /dev/iommu.  They apply to one IOAS, which
 * user space chooses by IOMMU_VFIO_IOAS.
 */
#ifndef IOMMUFD_IOAS_TYPE1_H
#define IOMMUFD_IOAS_TYPE1_H

struct command;
struct ioas;
struct iommufd_ctx;

/* IOMMU_VFIO_IOAS: get, choose or forget the IOAS.  See struct command in core/context.h. */
int type1_ioas_ioctl(struct command *cmd);

/*
 * Handle ioctls that aren't in the command table.  Returns -ENOTTY if unknown.
 */
long type1_ioctl(struct iommufd_ctx *ctx, unsigned int number, unsigned long arg);

/* Returns a reference to the chosen IOAS, or ERR_PTR(-ENODEV). */
struct ioas *type1_ioas(struct iommufd_ctx *ctx);

/* In type1_info.c: VFIO_CHECK_EXTENSION and VFIO_IOMMU_GET_INFO. */
long type1_check_extension(struct iommufd_ctx *ctx, unsigned long extension);
long type1_get_info(struct iommufd_ctx *ctx, void __user *user);

#endif
