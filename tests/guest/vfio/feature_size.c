// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_DEVICE_FEATURE by a device node: data size, pre-copy and logging; regions, a
 * PCI device, and 32-bit programs.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/vfio.h>

#include "feature.h"
#include "mem.h"
#include "mock.h"
#include "tap.h"
#include "vfio_mock.h"

static void data_size(void)
{
	uint64_t size = 0;

	feature_up(F_STOP_COPY);
	if (kernel_before(6, 12)) {
		check_ret(feature_ask(DATA_SIZE | GET, &size, 8), -ENOTTY);
		return;
	}
	check_ret(feature_ask(DATA_SIZE | GET, &size, 8), 0);
	check_eq(size, VFIO_MOCK_STATE_SIZE);
	check_ret(feature_ask(DATA_SIZE | GET, NULL, 7), -EINVAL);
	check_ret(feature_ask(DATA_SIZE | SET, NULL, 8), -EINVAL);
	check_ret(feature_ask(DATA_SIZE | PROBE | GET, NULL, 0), 0);
	check_ret(feature_ask(DATA_SIZE | PROBE | SET, NULL, 0), -EINVAL);
}

static void precopy(void)
{
	if (kernel_before(7, 2))
		tap_skip("Linux 7.2 has it first");
	feature_up(F_STOP_COPY);
	check_ret(feature_ask(PRECOPY | SET, NULL, 0), -EINVAL);
	check_eq(vfio_mock_seen(&feature_mock).precopy_v2, 0);
	device_close(&feature_mock.dev);
	close(feature_mock.control);

	feature_up(F_STOP_COPY | F_PRE_COPY);
	check_ret(feature_ask(PRECOPY | PROBE, NULL, 0), 0);
	check_ret(feature_ask(PRECOPY | PROBE | SET, NULL, 0), 0);
	check_ret(feature_ask(PRECOPY | PROBE | GET, NULL, 0), -EINVAL);
	check_ret(feature_ask(PRECOPY | GET, NULL, 0), -EINVAL);
	check_ret(feature_ask(PRECOPY, NULL, 0), -EINVAL);
	check_eq(vfio_mock_seen(&feature_mock).precopy_v2, 0);
	check_ret(feature_ask(PRECOPY | SET, NULL, 0), 0);
	check_eq(vfio_mock_seen(&feature_mock).precopy_v2, 1);
	/* until the device is closed */
	device_close(&feature_mock.dev);
	vfio_mock_get(&feature_mock, feature_iommufd);
	check_eq(vfio_mock_seen(&feature_mock).precopy_v2, 0);
}

/*
 * A driver that was built on a kernel without iommufd can't report, so logging isn't
 * begun.
 */
static void logging(void)
{
	struct vfio_mock_behave behave = { .logs = 1 };

	if (tap_oracle())
		tap_skip("drivers can report there");
	feature_up(0);
	device_close(&feature_mock.dev);
	vfio_mock_behave(&feature_mock, &behave);
	vfio_mock_get(&feature_mock, feature_iommufd);
	check_ret(feature_ask(LOG_START | PROBE | SET, NULL, 0), -ENOTTY);
	check_ret(feature_ask(LOG_START | SET, NULL, 24), -ENOTTY);
	check_ret(feature_ask(LOG_STOP | SET, NULL, 0), -ENOTTY);
	check_ret(feature_ask(LOG_REPORT | GET, NULL, 32), -ENOTTY);
	check_eq(vfio_mock_seen(&feature_mock).log_calls, 0);
	check_eq(feature_asked(), 0);
}

static int region(struct vfio_region_info *info, uint32_t argsz, uint32_t index)
{
	*info = (struct vfio_region_info){ .argsz = argsz, .index = index,
					   .cap_offset = 0x55 };
	return iommu_ioctl(feature_mock.dev.fd, VFIO_DEVICE_GET_REGION_INFO, info);
}

static void regions(void)
{
	struct {
		struct vfio_region_info info;
		struct vfio_info_cap_header cap;
		uint64_t value;
		uint64_t behind;
	} u = { .behind = 0x77 };
	const uint32_t whole = sizeof(u) - 8;

	feature_up(0);
	check_ret(region(&u.info, 31, 0), -EINVAL);
	check_ret(iommu_ioctl(feature_mock.dev.fd, VFIO_DEVICE_GET_REGION_INFO, NULL), -EFAULT);
	check_ret(region(&u.info, sizeof(u.info), 2), -EINVAL);
	check_ret(region(&u.info, sizeof(u.info), 1), 0);
	check_eq(u.info.size, 0);
	check_eq(u.info.argsz, sizeof(u.info));
	check_ret(region(&u.info, sizeof(u.info), 0), 0);
	check_eq(u.info.size, PAGE);
	if (kernel_before(7, 2))
		return;
	check(u.info.flags & VFIO_REGION_INFO_FLAG_CAPS);
	check_eq(u.info.argsz, whole);
	check_eq(u.info.cap_offset, 0);
	/* a byte too little */
	check_ret(region(&u.info, whole - 1, 0), 0);
	check_eq(u.info.argsz, whole);
	check_eq(u.info.cap_offset, 0);
	check_eq(u.value, 0);
	check_ret(region(&u.info, whole, 0), 0);
	check_eq(u.info.cap_offset, sizeof(u.info));
	check_eq(u.cap.id, VFIO_MOCK_CAP);
	check_eq(u.cap.next, 0);
	check_eq(u.value, VFIO_MOCK_CAP_VALUE);
	check_eq(u.behind, 0x77);
}

/* On a PCI device too, and not the mock IOMMU's. */
static void pci(void)
{
	struct vfio_mock_behave behave = { .mig_flags = F_STOP_COPY };
	uint64_t flags = 0;
	int fd;

	vfio_mock_adopt(&feature_mock);
	vfio_mock_behave(&feature_mock, &behave);
	vfio_mock_get(&feature_mock, iommu_open());
	check_ret(feature_ask(MIGRATION | GET, &flags, 8), 0);
	check_eq(flags, F_STOP_COPY);
	check_ret(feature_set_state(STOP_COPY, &fd), 0);
	check(fd >= 0);
}

static void in_32_bits(void)
{
	struct { struct vfio_device_feature f; uint64_t flags; } *arg;

	feature_up(F_STOP_COPY);
	arg = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	require(arg != MAP_FAILED);
	arg->f = (struct vfio_device_feature){ .argsz = HEADER + 8, .flags = MIGRATION | GET };
	check_ret(ioctl_32(feature_mock.dev.fd, VFIO_DEVICE_FEATURE, arg), 0);
	check_eq(arg->flags, F_STOP_COPY);
}

static const struct test tests[] = {
	{ "data_size", data_size },
	{ "precopy", precopy },
	{ "logging", logging },
	{ "regions", regions },
	{ "pci", pci },
	{ "in_32_bits", in_32_bits },
};

TAP_MAIN("feature_size", tests)
