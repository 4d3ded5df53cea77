// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device node files in KVM's VFIO device: what is taken and what isn't, in
 * which order all of it may end, who keeps the VM alive, and what KVM is told.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "node.h"
#include "iommu.h"
#include "kvm.h"
#include "legacy.h"
#include "race.h"
#include "tap.h"

static void prepare(struct node *f)
{
	kvm_prepare();
	node_prepare(f);
	check_eq(vm_count(), 0);
}

static void check_over(struct node *f)
{
	vm_check_count(0);
	node_check_free(f);
}

static void add_first(void)
{
	struct node s;
	struct vm vm;

	prepare(&s);
	vm_open(&vm);
	s.fd = iommu_open();
	require_ok(device_open(&s.dev, s.bdf));
	check_ret(vm_add(&vm, s.dev.fd), 0);
	check_ret(vm_add(&vm, s.dev.fd), -EEXIST);
	check_ret(device_bind(&s.dev, s.fd), 0);
	check_ret(vm_add(&vm, s.dev.fd), -EEXIST);
	check_ret(device_attach(&s.dev, ioas_new(s.fd)), 0);
	check_ret(vm_del(&vm, s.dev.fd), 0);
	check_ret(vm_del(&vm, s.dev.fd), -ENOENT);
	check_ret(vm_add(&vm, s.dev.fd), 0);
	check_ret(node_ask(s.dev.fd), 0);
	check_ret(vm_del(&vm, s.dev.fd), 0);
	device_close(&s.dev);
	close(s.fd);
	vm_close(&vm);
	check_over(&s);
}

static void bind_first(void)
{
	struct node s;
	struct vm vm;

	prepare(&s);
	node_use(&s);
	vm_open(&vm);
	check_ret(vm_add(&vm, s.dev.fd), 0);
	check_ret(vm_add(&vm, s.dev.fd), -EEXIST);
	check_ret(node_ask(s.dev.fd), 0);
	check_ret(vm_del(&vm, s.dev.fd), 0);
	check_ret(vm_add(&vm, s.dev.fd), 0);
	/* the device doesn't know of this VM, and doesn't hold it */
	vm_close(&vm);
	vm_check_count(0);
	check_ret(node_ask(s.dev.fd), 0);
	device_close(&s.dev);
	close(s.fd);
	check_over(&s);
}

static void foreign(void)
{
	struct node s;
	struct vm vm;
	int files[6];

	prepare(&s);
	vm_open(&vm);
	files[0] = open("/dev/null", O_RDWR);
	files[1] = open("/dev/vfio/vfio", O_RDWR);
	files[2] = eventfd(0, 0);
	files[3] = socket(AF_UNIX, SOCK_STREAM, 0);
	files[4] = iommu_open();
	files[5] = dup(vm.vm);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		check_ret(vm_add(&vm, files[i]), -EINVAL);
		check_ret(vm_del(&vm, files[i]), -ENOENT);
		close(files[i]);
	}
	check_ret(vm_add(&vm, files[0]), -EBADF);
	check_ret(vm_del(&vm, files[0]), -EBADF);
	/* one of ours, never added */
	require_ok(device_open(&s.dev, s.bdf));
	check_ret(vm_del(&vm, s.dev.fd), -ENOENT);
	device_close(&s.dev);
	vm_close(&vm);
	check_over(&s);
}

/* The legacy way works as before, beside a device of ours. */
static void legacy(void)
{
	const char *other = device_find("nvme", 0);
	struct node s;
	struct legacy l;
	struct vm vm;

	if (!other)
		tap_skip("needs an nvme on vfio-pci");
	prepare(&s);
	vm_open(&vm);
	s.fd = iommu_open();
	require_ok(device_open(&s.dev, s.bdf));
	check_ret(vm_add(&vm, s.dev.fd), 0);
	require_ok(legacy_open(&l, device_find("nvme", 0)));
	check_ret(vm_add(&vm, l.group), 0);
	check_ret(vm_add(&vm, l.group), -EEXIST);
	/* which is no device file of ours */
	check_ret(vm_add(&vm, l.device), kernel_before(6, 6) ? -EINVAL : 0);
	check_ret(device_bind(&s.dev, s.fd), 0);
	check_ret(vm_del(&vm, l.group), 0);
	check_ret(vm_add(&vm, l.group), 0);
	vm_close(&vm);
	legacy_close(&l);
	device_close(&s.dev);
	close(s.fd);
	check_over(&s);
}

/* From BIND to close the device holds the VM that had it by then. */
static void bind_holds(void)
{
	struct node s;
	struct vm vm;

	prepare(&s);
	vm_open(&vm);
	s.fd = iommu_open();
	require_ok(device_open(&s.dev, s.bdf));
	check_ret(vm_add(&vm, s.dev.fd), 0);
	require_ok(device_bind(&s.dev, s.fd));
	vm_close(&vm);
	usleep(50000);
	check_eq(vm_count(), 1);
	check_ret(node_ask(s.dev.fd), 0);
	check_ret(device_attach(&s.dev, ioas_new(s.fd)), 0);
	device_close(&s.dev);
	vm_check_count(0);
	close(s.fd);
	check_over(&s);
}

/* Nothing is held of a VM that gave the file back, or ended. */
static void bind_late(void)
{
	struct node s;
	struct vm vm;

	prepare(&s);
	s.fd = iommu_open();
	for (int ended = 0; ended < 2; ended++) {
		vm_open(&vm);
		require_ok(device_open(&s.dev, s.bdf));
		check_ret(vm_add(&vm, s.dev.fd), 0);
		if (ended)
			vm_close(&vm);
		else
			check_ret(vm_del(&vm, s.dev.fd), 0);
		vm_check_count(!ended);
		check_ret(device_bind(&s.dev, s.fd), 0);
		if (!ended)
			vm_close(&vm);
		vm_check_count(0);
		check_ret(node_ask(s.dev.fd), 0);
		device_close(&s.dev);
	}
	close(s.fd);
	check_over(&s);
}

/* A BIND that fails holds nothing. */
static void bind_refused(void)
{
	struct node s;
	struct vm vm;

	prepare(&s);
	vm_open(&vm);
	require_ok(device_open(&s.dev, s.bdf));
	check_ret(vm_add(&vm, s.dev.fd), 0);
	check_ret(device_bind(&s.dev, vm.vm), -EBADFD);
	vm_close(&vm);
	vm_check_count(0);
	device_close(&s.dev);
	check_over(&s);
}

/* One file, two VMs: the later one counts, and each may go first. */
static void two_vms(void)
{
	struct vm vm[2];
	struct node s;

	prepare(&s);
	for (int first = 0; first < 2; first++) {
		vm_open(&vm[0]);
		vm_open(&vm[1]);
		s.fd = iommu_open();
		require_ok(device_open(&s.dev, s.bdf));
		check_ret(vm_add(&vm[0], s.dev.fd), 0);
		check_ret(vm_add(&vm[1], s.dev.fd), 0);
		require_ok(device_bind(&s.dev, s.fd));
		vm_close(&vm[first]);
		vm_check_count(first ? 2 : 1);
		vm_close(&vm[!first]);
		vm_check_count(1);
		device_close(&s.dev);
		close(s.fd);
		vm_check_count(0);
	}
	check_over(&s);
}

#define PIECES 4	/* in 24 orders */

static void close_in_order(struct node *s, struct vm *vm, unsigned int order)
{
	int *left[PIECES] = { &s->dev.fd, &s->fd, &vm->vm, &vm->vfio };

	for (unsigned int n = PIECES; n; n--) {
		unsigned int i = order % n;

		order /= n;
		close(*left[i]);
		left[i] = left[n - 1];
	}
}

/* All files closed in every order, added before BIND and after. */
static void orders(void)
{
	struct node s;
	struct vm vm;

	prepare(&s);
	for (unsigned int order = 0; order < 2 * 24; order++) {
		vm_open(&vm);
		close(vm.kvm);
		s.fd = iommu_open();
		require_ok(device_open(&s.dev, s.bdf));
		if (order & 1)
			require_ok(vm_add(&vm, s.dev.fd));
		require_ok(device_bind(&s.dev, s.fd));
		require_ok(device_attach(&s.dev, ioas_new(s.fd)));
		if (!(order & 1))
			require_ok(vm_add(&vm, s.dev.fd));
		close_in_order(&s, &vm, order / 2);
		vm_check_count(0);
	}
	check_over(&s);
}

/* Can the IOMMU make the device's DMA coherent? */
static bool enforces(void)
{
	const char *iommu = getenv("IOMMU");
	unsigned long long ecap = 0;
	FILE *f;

	if (iommu && !strcmp(iommu, "amd"))
		return true;
	f = fopen("/sys/class/iommu/dmar0/intel-iommu/ecap", "r");
	if (!f)
		return false;
	if (fscanf(f, "%llx", &ecap) != 1)
		ecap = 0;
	fclose(f);
	return ecap & 1 << 7;
}

/* KVM does its part, and is told the truth about coherency. */
static void told(void)
{
	struct iommu_vfio_ioas vfio = { .size = sizeof(vfio), .op = IOMMU_VFIO_IOAS_SET };
	struct node s;
	struct vm vm;

	prepare(&s);
	kvm_hear();
	vm_open(&vm);
	s.fd = iommu_open();
	require_ok(device_open(&s.dev, s.bdf));
	check_ret(vm_add(&vm, s.dev.fd), 0);
	if (kernel_before(7, 0)) {
		check_eq(kvm_heard(KVM_START), 1);
		check_eq(kvm_heard(KVM_END), 0);
	}
	tap_diag("coherent: %s", enforces() ? "yes" : "no");
	check_eq(kvm_heard(KVM_NONCOHERENT) - kvm_heard(KVM_COHERENT),
		 !enforces());
	require_ok(device_bind(&s.dev, s.fd));
	vfio.ioas_id = ioas_new(s.fd);
	require_ok(device_attach(&s.dev, vfio.ioas_id));
	/* and the page table is as it was promised */
	require_ok(iommu_ioctl(s.fd, IOMMU_VFIO_IOAS, &vfio));
	check_ret(iommu_ioctl(s.fd, VFIO_CHECK_EXTENSION, (void *)VFIO_DMA_CC_IOMMU),
		  enforces());
	check_ret(vm_del(&vm, s.dev.fd), 0);
	if (kernel_before(7, 0))
		check_eq(kvm_heard(KVM_END), 1);
	kvm_hear_no_more();
	device_close(&s.dev);
	close(s.fd);
	vm_close(&vm);
	check_over(&s);
}

static void use_for_ever(void *arg)
{
	struct node *s = arg;
	struct vm vm;

	for (;;) {
		vm_open(&vm);
		s->fd = iommu_open();
		require_ok(device_open(&s->dev, s->bdf));
		require_ok(vm_add(&vm, s->dev.fd));
		require_ok(device_bind(&s->dev, s->fd));
		require_ok(vm_del(&vm, s->dev.fd));
		require_ok(vm_add(&vm, s->dev.fd));
		device_close(&s->dev);
		vm_close(&vm);
		close(s->fd);
	}
}

static void killed(void)
{
	struct node s;

	prepare(&s);
	srand(1);
	for (int i = 0; i < 15; i++) {
		int pid = tap_spawn(use_for_ever, &s);

		usleep(20000 + rand() % 60000);
		kill(pid, SIGKILL);
		tap_join(pid);
		vm_check_count(0);
		for (int j = 0; j < 100 && !legacy_is_free(s.bdf); j++)
			usleep(10000);
	}
	check_over(&s);
}

struct shared {
	struct node *s;
	struct vm vm[2];
};

/* BIND and close of one file, while two VMs add and remove it. */
static bool race_bind(struct race *race, struct race_side *side)
{
	struct shared *d = race->data;
	struct device dev;
	int ret;

	if (device_open(&dev, d->s->bdf))
		return false;
	dup2(dev.fd, d->s->dev.fd);
	race_begin(side);
	ret = device_bind(&dev, d->s->fd);
	race_end(side, !ret);
	check(ret == 0 || ret == -EINVAL);
	close(dev.fd);
	return true;
}

static bool race_vm(struct race *race, struct race_side *side, int n)
{
	struct shared *d = race->data;
	int ret;

	if (race_random(side) % 16 == 0) {
		vm_close(&d->vm[n]);
		vm_open(&d->vm[n]);
	}
	race_begin(side);
	ret = race_random(side) & 1 ? vm_add(&d->vm[n], d->s->dev.fd) :
				      vm_del(&d->vm[n], d->s->dev.fd);
	race_end(side, !ret);
	check(ret == 0 || ret == -EEXIST || ret == -ENOENT);
	return true;
}

static bool race_first(struct race *race, struct race_side *side)
{
	return race_vm(race, side, 0);
}

static bool race_second(struct race *race, struct race_side *side)
{
	return race_vm(race, side, 1);
}

static void raced(void)
{
	struct node s;
	struct shared d = { .s = &s };
	struct race race = {
		.side = {
			{ .name = "bind", .round = race_bind },
			{ .name = "first VM", .round = race_first },
			{ .name = "second VM", .round = race_second },
		},
		.data = &d,
	};

	prepare(&s);
	vm_open(&d.vm[0]);
	vm_open(&d.vm[1]);
	s.fd = iommu_open();
	require_ok(device_open(&s.dev, s.bdf));
	race_run(&race);
	vm_close(&d.vm[0]);
	vm_close(&d.vm[1]);
	device_close(&s.dev);
	close(s.fd);
	check_over(&s);
}

/* Everything goes through a file that somebody else opened, and KVM has the last one. */
static void kvm_last(void)
{
	int sock[2];
	struct node s;
	struct vm vm;

	prepare(&s);
	vm_open(&vm);
	s.fd = iommu_open();
	require_ok(device_open(&s.dev, s.bdf));
	require(!socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	send_fd(sock[0], s.dev.fd);
	device_close(&s.dev);
	s.dev.fd = receive_fd(sock[1]);
	check_ret(vm_add(&vm, s.dev.fd), 0);
	require_ok(device_bind(&s.dev, s.fd));
	require_ok(device_attach(&s.dev, ioas_new(s.fd)));
	close(s.fd);
	device_close(&s.dev);
	/* only KVM has it now */
	node_check_in_use(&s);
	close(vm.vm);
	close(vm.kvm);
	node_check_in_use(&s);
	check_eq(vm_count(), 1);
	close(vm.vfio);
	close(sock[0]);
	close(sock[1]);
	check_over(&s);
}

static const struct test tests[] = {
	{ "add_first", add_first },
	{ "bind_first", bind_first },
	{ "foreign", foreign },
	{ "legacy", legacy },
	{ "bind_holds", bind_holds },
	{ "bind_late", bind_late },
	{ "bind_refused", bind_refused },
	{ "two_vms", two_vms },
	{ "orders", orders, 120 },
	{ "told", told },
	{ "killed", killed },
	{ "raced", raced },
	{ "kvm_last", kvm_last },
};

TAP_MAIN("kvm", tests)
