// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a VFIO driver may refuse at a device node: open, tokens, power; and unbinding
 * while a node is in use.
 */
#include <errno.h>
#include <fcntl.h>
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

static const uint8_t token[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

static void check_open_fails(int error)
{
	struct vfio_mock_behave behave = { .open_error = error };
	long uses = vfio_mock_uses();

	vfio_mock_behave(&driver_mock, &behave);
	check_ret(device_bind(&driver_mock.dev, driver_iommufd), error);
	check_eq(vfio_mock_uses(), uses);
	/* nothing is kept: the group, its DMA, the context */
	check_ret(vfio_mock_try_group(&driver_mock), 0);
	check_ret(device_attach(&driver_mock.dev, driver_ioas), -EINVAL);
	behave.open_error = 0;
	vfio_mock_behave(&driver_mock, &behave);
}

static void open_fails(void)
{
	struct vfio_mock_seen before;

	driver_scene_up();
	before = vfio_mock_seen(&driver_mock);
	require_ok(vfio_mock_open(&driver_mock));
	check_open_fails(-EIO);
	check_open_fails(-EBUSY);
	check_open_fails(-ENODEV);
	check_eq(vfio_mock_seen(&driver_mock).opens, before.opens);
	check_eq(vfio_mock_seen(&driver_mock).closes, before.closes);
	check_ret(device_bind(&driver_mock.dev, driver_iommufd), 0);
	check_eq(vfio_mock_seen(&driver_mock).open_count, 1);
	check_ret(vfio_mock_try_group(&driver_mock), -EBUSY);
}

/* In a group of two the one that can't be opened takes nothing from the other. */
static void open_fails_beside(void)
{
	struct vfio_mock_behave behave = { .open_error = -EIO };
	struct vfio_mock_make make = VFIO_MOCK_PLAIN;
	struct vfio_mock b;

	driver_scene_need_mock();
	require_ok(vfio_mock_make(&driver_mock, &make));
	make.beside = driver_mock.control;
	require_ok(vfio_mock_make(&b, &make));
	vfio_mock_get(&driver_mock, driver_iommufd);
	require_ok(device_attach(&driver_mock.dev, driver_ioas));
	vfio_mock_behave(&b, &behave);
	require_ok(vfio_mock_open(&b));
	check_ret(device_bind(&b.dev, driver_iommufd), -EIO);
	check_ret(vfio_mock_try_group(&driver_mock), -EBUSY);
	check_ret(iommu_destroy(driver_iommufd, driver_ioas), -EBUSY);
	device_close(&driver_mock.dev);
	check_eq(vfio_mock_seen(&driver_mock).translated, 1);
	check_ret(vfio_mock_try_group(&driver_mock), 0);
	check_ret(iommu_destroy(driver_iommufd, driver_ioas), 0);
	close(b.dev.fd);
	close(b.control);
}

static int bind_token(const uint8_t *uuid)
{
	struct cdev_bind c = {
		.argsz = sizeof(c), .flags = !!uuid, .iommufd = driver_iommufd,
		.token_uuid_ptr = (uintptr_t)uuid,
	};

	return iommu_ioctl(driver_mock.dev.fd, CDEV_BIND, &c);
}

static void tokens(void)
{
	struct vfio_mock_behave behave = { .wants_token = 1 };
	uint8_t wrong[16];

	driver_scene_up();
	require_ok(vfio_mock_open(&driver_mock));
	check_ret(bind_token(token), -EINVAL);
	memcpy(behave.token, token, sizeof(token));
	vfio_mock_behave(&driver_mock, &behave);
	memcpy(wrong, token, sizeof(token));
	wrong[15]++;
	check_ret(bind_token(NULL), -EACCES);
	check_ret(bind_token(wrong), -EACCES);
	check_ret(bind_token((void *)16), -EFAULT);
	check_ret(vfio_mock_try_group(&driver_mock), 0);
	check_ret(bind_token(token), 0);
	device_close(&driver_mock.dev);
	check_eq(vfio_mock_seen(&driver_mock).open_count, 1);
}

static void match_refuses(void)
{
	struct vfio_mock_behave behave = { .match_error = -EPERM };

	driver_scene_up();
	require_ok(vfio_mock_open(&driver_mock));
	vfio_mock_behave(&driver_mock, &behave);
	check_ret(bind_token(NULL), -EPERM);
	check_ret(bind_token(token), -EPERM);
	check_ret(vfio_mock_try_group(&driver_mock), 0);
	behave.match_error = 0;
	vfio_mock_behave(&driver_mock, &behave);
	check_ret(bind_token(NULL), 0);
}

/* A token that's offered to a driver that knows none. */
static void bare_token(void)
{
	struct vfio_mock_make make = { .ops = VFIO_MOCK_BARE, .beside = -1 };

	driver_scene_need_mock();
	require_ok(vfio_mock_make(&driver_mock, &make));
	require_ok(vfio_mock_open(&driver_mock));
	check_ret(bind_token(token), -EINVAL);
	check_ret(bind_token(NULL), 0);
}

/* Each call wakes the device, or fails. */
static void power(void)
{
	struct vfio_mock_behave behave = { .wake_error = -EBUSY };
	struct vfio_mock_make make = VFIO_MOCK_PLAIN;
	uint32_t wakes;

	driver_scene_need_mock();
	require_ok(vfio_mock_make(&driver_mock, &make));
	if (!driver_scene_node_exists(driver_mock.place.path, "power/runtime_status"))
		tap_skip("the kernel has no power management");
	vfio_mock_get(&driver_mock, driver_iommufd);
	require_ok(device_attach(&driver_mock.dev, driver_ioas));
	for (int i = 0; i < 200 && !iommu_ioctl(driver_mock.dev.fd, VFIO_DEVICE_RESET, NULL); i++) {
		wakes = vfio_mock_seen(&driver_mock).wakes;
		if (wakes > 1)
			break;
		usleep(10000);		/* it falls asleep a moment after a call */
	}
	check(vfio_mock_seen(&driver_mock).wakes > 1);
	check(device_sleeps(driver_mock.place.path));
	vfio_mock_behave(&driver_mock, &behave);
	check_ret(iommu_ioctl(driver_mock.dev.fd, VFIO_DEVICE_RESET, NULL), -EIO);
	check_ret(iommu_ioctl(driver_mock.dev.fd, VFIO_MOCK_ANSWER_CALL, NULL), -EIO);
	check_ret(device_detach(&driver_mock.dev), -EIO);
	check_ret(iommu_destroy(driver_iommufd, driver_ioas), -EBUSY);
	behave.wake_error = 0;
	vfio_mock_behave(&driver_mock, &behave);
	check_ret(iommu_ioctl(driver_mock.dev.fd, VFIO_MOCK_ANSWER_CALL, NULL), VFIO_MOCK_ANSWER);
	check_ret(device_detach(&driver_mock.dev), 0);
	check_ret(iommu_destroy(driver_iommufd, driver_ioas), 0);
	/* a close doesn't need it awake */
	require_ok(device_attach(&driver_mock.dev, ioas_new(driver_iommufd)));
	behave.wake_error = -EBUSY;
	check(device_sleeps(driver_mock.place.path));
	vfio_mock_behave(&driver_mock, &behave);
	device_close(&driver_mock.dev);
	check_eq(vfio_mock_seen(&driver_mock).closes, 1);
	behave.wake_error = 0;
	vfio_mock_behave(&driver_mock, &behave);
}

/* In a process that doesn't keep the device open itself. */
static void unbind_it(void *arg)
{
	struct device *second = arg;

	device_close(second);
	device_close(&driver_mock.dev);
	check_ret(vfio_mock_unbind(&driver_mock), 0);
}

static void await_request(void)
{
	for (int i = 0; i < 500 && !vfio_mock_seen(&driver_mock).requests; i++)
		usleep(10000);
	check(vfio_mock_seen(&driver_mock).requests > 0);
}

/* Who unbinds the driver waits for the file; the driver is asked to hurry it. */
static void request(void)
{
	struct device second;
	uint32_t closes;
	int pid;

	driver_scene_up();
	closes = vfio_mock_seen(&driver_mock).closes;
	vfio_mock_get(&driver_mock, driver_iommufd);
	require_ok(device_attach(&driver_mock.dev, driver_ioas));
	second = driver_mock.dev;
	second.fd = open(driver_mock.dev.node, O_RDWR | O_CLOEXEC);
	require(second.fd >= 0);
	pid = tap_spawn(unbind_it, &second);
	await_request();
	check_ret(iommu_ioctl(driver_mock.dev.fd, VFIO_MOCK_ANSWER_CALL, NULL), VFIO_MOCK_ANSWER);
	check_ret(device_detach(&driver_mock.dev), 0);
	check_ret(device_attach(&driver_mock.dev, driver_ioas), 0);
	/* Linux 6.1 takes the node away at the end, others at once */
	if (!kernel_before(6, 12))
		check(open(driver_mock.dev.node, O_RDWR | O_CLOEXEC) < 0);
	device_close(&driver_mock.dev);
	check_eq(vfio_mock_seen(&driver_mock).closes, closes + 1);
	/* one that isn't bound keeps the device, too, and can be bound to the end */
	check_ret(device_bind(&second, driver_iommufd), 0);
	device_close(&second);
	tap_join(pid);
	check(access(driver_mock.dev.node, F_OK) < 0);
	check_ret(vfio_mock_bind(&driver_mock), 0);
	vfio_mock_get(&driver_mock, driver_iommufd);
}

/* The driver's device comes and goes while others try to use it. */
static void keep_opening(void *arg)
{
	volatile int *bound = arg;

	while (bound[1]) {
		struct device dev = driver_mock.dev;

		dev.fd = open(dev.node, O_RDWR | O_CLOEXEC);
		if (dev.fd < 0)
			continue;
		if (!device_bind(&dev, driver_iommufd)) {
			bound[0]++;
			device_attach(&dev, driver_ioas);
		}
		close(dev.fd);
	}
}

static void plug_race(void)
{
	double end = tap_now() + 3;
	unsigned int rounds = 0;
	volatile int *bound;
	int pids[2];

	driver_scene_up();
	bound = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(bound != MAP_FAILED);
	bound[1] = 1;
	for (int i = 0; i < 2; i++)
		pids[i] = tap_spawn(keep_opening, (void *)bound);
	/* slow machines get as far as that, too, or the test runs out of time */
	for (; tap_now() < end || rounds < 4 || bound[0] < 4; rounds++) {
		require_ok(vfio_mock_unbind(&driver_mock));
		require_ok(vfio_mock_bind(&driver_mock));
		usleep(2000 * (rounds % 4));
	}
	bound[1] = 0;
	for (int i = 0; i < 2; i++)
		tap_join(pids[i]);
	tap_diag("%u unbinds, %d binds of the node", rounds, bound[0]);
	check_ret(vfio_mock_try_group(&driver_mock), 0);
}

static const struct test tests[] = {
	{ "open_fails", open_fails },
	{ "open_fails_beside", open_fails_beside },
	{ "tokens", tokens },
	{ "match_refuses", match_refuses },
	{ "bare_token", bare_token },
	{ "power", power },
	{ "request", request },
	{ "plug_race", plug_race },
};

TAP_MAIN("vfio_driver_refuse", tests)
