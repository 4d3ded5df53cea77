// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a VFIO driver sees of a device node, and what it may refuse: opening and closing,
 * tokens, power, its module's references, sets of devices, giving its device back.  With
 * the VFIO test driver, on the mock IOMMU or, on Linux's own module, with a PCI device.
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
#include "vfio_mock.h"

static struct vfio_mock m;
static int iommufd;
static uint32_t ioas;

static const uint8_t token[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

/* A device with all callbacks that nobody has opened. */
static void device_up(void)
{
	struct vfio_mock_make make = VFIO_MOCK_PLAIN;
	struct vfio_mock_behave behave = {};

	iommufd = iommu_open();
	ioas = ioas_new(iommufd);
	if (tap_oracle())
		vfio_mock_adopt(&m);
	else
		require_ok(vfio_mock_make(&m, &make));
	vfio_mock_behave(&m, &behave);
}

static void need_mock(void)
{
	if (tap_oracle())
		tap_skip("needs a device behind our mock IOMMU");
	iommufd = mock_open();
	ioas = ioas_new(iommufd);
}

static bool there(const char *directory, const char *name)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return !access(path, F_OK);
}

/* A device without an IOMMU of its own gets no node. */
static void emulated(void)
{
	struct vfio_mock_make make = { .kind = VFIO_MOCK_EMULATED, .beside = -1 };
	char attribute[64];

	if (tap_oracle())
		tap_skip("Linux has nodes for these");
	iommufd = iommu_open();
	require_ok(vfio_mock_make(&m, &make));
	snprintf(attribute, sizeof(attribute), "vfio-dev/vfio%u", m.place.index);
	check(there(m.place.path, attribute));
	strcat(attribute, "/dev");
	check(!there(m.place.path, attribute));
	check(!there(m.place.path, "vfio-cdev"));
	check_ret(vfio_mock_open(&m), -ENOENT);
	/* the legacy way to it is as it was */
	check_ret(vfio_mock_try_group(&m), 0);
	check_ret(vfio_mock_unbind(&m), 0);
	check_ret(vfio_mock_bind(&m), 0);
	check_ret(vfio_mock_open(&m), -ENOENT);
}

static void node(void)
{
	char attribute[64];

	device_up();
	snprintf(attribute, sizeof(attribute), "vfio-dev/vfio%u/dev", m.place.index);
	check(there(m.place.path, attribute));
	check_ret(vfio_mock_open(&m), 0);
}

/* A driver without any callback that it can do without. */
static void bare(void)
{
	struct vfio_mock_make make = { .ops = VFIO_MOCK_BARE, .beside = -1 };
	struct vfio_region_info info = { .argsz = sizeof(info) };
	struct vfio_device_feature f = { .argsz = 8, .flags = VFIO_DEVICE_FEATURE_PROBE };
	char byte = 0;

	need_mock();
	require_ok(vfio_mock_make(&m, &make));
	vfio_mock_get(&m, iommufd);
	check_ret(iommu_ioctl(m.dev.fd, VFIO_DEVICE_GET_INFO, &info), -EINVAL);
	check_ret(iommu_ioctl(m.dev.fd, VFIO_DEVICE_GET_REGION_INFO, &info), -EINVAL);
	check_ret(iommu_ioctl(m.dev.fd, VFIO_DEVICE_GET_REGION_INFO, NULL), -EINVAL);
	check_ret(iommu_ioctl(m.dev.fd, VFIO_DEVICE_RESET, NULL), -EINVAL);
	check_ret(iommu_ioctl(m.dev.fd, VFIO_DEVICE_FEATURE, &f), -ENOTTY);
	check(read(m.dev.fd, &byte, 1) < 0 && errno == EINVAL);
	check(write(m.dev.fd, &byte, 1) < 0 && errno == EINVAL);
	check(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, m.dev.fd, 0) == MAP_FAILED &&
	      errno == EINVAL);
	check_ret(device_attach(&m.dev, ioas), 0);
	check_ret(device_detach(&m.dev), 0);
	device_close(&m.dev);
	vfio_mock_get(&m, iommufd);
	/* it has nobody to ask for its device */
	device_close(&m.dev);
	check_ret(vfio_mock_unbind(&m), 0);
}

static void forwarded(void)
{
	char out[16] = "what is written", in[16] = {};
	char *page;

	device_up();
	vfio_mock_get(&m, iommufd);
	check_ret(iommu_ioctl(m.dev.fd, VFIO_MOCK_ANSWER_CALL, NULL), VFIO_MOCK_ANSWER);
	check_ret(iommu_ioctl(m.dev.fd, _IO(';', 250), NULL), -ENOTTY);
	check_ret(device_reset(&m.dev), 0);
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, m.dev.fd, 0);
	require(page != MAP_FAILED);
	check_eq(pwrite(m.dev.fd, out, sizeof(out), 100), sizeof(out));
	check(!memcmp(page + 100, out, sizeof(out)));
	page[100] = 'W';
	check_eq(pread(m.dev.fd, in, sizeof(in), 100), sizeof(in));
	check_eq(in[0], 'W');
	check(!memcmp(in + 1, out + 1, sizeof(in) - 1));
	check(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, m.dev.fd, PAGE) == MAP_FAILED);
	/* a mapping outlives the file, and the device stays open for it */
	device_close(&m.dev);
	page[101] = 'H';
	check_eq(vfio_mock_seen(&m).opens - vfio_mock_seen(&m).closes, 1);
	munmap(page, PAGE);
	check_eq(vfio_mock_seen(&m).opens - vfio_mock_seen(&m).closes, 0);
}

static void check_no_hot_reset(void)
{
	struct vfio_pci_hot_reset reset = { .argsz = sizeof(reset) };
	struct vfio_pci_hot_reset_info info = { .argsz = sizeof(info) };

	check_ret(iommu_ioctl(m.dev.fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info), -ENOTTY);
	check_ret(iommu_ioctl(m.dev.fd, VFIO_DEVICE_PCI_HOT_RESET, &reset), -ENOTTY);
}

/* Only vfio-pci's own devices are reset together: not another driver's, nor another bus's. */
static void no_hot_reset(void)
{
	device_up();
	vfio_mock_get(&m, iommufd);
	check_no_hot_reset();
	device_close(&m.dev);
	close(m.control);
	vfio_mock_adopt(&m);
	vfio_mock_get(&m, iommufd);
	check_no_hot_reset();
}

/* The driver's module is held while its device is bound, and not before. */
static void references(void)
{
	struct device second;
	long uses;

	device_up();
	uses = vfio_mock_uses();
	require_ok(vfio_mock_open(&m));
	check_eq(vfio_mock_uses(), uses);
	check_ret(device_bind(&m.dev, -1), -EINVAL);
	check_ret(device_bind(&m.dev, 0), -EBADFD);
	check_eq(vfio_mock_uses(), uses);
	require_ok(device_bind(&m.dev, iommufd));
	check_eq(vfio_mock_uses(), uses + 1);
	check_ret(device_bind(&m.dev, iommufd), -EINVAL);
	second = m.dev;
	second.fd = open(m.dev.node, O_RDWR | O_CLOEXEC);
	check_ret(device_bind(&second, iommufd), -EINVAL);
	check_eq(vfio_mock_uses(), uses + 1);
	device_close(&second);
	check_eq(vfio_mock_uses(), uses + 1);
	device_close(&m.dev);
	vfio_mock_check_uses(uses);
}

/* What a driver may ask vfio.ko for when it is opened. */
static void counts(void)
{
	struct vfio_mock_seen before, seen;

	device_up();
	before = vfio_mock_seen(&m);
	vfio_mock_get(&m, iommufd);
	seen = vfio_mock_seen(&m);
	check_eq(seen.opens, before.opens + 1);
	check_eq(seen.closes, before.closes);
	check_eq(seen.open_count, 1);
	check_eq(seen.set_count, 1);
	device_close(&m.dev);
	check_eq(vfio_mock_seen(&m).closes, before.closes + 1);
}

/* Devices that are reset together are counted together. */
static void set(void)
{
	struct vfio_mock_make make = { .set = 3, .beside = -1 };
	struct vfio_mock a, b, c;

	need_mock();
	require_ok(vfio_mock_make(&a, &make));
	require_ok(vfio_mock_make(&b, &make));
	make.set = 4;
	require_ok(vfio_mock_make(&c, &make));
	vfio_mock_get(&c, iommufd);
	vfio_mock_get(&a, iommufd);
	check_eq(vfio_mock_seen(&a).set_count, 1);
	vfio_mock_get(&b, iommufd);
	check_eq(vfio_mock_seen(&b).set_count, 2);
	device_close(&a.dev);
	check_eq(vfio_mock_seen(&a).closes, 1);
	check_eq(vfio_mock_seen(&b).closes, 0);
	vfio_mock_get(&a, iommufd);
	check_eq(vfio_mock_seen(&a).set_count, 2);
	check_eq(vfio_mock_seen(&c).set_count, 1);
	close(b.dev.fd);
	close(a.dev.fd);
	check(vfio_mock_seen(&b).closed_as < vfio_mock_seen(&a).closed_as);
}

/* When the driver stops its device, its DMA still goes where it went. */
static void close_order(void)
{
	device_up();
	vfio_mock_get(&m, iommufd);
	require_ok(device_attach(&m.dev, ioas));
	device_close(&m.dev);
	check_eq(vfio_mock_seen(&m).translated, 1);
	vfio_mock_get(&m, iommufd);
	require_ok(device_attach(&m.dev, ioas));
	require_ok(device_detach(&m.dev));
	device_close(&m.dev);
	check_eq(vfio_mock_seen(&m).translated, 0);
}

static void check_open_fails(int error)
{
	struct vfio_mock_behave behave = { .open_error = error };
	long uses = vfio_mock_uses();

	vfio_mock_behave(&m, &behave);
	check_ret(device_bind(&m.dev, iommufd), error);
	check_eq(vfio_mock_uses(), uses);
	/* nothing is kept: the group, its DMA, the context */
	check_ret(vfio_mock_try_group(&m), 0);
	check_ret(device_attach(&m.dev, ioas), -EINVAL);
	behave.open_error = 0;
	vfio_mock_behave(&m, &behave);
}

static void open_fails(void)
{
	struct vfio_mock_seen before;

	device_up();
	before = vfio_mock_seen(&m);
	require_ok(vfio_mock_open(&m));
	check_open_fails(-EIO);
	check_open_fails(-EBUSY);
	check_open_fails(-ENODEV);
	check_eq(vfio_mock_seen(&m).opens, before.opens);
	check_eq(vfio_mock_seen(&m).closes, before.closes);
	check_ret(device_bind(&m.dev, iommufd), 0);
	check_eq(vfio_mock_seen(&m).open_count, 1);
	check_ret(vfio_mock_try_group(&m), -EBUSY);
}

/* In a group of two the one that can't be opened takes nothing from the other. */
static void open_fails_beside(void)
{
	struct vfio_mock_behave behave = { .open_error = -EIO };
	struct vfio_mock_make make = VFIO_MOCK_PLAIN;
	struct vfio_mock b;

	need_mock();
	require_ok(vfio_mock_make(&m, &make));
	make.beside = m.control;
	require_ok(vfio_mock_make(&b, &make));
	vfio_mock_get(&m, iommufd);
	require_ok(device_attach(&m.dev, ioas));
	vfio_mock_behave(&b, &behave);
	require_ok(vfio_mock_open(&b));
	check_ret(device_bind(&b.dev, iommufd), -EIO);
	check_ret(vfio_mock_try_group(&m), -EBUSY);
	check_ret(iommu_destroy(iommufd, ioas), -EBUSY);
	device_close(&m.dev);
	check_eq(vfio_mock_seen(&m).translated, 1);
	check_ret(vfio_mock_try_group(&m), 0);
	check_ret(iommu_destroy(iommufd, ioas), 0);
	close(b.dev.fd);
	close(b.control);
}

static int bind_token(const uint8_t *uuid)
{
	struct cdev_bind c = {
		.argsz = sizeof(c), .flags = !!uuid, .iommufd = iommufd,
		.token_uuid_ptr = (uintptr_t)uuid,
	};

	return iommu_ioctl(m.dev.fd, CDEV_BIND, &c);
}

static void tokens(void)
{
	struct vfio_mock_behave behave = { .wants_token = 1 };
	uint8_t wrong[16];

	device_up();
	require_ok(vfio_mock_open(&m));
	check_ret(bind_token(token), -EINVAL);
	memcpy(behave.token, token, sizeof(token));
	vfio_mock_behave(&m, &behave);
	memcpy(wrong, token, sizeof(token));
	wrong[15]++;
	check_ret(bind_token(NULL), -EACCES);
	check_ret(bind_token(wrong), -EACCES);
	check_ret(bind_token((void *)16), -EFAULT);
	check_ret(vfio_mock_try_group(&m), 0);
	check_ret(bind_token(token), 0);
	device_close(&m.dev);
	check_eq(vfio_mock_seen(&m).open_count, 1);
}

static void match_refuses(void)
{
	struct vfio_mock_behave behave = { .match_error = -EPERM };

	device_up();
	require_ok(vfio_mock_open(&m));
	vfio_mock_behave(&m, &behave);
	check_ret(bind_token(NULL), -EPERM);
	check_ret(bind_token(token), -EPERM);
	check_ret(vfio_mock_try_group(&m), 0);
	behave.match_error = 0;
	vfio_mock_behave(&m, &behave);
	check_ret(bind_token(NULL), 0);
}

/* A token that's offered to a driver that knows none. */
static void bare_token(void)
{
	struct vfio_mock_make make = { .ops = VFIO_MOCK_BARE, .beside = -1 };

	need_mock();
	require_ok(vfio_mock_make(&m, &make));
	require_ok(vfio_mock_open(&m));
	check_ret(bind_token(token), -EINVAL);
	check_ret(bind_token(NULL), 0);
}

/* Each call wakes the device, or fails. */
static void power(void)
{
	struct vfio_mock_behave behave = { .wake_error = -EBUSY };
	struct vfio_mock_make make = VFIO_MOCK_PLAIN;
	uint32_t wakes;

	need_mock();
	require_ok(vfio_mock_make(&m, &make));
	if (!there(m.place.path, "power/runtime_status"))
		tap_skip("the kernel has no power management");
	vfio_mock_get(&m, iommufd);
	require_ok(device_attach(&m.dev, ioas));
	for (int i = 0; i < 200 && !iommu_ioctl(m.dev.fd, VFIO_DEVICE_RESET, NULL); i++) {
		wakes = vfio_mock_seen(&m).wakes;
		if (wakes > 1)
			break;
		usleep(10000);		/* it falls asleep a moment after a call */
	}
	check(vfio_mock_seen(&m).wakes > 1);
	check(device_sleeps(m.place.path));
	vfio_mock_behave(&m, &behave);
	check_ret(iommu_ioctl(m.dev.fd, VFIO_DEVICE_RESET, NULL), -EIO);
	check_ret(iommu_ioctl(m.dev.fd, VFIO_MOCK_ANSWER_CALL, NULL), -EIO);
	check_ret(device_detach(&m.dev), -EIO);
	check_ret(iommu_destroy(iommufd, ioas), -EBUSY);
	behave.wake_error = 0;
	vfio_mock_behave(&m, &behave);
	check_ret(iommu_ioctl(m.dev.fd, VFIO_MOCK_ANSWER_CALL, NULL), VFIO_MOCK_ANSWER);
	check_ret(device_detach(&m.dev), 0);
	check_ret(iommu_destroy(iommufd, ioas), 0);
	/* a close doesn't need it awake */
	require_ok(device_attach(&m.dev, ioas_new(iommufd)));
	behave.wake_error = -EBUSY;
	check(device_sleeps(m.place.path));
	vfio_mock_behave(&m, &behave);
	device_close(&m.dev);
	check_eq(vfio_mock_seen(&m).closes, 1);
	behave.wake_error = 0;
	vfio_mock_behave(&m, &behave);
}

/* In a process that doesn't keep the device open itself. */
static void unbind_it(void *arg)
{
	struct device *second = arg;

	device_close(second);
	device_close(&m.dev);
	check_ret(vfio_mock_unbind(&m), 0);
}

static void await_request(void)
{
	for (int i = 0; i < 500 && !vfio_mock_seen(&m).requests; i++)
		usleep(10000);
	check(vfio_mock_seen(&m).requests > 0);
}

/* Who unbinds the driver waits for the file; the driver is asked to hurry it. */
static void request(void)
{
	struct device second;
	uint32_t closes;
	int pid;

	device_up();
	closes = vfio_mock_seen(&m).closes;
	vfio_mock_get(&m, iommufd);
	require_ok(device_attach(&m.dev, ioas));
	second = m.dev;
	second.fd = open(m.dev.node, O_RDWR | O_CLOEXEC);
	require(second.fd >= 0);
	pid = tap_spawn(unbind_it, &second);
	await_request();
	check_ret(iommu_ioctl(m.dev.fd, VFIO_MOCK_ANSWER_CALL, NULL), VFIO_MOCK_ANSWER);
	check_ret(device_detach(&m.dev), 0);
	check_ret(device_attach(&m.dev, ioas), 0);
	/* Linux 6.1 takes the node away at the end, others at once */
	if (!kernel_before(6, 12))
		check(open(m.dev.node, O_RDWR | O_CLOEXEC) < 0);
	device_close(&m.dev);
	check_eq(vfio_mock_seen(&m).closes, closes + 1);
	/* one that isn't bound keeps the device, too, and can be bound to the end */
	check_ret(device_bind(&second, iommufd), 0);
	device_close(&second);
	tap_join(pid);
	check(access(m.dev.node, F_OK) < 0);
	check_ret(vfio_mock_bind(&m), 0);
	vfio_mock_get(&m, iommufd);
}

/* The driver's device comes and goes while others try to use it. */
static void keep_opening(void *arg)
{
	volatile int *bound = arg;

	while (bound[1]) {
		struct device dev = m.dev;

		dev.fd = open(dev.node, O_RDWR | O_CLOEXEC);
		if (dev.fd < 0)
			continue;
		if (!device_bind(&dev, iommufd)) {
			bound[0]++;
			device_attach(&dev, ioas);
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

	device_up();
	bound = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(bound != MAP_FAILED);
	bound[1] = 1;
	for (int i = 0; i < 2; i++)
		pids[i] = tap_spawn(keep_opening, (void *)bound);
	/* slow machines get as far as that, too, or the test runs out of time */
	for (; tap_now() < end || rounds < 4 || bound[0] < 4; rounds++) {
		require_ok(vfio_mock_unbind(&m));
		require_ok(vfio_mock_bind(&m));
		usleep(2000 * (rounds % 4));
	}
	bound[1] = 0;
	for (int i = 0; i < 2; i++)
		tap_join(pids[i]);
	tap_diag("%u unbinds, %d binds of the node", rounds, bound[0]);
	check_ret(vfio_mock_try_group(&m), 0);
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
	{ "open_fails", open_fails },
	{ "open_fails_beside", open_fails_beside },
	{ "tokens", tokens },
	{ "match_refuses", match_refuses },
	{ "bare_token", bare_token },
	{ "power", power },
	{ "request", request },
	{ "plug_race", plug_race },
};

TAP_MAIN("vfio_driver", tests)
