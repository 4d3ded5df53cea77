/* SPDX-License-Identifier: GPL-2.0-only */
/* The ioctls of /dev/iommu as functions that return 0 or a negative errno. */
#ifndef TESTS_GUEST_IOMMU_H
#define TESTS_GUEST_IOMMU_H

#include <stddef.h>
#include <stdint.h>

#include <linux/iommufd.h>

#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

#define MAP_R	IOMMU_IOAS_MAP_READABLE
#define MAP_W	IOMMU_IOAS_MAP_WRITEABLE
#define MAP_RW	(MAP_R | MAP_W)
#define MAP_FIX	IOMMU_IOAS_MAP_FIXED_IOVA

/* Opens /dev/iommu; the test ends as failed if that can't be done. */
int iommu_open(void);

/* Any ioctl: 0 (or what it returned) or -errno. */
int iommu_ioctl(int fd, unsigned long cmd, void *arg);

int iommu_destroy(int fd, uint32_t id);
int ioas_alloc(int fd, uint32_t *id);
/* As ioas_alloc(), but the test ends if it fails. */
uint32_t ioas_new(int fd);

int ioas_ranges(int fd, uint32_t ioas, struct iommu_iova_range *ranges,
		uint32_t *count, uint64_t *align);
int ioas_allow(int fd, uint32_t ioas, const struct iommu_iova_range *ranges,
	       uint32_t count);
int ioas_map(int fd, uint32_t ioas, uint32_t flags, const void *va,
	     uint64_t length, uint64_t *iova);
/* At this IOVA, readable and writeable. */
int ioas_map_at(int fd, uint32_t ioas, const void *va, uint64_t length,
		uint64_t iova);
/* At this IOVA, with these flags. */
int ioas_map_fixed(int fd, uint32_t ioas, uint32_t flags, const void *va, uint64_t length,
		   uint64_t iova);
int ioas_map_file(int fd, uint32_t ioas, uint32_t flags, int file,
		  uint64_t start, uint64_t length, uint64_t *iova);
/* The beginning of a file at this IOVA, readable and writeable. */
int ioas_map_file_at(int fd, uint32_t ioas, int file, uint64_t length, uint64_t iova);
int ioas_copy(int fd, uint32_t dst, uint32_t src, uint32_t flags,
	      uint64_t src_iova, uint64_t length, uint64_t *dst_iova);
int ioas_unmap(int fd, uint32_t ioas, uint64_t iova, uint64_t length,
	       uint64_t *unmapped);
/* Unmaps [0, U64_MAX]; returns the number of bytes, or a negative errno. */
int64_t ioas_unmap_all(int fd, uint32_t ioas);
int ioas_change_process(int fd);

int option_get(int fd, uint32_t option, uint32_t object, uint64_t *value);
int option_set(int fd, uint32_t option, uint32_t object, uint64_t value);

int hwpt_alloc(int fd, uint32_t dev, uint32_t pt, uint32_t flags,
	       uint32_t *id);
int hw_info(int fd, uint32_t dev, void *data, uint32_t length,
	    struct iommu_hw_info *info);

#endif
