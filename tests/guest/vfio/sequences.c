// SPDX-License-Identifier: GPL-2.0-only
/*
 * What real clients ask for, in their order and with their sizes: QEMU 10.0 and 11.1,
 * cloud-hypervisor, libvfn. tests/clients runs QEMU itself; this runs everywhere, and
 * names the step that a client would stumble over.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "edu.h"
#include "iommu.h"
#include "mem.h"
#include "tap.h"

#define LOW	(640 * KIB)		/* a PC's memory below the hole for the BIOS */
#define RAM	(4 * MIB)
#define BAR_AT	0xfe800000ull
#define SIZE	2048u			/* of a transfer */
#define FEATURE_MIGRATION	1
#define FEATURE_DMA_BUF		11

static struct client {
	int iommu;
	struct device dev;
	struct mem ram;
	uint32_t ioas, hwpt;
	struct edu edu;
	void *bar;
	size_t bar_size;
} s;

/* The first part of a structure that grew: clients give the size that they know. */
static int bind_with(struct device *dev, uint32_t argsz)
{
	struct cdev_bind c = { .argsz = argsz, .iommufd = s.iommu };
	int rc = iommu_ioctl(dev->fd, CDEV_BIND, &c);

	dev->id = c.out_devid;
	return rc;
}

static int attach_with(struct device *dev, uint32_t argsz, uint32_t pt)
{
	struct cdev_attach c = { .argsz = argsz, .pt_id = pt };

	return iommu_ioctl(dev->fd, CDEV_ATTACH, &c);
}

static int detach_with(struct device *dev, uint32_t argsz)
{
	struct cdev_detach c = { .argsz = argsz };

	return iommu_ioctl(dev->fd, CDEV_DETACH, &c);
}

static void open_files(void)
{
	const char *bdf = device_find("edu", 0);

	if (!bdf)
		tap_skip("no edu");
	require_ok(device_open(&s.dev, bdf));
	s.iommu = iommu_open();
	mem_get(&s.ram, MEM_ANON, RAM);
}

/* Whether dirty pages can be tracked decides on the kind of page table. */
static uint32_t hwpt_flags(struct device *dev)
{
	struct iommu_hw_info info = { 0 };

	require_ok(hw_info(s.iommu, dev->id, NULL, 0, &info));
	return info.out_capabilities & IOMMU_HW_CAP_DIRTY_TRACKING ?
	       IOMMU_HWPT_ALLOC_DIRTY_TRACKING : 0;
}

static void ask_ranges(void)
{
	struct iommu_iova_range ranges[32];
	uint32_t count = 0;
	uint64_t align;

	check_ret(ioas_ranges(s.iommu, s.ioas, NULL, &count, &align), -EMSGSIZE);
	require(count >= 1 && count <= ARRAY_SIZE(ranges));
	require_ok(ioas_ranges(s.iommu, s.ioas, ranges, &count, &align));
	check(ranges[0].start == 0 && ranges[0].last >= RAM);
	check(align >= 1 && align <= PAGE);
}

static int map_fixed(const void *va, uint64_t length, uint64_t iova, uint32_t access)
{
	return ioas_map(s.iommu, s.ioas, access | MAP_FIX, va, length, &iova);
}

static int unmap(uint64_t iova, uint64_t length)
{
	uint64_t unmapped;

	return ioas_unmap(s.iommu, s.ioas, iova, length, &unmapped);
}

/* A PC's memory, and what its firmware makes of the first MiB. */
static void map_pc(void)
{
	uint8_t *ram = s.ram.va;
	const uint64_t bios = 0xc0000, part = 32 * KIB;

	require_ok(map_fixed(ram, LOW, 0, MAP_RW));
	require_ok(map_fixed(ram + bios, 256 * KIB, bios, MAP_R));
	require_ok(map_fixed(ram + MIB, RAM - MIB, MIB, MAP_RW));
	for (unsigned int n = 0; n < 6; n++) {
		/* shadowing: a part becomes writeable, then read-only again */
		require_ok(unmap(bios, 256 * KIB));
		require_ok(map_fixed(ram + bios, part * (n + 1), bios, MAP_RW));
		require_ok(map_fixed(ram + bios + part * (n + 1), 256 * KIB - part * (n + 1),
				     bios + part * (n + 1), MAP_R));
		require_ok(unmap(bios, part * (n + 1)));
		require_ok(unmap(bios + part * (n + 1), 256 * KIB - part * (n + 1)));
		require_ok(map_fixed(ram + bios, 256 * KIB, bios, MAP_R));
	}
	check_ret(unmap(0xa0000, 128 * KIB), -ENOENT);
}

static void ask_device(struct device *dev)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	require_ok(iommu_ioctl(dev->fd, VFIO_DEVICE_GET_INFO, &info));
	for (unsigned int n = 0; n <= VFIO_PCI_CONFIG_REGION_INDEX; n++) {
		struct vfio_region_info region = { .argsz = sizeof(region), .index = n };

		check_ret(iommu_ioctl(dev->fd, VFIO_DEVICE_GET_REGION_INFO, &region), 0);
	}
	for (unsigned int n = 0; n <= VFIO_PCI_REQ_IRQ_INDEX; n++) {
		struct vfio_irq_info irq = { .argsz = sizeof(irq), .index = n };
		/* a conventional device has no errors to report */
		bool none = n == VFIO_PCI_ERR_IRQ_INDEX;
		int rc = iommu_ioctl(dev->fd, VFIO_DEVICE_GET_IRQ_INFO, &irq);

		check_msg(!rc || (none && rc == -EINVAL), "interrupt %u: %d", n, rc);
	}
}

/* The eventfd by which the host asks for the device. */
static void set_request(struct device *dev, bool on)
{
	struct {
		struct vfio_irq_set set;
		int fd;
	} request = {
		.set = {
			.argsz = sizeof(request),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_REQ_IRQ_INDEX,
			.count = 1,
		},
		.fd = -1,
	};

	if (on)
		request.fd = eventfd(0, EFD_CLOEXEC);
	check_ret(iommu_ioctl(dev->fd, VFIO_DEVICE_SET_IRQS, &request), 0);
	if (on)
		close(request.fd);
}

static int feature(struct device *dev, uint32_t what, void *data, size_t size)
{
	union {
		struct vfio_device_feature f;
		uint8_t bytes[64];
	} u = { .f = { .argsz = sizeof(u.f) + size, .flags = what } };

	memcpy(u.f.data, data, size);
	return iommu_ioctl(dev->fd, VFIO_DEVICE_FEATURE, &u);
}

/* BARs are for the CPU; that another device can't reach them is no reason to end. */
static void map_bar(void)
{
	int rc;

	s.bar = device_map_bar(&s.dev, 0, &s.bar_size);
	require(s.bar != NULL);
	rc = map_fixed(s.bar, s.bar_size, BAR_AT, MAP_RW);
	check_msg(rc == -EFAULT, "a BAR as memory: %d", rc);
	check_ret(unmap(BAR_AT, s.bar_size), -ENOENT);
}

/* DMA reaches the machine's memory at @from, and comes back at @to. */
static void use(uint64_t from, uint64_t to, uint8_t *source, uint8_t *target)
{
	edu_init(&s.edu, &s.dev);
	mem_fill(source, SIZE, 1);
	memset(target, 0, SIZE);
	require_ok(edu_load(&s.edu, from, 0, SIZE));
	require_ok(edu_store(&s.edu, to, 0, SIZE));
	check_eq(mem_differs(target, SIZE, 1), -1);
	edu_fini(&s.edu);
}

static void use_pc(void)
{
	use(2 * MIB, 3 * MIB, s.ram.va + 2 * MIB, s.ram.va + 3 * MIB);
}

/* QEMU's end of a device, and of its memory with the last one. */
static void end_qemu(uint32_t detach_size)
{
	set_request(&s.dev, false);
	munmap(s.bar, s.bar_size);
	require_ok(detach_with(&s.dev, detach_size));
	require_ok(iommu_destroy(s.iommu, s.hwpt));
	require_ok(unmap(0, LOW));
	require_ok(unmap(0xc0000, 256 * KIB));
	require_ok(unmap(MIB, RAM - MIB));
	require_ok(iommu_destroy(s.iommu, s.ioas));
	close(s.dev.fd);
	close(s.iommu);
}

static void qemu_10(void)
{
	uint64_t migration = 0;
	int rc;

	open_files();
	require_ok(bind_with(&s.dev, 16));
	(void)hwpt_flags(&s.dev);
	s.ioas = ioas_new(s.iommu);
	require_ok(hwpt_alloc(s.iommu, s.dev.id, s.ioas, hwpt_flags(&s.dev), &s.hwpt));
	require_ok(attach_with(&s.dev, 12, s.hwpt));
	ask_ranges();
	map_pc();
	ask_device(&s.dev);
	set_request(&s.dev, true);
	rc = feature(&s.dev, VFIO_DEVICE_FEATURE_GET | FEATURE_MIGRATION, &migration,
		     sizeof(migration));
	check_msg(rc == -ENOTTY, "migration: %d", rc);
	map_bar();
	use_pc();
	end_qemu(8);
}

/* A second device tries the page table of the first, which must fit or say EINVAL. */
static void add_second(struct device *second)
{
	uint32_t own;
	int rc;

	require_ok(bind_with(second, 24));
	rc = attach_with(second, 16, s.hwpt);
	if (rc == -EINVAL) {
		require_ok(hwpt_alloc(s.iommu, second->id, s.ioas, hwpt_flags(second), &own));
		require_ok(attach_with(second, 16, own));
	} else {
		require_ok(rc);
	}
	require_ok(detach_with(second, 12));
	if (rc == -EINVAL)
		require_ok(iommu_destroy(s.iommu, own));
}

static void qemu_11(void)
{
	struct iommu_hw_info info = { 0 };
	uint8_t data[64], buffer[40] = { 0 };
	struct device second;
	const char *other;
	int rc;

	open_files();
	/* a probe, before anything is there */
	rc = ioas_change_process(s.iommu);
	check_msg(!rc || rc == -ENOTTY, "a change of process: %d", rc);
	require_ok(bind_with(&s.dev, 24));
	s.ioas = ioas_new(s.iommu);
	require_ok(hwpt_alloc(s.iommu, s.dev.id, s.ioas, hwpt_flags(&s.dev), &s.hwpt));
	require_ok(attach_with(&s.dev, 16, s.hwpt));
	require_ok(hw_info(s.iommu, s.dev.id, data, sizeof(data), &info));
	ask_ranges();
	map_pc();
	ask_device(&s.dev);
	set_request(&s.dev, true);
	rc = feature(&s.dev, VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_PROBE |
		     FEATURE_DMA_BUF, buffer, 0);
	check_msg(!rc || rc == -ENOTTY, "DMA-bufs: %d", rc);
	map_bar();
	other = device_find("nvme", 0);
	if (other) {
		require_ok(device_open(&second, other));
		add_second(&second);
		close(second.fd);
	}
	use_pc();
	end_qemu(12);
}

/* No page table of its own making; a machine's memory in two pieces. */
static void cloud_hypervisor(void)
{
	open_files();
	s.ioas = ioas_new(s.iommu);
	require_ok(bind_with(&s.dev, 16));
	require_ok(attach_with(&s.dev, 12, s.ioas));
	ask_device(&s.dev);
	require_ok(map_fixed(s.ram.va, LOW, 0, MAP_RW));
	require_ok(map_fixed(s.ram.va + MIB, RAM - MIB, MIB, MAP_RW));
	use_pc();
	require_ok(unmap(MIB, RAM - MIB));
	require_ok(unmap(0, LOW));
	require_ok(detach_with(&s.dev, 8));
	close(s.dev.fd);
	close(s.iommu);
}

/* A driver in user space: its addresses are the kernel's choice, or its own. */
static void libvfn(void)
{
	uint64_t first, second;

	open_files();
	require_ok(bind_with(&s.dev, 16));
	s.ioas = ioas_new(s.iommu);
	require_ok(attach_with(&s.dev, 12, s.ioas));
	ask_ranges();
	require_ok(ioas_map(s.iommu, s.ioas, MAP_RW, s.ram.va, MIB, &first));
	require_ok(ioas_map(s.iommu, s.ioas, MAP_RW, s.ram.va + MIB, MIB, &second));
	check(first + MIB <= second || second + MIB <= first);
	use(first, second, s.ram.va, s.ram.va + MIB);
	require_ok(map_fixed(s.ram.va + 2 * MIB, MIB, 16 * MIB, MAP_RW));
	use(16 * MIB, second, s.ram.va + 2 * MIB, s.ram.va + MIB);
	check_eq(ioas_unmap_all(s.iommu, s.ioas), 3 * MIB);
	close(s.dev.fd);
	close(s.iommu);
}

static const struct test tests[] = {
	{ "qemu_10", qemu_10 },
	{ "qemu_11", qemu_11 },
	{ "cloud_hypervisor", cloud_hypervisor },
	{ "libvfn", libvfn },
};

TAP_MAIN("sequences", tests)
