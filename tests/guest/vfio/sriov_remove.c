// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual functions of an igb: their removal, and that of their PF, while they are in
 * use.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "igb.h"
#include "iommu.h"
#include "node.h"
#include "plug.h"
#include "sriov.h"
#include "tap.h"

/* Begins to remove all VFs, which lasts until nobody has one. */
static int remove_vfs(const char *pf)
{
	struct write_alone w = { .text = "0" };

	snprintf(w.path, sizeof(w.path), "/sys/bus/pci/devices/%s/sriov_numvfs", pf);
	return tap_spawn(write_alone, &w);
}

static void removed_in_use(bool with_pf)
{
	const char *pf = sriov_with_vfs(1);
	struct pollfd p = { .events = POLLIN };
	struct function a, b;
	char vf[16];
	int pid;

	igb_vf(pf, 0, vf);
	function_up(&a, pf, sriov_token);
	igb_let_send(&a.igb);
	function_up(&b, vf, sriov_token);
	check(function_sends(&b));
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
		check(function_sends(&b));
	igb_fini(&b.igb);
	device_close(&b.dev);
	check(ended(pid, 10000));
	tap_join(pid);
	check(access(b.dev.node, F_OK) < 0);
	/* the context survives */
	check_ret(ioas_unmap(b.fd, b.ioas, IOVA, SIZE, NULL), 0);
	close(b.fd);
	if (with_pf) {
		check(function_sends(&a));
		function_down(&a);
	}
	check_ret(sriov_try_bind(pf, NULL), 0);
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
	const char *pf = sriov_with_vfs(2);
	struct function a, b;
	char vf[16];

	igb_vf(pf, 1, vf);
	function_up(&a, pf, sriov_token);
	function_up(&b, vf, sriov_token);
	function_down(&a);
	check_ret(node_ask(b.dev.fd), 0);
	check_ret(device_detach(&b.dev), 0);
	check_ret(device_attach(&b.dev, b.ioas), 0);
	function_up(&a, pf, sriov_token);
	igb_let_send(&a.igb);
	require_ok(device_bus_master(&b.dev));
	/* the PF itself can't send: with VFs its queues are theirs */
	check(function_sends(&b));
	function_down(&b);
	function_down(&a);
	check_ret(igb_set_vfs(pf, 0), 0);
}

/* The PF is taken from its driver while a VF is in use: the VF goes first. */
static void pf_unbound(void)
{
	struct write_alone w = { .path = "/sys/bus/pci/drivers/vfio-pci/unbind" };
	const char *pf = sriov_with_vfs(1);
	struct pollfd p = { .events = POLLIN };
	struct function a, b;
	char vf[16];
	int pid;

	if (tap_time_factor() > 1)
		tap_skip("lockdep finds stock vfio-pci to remove VFs without PCI's own lock");
	igb_vf(pf, 0, vf);
	function_up(&a, pf, sriov_token);
	function_up(&b, vf, sriov_token);
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
	check_ret(sriov_try_bind(pf, NULL), 0);
}

struct user {
	const char *bdf;
	int ready;
};

static void use_until_killed(void *arg)
{
	struct user *u = arg;
	struct function f;

	function_up(&f, u->bdf, sriov_token);
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
		const char *pf = sriov_with_vfs(1);
		struct function a;
		int ready[2], pid, remover;
		struct user u;
		char vf[16];

		igb_vf(pf, 0, vf);
		function_up(&a, pf, sriov_token);
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
	const char *pf = sriov_with_vfs(7);
	struct function a, vf[7];
	char bdf[16];
	int pid;

	function_up(&a, pf, sriov_token);
	igb_let_send(&a.igb);
	for (int i = 0; i < 7; i++) {
		igb_vf(pf, i, bdf);
		function_up(&vf[i], bdf, sriov_token);
	}
	for (int i = 0; i < 7; i++)
		check(function_sends(&vf[i]));
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
		ret = sriov_bind_with(&dev, fd, sriov_token);
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
	const char *pf = sriov_with_vfs(1);
	struct opener o = {};
	struct function a;
	pthread_t thread;
	char vf[16];

	igb_vf(pf, 0, vf);
	o.vf = vf;
	function_up(&a, pf, sriov_token);
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
	{ "vf_removed", vf_removed },
	{ "vf_removed_without_pf", vf_removed_without_pf },
	{ "pf_closed", pf_closed },
	{ "pf_unbound", pf_unbound },
	{ "killed", killed },
	{ "many", many, 120 },
	{ "race", race, 120 },
};

TAP_MAIN("sriov_remove", tests)
