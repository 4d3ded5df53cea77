// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "dirty.h"
#include "mem.h"
#include "tap.h"

int dirty_set(int fd, uint32_t hwpt, bool enable)
{
	struct iommu_hwpt_set_dirty_tracking c = {
		.size = sizeof(c), .hwpt_id = hwpt,
		.flags = enable ? IOMMU_HWPT_DIRTY_TRACKING_ENABLE : 0,
	};

	return iommu_ioctl(fd, IOMMU_HWPT_SET_DIRTY_TRACKING, &c);
}

static uint32_t table(const struct dirty *d, bool huge)
{
	struct iommu_hwpt_selftest data = {
		.pagetable_type = huge ? MOCK_IOMMUPT_HUGE : MOCK_IOMMUPT_DEFAULT,
	};
	struct iommu_hwpt_alloc c = {
		.size = sizeof(c), .flags = IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
		.dev_id = d->dev.dev, .pt_id = d->ioas,
		.data_type = IOMMU_HWPT_DATA_SELFTEST,
		.data_len = sizeof(data), .data_uptr = (uintptr_t)&data,
	};

	require_ok(iommu_ioctl(d->fd, IOMMU_HWPT_ALLOC, &c));
	return c.out_hwpt_id;
}

void dirty_open(struct dirty *d, bool huge)
{
	d->fd = mock_open();
	d->ioas = ioas_new(d->fd);
	require_ok(option_set(d->fd, IOMMU_OPTION_HUGE_PAGES, d->ioas, huge));
	require_ok(mock_device(d->fd, d->ioas, 0, &d->dev));
	d->hwpt = table(d, huge);
	require_ok(mock_replace(d->fd, &d->dev, d->hwpt));
	require_ok(dirty_set(d->fd, d->hwpt, true));
}

int dirty_get(const struct dirty *d, uint64_t iova, uint64_t length,
	      uint64_t page_size, void *bitmap, uint32_t flags)
{
	struct iommu_hwpt_get_dirty_bitmap c = {
		.size = sizeof(c), .hwpt_id = d->hwpt, .flags = flags,
		.iova = iova, .length = length, .page_size = page_size,
		.data = (uintptr_t)bitmap,
	};

	return iommu_ioctl(d->fd, IOMMU_HWPT_GET_DIRTY_BITMAP, &c);
}

int dirty_try_write(const struct dirty *d, uint64_t iova, size_t n)
{
	uint8_t *bits = malloc(n / 8 + 1);
	struct iommu_test_cmd c = {
		.dirty = {
			.iova = iova, .length = n * PAGE, .page_size = PAGE,
			.uptr = (uintptr_t)bits,
		},
	};
	int ret;

	memset(bits, 0xff, n / 8 + 1);
	ret = mock_cmd(d->fd, IOMMU_TEST_OP_DIRTY, d->hwpt, &c);
	free(bits);
	return ret;
}

void dirty_write(const struct dirty *d, uint64_t iova, size_t n)
{
	require_ok(dirty_try_write(d, iova, n));
}
