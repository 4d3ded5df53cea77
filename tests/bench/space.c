// SPDX-License-Identifier: GPL-2.0-only
/* One way to speak to both: iommufd and VFIO's type1. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "bench.h"

#define LIMIT "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit"

/* Lets a type1 container have as many areas as are asked of it. */
static void lift_type1_limit(void)
{
	FILE *f = fopen(LIMIT, "we");

	if (!f)
		return;
	fprintf(f, "%u", 1u << 21);
	fclose(f);
}

void space_open(struct space *s, bool type1)
{
	const char *bdf = device_find("edu", 0);

	memset(s, 0, sizeof(*s));
	s->type1 = type1;
	if (!bdf)
		tap_skip("needs an edu on vfio-pci");
	if (type1) {
		lift_type1_limit();
		require_ok(legacy_open(&s->legacy, bdf));
		s->fd = s->legacy.container;
		return;
	}
	s->fd = iommu_open();
	s->ioas = ioas_new(s->fd);
	device_get(&s->dev, "edu", 0, s->fd);
	require_ok(device_attach(&s->dev, s->ioas));
}

void space_close(struct space *s)
{
	if (s->type1) {
		legacy_close(&s->legacy);
		return;
	}
	device_close(&s->dev);
	close(s->fd);
}

const char *space_name(const struct space *s)
{
	return s->type1 ? "type1" : "iommufd";
}

static struct call type1_map(const struct space *s, const void *va, uint64_t length,
			     uint64_t iova)
{
	const struct vfio_iommu_type1_dma_map c = {
		.argsz = sizeof(c),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)va,
		.iova = iova,
		.size = length,
	};
	struct call call = { .cmd = VFIO_IOMMU_MAP_DMA, .fd = s->fd };

	memcpy(call.type1, &c, sizeof(c));
	return call;
}

static struct call type1_unmap(const struct space *s, uint32_t flags, uint64_t iova,
			       uint64_t length)
{
	const struct vfio_iommu_type1_dma_unmap c = {
		.argsz = sizeof(c),
		.flags = flags,
		.iova = iova,
		.size = length,
	};
	struct call call = { .cmd = VFIO_IOMMU_UNMAP_DMA, .fd = s->fd };

	memcpy(call.type1, &c, sizeof(c));
	return call;
}

struct call call_map(const struct space *s, const void *va, uint64_t length,
		     uint64_t iova, bool fixed)
{
	if (s->type1)
		return type1_map(s, va, length, iova);
	return (struct call){
		.cmd = IOMMU_IOAS_MAP,
		.fd = s->fd,
		.map = {
			.size = sizeof(struct iommu_ioas_map),
			.flags = MAP_RW | (fixed ? MAP_FIX : 0),
			.ioas_id = s->ioas,
			.user_va = (uintptr_t)va,
			.length = length,
			.iova = iova,
		},
	};
}

struct call call_map_file(const struct space *s, int file, uint64_t length,
			  uint64_t iova)
{
	return (struct call){
		.cmd = IOMMU_IOAS_MAP_FILE,
		.fd = s->fd,
		.map_file = {
			.size = sizeof(struct iommu_ioas_map_file),
			.flags = MAP_RW | MAP_FIX,
			.ioas_id = s->ioas,
			.fd = file,
			.length = length,
			.iova = iova,
		},
	};
}

struct call call_unmap(const struct space *s, uint64_t iova, uint64_t length)
{
	if (s->type1)
		return type1_unmap(s, 0, iova, length);
	return (struct call){
		.cmd = IOMMU_IOAS_UNMAP,
		.fd = s->fd,
		.unmap = {
			.size = sizeof(struct iommu_ioas_unmap),
			.ioas_id = s->ioas,
			.iova = iova,
			.length = length,
		},
	};
}

struct call call_unmap_all(const struct space *s)
{
	if (s->type1)
		return type1_unmap(s, VFIO_DMA_UNMAP_FLAG_ALL, 0, 0);
	return call_unmap(s, 0, UINT64_MAX);
}

uint64_t timed(struct call *call)
{
	uint64_t start = ticks(), end;
	int rc = ioctl(call->fd, call->cmd, &call->map);

	end = ticks();
	require(!rc);
	return end - start;
}
