// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts: an MSI is a write by the device, so it goes through the page table
 * where the IOMMU translates doorbells (SMMU, virtio-iommu), and has to arrive
 * whatever page table the device has and had.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "device.h"
#include "edu.h"
#include "iommu.h"
#include "rig.h"
#include "tap.h"

/* edu's registers: write to raise an interrupt, and to acknowledge it. */
#define EDU_RAISE	0x60
#define EDU_ACK		0x64

static void set_msi(struct device *dev, int eventfd)
{
	union {
		struct vfio_irq_set set;
		char bytes[sizeof(struct vfio_irq_set) + sizeof(int)];
	} u = {
		.set = {
			.argsz = sizeof(u), .index = VFIO_PCI_MSI_IRQ_INDEX, .count = 1,
			.flags = VFIO_IRQ_SET_DATA_EVENTFD |
				 VFIO_IRQ_SET_ACTION_TRIGGER,
		},
	};

	memcpy(u.set.data, &eventfd, sizeof(eventfd));
	require_ok(iommu_ioctl(dev->fd, VFIO_DEVICE_SET_IRQS, &u.set));
}

static void clear_msi(struct device *dev)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set), .index = VFIO_PCI_MSI_IRQ_INDEX,
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
	};

	require_ok(iommu_ioctl(dev->fd, VFIO_DEVICE_SET_IRQS, &set));
}

/* Raises an interrupt: does it arrive? */
static bool arrives(struct rig *r, int eventfd)
{
	struct pollfd p = { .fd = eventfd, .events = POLLIN };
	uint64_t count = 0;
	bool came;

	*(volatile uint32_t *)(r->edu.regs + EDU_RAISE) = 1;
	came = poll(&p, 1, 2000 * tap_patience()) == 1 &&
	       read(eventfd, &count, sizeof(count)) == sizeof(count) && count == 1;
	*(volatile uint32_t *)(r->edu.regs + EDU_ACK) = 1;
	return came;
}

static int up(struct rig *r)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	require(fd >= 0);
	rig_up(r);
	set_msi(&r->dev, fd);
	return fd;
}

static void simple(void)
{
	struct rig r;
	int fd = up(&r);

	check(arrives(&r, fd));
	check(arrives(&r, fd));
	clear_msi(&r.dev);
	set_msi(&r.dev, fd);
	check(arrives(&r, fd));
}

/* The device keeps the doorbell's address through one page table after another. */
static void replaced(void)
{
	uint32_t other, table, id;
	struct rig r;
	int fd = up(&r), i;

	other = ioas_new(r.fd);
	require_ok(hwpt_alloc(r.fd, r.dev.id, other, 0, &table));
	for (i = 0; i < 3; i++) {
		require_ok(device_attach(&r.dev, table));
		check(arrives(&r, fd));
		require_ok(device_attach(&r.dev, r.ioas));
		check(arrives(&r, fd));
		id = ioas_new(r.fd);
		require_ok(device_attach(&r.dev, id));
		check(arrives(&r, fd));
	}
	/* set up anew in the page table that it came to */
	clear_msi(&r.dev);
	set_msi(&r.dev, fd);
	check(arrives(&r, fd));
	check(rig_reaches(&r, RIG_BASE, r.m.va, 64, 1) == false);
	require_ok(device_attach(&r.dev, r.ioas));
	check(arrives(&r, fd));
	check(rig_reaches(&r, RIG_BASE, r.m.va, 64, 2));
}

/* Interrupts that are set up while nothing is attached, or before. */
static void detached(void)
{
	struct rig r;
	int fd = up(&r);

	clear_msi(&r.dev);
	require_ok(device_detach(&r.dev));
	require_ok(device_attach(&r.dev, r.ioas));
	set_msi(&r.dev, fd);
	check(arrives(&r, fd));
}

/* Two devices with doorbells of their own come together in one page table. */
static void shared(void)
{
	struct rig r;
	struct device dev;
	struct edu edu;
	uint32_t other;
	int fd, fd2 = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct rig second;

	require(fd2 >= 0);
	fd = up(&r);
	device_get(&dev, "edu", 1, r.fd);
	require_ok(device_bus_master(&dev));
	other = ioas_new(r.fd);
	require_ok(device_attach(&dev, other));
	edu_init(&edu, &dev);
	set_msi(&dev, fd2);
	second = (struct rig){ .fd = r.fd, .dev = dev, .edu = edu };
	check(arrives(&second, fd2));
	require_ok(device_attach(&dev, r.ioas));
	check(arrives(&second, fd2));
	check(arrives(&r, fd));
	require_ok(device_attach(&r.dev, other));
	check(arrives(&r, fd));
	check(arrives(&second, fd2));
	edu_fini(&edu);
}

/* The interrupt stays set up while the device goes from table to table, or to none. */
static void detached_meanwhile(void)
{
	uint32_t other, table;
	struct rig r;
	int fd = up(&r);

	other = ioas_new(r.fd);
	require_ok(device_detach(&r.dev));
	require_ok(device_attach(&r.dev, other));
	check(arrives(&r, fd));
	require_ok(device_detach(&r.dev));
	require_ok(device_attach(&r.dev, r.ioas));
	check(arrives(&r, fd));
	require_ok(device_detach(&r.dev));
	require_ok(hwpt_alloc(r.fd, r.dev.id, other, 0, &table));
	require_ok(device_attach(&r.dev, table));
	check(arrives(&r, fd));
	clear_msi(&r.dev);
	set_msi(&r.dev, fd);
	check(arrives(&r, fd));
}

struct user {
	struct rig r;
	uint32_t ioas, table;
	int fd;
};

/* The nth device, attached to a table of its own in @ioas. */
static void user_up(struct user *u, unsigned int nth, int iommufd, uint32_t ioas)
{
	memset(u, 0, sizeof(*u));
	u->r.fd = iommufd;
	u->ioas = ioas;
	u->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	require(u->fd >= 0);
	device_get(&u->r.dev, "edu", nth, iommufd);
	edu_init(&u->r.edu, &u->r.dev);
	require_ok(hwpt_alloc(iommufd, u->r.dev.id, ioas, 0, &u->table));
	require_ok(device_attach(&u->r.dev, u->table));
}

/*
 * One device brings its doorbell to the other's table, and the other sets up
 * its interrupt only then.
 */
static void check_brought(bool one_space)
{
	struct user a, b;
	int fd = iommu_open();
	uint32_t ioas = ioas_new(fd);

	user_up(&a, 0, fd, ioas);
	user_up(&b, 1, fd, one_space ? ioas : ioas_new(fd));
	set_msi(&a.r.dev, a.fd);
	check(arrives(&a.r, a.fd));
	require_ok(device_attach(&a.r.dev, b.table));
	check(arrives(&a.r, a.fd));
	set_msi(&b.r.dev, b.fd);
	check(arrives(&b.r, b.fd));
	check(arrives(&a.r, a.fd));
	/* and when the one that brought it is gone again */
	require_ok(device_attach(&a.r.dev, a.table));
	check(arrives(&b.r, b.fd));
	check(arrives(&a.r, a.fd));
	clear_msi(&b.r.dev);
	set_msi(&b.r.dev, b.fd);
	check(arrives(&b.r, b.fd));
	edu_fini(&a.r.edu);
	device_close(&a.r.dev);
	check(arrives(&b.r, b.fd));
}

static void brought(void) { check_brought(false); }
static void brought_in_space(void) { check_brought(true); }

static const struct test tests[] = {
	{ "simple", simple },
	{ "replaced", replaced },
	{ "detached", detached },
	{ "shared", shared },
	{ "detached_meanwhile", detached_meanwhile },
	{ "brought", brought },
	{ "brought_in_space", brought_in_space },
};

TAP_MAIN("msi", tests)
