// SPDX-License-Identifier: GPL-2.0-only
/* Features of VFIO devices, and devices of the test driver, which has the most of them. */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../kmod/vfio_mock.h"
#include "calls.h"
#include "fuzz.h"

/* By the numbers, as older headers lack them; what is larger needs a room of its own. */
enum { LOW_POWER = 3, LOW_POWER_WAKEUP = 4, LOW_POWER_EXIT = 5, LEND = 11, LAST = 13 };
#define FEATURE_ROOM	256
#define MIGRATION_STATE	2
#define GET		VFIO_DEVICE_FEATURE_GET
#define SET		VFIO_DEVICE_FEATURE_SET
#define PROBE		VFIO_DEVICE_FEATURE_PROBE

static int ask(struct world *world, uint64_t fd, uint32_t flags, void *data, uint32_t size)
{
	struct {
		struct vfio_device_feature f;
		uint8_t data[FEATURE_ROOM];
	} arg = { .f = { .argsz = sizeof(arg.f) + size, .flags = flags } };
	int ret;

	if (!is_ours(world, fd, MASK(NODE)))
		return -1;
	memcpy(arg.data, data, size < FEATURE_ROOM ? size : FEATURE_ROOM);
	ret = ioctl(fd, VFIO_DEVICE_FEATURE, &arg);
	memcpy(data, arg.data, size < FEATURE_ROOM ? size : FEATURE_ROOM);
	return ret;
}

/* Any number, the test driver's own after the last: probed, got or set. */
int run_feature(struct world *world, const uint64_t *values)
{
	static const uint32_t how[] = {
		GET, SET, PROBE, PROBE | GET, PROBE | SET, PROBE | GET | SET,
	};
	static const uint8_t sizes[] = { 16, 8, 8, 0, 8, 0, 32, 0, 24, 8, 8, 24, 0, 8 };
	uint32_t number = values[1], size = number < sizeof(sizes) ? sizes[number] : 8;
	uint64_t data[FEATURE_ROOM / 8] = { values[4], values[5] };

	if (number == LAST + 1)
		number = VFIO_MOCK_FEATURE;
	/* @extra: the size isn't right, or other flags are set. */
	size += values[3] % 16;
	return ask(world, values[0], (number & 0xffff) | how[values[2] % 6] |
		   (values[3] & 16 ? 1u << 31 : 0), data, size);
}

/* Migration: to a state, whose data may be in a file; or just the present one. */
int run_migrate(struct world *world, const uint64_t *values)
{
	struct {
		uint32_t state;
		int32_t fd;
	} state = { values[1], -1 };
	int rc;

	if (values[1] == 8)
		return ask(world, values[0], MIGRATION_STATE | GET, &state, sizeof(state));
	rc = ask(world, values[0], MIGRATION_STATE | SET, &state, sizeof(state));
	if (!rc && state.fd >= 0)
		world_made(world, STATE, state.fd);
	return rc;
}

/* A DMA-buf of the device's own memory */
int run_lend(struct world *world, const uint64_t *values)
{
	struct {
		uint32_t region, open_flags, flags, n;
		struct { uint64_t offset, length; } range[2];
	} arg = {
		.region = values[1], .open_flags = O_CLOEXEC | O_RDWR, .n = values[2],
		.range = { { values[3], values[4] }, { values[3] + values[4], 0x1000 } },
	};
	int fd = ask(world, values[0], GET | LEND, &arg, sizeof(arg));

	if (fd >= 0)
		world_made(world, DMABUF, fd);
	return fd;
}

int run_low_power(struct world *world, const uint64_t *values)
{
	static const uint32_t feature[] = { LOW_POWER, LOW_POWER_EXIT, LOW_POWER_WAKEUP };
	int32_t wakeup[2] = { values[2], 0 };
	unsigned int which = values[1] % 3;

	return ask(world, values[0], SET | feature[which], wakeup, which == 2 ? 8 : 0);
}

int run_state_io(struct world *world, const uint64_t *values)
{
	void *at = (void *)(uintptr_t)values[1];

	if (!is_ours(world, values[0], MASK(STATE)))
		return -1;
	return values[3] % 2 ? write(values[0], at, values[2] % 8192) :
			       read(values[0], at, values[2] % 8192);
}

/* What it is told before anybody can open it. */
static int behave(int control, const uint64_t *values)
{
	struct vfio_mock_behave behave = {
		.mig_flags = values[7] % 8,
		.logs = values[8] % 2,
		.wants_token = values[9] % 2,
	};
	int32_t *errors[] = {
		&behave.open_error, &behave.match_error, &behave.wake_error,
		&behave.state_error,
	};

	/* Most devices fail in nothing. */
	if (values[6] >= 1 && values[6] <= 4)
		*errors[values[6] - 1] = -EIO;
	return ioctl(control, VFIO_MOCK_BEHAVE, &behave);
}

/* A new device of the test driver, perhaps in the group of another. */
int run_vfio_make(struct world *world, const uint64_t *values)
{
	struct vfio_mock_make make = {
		.kind = values[0] % 2, .ops = values[1] % 2, .flags = values[2] & 5,
		.set = values[3] % 16, .beside = -1,
	};
	struct vfio_mock_place where;
	struct place place = {};
	int control = open("/dev/" VFIO_MOCK_NAME, O_RDWR | O_CLOEXEC);

	if (control < 0)
		return -1;
	if (values[5] % 2 && is_ours(world, values[4], MASK(CONTROL)))
		make.beside = values[4];
	if (ioctl(control, VFIO_MOCK_MAKE, &make) || behave(control, values) ||
	    ioctl(control, VFIO_MOCK_PLACE, &where)) {
		int error = errno;

		close(control);
		errno = error;
		return -1;
	}
	place.node = where.index;
	place.group = where.group;
	place_made(world, &place);
	world_made(world, CONTROL, control);
	return 0;
}
