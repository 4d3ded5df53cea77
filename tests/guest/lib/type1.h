/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TYPE1_H
#define TYPE1_H

/* VFIO's type1 ioctls on /dev/iommu */

#include <stddef.h>
#include <sys/mman.h>
#include <linux/vfio.h>

#include "rig.h"

#define BASE	EDU_IOVA

#define PAGES	64ull

#define SIZE	(PAGES * PAGE)

#define RW	(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

int type1_vfio_ioas(int fd, uint16_t op, uint32_t *id);

int type1_choose(int fd, uint32_t id);

int type1_set_type(int fd, unsigned long type);

int type1_map(int fd, const void *va, uint64_t size, uint64_t iova);

/* The number of bytes unmapped, or a negative errno. */
int64_t type1_unmap_flags(int fd, uint32_t flags, uint64_t iova, uint64_t size);

int64_t type1_unmap(int fd, uint64_t iova, uint64_t size);

int64_t type1_unmap_everything(int fd);

/* A context whose type1 ioctls reach a new address space. */
int type1_space(uint32_t *ioas, unsigned long type);

#endif
