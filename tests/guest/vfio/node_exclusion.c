// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device nodes and legacy groups exclude each other; two devices, and two that BIND at
 * once.
 */
#include <errno.h>
#include <libgen.h>
#include <pthread.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "device.h"
#include "iommu.h"
#include "legacy.h"
#include "node_need.h"
#include "tap.h"

static void two_devices(void)
{
	int fd = iommu_open();
	struct device a, b;

	node_need("nvme");
	device_get(&a, "edu", 0, fd);
	device_get(&b, "nvme", 0, fd);
	check(a.id != b.id);
	device_close(&a);
	check_ret(legacy_open_group(b.bdf), -EBUSY);
	check(legacy_is_free(device_find("edu", 0)));
}

struct racer {
	pthread_barrier_t *start;
	struct device *dev;
	int fd, ret;
};

static void *race_bind(void *arg)
{
	struct racer *r = arg;
	struct cdev_bind c = { .argsz = sizeof(c), .iommufd = r->fd };

	pthread_barrier_wait(r->start);
	r->ret = iommu_ioctl(r->dev->fd, CDEV_BIND, &c);
	return NULL;
}

/* Returns how many of two simultaneous BINDs succeeded. */
static int race(struct device *a, struct device *b, int fd)
{
	pthread_barrier_t start;
	struct racer r[2] = { { &start, a, fd, 1 }, { &start, b, fd, 1 } };
	pthread_t thread[2];
	int wins = 0;

	pthread_barrier_init(&start, NULL, 2);
	for (int i = 0; i < 2; i++)
		require(!pthread_create(&thread[i], NULL, race_bind, &r[i]));
	for (int i = 0; i < 2; i++) {
		pthread_join(thread[i], NULL);
		check(r[i].ret == 0 || r[i].ret == -EINVAL);
		wins += !r[i].ret;
	}
	return wins;
}

static void bind_race(void)
{
	int fd = iommu_open();
	struct device a, b;

	for (int i = 0; i < 30; i++) {
		node_edu_open(&a);
		node_edu_open(&b);
		check_eq(race(&a, i & 1 ? &b : &a, fd), 1);
		device_close(&a);
		device_close(&b);
	}
	check(legacy_is_free(node_need("edu")));
}

/* Who has come by the legacy path keeps us out, from its first step on. */
static void legacy_first(void)
{
	int group, fd = iommu_open();
	struct device dev;
	struct legacy l;

	node_edu_open(&dev);
	group = legacy_open_group(dev.bdf);
	require(group >= 0);
	check_ret(device_bind(&dev, fd), -EBUSY);
	close(group);
	require_ok(legacy_open(&l, dev.bdf));
	check_ret(device_bind(&dev, fd), -EBUSY);
	/* an open device keeps its group open */
	close(l.group);
	l.group = -1;
	check_ret(device_bind(&dev, fd), -EBUSY);
	legacy_close(&l);
	check_ret(device_bind(&dev, fd), 0);
}

/* And the other way round. */
static void bound_first(void)
{
	int fd = iommu_open();
	struct device dev;
	struct legacy l;

	device_get(&dev, "edu", 0, fd);
	for (int i = 0; i < 3; i++)
		check_ret(legacy_open_group(dev.bdf), -EBUSY);
	check_ret(legacy_open(&l, dev.bdf), -EBUSY);
	device_close(&dev);
	require_ok(legacy_open(&l, dev.bdf));
	legacy_close(&l);
}

static volatile int stop;

static void *legacy_loop(void *arg)
{
	long *opened = arg;
	struct legacy l;

	while (!stop) {
		int ret = legacy_open(&l, device_find("edu", 0));

		check(ret == 0 || ret == -EBUSY);
		if (ret)
			continue;
		(*opened)++;
		legacy_close(&l);
		usleep(1000);
	}
	return NULL;
}

static void exclusion_race(void)
{
	double end = tap_now() + 3 * tap_time_factor();
	long opened = 0, bound = 0;
	int fd = iommu_open();
	struct device dev;
	pthread_t thread;

	node_need("edu");
	require(!pthread_create(&thread, NULL, legacy_loop, &opened));
	while (tap_now() < end) {
		int ret;

		node_edu_open(&dev);
		ret = device_bind(&dev, fd);
		check(ret == 0 || ret == -EBUSY);
		bound += !ret;
		device_close(&dev);
		if (!ret)
			usleep(1000);
	}
	stop = 1;
	pthread_join(thread, NULL);
	tap_diag("%ld times bound, %ld times open by the legacy path", bound, opened);
	check(bound > 0 && opened > 0);
	check(legacy_is_free(node_need("edu")));
}

static const struct test tests[] = {
	{ "two_devices", two_devices },
	{ "bind_race", bind_race },
	{ "legacy_first", legacy_first },
	{ "bound_first", bound_first },
	{ "exclusion_race", exclusion_race },
};

TAP_MAIN("node_exclusion", tests)
