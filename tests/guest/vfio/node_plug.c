// SPDX-License-Identifier: GPL-2.0-only
/*
 * The devices of device nodes: unplugged while open or in use, plugged in again, and
 * several in one group.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "node.h"
#include "iommu.h"
#include "legacy.h"
#include "plug.h"
#include "tap.h"

/* Begins to take the device from vfio-pci, which lasts until all its files are closed. */
static int unplug(struct node *s)
{
	struct write_alone w = { .path = "/sys/bus/pci/drivers/vfio-pci/unbind" };

	strcpy(w.text, s->bdf);
	return tap_spawn(write_alone, &w);
}

static void plug_in(struct node *s)
{
	check_ret(write_file("/sys/bus/pci/drivers/vfio-pci/bind", s->bdf), 0);
	for (int i = 0; i < 100; i++) {
		struct device dev;

		if (!device_open(&dev, s->bdf)) {
			device_close(&dev);
			return;
		}
		usleep(10000);
	}
	check_msg(false, "no node after binding the driver");
}

static void unplugged_in_use(void)
{
	struct node s;
	struct device late;
	struct pollfd p = { .events = POLLIN };
	int pid, ret;

	node_prepare(&s);
	node_use(&s);
	p.fd = request_eventfd(&s.dev);
	pid = unplug(&s);
	check_eq(poll(&p, 1, 5000), 1);
	/* who has it may use it to the end */
	check(!ended(pid, 200));
	check_ret(node_ask(s.dev.fd), 0);
	check_ret(device_detach(&s.dev), 0);
	check_ret(device_attach(&s.dev, s.ioas), 0);
	/* nobody else may begin, and keep it waiting */
	ret = device_open(&late, s.bdf);
	check_msg(ret == -ENOENT || ret == -ENXIO || ret == -ENODEV, "opened anew: %d", ret);
	device_close(&s.dev);
	check(ended(pid, 5000));
	tap_join(pid);
	check_ret(device_open(&late, s.bdf), -ENOENT);
	check(access(s.dev.node, F_OK) < 0);
	/* the context survives */
	check_ret(ioas_unmap(s.fd, s.ioas, NODE_IOVA, NODE_SIZE, NULL), 0);
	close(s.fd);
	plug_in(&s);
	node_check_free(&s);
}

/* An open file without BIND holds the device as well. */
static void unplugged_open(void)
{
	struct node s = {};
	int pid;

	node_prepare(&s);
	require_ok(device_open(&s.dev, s.bdf));
	pid = unplug(&s);
	check(!ended(pid, 300));
	device_close(&s.dev);
	/* without an eventfd, the driver asks again after 10 s */
	check(ended(pid, 15000));
	tap_join(pid);
	plug_in(&s);
	node_check_free(&s);
}

static void replugged(void)
{
	struct node s = {};

	node_prepare(&s);
	for (int i = 0; i < 20; i++) {
		tap_join(unplug(&s));
		plug_in(&s);
		node_use(&s);
		device_close(&s.dev);
		close(s.fd);
	}
	node_check_free(&s);
}

struct opener {
	struct node *s;
	volatile int stop;
	long done;
};

static void *open_loop(void *arg)
{
	struct opener *a = arg;
	struct device dev;

	while (!a->stop) {
		if (device_open(&dev, a->s->bdf))
			continue;
		a->done++;
		device_close(&dev);
	}
	return NULL;
}

/* Opening while the device comes and goes. */
static void open_race(void)
{
	struct node s = {};
	struct opener a = { &s };
	pthread_t thread;

	node_prepare(&s);
	require(!pthread_create(&thread, NULL, open_loop, &a));
	for (int i = 0; i < 20; i++) {
		tap_join(unplug(&s));
		check_ret(write_file("/sys/bus/pci/drivers/vfio-pci/bind", s.bdf), 0);
		usleep(10000);
	}
	a.stop = 1;
	pthread_join(thread, NULL);
	tap_diag("%ld times open", a.done);
	check(a.done > 0);
	node_check_free(&s);
}

/* One context owns all devices of a group, and the group is held once. */
static void pair(void)
{
	int fd = iommu_open(), fd2 = iommu_open();
	struct device a, b, again;
	char first[16], second[16];
	long uses = module_uses();

	device_find_pair("edu", first, second);
	require_ok(device_open(&a, first));
	require_ok(device_open(&b, second));
	require_ok(device_bind(&a, fd));
	check_ret(device_bind(&b, fd2), -EPERM);
	check_ret(device_bind(&b, fd), 0);
	check_ret(legacy_open_group(first), -EBUSY);
	device_close(&a);
	check_ret(legacy_open_group(first), -EBUSY);
	require_ok(device_open(&again, first));
	check_ret(device_bind(&again, fd2), -EPERM);
	device_close(&b);
	check_ret(device_bind(&again, fd2), 0);
	check_ret(legacy_open_group(second), -EBUSY);
	device_close(&again);
	check(legacy_is_free(second));
	check_eq(module_uses(), uses);
}

static const struct test tests[] = {
	{ "unplugged_in_use", unplugged_in_use },
	{ "unplugged_open", unplugged_open },
	{ "replugged", replugged },
	{ "open_race", open_race },
	{ "pair", pair },
};

TAP_MAIN("node_plug", tests)
