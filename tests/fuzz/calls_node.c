// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls on VFIO device files.  Registers of an edu are written only where that starts
 * nothing: a transfer that reaches the end of its buffer ends QEMU, and the factorial of a
 * large number takes it minutes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"
#include "fuzz.h"

/* Where vfio-pci has a region in the file; the test driver has one page at 0. */
#define REGION_SHIFT	40
#define CONFIG		VFIO_PCI_CONFIG_REGION_INDEX

static const uint32_t harmless[] = { 0x04, 0x20, 0x64 };

static bool is_node(struct world *world, uint64_t fd)
{
	return is_ours(world, fd, MASK(NODE));
}

int run_open(struct world *world, const uint64_t *values)
{
	const struct place *place = place_of(world, values[0]);
	char path[64];
	int fd;

	if (!place)
		return -1;
	snprintf(path, sizeof(path), "/dev/vfio/devices/vfio%u", place->node);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		world_made(world, NODE, fd);
	return fd;
}

/* One kind of data and one action, most of the time; @extra turns other bits round. */
int run_set_irqs(struct world *world, const uint64_t *values)
{
	struct {
		struct vfio_irq_set set;
		int32_t fd[2];
	} arg = {
		.set = {
			.argsz = sizeof(arg),
			.flags = (1u << values[1] % 3 | 8u << values[2] % 3) ^
				 (uint32_t)values[7],
			.index = values[3],
			.start = values[4],
			.count = values[5],
		},
		.fd = { values[6], values[7] % 2 ? -1 : (int)values[6] },
	};

	if (!is_node(world, values[0]))
		return -1;
	if (arg.set.flags & VFIO_IRQ_SET_DATA_BOOL)
		memset(arg.fd, values[6] % 2, sizeof(arg.fd));
	return ioctl(values[0], VFIO_DEVICE_SET_IRQS, &arg);
}

int run_reset(struct world *world, const uint64_t *values)
{
	return is_node(world, values[0]) ? ioctl(values[0], VFIO_DEVICE_RESET) : -1;
}

/* The kernel writes there when the eventfd is signalled. */
int run_ioeventfd(struct world *world, const uint64_t *values)
{
	struct vfio_device_ioeventfd arg = {
		.argsz = sizeof(arg),
		.flags = values[3],
		.offset = (values[1] % 16 << REGION_SHIFT) + harmless[values[2] % 3],
		.data = values[4],
		.fd = values[4] % 8 ? (int)values[5] : -1,
	};

	if (!is_node(world, values[0]))
		return -1;
	return ioctl(values[0], VFIO_DEVICE_IOEVENTFD, &arg);
}

static bool may_write(uint64_t region, uint64_t at, uint64_t length)
{
	unsigned int i;

	/* vfio-pci doesn't let through what concerns the machine. */
	if (region == CONFIG)
		return true;
	for (i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
		if (!region && at == harmless[i] && length <= 4)
			return true;
	}
	return region > CONFIG;
}

/*
 * An edu doesn't answer accesses of a byte, for which Arm's CPUs raise an abort that ends the
 * kernel, whoever has mapped or reads the registers; others read ones.
 */
#ifdef __aarch64__
#define REGISTERS_MASK	3ull
#else
#define REGISTERS_MASK	0ull
#endif

int run_node_read(struct world *world, const uint64_t *values)
{
	uint64_t region = values[1] % 16, at = values[2] % 0x1400, length = values[3] % 64;

	if (!is_node(world, values[0]))
		return -1;
	if (region < CONFIG) {
		at &= ~REGISTERS_MASK;
		length &= ~REGISTERS_MASK;
	}
	return pread(values[0], (void *)(uintptr_t)values[4], length,
		     (region << REGION_SHIFT) + at);
}

int run_node_write(struct world *world, const uint64_t *values)
{
	uint64_t region = values[1] % 16, at = values[2] % 0x1400, length = values[3] % 64;

	if (!region)
		at = harmless[at % 3];
	if (region < CONFIG)
		length &= ~REGISTERS_MASK;
	if (!is_node(world, values[0]) || !may_write(region, at, length))
		return -1;
	return pwrite(values[0], (void *)(uintptr_t)values[4], length,
		      (region << REGION_SHIFT) + at);
}

int run_node_mmap(struct world *world, const uint64_t *values)
{
	static const int protection[] = { PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE };
	uint64_t length = values[3] % (2 << 20);
	off_t offset = (values[1] % 16 << REGION_SHIFT) + (values[2] & 0xff000);

	/* The kernel may read a buffer there byte by byte. */
	if (REGISTERS_MASK || !is_node(world, values[0]))
		return -1;
	return note_window(mmap(NULL, length, protection[values[4] % 3],
				values[4] & 4 ? MAP_PRIVATE : MAP_SHARED, values[0], offset),
			   length);
}

int run_group_open(struct world *world, const uint64_t *values)
{
	const struct place *place = place_of(world, values[0]);
	char path[64];
	int fd;

	if (!place)
		return -1;
	snprintf(path, sizeof(path), "/dev/vfio/%d", place->group);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		world_made(world, GROUP, fd);
	return fd;
}

/* The whole legacy path; the container is kept by the group. */
int run_group_device(struct world *world, const uint64_t *values)
{
	const struct place *place = place_of(world, values[1]);
	int container, fd = -1, error;

	if (!is_ours(world, values[0], MASK(GROUP)) || !place || !place->bdf[0])
		return -1;
	container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (container < 0)
		return -1;
	if (!ioctl(values[0], VFIO_GROUP_SET_CONTAINER, &container) &&
	    !ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		fd = ioctl(values[0], VFIO_GROUP_GET_DEVICE_FD, place->bdf);
	error = errno;
	close(container);
	errno = error;
	if (fd >= 0)
		world_made(world, NODE, fd);
	return fd;
}
