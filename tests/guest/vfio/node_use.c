// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device nodes after BIND: what the driver answers through it, mappings of BARs
 * and how they are revoked, features, and attaching to page tables.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "device.h"
#include "iommu.h"
#include "legacy.h"
#include "mem.h"
#include "probe.h"
#include "tap.h"

#define EDU_DEVICE	0x11e81234u	/* as configuration space begins */
#define EDU_ID		0xedu		/* in the lowest byte of BAR 0 */

static int region_info(struct device *dev, struct vfio_region_info *info,
		       unsigned int index, uint32_t argsz)
{
	memset(info, 0, argsz);
	info->argsz = argsz;
	info->index = index;
	return iommu_ioctl(dev->fd, VFIO_DEVICE_GET_REGION_INFO, info);
}

static void infos(void)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct vfio_region_info region;
	struct device dev;

	device_get(&dev, "edu", 0, iommu_open());
	require_ok(iommu_ioctl(dev.fd, VFIO_DEVICE_GET_INFO, &info));
	check(info.flags & VFIO_DEVICE_FLAGS_PCI);
	check(info.num_regions >= VFIO_PCI_NUM_REGIONS);
	check(info.num_irqs >= VFIO_PCI_NUM_IRQS);
	info.argsz = 8;
	check_ret(iommu_ioctl(dev.fd, VFIO_DEVICE_GET_INFO, &info), -EINVAL);

	for (unsigned int i = 0; i < VFIO_PCI_VGA_REGION_INDEX; i++)
		check_ret(region_info(&dev, &region, i, sizeof(region)), 0);
	check_ret(region_info(&dev, &region, 4711, sizeof(region)), -EINVAL);
	check_ret(region_info(&dev, &region, 0, 31), -EINVAL);
	check_ret(iommu_ioctl(dev.fd, VFIO_DEVICE_GET_REGION_INFO, NULL), -EFAULT);
	check_ret(iommu_ioctl(dev.fd, _IO(';', 250), NULL), -ENOTTY);
}

/* A region with capabilities: first their size is told, then they follow. */
static void region_caps(void)
{
	union {
		struct vfio_region_info info;
		uint8_t bytes[1024];
	} u;
	struct vfio_info_cap_header *cap;
	struct device dev;
	uint32_t needed;

	device_get(&dev, "nvme", 0, iommu_open());
	require_ok(region_info(&dev, &u.info, 0, sizeof(u.info)));
	check(u.info.flags & VFIO_REGION_INFO_FLAG_MMAP);
	require(u.info.flags & VFIO_REGION_INFO_FLAG_CAPS);
	needed = u.info.argsz;
	check(needed > sizeof(u.info) && needed < sizeof(u));
	check_eq(u.info.cap_offset, 0);

	/* a byte too little: told again, nothing written behind */
	memset(&u, 0x77, sizeof(u));
	u.info = (struct vfio_region_info){ .argsz = needed - 1 };
	require_ok(iommu_ioctl(dev.fd, VFIO_DEVICE_GET_REGION_INFO, &u.info));
	check_eq(u.info.argsz, needed);
	check_eq(u.info.cap_offset, 0);
	check_eq(mem_differs_from(u.bytes + 32, sizeof(u) - 32, 0x77), -1);

	memset(&u, 0x77, sizeof(u));
	u.info = (struct vfio_region_info){ .argsz = needed };
	require_ok(iommu_ioctl(dev.fd, VFIO_DEVICE_GET_REGION_INFO, &u.info));
	require(u.info.cap_offset == sizeof(u.info));
	cap = (void *)(u.bytes + u.info.cap_offset);
	check_eq(cap->id, VFIO_REGION_INFO_CAP_MSIX_MAPPABLE);
	check_eq(cap->next, 0);
	check_eq(mem_differs_from(u.bytes + needed, sizeof(u) - needed, 0x77), -1);
}

static void read_write(void)
{
	struct vfio_region_info bar, config;
	uint32_t value, twice;
	struct device dev;
	uint8_t *map;
	size_t size;

	device_get(&dev, "edu", 0, iommu_open());
	require_ok(device_bus_master(&dev));
	require_ok(region_info(&dev, &bar, 0, sizeof(bar)));
	require_ok(region_info(&dev, &config, VFIO_PCI_CONFIG_REGION_INDEX,
			       sizeof(config)));
	check_eq(pread(dev.fd, &value, 4, config.offset), 4);
	check_eq(value, EDU_DEVICE);

	map = device_map_bar(&dev, 0, &size);
	require(map != NULL);
	check_eq(size, bar.size);
	check_eq(pread(dev.fd, &value, 4, bar.offset), 4);
	check_eq(value & 0xff, EDU_ID);
	check_eq(*(volatile uint32_t *)map, value);
	/* register 4 gives back the complement */
	value = 0x12345678;
	check_eq(pwrite(dev.fd, &value, 4, bar.offset + 4), 4);
	check_eq(*(volatile uint32_t *)(map + 4), ~value);
	check_eq(pread(dev.fd, &twice, 4, bar.offset + 4), 4);
	check_eq(twice, ~value);

	check(pread(dev.fd, &value, 4, bar.offset + bar.size) < 0);
	check(mmap(NULL, 2 * size, PROT_READ, MAP_SHARED, dev.fd, bar.offset) ==
	      MAP_FAILED && errno == EINVAL);
	check(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dev.fd, config.offset) ==
	      MAP_FAILED);
}

static void set_memory(struct device *dev, bool on)
{
	uint16_t command;

	require_ok(device_config_read(dev, PCI_COMMAND, &command, 2));
	command = on ? command | PCI_COMMAND_MEMORY : command & ~PCI_COMMAND_MEMORY;
	require_ok(device_config_write(dev, PCI_COMMAND, &command, 2));
}

/* While memory decoding is off no mapping may reach the device, afterwards all do. */
static void zap(void)
{
	volatile uint32_t *bar, *again;
	struct device dev;

	probe_prepare();
	device_get(&dev, "edu", 0, iommu_open());
	require_ok(device_bus_master(&dev));
	bar = device_map_bar(&dev, 0, NULL);
	again = device_map_bar(&dev, 0, NULL);
	require(bar && again);
	for (int i = 0; i < 3; i++) {
		check_eq(*bar & 0xff, EDU_ID);
		check_eq(*again & 0xff, EDU_ID);
		set_memory(&dev, false);
		check_eq(probe(bar), SIGBUS);
		check_eq(probe(again), SIGBUS);
		set_memory(&dev, true);
	}
	/* a mapping that was never used before */
	bar = device_map_bar(&dev, 0, NULL);
	set_memory(&dev, false);
	check_eq(probe(bar), SIGBUS);
	set_memory(&dev, true);
	check_eq(probe(bar), 0);
}

struct inherited {
	volatile uint32_t *bar;
	int go, done;			/* pipe ends of the child */
	int *signal;			/* shared: what its access raised */
};

static void child_probe(void *arg)
{
	struct inherited *z = arg;
	char c;

	check_eq(probe(z->bar), 0);
	check_eq(write(z->done, "1", 1), 1);
	check_eq(read(z->go, &c, 1), 1);
	*z->signal = probe(z->bar);
}

/* What a child's access by an inherited mapping raises while memory is off. */
static int inherited_signal(struct device *dev)
{
	int go[2], done[2], pid;
	struct inherited z;
	char c;

	require(!pipe(go) && !pipe(done));
	require_ok(device_bus_master(dev));
	z.bar = device_map_bar(dev, 0, NULL);
	z.go = go[0];
	z.done = done[1];
	z.signal = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(z.bar && z.signal != MAP_FAILED);
	check_eq(probe(z.bar), 0);
	pid = tap_spawn(child_probe, &z);
	close(done[1]);
	check_eq(read(done[0], &c, 1), 1);
	set_memory(dev, false);
	check_eq(probe(z.bar), SIGBUS);
	check_eq(write(go[1], "1", 1), 1);
	tap_join(pid);
	set_memory(dev, true);
	check_eq(probe(z.bar), 0);
	munmap((void *)z.bar, 0x100000);
	return *z.signal;
}

/*
 * Another process's mappings are the driver's to find.  6.1's doesn't find those
 * that came by fork(), so the measure is what happens by the legacy path.
 */
static void zap_inherited(void)
{
	struct device dev = {};
	struct legacy l;
	int want, fd;

	probe_prepare();
	if (!device_find("edu", 0))
		tap_skip("needs an edu on vfio-pci");
	require_ok(legacy_open(&l, device_find("edu", 0)));
	dev.fd = l.device;
	want = inherited_signal(&dev);
	legacy_close(&l);

	fd = iommu_open();
	device_get(&dev, "edu", 0, fd);
	check_eq(inherited_signal(&dev), want);
	if (want != SIGBUS)
		tap_diag("inherited mappings survive, by the legacy path too");
}

static int feature(struct device *dev, uint32_t argsz, uint32_t flags)
{
	struct { struct vfio_device_feature f; uint8_t data[64]; } arg = {
		.f = { .argsz = argsz, .flags = flags },
	};

	return iommu_ioctl(dev->fd, VFIO_DEVICE_FEATURE, &arg);
}

#define GET	VFIO_DEVICE_FEATURE_GET
#define SET	VFIO_DEVICE_FEATURE_SET
#define PROBE	VFIO_DEVICE_FEATURE_PROBE

static void features(void)
{
	struct device dev;
	int ret;

	device_get(&dev, "edu", 0, iommu_open());
	check_ret(feature(&dev, 7, PROBE), -EINVAL);
	check_ret(feature(&dev, 72, 1u << 19), -EINVAL);
	check_ret(feature(&dev, 72, GET | SET), -EINVAL);
	check_ret(iommu_ioctl(dev.fd, VFIO_DEVICE_FEATURE, NULL), -EFAULT);
	/* 1, 2: migration; 6-8: logging of DMA; 9: size of the state */
	check_ret(feature(&dev, 72, 1 | GET), -ENOTTY);
	check_ret(feature(&dev, 72, 1 | GET | PROBE), -ENOTTY);
	check_ret(feature(&dev, 72, 2 | SET), -ENOTTY);
	check_ret(feature(&dev, 72, 6 | SET), -ENOTTY);
	check_ret(feature(&dev, 72, 7 | SET), -ENOTTY);
	check_ret(feature(&dev, 72, 8 | GET), -ENOTTY);
	check_ret(feature(&dev, 72, 9 | GET), -ENOTTY);
	/* 12: which form of a migration's size; unknown to older kernels */
	ret = feature(&dev, 72, 12 | SET);
	check(ret == -EINVAL || ret == -ENOTTY);
	/* 0: the VF token of a device that has no VFs */
	check_ret(feature(&dev, 72, 0 | SET), -ENOTTY);
	check_ret(feature(&dev, 72, 0xffff | GET), -ENOTTY);
	check_ret(feature(&dev, 72, 0xffff | GET | SET | PROBE), -ENOTTY);
}

static void resets(void)
{
	struct vfio_pci_hot_reset reset = { .argsz = sizeof(reset) };
	struct vfio_pci_hot_reset_info info = { .argsz = sizeof(info) };
	struct device edu, nvme;
	int fd = iommu_open();

	device_get(&edu, "edu", 0, fd);
	device_get(&nvme, "nvme", 0, fd);
	check_ret(device_reset(&nvme), 0);
	check_ret(device_reset(&edu), -EINVAL);
	/* both sit on the root bus, which can't be reset */
	check_ret(iommu_ioctl(edu.fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info),
		  -ENODEV);
	check_ret(iommu_ioctl(edu.fd, VFIO_DEVICE_PCI_HOT_RESET, &reset), -ENODEV);
}

struct pt {
	int fd;
	struct device dev;
	uint32_t a, b;			/* two address spaces */
};

static void pt_up(struct pt *t)
{
	t->fd = iommu_open();
	t->a = ioas_new(t->fd);
	t->b = ioas_new(t->fd);
	device_get(&t->dev, "edu", 0, t->fd);
}

static void attach_values(void)
{
	struct cdev_attach arg;
	struct pt t;

	pt_up(&t);
#define ATTACH(want, ...) do {						\
		arg = (struct cdev_attach){ .argsz = 16, .pt_id = t.a,	\
					    .pasid = 1, __VA_ARGS__ };	\
		check_ret(iommu_ioctl(t.dev.fd, CDEV_ATTACH, &arg), want); \
	} while (0)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
	ATTACH(-EINVAL, .argsz = 0);
	ATTACH(-EINVAL, .argsz = 11);
	ATTACH(-EINVAL, .flags = 2);
	ATTACH(-EINVAL, .flags = ~0u);
	/* a PASID is asked for and not there */
	ATTACH(-EINVAL, .argsz = 15, .flags = 1);
	ATTACH(-ENOENT, .pt_id = 0);
	check_eq(arg.pt_id, 0);
	ATTACH(-ENOENT, .pt_id = 0xffffffff);
	ATTACH(-EINVAL, .pt_id = t.dev.id);
	check_eq(arg.pt_id, t.dev.id);
	check_ret(iommu_ioctl(t.dev.fd, CDEV_ATTACH, NULL), -EFAULT);
	/* whatever the reason is, edu has no PASIDs */
	arg = (struct cdev_attach){ .argsz = 16, .flags = 1, .pt_id = t.a, .pasid = 1 };
	check(iommu_ioctl(t.dev.fd, CDEV_ATTACH, &arg) < 0);
	check_eq(arg.pt_id, t.a);
	/* nothing of that took hold of the address space */
	check_ret(iommu_destroy(t.fd, t.b), 0);

	ATTACH(0, .argsz = 12);
	check(arg.pt_id != 0);
	ATTACH(0, .argsz = 16);
	ATTACH(0, .argsz = 64);
#pragma GCC diagnostic pop
	check_ret(iommu_destroy(t.fd, t.a), -EBUSY);
}

static void detach_values(void)
{
	struct cdev_detach arg;
	struct pt t;

	pt_up(&t);
#define DETACH(want, ...) do {						\
		arg = (struct cdev_detach){ __VA_ARGS__ };		\
		check_ret(iommu_ioctl(t.dev.fd, CDEV_DETACH, &arg), want); \
	} while (0)
	/* nothing is attached, which is no error */
	DETACH(0, .argsz = 8);
	DETACH(0, .argsz = 12);
	require_ok(device_attach(&t.dev, t.a));
	DETACH(-EINVAL, .argsz = 0);
	DETACH(-EINVAL, .argsz = 7);
	DETACH(-EINVAL, .argsz = 12, .flags = 2);
	DETACH(-EINVAL, .argsz = 8, .flags = 1);
	DETACH(0, .argsz = 12, .flags = 1, .pasid = 5);
	check_ret(iommu_ioctl(t.dev.fd, CDEV_DETACH, NULL), -EFAULT);
	check_ret(iommu_destroy(t.fd, t.a), -EBUSY);
	DETACH(0, .argsz = 8);
	check_ret(iommu_destroy(t.fd, t.a), 0);
	DETACH(0, .argsz = 8);
}

static void replace(void)
{
	uint32_t first, second, hwpt;
	struct pt t;

	pt_up(&t);
	first = t.a;
	require_ok(device_attach_out(&t.dev, &first));
	second = t.b;
	require_ok(device_attach_out(&t.dev, &second));
	check(first != second);
	/* the first is free, the second isn't */
	check_ret(iommu_destroy(t.fd, t.a), 0);
	check_ret(iommu_destroy(t.fd, t.b), -EBUSY);
	/* one that can't be attached leaves the old one */
	check_ret(device_attach(&t.dev, 0x7fffffff), -ENOENT);
	check_ret(device_attach(&t.dev, t.dev.id), -EINVAL);
	check_ret(iommu_destroy(t.fd, t.b), -EBUSY);
	/* to a page table, to itself, and back to the address space */
	require_ok(hwpt_alloc(t.fd, t.dev.id, t.b, 0, &hwpt));
	second = hwpt;
	check_ret(device_attach_out(&t.dev, &second), 0);
	check_eq(second, hwpt);
	check_ret(device_attach(&t.dev, hwpt), 0);
	check_ret(iommu_destroy(t.fd, hwpt), -EBUSY);
	check_ret(device_detach(&t.dev), 0);
	check_ret(iommu_destroy(t.fd, hwpt), 0);
	check_ret(device_attach(&t.dev, t.b), 0);
}

/* The answer can't be delivered. */
static void attach_no_answer(void)
{
	struct cdev_attach *arg;
	struct pt t;

	pt_up(&t);
	arg = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(arg != MAP_FAILED);
	*arg = (struct cdev_attach){ .argsz = 16, .pt_id = t.a };
	require(!mprotect(arg, PAGE, PROT_READ));
	check_ret(iommu_ioctl(t.dev.fd, CDEV_ATTACH, arg), -EFAULT);
	check_ret(iommu_destroy(t.fd, t.a), 0);
	if (tap_oracle())
		return;
	/* an attached device stays where it is; Linux detaches it */
	require_ok(device_attach(&t.dev, t.b));
	check_ret(iommu_ioctl(t.dev.fd, CDEV_ATTACH, arg), -EFAULT);
	check_ret(iommu_destroy(t.fd, t.b), -EBUSY);
}

static const struct test tests[] = {
	{ "infos", infos },
	{ "region_caps", region_caps },
	{ "read_write", read_write },
	{ "zap", zap },
	{ "zap_inherited", zap_inherited },
	{ "features", features },
	{ "resets", resets },
	{ "attach_values", attach_values },
	{ "detach_values", detach_values },
	{ "replace", replace },
	{ "attach_no_answer", attach_no_answer },
};

TAP_MAIN("node_use", tests)
