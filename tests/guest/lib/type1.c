// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <linux/vfio.h>

#include "rig.h"
#include "tap.h"
#include "type1.h"

int type1_vfio_ioas(int fd, uint16_t op, uint32_t *id)
{
	struct iommu_vfio_ioas c = { .size = sizeof(c), .ioas_id = *id, .op = op };
	int ret = iommu_ioctl(fd, IOMMU_VFIO_IOAS, &c);

	*id = c.ioas_id;
	return ret;
}

int type1_choose(int fd, uint32_t id)
{
	return type1_vfio_ioas(fd, IOMMU_VFIO_IOAS_SET, &id);
}

int type1_set_type(int fd, unsigned long type)
{
	return ioctl(fd, VFIO_SET_IOMMU, type) < 0 ? -errno : 0;
}

int type1_map(int fd, const void *va, uint64_t size, uint64_t iova)
{
	struct vfio_iommu_type1_dma_map c = {
		.argsz = sizeof(c), .flags = RW, .vaddr = (uintptr_t)va,
		.iova = iova, .size = size,
	};

	return iommu_ioctl(fd, VFIO_IOMMU_MAP_DMA, &c);
}

int64_t type1_unmap_flags(int fd, uint32_t flags, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap c = {
		.argsz = sizeof(c), .flags = flags, .iova = iova, .size = size,
	};
	int ret = iommu_ioctl(fd, VFIO_IOMMU_UNMAP_DMA, &c);

	return ret ? ret : (int64_t)c.size;
}

int64_t type1_unmap(int fd, uint64_t iova, uint64_t size)
{
	return type1_unmap_flags(fd, 0, iova, size);
}

int64_t type1_unmap_everything(int fd)
{
	return type1_unmap_flags(fd, VFIO_DMA_UNMAP_FLAG_ALL, 0, 0);
}

int type1_space(uint32_t *ioas, unsigned long type)
{
	int fd = iommu_open();

	*ioas = ioas_new(fd);
	require_ok(type1_choose(fd, *ioas));
	require_ok(type1_set_type(fd, type));
	return fd;
}
