// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#include "iommu.h"
#include "tap.h"

int iommu_open(void)
{
	int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		check_msg(false, "open /dev/iommu: %s", strerror(errno));
		tap_end();
	}
	return fd;
}

int iommu_ioctl(int fd, unsigned long cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

int iommu_destroy(int fd, uint32_t id)
{
	struct iommu_destroy c = { .size = sizeof(c), .id = id };

	return iommu_ioctl(fd, IOMMU_DESTROY, &c);
}

int ioas_alloc(int fd, uint32_t *id)
{
	struct iommu_ioas_alloc c = { .size = sizeof(c) };
	int ret = iommu_ioctl(fd, IOMMU_IOAS_ALLOC, &c);

	if (!ret)
		*id = c.out_ioas_id;
	return ret;
}

uint32_t ioas_new(int fd)
{
	uint32_t id = 0;

	require_ok(ioas_alloc(fd, &id));
	return id;
}

int ioas_ranges(int fd, uint32_t ioas, struct iommu_iova_range *ranges,
		uint32_t *count, uint64_t *align)
{
	struct iommu_ioas_iova_ranges c = {
		.size = sizeof(c),
		.ioas_id = ioas,
		.num_iovas = *count,
		.allowed_iovas = (uintptr_t)ranges,
	};
	int ret = iommu_ioctl(fd, IOMMU_IOAS_IOVA_RANGES, &c);

	*count = c.num_iovas;
	if (align)
		*align = c.out_iova_alignment;
	return ret;
}

int ioas_allow(int fd, uint32_t ioas, const struct iommu_iova_range *ranges,
	       uint32_t count)
{
	struct iommu_ioas_allow_iovas c = {
		.size = sizeof(c),
		.ioas_id = ioas,
		.num_iovas = count,
		.allowed_iovas = (uintptr_t)ranges,
	};

	return iommu_ioctl(fd, IOMMU_IOAS_ALLOW_IOVAS, &c);
}

int ioas_map(int fd, uint32_t ioas, uint32_t flags, const void *va,
	     uint64_t length, uint64_t *iova)
{
	struct iommu_ioas_map c = {
		.size = sizeof(c),
		.flags = flags,
		.ioas_id = ioas,
		.user_va = (uintptr_t)va,
		.length = length,
		.iova = *iova,
	};
	int ret = iommu_ioctl(fd, IOMMU_IOAS_MAP, &c);

	if (!ret)
		*iova = c.iova;
	return ret;
}

int ioas_map_fixed(int fd, uint32_t ioas, uint32_t flags, const void *va, uint64_t length,
		   uint64_t iova)
{
	return ioas_map(fd, ioas, flags | MAP_FIX, va, length, &iova);
}

int ioas_map_at(int fd, uint32_t ioas, const void *va, uint64_t length,
		uint64_t iova)
{
	return ioas_map_fixed(fd, ioas, MAP_RW, va, length, iova);
}

int ioas_map_file(int fd, uint32_t ioas, uint32_t flags, int file,
		  uint64_t start, uint64_t length, uint64_t *iova)
{
	struct iommu_ioas_map_file c = {
		.size = sizeof(c),
		.flags = flags,
		.ioas_id = ioas,
		.fd = file,
		.start = start,
		.length = length,
		.iova = *iova,
	};
	int ret = iommu_ioctl(fd, IOMMU_IOAS_MAP_FILE, &c);

	if (!ret)
		*iova = c.iova;
	return ret;
}

int ioas_map_file_at(int fd, uint32_t ioas, int file, uint64_t length, uint64_t iova)
{
	return ioas_map_file(fd, ioas, MAP_RW | MAP_FIX, file, 0, length, &iova);
}

int ioas_copy(int fd, uint32_t dst, uint32_t src, uint32_t flags,
	      uint64_t src_iova, uint64_t length, uint64_t *dst_iova)
{
	struct iommu_ioas_copy c = {
		.size = sizeof(c),
		.flags = flags,
		.dst_ioas_id = dst,
		.src_ioas_id = src,
		.length = length,
		.dst_iova = *dst_iova,
		.src_iova = src_iova,
	};
	int ret = iommu_ioctl(fd, IOMMU_IOAS_COPY, &c);

	if (!ret)
		*dst_iova = c.dst_iova;
	return ret;
}

int ioas_unmap(int fd, uint32_t ioas, uint64_t iova, uint64_t length,
	       uint64_t *unmapped)
{
	struct iommu_ioas_unmap c = {
		.size = sizeof(c),
		.ioas_id = ioas,
		.iova = iova,
		.length = length,
	};
	int ret = iommu_ioctl(fd, IOMMU_IOAS_UNMAP, &c);

	if (!ret && unmapped)
		*unmapped = c.length;
	return ret;
}

int64_t ioas_unmap_all(int fd, uint32_t ioas)
{
	uint64_t bytes = 0;
	int ret = ioas_unmap(fd, ioas, 0, UINT64_MAX, &bytes);

	return ret ? ret : (int64_t)bytes;
}

int ioas_change_process(int fd)
{
	struct iommu_ioas_change_process c = { .size = sizeof(c) };

	return iommu_ioctl(fd, IOMMU_IOAS_CHANGE_PROCESS, &c);
}

int option_get(int fd, uint32_t option, uint32_t object, uint64_t *value)
{
	struct iommu_option c = {
		.size = sizeof(c),
		.option_id = option,
		.op = IOMMU_OPTION_OP_GET,
		.object_id = object,
	};
	int ret = iommu_ioctl(fd, IOMMU_OPTION, &c);

	if (!ret)
		*value = c.val64;
	return ret;
}

int option_set(int fd, uint32_t option, uint32_t object, uint64_t value)
{
	struct iommu_option c = {
		.size = sizeof(c),
		.option_id = option,
		.op = IOMMU_OPTION_OP_SET,
		.object_id = object,
		.val64 = value,
	};

	return iommu_ioctl(fd, IOMMU_OPTION, &c);
}

int hwpt_alloc(int fd, uint32_t dev, uint32_t pt, uint32_t flags,
	       uint32_t *id)
{
	struct iommu_hwpt_alloc c = {
		.size = sizeof(c),
		.flags = flags,
		.dev_id = dev,
		.pt_id = pt,
	};
	int ret = iommu_ioctl(fd, IOMMU_HWPT_ALLOC, &c);

	if (!ret)
		*id = c.out_hwpt_id;
	return ret;
}

int hw_info(int fd, uint32_t dev, void *data, uint32_t length,
	    struct iommu_hw_info *info)
{
	*info = (struct iommu_hw_info){
		.size = sizeof(*info),
		.dev_id = dev,
		.data_len = length,
		.data_uptr = (uintptr_t)data,
	};
	return iommu_ioctl(fd, IOMMU_GET_HW_INFO, info);
}
