// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a VFIO driver sees of a device node: open, close, calls, references; which
 * devices have a node.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/vfio.h>

#include "iommu.h"
#include "mem.h"
#include "mock.h"
#include "tap.h"
#include "vfio_driver_scene.h"
#include "vfio_mock.h"

/* A device without an IOMMU of its own gets no node. */
static void emulated(void)
{
	struct vfio_mock_make make = { .kind = VFIO_MOCK_EMULATED, .beside = -1 };
	char attribute[64];

	if (tap_oracle())
		tap_skip("Linux has nodes for these");
	driver_iommufd = iommu_open();
	require_ok(vfio_mock_make(&driver_mock, &make));
	snprintf(attribute, sizeof(attribute), "vfio-dev/vfio%u", driver_mock.place.index);
	check(driver_scene_node_exists(driver_mock.place.path, attribute));
	strcat(attribute, "/dev");
	check(!driver_scene_node_exists(driver_mock.place.path, attribute));
	check_ret(vfio_mock_open(&driver_mock), -ENOENT);
	/* the legacy way to it is as it was */
	check_ret(vfio_mock_try_group(&driver_mock), 0);
	check_ret(vfio_mock_unbind(&driver_mock), 0);
	check_ret(vfio_mock_bind(&driver_mock), 0);
	check_ret(vfio_mock_open(&driver_mock), -ENOENT);
}

static void node(void)
{
	char attribute[64];

	driver_scene_up();
	snprintf(attribute, sizeof(attribute), "vfio-dev/vfio%u/dev", driver_mock.place.index);
	check(driver_scene_node_exists(driver_mock.place.path, attribute));
	check_ret(vfio_mock_open(&driver_mock), 0);
}

/* A driver without any callback that it can do without. */
static void bare(void)
{
	struct vfio_mock_make make = { .ops = VFIO_MOCK_BARE, .beside = -1 };
	struct vfio_region_info info = { .argsz = sizeof(info) };
	struct vfio_device_feature f = { .argsz = 8, .flags = VFIO_DEVICE_FEATURE_PROBE };
	char byte = 0;

	driver_scene_need_mock();
	require_ok(vfio_mock_make(&driver_mock, &make));
	vfio_mock_get(&driver_mock, driver_iommufd);
	check_ret(iommu_ioctl(driver_mock.dev.fd, VFIO_DEVICE_GET_INFO, &info), -EINVAL);
	check_ret(iommu_ioctl(driver_mock.dev.fd, VFIO_DEVICE_GET_REGION_INFO, &info), -EINVAL);
	check_ret(iommu_ioctl(driver_mock.dev.fd, VFIO_DEVICE_GET_REGION_INFO, NULL), -EINVAL);
	check_ret(iommu_ioctl(driver_mock.dev.fd, VFIO_DEVICE_RESET, NULL), -EINVAL);
	check_ret(iommu_ioctl(driver_mock.dev.fd, VFIO_DEVICE_FEATURE, &f), -ENOTTY);
	check(read(driver_mock.dev.fd, &byte, 1) < 0 && errno == EINVAL);
	check(write(driver_mock.dev.fd, &byte, 1) < 0 && errno == EINVAL);
	check(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, driver_mock.dev.fd, 0) == MAP_FAILED &&
	      errno == EINVAL);
	check_ret(device_attach(&driver_mock.dev, driver_ioas), 0);
	check_ret(device_detach(&driver_mock.dev), 0);
	device_close(&driver_mock.dev);
	vfio_mock_get(&driver_mock, driver_iommufd);
	/* it has nobody to ask for its device */
	device_close(&driver_mock.dev);
	check_ret(vfio_mock_unbind(&driver_mock), 0);
}

static void forwarded(void)
{
	char out[16] = "what is written", in[16] = {};
	char *page;

	driver_scene_up();
	vfio_mock_get(&driver_mock, driver_iommufd);
	check_ret(iommu_ioctl(driver_mock.dev.fd, VFIO_MOCK_ANSWER_CALL, NULL), VFIO_MOCK_ANSWER);
	check_ret(iommu_ioctl(driver_mock.dev.fd, _IO(';', 250), NULL), -ENOTTY);
	check_ret(device_reset(&driver_mock.dev), 0);
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, driver_mock.dev.fd, 0);
	require(page != MAP_FAILED);
	check_eq(pwrite(driver_mock.dev.fd, out, sizeof(out), 100), sizeof(out));
	check(!memcmp(page + 100, out, sizeof(out)));
	page[100] = 'W';
	check_eq(pread(driver_mock.dev.fd, in, sizeof(in), 100), sizeof(in));
	check_eq(in[0], 'W');
	check(!memcmp(in + 1, out + 1, sizeof(in) - 1));
	check(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, driver_mock.dev.fd, PAGE) == MAP_FAILED);
	/* a mapping outlives the file, and the device stays open for it */
	device_close(&driver_mock.dev);
	page[101] = 'H';
	check_eq(vfio_mock_seen(&driver_mock).opens - vfio_mock_seen(&driver_mock).closes, 1);
	munmap(page, PAGE);
	check_eq(vfio_mock_seen(&driver_mock).opens - vfio_mock_seen(&driver_mock).closes, 0);
}

static void check_no_hot_reset(void)
{
	struct vfio_pci_hot_reset reset = { .argsz = sizeof(reset) };
	struct vfio_pci_hot_reset_info info = { .argsz = sizeof(info) };

	check_ret(iommu_ioctl(driver_mock.dev.fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info), -ENOTTY);
	check_ret(iommu_ioctl(driver_mock.dev.fd, VFIO_DEVICE_PCI_HOT_RESET, &reset), -ENOTTY);
}

/* Only vfio-pci's own devices are reset together: not another driver's, nor another bus's. */
static void no_hot_reset(void)
{
	driver_scene_up();
	vfio_mock_get(&driver_mock, driver_iommufd);
	check_no_hot_reset();
	device_close(&driver_mock.dev);
	close(driver_mock.control);
	vfio_mock_adopt(&driver_mock);
	vfio_mock_get(&driver_mock, driver_iommufd);
	check_no_hot_reset();
}

/* The driver's module is held while its device is bound, and not before. */
static void references(void)
{
	struct device second;
	long uses;

	driver_scene_up();
	uses = vfio_mock_uses();
	require_ok(vfio_mock_open(&driver_mock));
	check_eq(vfio_mock_uses(), uses);
	check_ret(device_bind(&driver_mock.dev, -1), -EINVAL);
	check_ret(device_bind(&driver_mock.dev, 0), -EBADFD);
	check_eq(vfio_mock_uses(), uses);
	require_ok(device_bind(&driver_mock.dev, driver_iommufd));
	check_eq(vfio_mock_uses(), uses + 1);
	check_ret(device_bind(&driver_mock.dev, driver_iommufd), -EINVAL);
	second = driver_mock.dev;
	second.fd = open(driver_mock.dev.node, O_RDWR | O_CLOEXEC);
	check_ret(device_bind(&second, driver_iommufd), -EINVAL);
	check_eq(vfio_mock_uses(), uses + 1);
	device_close(&second);
	check_eq(vfio_mock_uses(), uses + 1);
	device_close(&driver_mock.dev);
	vfio_mock_check_uses(uses);
}

/* What a driver may ask vfio.ko for when it is opened. */
static void counts(void)
{
	struct vfio_mock_seen before, seen;

	driver_scene_up();
	before = vfio_mock_seen(&driver_mock);
	vfio_mock_get(&driver_mock, driver_iommufd);
	seen = vfio_mock_seen(&driver_mock);
	check_eq(seen.opens, before.opens + 1);
	check_eq(seen.closes, before.closes);
	check_eq(seen.open_count, 1);
	check_eq(seen.set_count, 1);
	device_close(&driver_mock.dev);
	check_eq(vfio_mock_seen(&driver_mock).closes, before.closes + 1);
}

/* Devices that are reset together are counted together. */
static void set(void)
{
	struct vfio_mock_make make = { .set = 3, .beside = -1 };
	struct vfio_mock a, b, c;

	driver_scene_need_mock();
	require_ok(vfio_mock_make(&a, &make));
	require_ok(vfio_mock_make(&b, &make));
	make.set = 4;
	require_ok(vfio_mock_make(&c, &make));
	vfio_mock_get(&c, driver_iommufd);
	vfio_mock_get(&a, driver_iommufd);
	check_eq(vfio_mock_seen(&a).set_count, 1);
	vfio_mock_get(&b, driver_iommufd);
	check_eq(vfio_mock_seen(&b).set_count, 2);
	device_close(&a.dev);
	check_eq(vfio_mock_seen(&a).closes, 1);
	check_eq(vfio_mock_seen(&b).closes, 0);
	vfio_mock_get(&a, driver_iommufd);
	check_eq(vfio_mock_seen(&a).set_count, 2);
	check_eq(vfio_mock_seen(&c).set_count, 1);
	close(b.dev.fd);
	close(a.dev.fd);
	check(vfio_mock_seen(&b).closed_as < vfio_mock_seen(&a).closed_as);
}

/* When the driver stops its device, its DMA still goes where it went. */
static void close_order(void)
{
	driver_scene_up();
	vfio_mock_get(&driver_mock, driver_iommufd);
	require_ok(device_attach(&driver_mock.dev, driver_ioas));
	device_close(&driver_mock.dev);
	check_eq(vfio_mock_seen(&driver_mock).translated, 1);
	vfio_mock_get(&driver_mock, driver_iommufd);
	require_ok(device_attach(&driver_mock.dev, driver_ioas));
	require_ok(device_detach(&driver_mock.dev));
	device_close(&driver_mock.dev);
	check_eq(vfio_mock_seen(&driver_mock).translated, 0);
}

static const struct test tests[] = {
	{ "emulated", emulated },
	{ "node", node },
	{ "bare", bare },
	{ "forwarded", forwarded },
	{ "no_hot_reset", no_hot_reset },
	{ "references", references },
	{ "counts", counts },
	{ "set", set },
	{ "close_order", close_order },
};

TAP_MAIN("vfio_driver", tests)
