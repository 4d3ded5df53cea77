// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device node files: closed in any order, inherited, handed on, lost, and
 * their owners killed.  Afterwards nobody has the device and nothing is left.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node.h"
#include "iommu.h"
#include "legacy.h"
#include "tap.h"

static void device_first(void)
{
	struct node s;

	node_prepare(&s);
	node_use(&s);
	node_check_in_use(&s);
	device_close(&s.dev);
	/* the address space is whole, and free */
	check_ret(iommu_destroy(s.fd, s.dev.id), -ENOENT);
	check_ret(ioas_unmap(s.fd, s.ioas, NODE_IOVA, NODE_SIZE, NULL), 0);
	check_ret(iommu_destroy(s.fd, s.ioas), 0);
	close(s.fd);
	node_check_free(&s);
}

static void context_first(void)
{
	struct node s;

	node_prepare(&s);
	node_use(&s);
	close(s.fd);
	/* the device keeps the context */
	check_ret(node_ask(s.dev.fd), 0);
	check_ret(device_detach(&s.dev), 0);
	check_ret(device_attach(&s.dev, s.ioas), 0);
	node_check_in_use(&s);
	device_close(&s.dev);
	node_check_free(&s);
}

static void destroy_bound(void)
{
	struct node s;

	node_prepare(&s);
	node_use(&s);
	check_ret(iommu_destroy(s.fd, s.dev.id), -EBUSY);
	check_ret(iommu_destroy(s.fd, s.ioas), -EBUSY);
	check_ret(node_ask(s.dev.fd), 0);
	device_close(&s.dev);
	close(s.fd);
	node_check_free(&s);
}

static void duplicates(void)
{
	struct node s;
	int copy;

	node_prepare(&s);
	node_use(&s);
	copy = dup(s.dev.fd);
	device_close(&s.dev);
	close(s.fd);
	check_ret(node_ask(copy), 0);
	node_check_in_use(&s);
	close(copy);
	node_check_free(&s);
}

/* A mapping of a BAR keeps the file, and the file keeps the device. */
static void mapping_last(void)
{
	volatile uint32_t *bar;
	struct node s;
	size_t size;

	node_prepare(&s);
	node_use(&s);
	require_ok(device_bus_master(&s.dev));
	bar = device_map_bar(&s.dev, 0, &size);
	require(bar != NULL);
	device_close(&s.dev);
	close(s.fd);
	check_eq(*bar & 0xff, 0xed);
	node_check_in_use(&s);
	munmap((void *)bar, size);
	node_check_free(&s);
}

struct child {
	struct node *s;
	int go;
};

static void hold_until_told(void *arg)
{
	struct child *c = arg;
	char byte;

	check_eq(read(c->go, &byte, 1), 1);
	check_ret(node_ask(c->s->dev.fd), 0);
	check_ret(device_detach(&c->s->dev), 0);
}

static void forked(void)
{
	int go[2], pid;
	struct node s;
	struct child c = { &s };

	node_prepare(&s);
	node_use(&s);
	require(!pipe(go));
	c.go = go[0];
	pid = tap_spawn(hold_until_told, &c);
	device_close(&s.dev);
	close(s.fd);
	node_check_in_use(&s);
	check_eq(write(go[1], "x", 1), 1);
	tap_join(pid);
	node_check_free(&s);
}

static void receiver(void *arg)
{
	int sock = *(int *)arg;
	struct device dev = { .fd = receive_fd(sock) };
	int fd = receive_fd(sock);

	check_ret(node_ask(dev.fd), -EINVAL);
	require_ok(device_bind(&dev, fd));
	require_ok(device_attach(&dev, ioas_new(fd)));
	check_eq(write(sock, "x", 1), 1);
	/* until the sender has gone through its part */
	check_eq(read(sock, &(char){ 0 }, 1), 1);
	check_ret(node_ask(dev.fd), 0);
}

/* One process opens both files, another one uses them. */
static void handed_on(void)
{
	int sock[2], pid;
	struct node s;

	node_prepare(&s);
	require(!socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	pid = tap_spawn(receiver, &sock[1]);
	close(sock[1]);
	s.fd = iommu_open();
	require_ok(device_open(&s.dev, s.bdf));
	send_fd(sock[0], s.dev.fd);
	send_fd(sock[0], s.fd);
	check_eq(read(sock[0], &(char){ 0 }, 1), 1);
	check_ret(node_ask(s.dev.fd), 0);
	device_close(&s.dev);
	close(s.fd);
	node_check_in_use(&s);
	check_eq(write(sock[0], "x", 1), 1);
	tap_join(pid);
	node_check_free(&s);
}

/* The last reference lies in a socket that nobody reads any more. */
static void lost_in_socket(void)
{
	int sock[2];
	struct node s;

	node_prepare(&s);
	node_use(&s);
	require(!socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	send_fd(sock[0], s.dev.fd);
	device_close(&s.dev);
	close(s.fd);
	node_check_in_use(&s);
	close(sock[0]);
	close(sock[1]);
	for (int i = 0; i < 200 && !legacy_is_free(s.bdf); i++)
		usleep(10000);
	node_check_free(&s);
}

static void use_for_ever(void *arg)
{
	struct child *c = arg;

	node_use(c->s);
	check_eq(write(c->go, "x", 1), 1);
	for (;;) {
		device_attach(&c->s->dev, c->s->ioas);
		device_detach(&c->s->dev);
	}
}

static void killed(void)
{
	struct node s;

	node_prepare(&s);
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
	node_check_free(&s);
}

/*
 * Leaves the last close of a bound device to the kernel, which finds lost sockets
 * when the next one is closed, and collects them in its own time.
 */
static void lose(struct device *dev)
{
	int sock[2];

	require(!socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	send_fd(sock[0], dev->fd);
	send_fd(sock[0], sock[0]);
	send_fd(sock[1], sock[1]);
	device_close(dev);
	close(sock[0]);
	close(sock[1]);
	close(socket(AF_UNIX, SOCK_STREAM, 0));
}

/*
 * As long as the device isn't closed it is another file's, and from then on it
 * is free: BIND knows nothing between.
 */
static void lost_and_bound(void)
{
	long refused = 0;
	struct node s;

	node_prepare(&s);
	s.fd = iommu_open();
	device_get(&s.dev, "edu", 0, s.fd);
	for (int i = 0; i < 30; i++) {
		double end = tap_now() + 5 * tap_patience();
		int ret;

		lose(&s.dev);
		do {
			require_ok(device_open(&s.dev, s.bdf));
			ret = device_bind(&s.dev, s.fd);
			require(ret == 0 || ret == -EINVAL);
			if (ret)
				device_close(&s.dev);
			refused += !!ret;
			/* who always waits at the door never comes just after */
			if (ret)
				usleep(i * 300);
		} while (ret && tap_now() < end);
		require(!ret);
	}
	tap_diag("%ld times refused", refused);
	device_close(&s.dev);
	close(s.fd);
	node_check_free(&s);
}

struct attacher {
	struct node *s;
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
	struct node s;

	node_prepare(&s);
	for (int i = 0; i < 10; i++) {
		struct attacher a = { &s };
		pthread_t thread[2];

		node_use(&s);
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
	node_check_free(&s);
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
	{ "lost_and_bound", lost_and_bound },
	{ "close_race", close_race },
};

TAP_MAIN("node_life", tests)
