// SPDX-License-Identifier: GPL-2.0-only
/*
 * The front door's lifetimes: files that are closed in any order, inherited and
 * handed on, processes that are killed, devices that are unplugged.  Whatever
 * happens, afterwards nobody has the device and nothing is left in use.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "device.h"
#include "iommu.h"
#include "legacy.h"
#include "mem.h"
#include "tap.h"

#define IOVA 0x1000000ull

struct setup {
	const char *bdf;
	long uses;			/* of kernel modules, before */
	int fd;
	uint32_t ioas;
	struct device dev;
};

static void prepare(struct setup *s)
{
	s->bdf = device_find("edu", 0);
	if (!s->bdf)
		tap_skip("needs an edu on vfio-pci");
	s->uses = module_uses();
}

/* A device in full use: bound, attached, memory mapped. */
static void use(struct setup *s)
{
	struct mem m;

	s->fd = iommu_open();
	s->ioas = ioas_new(s->fd);
	device_get(&s->dev, "edu", 0, s->fd);
	require_ok(device_attach(&s->dev, s->ioas));
	mem_get(&m, MEM_ANON, 64 * PAGE);
	require_ok(ioas_map_at(s->fd, s->ioas, m.va, m.size, IOVA));
}

/* Works the device? */
static int ask(int fd)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	return iommu_ioctl(fd, VFIO_DEVICE_GET_INFO, &info);
}

static void check_in_use(struct setup *s)
{
	struct device other;
	int fd = iommu_open();

	check_ret(legacy_open_group(s->bdf), -EBUSY);
	require_ok(device_open(&other, s->bdf));
	check_ret(device_bind(&other, fd), -EINVAL);
	device_close(&other);
	close(fd);
}

static void check_free(struct setup *s)
{
	struct device dev;
	int fd;

	check(legacy_is_free(s->bdf));
	fd = iommu_open();
	device_get(&dev, "edu", 0, fd);
	device_close(&dev);
	close(fd);
	/* some are given back a moment after the last close */
	for (int i = 0; i < 100 && module_uses() != s->uses; i++)
		usleep(10000);
	check_eq(module_uses(), s->uses);
}

static void device_first(void)
{
	struct setup s;

	prepare(&s);
	use(&s);
	check_in_use(&s);
	device_close(&s.dev);
	/* the address space is whole, and free */
	check_ret(iommu_destroy(s.fd, s.dev.id), -ENOENT);
	check_ret(ioas_unmap(s.fd, s.ioas, IOVA, 64 * PAGE, NULL), 0);
	check_ret(iommu_destroy(s.fd, s.ioas), 0);
	close(s.fd);
	check_free(&s);
}

static void context_first(void)
{
	struct setup s;

	prepare(&s);
	use(&s);
	close(s.fd);
	/* the device keeps the context */
	check_ret(ask(s.dev.fd), 0);
	check_ret(device_detach(&s.dev), 0);
	check_ret(device_attach(&s.dev, s.ioas), 0);
	check_in_use(&s);
	device_close(&s.dev);
	check_free(&s);
}

static void destroy_bound(void)
{
	struct setup s;

	prepare(&s);
	use(&s);
	check_ret(iommu_destroy(s.fd, s.dev.id), -EBUSY);
	check_ret(iommu_destroy(s.fd, s.ioas), -EBUSY);
	check_ret(ask(s.dev.fd), 0);
	device_close(&s.dev);
	close(s.fd);
	check_free(&s);
}

static void duplicates(void)
{
	struct setup s;
	int copy;

	prepare(&s);
	use(&s);
	copy = dup(s.dev.fd);
	device_close(&s.dev);
	close(s.fd);
	check_ret(ask(copy), 0);
	check_in_use(&s);
	close(copy);
	check_free(&s);
}

/* A mapping of a BAR keeps the file, and the file keeps the device. */
static void mapping_last(void)
{
	volatile uint32_t *bar;
	struct setup s;
	size_t size;

	prepare(&s);
	use(&s);
	require_ok(device_bus_master(&s.dev));
	bar = device_map_bar(&s.dev, 0, &size);
	require(bar != NULL);
	device_close(&s.dev);
	close(s.fd);
	check_eq(*bar & 0xff, 0xed);
	check_in_use(&s);
	munmap((void *)bar, size);
	check_free(&s);
}

struct child {
	struct setup *s;
	int go;
};

static void hold_until_told(void *arg)
{
	struct child *c = arg;
	char byte;

	check_eq(read(c->go, &byte, 1), 1);
	check_ret(ask(c->s->dev.fd), 0);
	check_ret(device_detach(&c->s->dev), 0);
}

static void forked(void)
{
	int go[2], pid;
	struct setup s;
	struct child c = { &s };

	prepare(&s);
	use(&s);
	require(!pipe(go));
	c.go = go[0];
	pid = tap_spawn(hold_until_told, &c);
	device_close(&s.dev);
	close(s.fd);
	check_in_use(&s);
	check_eq(write(go[1], "x", 1), 1);
	tap_join(pid);
	check_free(&s);
}

static void send_fd(int sock, int fd)
{
	char byte = 'x', control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	require(sendmsg(sock, &msg, 0) == 1);
}

static int receive_fd(int sock)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	require(recvmsg(sock, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

static void receiver(void *arg)
{
	int sock = *(int *)arg;
	struct device dev = { .fd = receive_fd(sock) };
	int fd = receive_fd(sock);

	check_ret(ask(dev.fd), -EINVAL);
	require_ok(device_bind(&dev, fd));
	require_ok(device_attach(&dev, ioas_new(fd)));
	check_eq(write(sock, "x", 1), 1);
	/* until the sender has gone through its part */
	check_eq(read(sock, &(char){ 0 }, 1), 1);
	check_ret(ask(dev.fd), 0);
}

/* One process opens both files, another one uses them. */
static void handed_on(void)
{
	int sock[2], pid;
	struct setup s;

	prepare(&s);
	require(!socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	pid = tap_spawn(receiver, &sock[1]);
	close(sock[1]);
	s.fd = iommu_open();
	require_ok(device_open(&s.dev, s.bdf));
	send_fd(sock[0], s.dev.fd);
	send_fd(sock[0], s.fd);
	check_eq(read(sock[0], &(char){ 0 }, 1), 1);
	check_ret(ask(s.dev.fd), 0);
	device_close(&s.dev);
	close(s.fd);
	check_in_use(&s);
	check_eq(write(sock[0], "x", 1), 1);
	tap_join(pid);
	check_free(&s);
}

/* The last reference lies in a socket that nobody reads any more. */
static void lost_in_socket(void)
{
	int sock[2];
	struct setup s;

	prepare(&s);
	use(&s);
	require(!socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	send_fd(sock[0], s.dev.fd);
	device_close(&s.dev);
	close(s.fd);
	check_in_use(&s);
	close(sock[0]);
	close(sock[1]);
	for (int i = 0; i < 200 && !legacy_is_free(s.bdf); i++)
		usleep(10000);
	check_free(&s);
}

static void use_for_ever(void *arg)
{
	struct child *c = arg;

	use(c->s);
	check_eq(write(c->go, "x", 1), 1);
	for (;;) {
		device_attach(&c->s->dev, c->s->ioas);
		device_detach(&c->s->dev);
	}
}

static void killed(void)
{
	struct setup s;

	prepare(&s);
	for (int i = 0; i < 10; i++) {
		int ready[2], pid;
		struct child c = { &s };

		require(!pipe(ready));
		c.go = ready[1];
		pid = tap_spawn(use_for_ever, &c);
		close(ready[1]);
		require(read(ready[0], &(char){ 0 }, 1) == 1);
		close(ready[0]);
		usleep(i * 3000);
		kill(pid, SIGKILL);
		tap_join(pid);
		check(legacy_is_free(s.bdf));
	}
	check_free(&s);
}

struct attacher {
	struct setup *s;
	volatile int stop;
	long done;
};

static void *attach_loop(void *arg)
{
	struct attacher *a = arg;

	while (!a->stop) {
		int ret = device_attach(&a->s->dev, a->s->ioas);

		check(ret == 0 || ret == -EINVAL || ret == -EBADF);
		a->done += !ret;
		device_detach(&a->s->dev);
	}
	return NULL;
}

/* Closing in one thread while others are in ATTACH and DETACH. */
static void close_race(void)
{
	long attached = 0;
	struct setup s;

	prepare(&s);
	for (int i = 0; i < 10; i++) {
		struct attacher a = { &s };
		pthread_t thread[2];

		use(&s);
		for (int j = 0; j < 2; j++)
			require(!pthread_create(&thread[j], NULL, attach_loop, &a));
		usleep(20000);
		close(s.fd);
		close(s.dev.fd);
		usleep(1000);
		a.stop = 1;
		for (int j = 0; j < 2; j++)
			pthread_join(thread[j], NULL);
		attached += a.done;
	}
	tap_diag("%ld times attached", attached);
	check(attached > 0);
	check_free(&s);
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/*
 * Takes the device from vfio-pci; lasts until all its files are closed.  Those
 * that were inherited are closed here, or this would wait for itself.
 */
static void unplug(void *arg)
{
	struct setup *s = arg;

	require(!close_range(3, ~0u, 0));
	check_ret(write_file("/sys/bus/pci/drivers/vfio-pci/unbind", s->bdf), 0);
}

static bool ended(int pid, int ms)
{
	for (int i = 0; i < ms / 10; i++) {
		siginfo_t info = {};

		waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT);
		if (info.si_pid == pid)
			return true;
		usleep(10000);
	}
	return false;
}

static void plug_in(struct setup *s)
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

/* The driver raises this eventfd when it wants the device back. */
static int request_eventfd(struct device *dev)
{
	union {
		struct vfio_irq_set set;
		char bytes[sizeof(struct vfio_irq_set) + sizeof(int)];
	} u = {
		.set = {
			.argsz = sizeof(u), .index = VFIO_PCI_REQ_IRQ_INDEX, .count = 1,
			.flags = VFIO_IRQ_SET_DATA_EVENTFD |
				 VFIO_IRQ_SET_ACTION_TRIGGER,
		},
	};
	int fd = eventfd(0, EFD_CLOEXEC);

	require(fd >= 0);
	memcpy(u.set.data, &fd, sizeof(fd));
	require_ok(iommu_ioctl(dev->fd, VFIO_DEVICE_SET_IRQS, &u.set));
	return fd;
}

static void unplugged_in_use(void)
{
	struct setup s;
	struct device late;
	struct pollfd p = { .events = POLLIN };
	int pid, ret;

	prepare(&s);
	use(&s);
	p.fd = request_eventfd(&s.dev);
	pid = tap_spawn(unplug, &s);
	check_eq(poll(&p, 1, 5000), 1);
	/* who has it may use it to the end */
	check(!ended(pid, 200));
	check_ret(ask(s.dev.fd), 0);
	check_ret(device_detach(&s.dev), 0);
	check_ret(device_attach(&s.dev, s.ioas), 0);
	/* nobody else may begin; older kernels only say so later */
	ret = device_open(&late, s.bdf);
	if (!ret) {
		check_ret(device_bind(&late, s.fd), -EINVAL);
		device_close(&late);
	} else {
		check(ret == -ENOENT || ret == -ENXIO || ret == -ENODEV);
	}
	device_close(&s.dev);
	check(ended(pid, 5000));
	tap_join(pid);
	check_ret(device_open(&late, s.bdf), -ENOENT);
	check(access(s.dev.node, F_OK) < 0);
	/* the context survives */
	check_ret(ioas_unmap(s.fd, s.ioas, IOVA, 64 * PAGE, NULL), 0);
	close(s.fd);
	plug_in(&s);
	check_free(&s);
}

/* An open file without BIND holds the device as well. */
static void unplugged_open(void)
{
	struct setup s = {};
	int pid;

	prepare(&s);
	require_ok(device_open(&s.dev, s.bdf));
	pid = tap_spawn(unplug, &s);
	check(!ended(pid, 300));
	device_close(&s.dev);
	/* without an eventfd, the driver asks again after 10 s */
	check(ended(pid, 15000));
	tap_join(pid);
	plug_in(&s);
	check_free(&s);
}

static void replugged(void)
{
	struct setup s = {};

	prepare(&s);
	for (int i = 0; i < 20; i++) {
		tap_join(tap_spawn(unplug, &s));
		plug_in(&s);
		use(&s);
		device_close(&s.dev);
		close(s.fd);
	}
	check_free(&s);
}

static void *open_loop(void *arg)
{
	struct attacher *a = arg;
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
	struct setup s = {};
	struct attacher a = { &s };
	pthread_t thread;

	prepare(&s);
	require(!pthread_create(&thread, NULL, open_loop, &a));
	for (int i = 0; i < 20; i++) {
		tap_join(tap_spawn(unplug, &s));
		check_ret(write_file("/sys/bus/pci/drivers/vfio-pci/bind", s.bdf), 0);
		usleep(10000);
	}
	a.stop = 1;
	pthread_join(thread, NULL);
	tap_diag("%ld times open", a.done);
	check(a.done > 0);
	check_free(&s);
}

static void group_of(const char *bdf, char *group, size_t size)
{
	char path[128];
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", bdf);
	len = readlink(path, group, size - 1);
	require(len > 0);
	group[len] = 0;
}

/* Two edus of one group, or the test is skipped. */
static void find_pair(char first[16], char second[16])
{
	char group[256], other[256];
	const char *bdf;

	for (unsigned int i = 0; (bdf = device_find("edu", i)); i++) {
		strcpy(first, bdf);
		group_of(first, group, sizeof(group));
		for (unsigned int j = i + 1; (bdf = device_find("edu", j)); j++) {
			strcpy(second, bdf);
			group_of(second, other, sizeof(other));
			if (!strcmp(group, other))
				return;
		}
	}
	tap_skip("needs two edus in one group");
}

/* One context owns all devices of a group, and the group is held once. */
static void pair(void)
{
	int fd = iommu_open(), fd2 = iommu_open();
	struct device a, b, again;
	char first[16], second[16];
	long uses = module_uses();

	find_pair(first, second);
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
	{ "device_first", device_first },
	{ "context_first", context_first },
	{ "destroy_bound", destroy_bound },
	{ "duplicates", duplicates },
	{ "mapping_last", mapping_last },
	{ "forked", forked },
	{ "handed_on", handed_on },
	{ "lost_in_socket", lost_in_socket },
	{ "killed", killed },
	{ "close_race", close_race },
	{ "unplugged_in_use", unplugged_in_use },
	{ "unplugged_open", unplugged_open },
	{ "replugged", replugged },
	{ "open_race", open_race },
	{ "pair", pair },
};

TAP_MAIN("frontdoor_life", tests)
