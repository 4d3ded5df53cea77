/* SPDX-License-Identifier: GPL-2.0-only */
/* Helpers shared by IOAS_MAP, IOAS_MAP_FILE and IOAS_COPY. */
#ifndef IOMMUFD_IOAS_MAP_H
#define IOMMUFD_IOAS_MAP_H

#include <linux/types.h>

struct area_request;
struct command;
struct ioas;

/* Validate an ioctl's arguments.  Returns 0 or an errno. */
int map_check(u32 flags, u64 iova, u64 length);

/* Convert IOMMU_IOAS_MAP_* flags to IOMMU_READ, IOMMU_WRITE and IOMMU_CACHE. */
int map_prot(u32 flags);

/*
 * Map a request's areas as the flags demand, and report their address by
 * *@iova, a member of the ioctl's structure.  Takes over the areas, also on
 * failure.
 */
int map_areas(struct command *cmd, struct ioas *ioas, struct area_request *req,
	      u32 flags, u64 *iova);

#endif
