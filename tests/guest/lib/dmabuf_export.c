// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "dmabuf_export.h"
#include "hot.h"
#include "rig.h"
#include "tap.h"

struct dmabuf_export_scene exports;

int dmabuf_export(uint32_t nr, uint64_t length)
{
	struct export_feature f = {
		.argsz = sizeof(f),
		.flags = VFIO_DEVICE_FEATURE_GET | FEATURE_DMA_BUF,
		.open_flags = O_CLOEXEC | O_RDWR,
		.nr_ranges = nr,
		.range = { { 0, length }, { BAR_SIZE / 2, length } },
	};

	return iommu_ioctl(exports.lender.fd, VFIO_DEVICE_FEATURE, &f);
}

int dmabuf_export_whole(void)
{
	int buf = dmabuf_export(1, exports.size);

	/* Older VFIO says so, and there is no more to it. */
	if (kernel_before(7, 2)) {
		check_ret(buf, -ENOTTY);
		tap_end();
	}
	require(buf >= 0);
	return buf;
}

int dmabuf_map_at(int buf, uint64_t start, uint64_t length, uint64_t iova)
{
	return ioas_map_file(exports.rig.fd, exports.rig.ioas, MAP_RW | MAP_FIX, buf, start,
			     length, &iova);
}

void dmabuf_scene_set_memory(bool on)
{
	uint16_t command;

	require_ok(device_config_read(&exports.lender, 4, &command, 2));
	command = on ? command | 2 : command & ~2;
	require_ok(device_config_write(&exports.lender, 4, &command, 2));
}

bool dmabuf_scene_sees_exporter(uint64_t iova)
{
	return rig_reads(&exports.rig, iova + exports.at, &exports.value, sizeof(exports.value));
}
