// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual functions through their nodes: who knows the token gets them, each has DMA
 * of its own, and they go while they are in use, or while their PF is.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "node.h"
#include "igb.h"
#include "iommu.h"
#include "klog.h"
#include "legacy.h"
#include "plug.h"
#include "tap.h"

#define IOVA	0x1000000ull
#define SIZE	(4 * PAGE)

static const uint8_t right[16] = { 0x11, 0x22, 0x33, 0x44, 0xa5 };
static const uint8_t other[16] = { 0x11, 0x22, 0x33, 0x44, 0xa6 };

/* One function in full use. */
struct function {
	struct device dev;
	int fd;
	uint32_t ioas;
	struct mem m;
	struct igb igb;
};

/* An igb with that many virtual functions, all of them free; or the test is skipped. */
static const char *with_vfs(unsigned int count)
{
	const char *pf = device_find("igb", 0);
	char bdf[16];

	if (!pf)
		tap_skip("needs an igb, which a newer QEMU has (--qemu 10.0)");
	require_ok(igb_set_vfs(pf, 0));
	if (count)
		require_ok(igb_set_vfs(pf, count));
	for (unsigned int i = 0; i < count; i++) {
		char path[64];

		igb_vf(pf, i, bdf);
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", bdf);
		require_ok(access(path, F_OK));
	}
	return pf;
}

static int bind_with(struct device *dev, int iommufd, const uint8_t *token)
{
	struct cdev_bind c = {
		.argsz = sizeof(c), .iommufd = iommufd,
		.flags = token ? 1 : 0, .token_uuid_ptr = (uintptr_t)token,
	};
	int ret = iommu_ioctl(dev->fd, CDEV_BIND, &c);

	if (!ret)
		dev->id = c.out_devid;
	return ret;
}

/* What BIND of a function says, which is given back at once. */
static int try_bind(const char *bdf, const uint8_t *token)
{
	int fd = iommu_open(), ret;
	struct device dev;

	require_ok(device_open(&dev, bdf));
	ret = bind_with(&dev, fd, token);
	device_close(&dev);
	close(fd);
	return ret;
}

static void function_up(struct function *f, const char *bdf, const uint8_t *token)
{
	f->fd = iommu_open();
	f->ioas = ioas_new(f->fd);
	require_ok(device_open(&f->dev, bdf));
	require_ok(bind_with(&f->dev, f->fd, token));
	require_ok(device_attach(&f->dev, f->ioas));
	mem_get(&f->m, MEM_ANON, SIZE);
	require_ok(ioas_map_at(f->fd, f->ioas, f->m.va, SIZE, IOVA));
	igb_init(&f->igb, &f->dev);
}

static void function_down(struct function *f)
{
	igb_fini(&f->igb);
	device_close(&f->dev);
	close(f->fd);
}

static bool sends(struct function *f)
{
	return igb_sends(&f->igb, &f->m, IOVA);
}

/* The PF's user makes the token; a VF's has to know it, whether the PF is in use or not. */
static void token_of_vf(void)
{
	const char *pf = with_vfs(1);
	struct function a;
	long uses;
	char vf[16];

	igb_vf(pf, 0, vf);
	function_up(&a, pf, right);
	uses = module_uses();
	check_ret(try_bind(vf, NULL), -EACCES);
	check_ret(try_bind(vf, other), -EACCES);
	check_ret(try_bind(vf, (void *)8), -EFAULT);
	check_eq(module_uses(), uses);
	check_ret(try_bind(vf, right), 0);
	function_down(&a);
	check_ret(try_bind(vf, NULL), -EACCES);
	check_ret(try_bind(vf, other), -EACCES);
	check_ret(try_bind(vf, right), 0);
}

/* While a VF is in use, who wants the PF has to know the token; before, who comes makes it. */
static void token_of_pf(void)
{
	const char *pf = with_vfs(1);
	struct function a, b;
	char vf[16];

	igb_vf(pf, 0, vf);
	function_up(&a, pf, right);
	function_up(&b, vf, right);
	function_down(&a);
	check_ret(try_bind(pf, NULL), -EACCES);
	check_ret(try_bind(pf, other), -EACCES);
	check_ret(try_bind(pf, right), 0);
	function_down(&b);
	check_ret(try_bind(pf, NULL), 0);
	check_ret(try_bind(vf, right), 0);
	check_ret(try_bind(pf, other), 0);
	check_ret(try_bind(vf, right), -EACCES);
	check_ret(try_bind(vf, other), 0);
}

/* A refused BIND leaves the file as it was: the next one may know better. */
static void token_again(void)
{
	const char *pf = with_vfs(1);
	struct device dev;
	struct function a;
	int fd = iommu_open();
	char vf[16];

	igb_vf(pf, 0, vf);
	function_up(&a, pf, right);
	require_ok(device_open(&dev, vf));
	check_ret(bind_with(&dev, fd, other), -EACCES);
	check_ret(node_ask(dev.fd), -EINVAL);
	check_ret(bind_with(&dev, fd, right), 0);
	check_ret(node_ask(dev.fd), 0);
}

/* Each function reaches its own memory, and no other. */
static void dma(void)
{
	const char *pf = with_vfs(2);
	struct function a, vf[2];
	int klog = klog_open();
	char bdf[16];

	function_up(&a, pf, right);
	igb_let_send(&a.igb);
	for (int i = 0; i < 2; i++) {
		igb_vf(pf, i, bdf);
		function_up(&vf[i], bdf, right);
	}
	for (int i = 0; i < 2; i++) {
		memset(vf[!i].m.va, 0x5a, SIZE);
		check(sends(&vf[i]));
		check_eq(mem_differs_from(vf[!i].m.va, SIZE, 0x5a), -1);
	}
	require_ok(ioas_unmap(vf[0].fd, vf[0].ioas, IOVA, SIZE, NULL));
	check(!sends(&vf[0]));
	if (klog_reports(true))
		check(klog_fault(klog, IOVA, 5000));
	check(sends(&vf[1]));
	require_ok(ioas_map_at(vf[0].fd, vf[0].ioas, vf[0].m.va, SIZE, IOVA));
	check(sends(&vf[0]));
	require_ok(device_detach(&vf[1].dev));
	check(!sends(&vf[1]));
	check(sends(&vf[0]));
}

/* Two functions in one address space, of one context. */
static void shared(void)
{
	const char *pf = with_vfs(2);
	struct function a, b;
	struct device dev;
	struct igb igb;
	char bdf[16];

	function_up(&a, pf, right);
	igb_let_send(&a.igb);
	igb_vf(pf, 0, bdf);
	function_up(&b, bdf, right);
	igb_vf(pf, 1, bdf);
	require_ok(device_open(&dev, bdf));
	require_ok(bind_with(&dev, b.fd, right));
	check(dev.id != b.dev.id);
	require_ok(device_attach(&dev, b.ioas));
	igb_init(&igb, &dev);
	check(igb_sends(&igb, &b.m, IOVA));
	function_down(&b);
	/* the second device keeps the context, and its memory */
	check(igb_sends(&igb, &b.m, IOVA));
	igb_fini(&igb);
	device_close(&dev);
}

/* Begins to remove all VFs, which lasts until nobody has one. */
static int remove_vfs(const char *pf)
{
	struct write_alone w = { .text = "0" };

	snprintf(w.path, sizeof(w.path), "/sys/bus/pci/devices/%s/sriov_numvfs", pf);
	return tap_spawn(write_alone, &w);
}

static void removed_in_use(bool with_pf)
{
	const char *pf = with_vfs(1);
	struct pollfd p = { .events = POLLIN };
	struct function a, b;
	char vf[16];
	int pid;

	igb_vf(pf, 0, vf);
	function_up(&a, pf, right);
	igb_let_send(&a.igb);
	function_up(&b, vf, right);
	check(sends(&b));
	if (!with_pf)
		function_down(&a);
	p.fd = request_eventfd(&b.dev);
	pid = remove_vfs(pf);
	check_eq(poll(&p, 1, 5000), 1);
	/* who has it may use it to the end */
	check(!ended(pid, 200));
	check_ret(node_ask(b.dev.fd), 0);
	check_ret(device_detach(&b.dev), 0);
	check_ret(device_attach(&b.dev, b.ioas), 0);
	if (with_pf)
		check(sends(&b));
	igb_fini(&b.igb);
	device_close(&b.dev);
	check(ended(pid, 10000));
	tap_join(pid);
	check(access(b.dev.node, F_OK) < 0);
	/* the context survives */
	check_ret(ioas_unmap(b.fd, b.ioas, IOVA, SIZE, NULL), 0);
	close(b.fd);
	if (with_pf) {
		check(sends(&a));
		function_down(&a);
	}
	check_ret(try_bind(pf, NULL), 0);
}

static void vf_removed(void)
{
	removed_in_use(true);
}

static void vf_removed_without_pf(void)
{
	removed_in_use(false);
}

/* The PF is closed while its VFs work; nothing but what it let them do ends. */
static void pf_closed(void)
{
	const char *pf = with_vfs(2);
	struct function a, b;
	char vf[16];

	igb_vf(pf, 1, vf);
	function_up(&a, pf, right);
	function_up(&b, vf, right);
	function_down(&a);
	check_ret(node_ask(b.dev.fd), 0);
	check_ret(device_detach(&b.dev), 0);
	check_ret(device_attach(&b.dev, b.ioas), 0);
	function_up(&a, pf, right);
	igb_let_send(&a.igb);
	require_ok(device_bus_master(&b.dev));
	/* the PF itself can't send: with VFs its queues are theirs */
	check(sends(&b));
	function_down(&b);
	function_down(&a);
	check_ret(igb_set_vfs(pf, 0), 0);
}

/* The PF is taken from its driver while a VF is in use: the VF goes first. */
static void pf_unbound(void)
{
	struct write_alone w = { .path = "/sys/bus/pci/drivers/vfio-pci/unbind" };
	const char *pf = with_vfs(1);
	struct pollfd p = { .events = POLLIN };
	struct function a, b;
	char vf[16];
	int pid;

	if (tap_time_factor() > 1)
		tap_skip("lockdep finds stock vfio-pci to remove VFs without PCI's own lock");
	igb_vf(pf, 0, vf);
	function_up(&a, pf, right);
	function_up(&b, vf, right);
	function_down(&a);
	p.fd = request_eventfd(&b.dev);
	strcpy(w.text, pf);
	pid = tap_spawn(write_alone, &w);
	check_eq(poll(&p, 1, 10000), 1);
	check(!ended(pid, 200));
	check_ret(node_ask(b.dev.fd), 0);
	function_down(&b);
	check(ended(pid, 10000));
	tap_join(pid);
	check(access(b.dev.node, F_OK) < 0);
	check_ret(write_file("/sys/bus/pci/drivers/vfio-pci/bind", pf), 0);
	check_ret(try_bind(pf, NULL), 0);
}

struct user {
	const char *bdf;
	int ready;
};

static void use_until_killed(void *arg)
{
	struct user *u = arg;
	struct function f;

	function_up(&f, u->bdf, right);
	check_eq(write(u->ready, "x", 1), 1);
	for (;;) {
		device_detach(&f.dev);
		device_attach(&f.dev, f.ioas);
	}
}

/* A process is killed while its VF is wanted back. */
static void killed(void)
{
	for (int i = 0; i < 5; i++) {
		const char *pf = with_vfs(1);
		struct function a;
		int ready[2], pid, remover;
		struct user u;
		char vf[16];

		igb_vf(pf, 0, vf);
		function_up(&a, pf, right);
		require(!pipe(ready));
		u = (struct user){ vf, ready[1] };
		pid = tap_spawn(use_until_killed, &u);
		close(ready[1]);
		require(read(ready[0], &(char){ 0 }, 1) == 1);
		close(ready[0]);
		remover = remove_vfs(pf);
		usleep(10000 + i * 7000);
		kill(pid, SIGKILL);
		check(ended(remover, 15000));
		tap_join(remover);
		tap_join(pid);
		function_down(&a);
	}
}

/* As many as there can be, each with a context of its own, all wanted back at once. */
static void many(void)
{
	const char *pf = with_vfs(7);
	struct function a, vf[7];
	char bdf[16];
	int pid;

	function_up(&a, pf, right);
	igb_let_send(&a.igb);
	for (int i = 0; i < 7; i++) {
		igb_vf(pf, i, bdf);
		function_up(&vf[i], bdf, right);
	}
	for (int i = 0; i < 7; i++)
		check(sends(&vf[i]));
	pid = remove_vfs(pf);
	for (int i = 0; i < 7; i++) {
		check(!ended(pid, 50));
		function_down(&vf[6 - i]);
	}
	/* without an eventfd, the driver asks again after 10 s */
	check(ended(pid, 30000));
	tap_join(pid);
	function_down(&a);
}

struct opener {
	const char *vf;
	volatile int stop;
	volatile long bound;
};

static void *open_loop(void *arg)
{
	struct opener *o = arg;
	int fd = iommu_open();
	uint32_t ioas = ioas_new(fd);

	while (!o->stop) {
		struct device dev;
		int ret;

		if (device_open(&dev, o->vf))
			continue;
		ret = bind_with(&dev, fd, right);
		if (!ret) {
			o->bound++;
			check_ret(device_attach(&dev, ioas), 0);
		}
		device_close(&dev);
	}
	close(fd);
	return NULL;
}

/* VFs come and go while somebody else opens and binds them. */
static void race(void)
{
	const char *pf = with_vfs(1);
	struct opener o = {};
	struct function a;
	pthread_t thread;
	char vf[16];

	igb_vf(pf, 0, vf);
	o.vf = vf;
	function_up(&a, pf, right);
	require(!pthread_create(&thread, NULL, open_loop, &o));
	/* slow machines get as far as that, too, or the test runs out of time */
	for (int i = 0; i < 8 || o.bound < 4; i++) {
		usleep(20000);
		tap_join(remove_vfs(pf));
		check_ret(igb_set_vfs(pf, 1), 0);
	}
	o.stop = 1;
	pthread_join(thread, NULL);
	tap_diag("%ld times bound", o.bound);
	function_down(&a);
	check_ret(igb_set_vfs(pf, 0), 0);
}

static const struct test tests[] = {
	{ "token_of_vf", token_of_vf },
	{ "token_of_pf", token_of_pf },
	{ "token_again", token_again },
	{ "dma", dma },
	{ "shared", shared },
	{ "vf_removed", vf_removed },
	{ "vf_removed_without_pf", vf_removed_without_pf },
	{ "pf_closed", pf_closed },
	{ "pf_unbound", pf_unbound },
	{ "killed", killed },
	{ "many", many, 120 },
	{ "race", race, 120 },
};

TAP_MAIN("sriov", tests)
