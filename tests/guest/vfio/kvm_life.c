// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device node files in KVM's VFIO device: every order of their ends, who keeps the VM
 * alive, what KVM is told of coherency.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/vfio.h>

#include "iommu.h"
#include "kvm.h"
#include "kvm_node.h"
#include "legacy.h"
#include "node.h"
#include "race.h"
#include "tap.h"

/* One file, two VMs: the later one counts, and each may go first. */
static void two_vms(void)
{
	struct vm vm[2];
	struct node s;

	kvm_node_prepare(&s);
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
	kvm_node_check_over(&s);
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

	kvm_node_prepare(&s);
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
	kvm_node_check_over(&s);
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

	kvm_node_prepare(&s);
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
	kvm_node_check_over(&s);
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

	kvm_node_prepare(&s);
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
	kvm_node_check_over(&s);
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

	kvm_node_prepare(&s);
	vm_open(&d.vm[0]);
	vm_open(&d.vm[1]);
	s.fd = iommu_open();
	require_ok(device_open(&s.dev, s.bdf));
	race_run(&race);
	vm_close(&d.vm[0]);
	vm_close(&d.vm[1]);
	device_close(&s.dev);
	close(s.fd);
	kvm_node_check_over(&s);
}

/* Everything goes through a file that somebody else opened, and KVM has the last one. */
static void kvm_last(void)
{
	int sock[2];
	struct node s;
	struct vm vm;

	kvm_node_prepare(&s);
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
	kvm_node_check_over(&s);
}

static const struct test tests[] = {
	{ "two_vms", two_vms },
	{ "orders", orders, 120 },
	{ "told", told },
	{ "killed", killed },
	{ "raced", raced },
	{ "kvm_last", kvm_last },
};

TAP_MAIN("kvm_life", tests)
