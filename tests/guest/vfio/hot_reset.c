// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hot reset, of all devices on a bus at once: what it would reset, and who may do it,
 * which is who owns them all.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "hot.h"
#include "legacy.h"
#include "mem.h"
#include "tap.h"

static struct hot_pair s;

static void info_values(void)
{
	const size_t one = sizeof(struct hot_device);
	struct hot_info info, before;
	struct device *dev = s.dev;
	uint32_t count;
	void *p;

	hot_pair_bind(&s);
	memset(&info, 0x77, sizeof(info));
	info.argsz = 11;
	before = info;
	check_ret(iommu_ioctl(dev->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info), -EINVAL);
	info.argsz = before.argsz = 0;
	check_ret(iommu_ioctl(dev->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info), -EINVAL);
	check(!memcmp(&info, &before, sizeof(info)));
	check_ret(iommu_ioctl(dev->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, NULL), -EFAULT);

	/* too short: how many there are, and nothing else */
	memset(&info, 0x77, sizeof(info));
	info.argsz = 12;
	check_ret(iommu_ioctl(dev->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info), -ENOSPC);
	count = info.count;
	require(count >= 2 && count <= HOT_MAX);
	check_eq(info.flags, 0);
	check_eq(mem_differs_from(info.device, sizeof(info.device), 0x77), -1);
	info.argsz = 12 + count * one - 1;
	check_ret(iommu_ioctl(dev->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info), -ENOSPC);
	check_eq(info.count, count);
	check_eq(mem_differs_from(info.device, sizeof(info.device), 0x77), -1);

	/* just enough; the flags that go in don't matter */
	info.argsz = 12 + count * one;
	info.flags = ~0u;
	check_ret(iommu_ioctl(dev->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info), 0);
	check_eq(info.flags, HOT_BY_ID | HOT_ALL_OWNED);
	check_eq(info.count, count);
	check_eq(mem_differs_from(info.device + count,
				  sizeof(info.device) - count * one, 0x77), -1);
	p = before_hole(12 + count * one);
	memcpy(p, &info, 12);
	check_ret(iommu_ioctl(dev->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, p), 0);
	check(!memcmp(p, &info, 12 + count * one));
	p = before_hole(12);
	memcpy(p, &info, 12);
	check_ret(iommu_ioctl(dev->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, p), -EFAULT);
	/* more than there can be */
	info.argsz = ~0u;
	check_ret(iommu_ioctl(dev->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info), 0);
}

static int reset_with(uint32_t argsz, uint32_t flags, uint32_t count, int fd)
{
	struct hot_reset reset = { argsz, flags, count, { fd, fd, fd, fd } };

	return iommu_ioctl(s.dev[0].fd, VFIO_DEVICE_PCI_HOT_RESET, &reset);
}

static void reset_values(void)
{
	hot_pair_bind(&s);
	check_ret(reset_with(0, 0, 0, 0), -EINVAL);
	check_ret(reset_with(11, 0, 0, 0), -EINVAL);
	check_ret(reset_with(12, 1, 0, 0), -EINVAL);
	check_ret(reset_with(12, ~0u, 0, 0), -EINVAL);
	/* a list of groups is for who opened the device by its group */
	check_ret(reset_with(28, 0, 1, -1), -EINVAL);
	check_ret(reset_with(28, 0, 1, s.rig.fd), -EINVAL);
	check_ret(reset_with(28, 0, 1, s.dev[0].fd), -EINVAL);
	check_ret(reset_with(28, 0, ~0u, 0), -EINVAL);
	check_ret(iommu_ioctl(s.dev[0].fd, VFIO_DEVICE_PCI_HOT_RESET, NULL), -EFAULT);
	check_ret(reset_with(12, 0, 0, 0), 0);
	check_ret(reset_with(~0u, 0, 0, 0), 0);
}

/* Before BIND there is nothing to be asked. */
static void unbound(void)
{
	struct device other;
	struct hot_info info;

	hot_pair_bind(&s);
	require_ok(device_open(&other, s.bdf[1]));
	check_ret(hot_info(other.fd, &info), -EINVAL);
	check_ret(hot_reset(other.fd), -EINVAL);
	device_close(&other);
}

/* Whose the devices are: bound, unbound in an owned group, of no VFIO driver. */
static void ownership(void)
{
	hot_pair_bind(&s);
	hot_check_info(&s.dev[0], HOT_BY_ID | HOT_ALL_OWNED, s.bdf[1], HOT_OWNED);
	check_ret(hot_reset(s.dev[0].fd), 0);
	/* open alone is nothing */
	require_ok(device_open(&s.dev[1], s.bdf[1]));
	hot_check_info(&s.dev[0], HOT_BY_ID | HOT_ALL_OWNED, s.bdf[1], HOT_OWNED);
	check_ret(hot_reset(s.dev[0].fd), 0);
	require_ok(device_bind(&s.dev[1], s.rig.fd));
	check(s.dev[0].id != s.dev[1].id);
	hot_check_info(&s.dev[0], HOT_BY_ID | HOT_ALL_OWNED, s.bdf[1], s.dev[1].id);
	hot_check_info(&s.dev[1], HOT_BY_ID | HOT_ALL_OWNED, s.bdf[0], s.dev[0].id);
	check_ret(hot_reset(s.dev[1].fd), 0);
	hot_check_info(&s.dev[1], HOT_BY_ID | HOT_ALL_OWNED, s.bdf[0], s.dev[0].id);
	device_close(&s.dev[0]);
	hot_check_info(&s.dev[1], HOT_BY_ID | HOT_ALL_OWNED, s.bdf[0], HOT_OWNED);
	check_ret(hot_reset(s.dev[1].fd), 0);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	require(fd >= 0);
	check_eq(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* A sibling without driver might be anybody's next. */
static void no_driver(void)
{
	hot_pair_bind(&s);
	write_file("/sys/bus/pci/drivers/vfio-pci/unbind", s.bdf[1]);
	hot_check_info(&s.dev[0], HOT_BY_ID, s.bdf[1], HOT_NOT_OWNED);
	check_ret(hot_reset(s.dev[0].fd), -EINVAL);
	write_file("/sys/bus/pci/drivers/vfio-pci/bind", s.bdf[1]);
	hot_check_info(&s.dev[0], HOT_BY_ID | HOT_ALL_OWNED, s.bdf[1], HOT_OWNED);
	check_ret(hot_reset(s.dev[0].fd), 0);
}

/* By the legacy path: answers that the nodes' are measured by. */
static void legacy_answers(const char *bdf, int *info_rc, int *reset_rc, uint32_t *count)
{
	struct hot_info info;
	struct legacy l;
	struct hot_reset reset = { .argsz = sizeof(reset), .count = 1 };

	require_ok(legacy_open(&l, bdf));
	*info_rc = hot_info(l.device, &info);
	*count = info.count;
	reset.fd[0] = l.group;
	*reset_rc = iommu_ioctl(l.device, VFIO_DEVICE_PCI_HOT_RESET, &reset);
	legacy_close(&l);
}

static void check_as_legacy(const char *kind, unsigned int nth)
{
	int info_rc, reset_rc, fd = iommu_open();
	struct device dev;
	struct hot_info info;
	char bdf[16];
	uint32_t count;

	strcpy(bdf, device_find(kind, nth));
	legacy_answers(bdf, &info_rc, &reset_rc, &count);
	require_ok(device_open(&dev, bdf));
	require_ok(device_bind(&dev, fd));
	check_ret(hot_info(dev.fd, &info), info_rc);
	if (!info_rc)
		check_eq(info.count, count);
	check_ret(hot_reset(dev.fd), reset_rc);
	tap_diag("%s %s: %d, %d", kind, bdf, info_rc, reset_rc);
	device_close(&dev);
	close(fd);
}

/* What can't be reset, and what can, is as by the legacy path. */
static void as_legacy(void)
{
	static const char *const kinds[] = { "edu", "nvme", "e1000e", "igb" };

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		for (unsigned int i = 0; device_find(kinds[k], i); i++)
			check_as_legacy(kinds[k], i);
}

static const struct test tests[] = {
	{ "info_values", info_values },
	{ "reset_values", reset_values },
	{ "unbound", unbound },
	{ "ownership", ownership },
	{ "no_driver", no_driver },
	{ "as_legacy", as_legacy },
};

TAP_MAIN("hot_reset", tests)
