/* SPDX-License-Identifier: GPL-2.0-only */
/* What IOAS_MAP, IOAS_MAP_FILE and IOAS_COPY have in common. */
#ifndef IOMMUFD_IOAS_MAP_H
#define IOMMUFD_IOAS_MAP_H

#include <linux/types.h>

struct area_request;
struct command;
struct ioas;

/* 0, or what is wrong with an ioctl's arguments. */
int map_check(u32 flags, u64 iova, u64 length);

/* The rights that IOMMU_IOAS_MAP_* flags stand for, as IOMMU_READ and so on. */
int map_prot(u32 flags);

/*
 * Maps a request's areas as the flags say, and tells user space where by *@iova, a
 * member of the ioctl's structure.  Takes the areas over, also on failure.
 */
int map_areas(struct command *cmd, struct ioas *ioas, struct area_request *req,
	      u32 flags, u64 *iova);

#endif
