// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device node files in KVM's VFIO device: what is taken and what isn't, before and
 * after BIND.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "iommu.h"
#include "kvm.h"
#include "kvm_node.h"
#include "legacy.h"
#include "node.h"
#include "tap.h"

static void add_first(void)
{
	struct node s;
	struct vm vm;

	kvm_node_prepare(&s);
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
	kvm_node_check_over(&s);
}

static void bind_first(void)
{
	struct node s;
	struct vm vm;

	kvm_node_prepare(&s);
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
	kvm_node_check_over(&s);
}

static void foreign(void)
{
	struct node s;
	struct vm vm;
	int files[6];

	kvm_node_prepare(&s);
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
	kvm_node_check_over(&s);
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
	kvm_node_prepare(&s);
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
	kvm_node_check_over(&s);
}

/* From BIND to close the device holds the VM that had it by then. */
static void bind_holds(void)
{
	struct node s;
	struct vm vm;

	kvm_node_prepare(&s);
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
	kvm_node_check_over(&s);
}

/* Nothing is held of a VM that gave the file back, or ended. */
static void bind_late(void)
{
	struct node s;
	struct vm vm;

	kvm_node_prepare(&s);
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
	kvm_node_check_over(&s);
}

/* A BIND that fails holds nothing. */
static void bind_refused(void)
{
	struct node s;
	struct vm vm;

	kvm_node_prepare(&s);
	vm_open(&vm);
	require_ok(device_open(&s.dev, s.bdf));
	check_ret(vm_add(&vm, s.dev.fd), 0);
	check_ret(device_bind(&s.dev, vm.vm), -EBADFD);
	vm_close(&vm);
	vm_check_count(0);
	device_close(&s.dev);
	kvm_node_check_over(&s);
}

static const struct test tests[] = {
	{ "add_first", add_first },
	{ "bind_first", bind_first },
	{ "foreign", foreign },
	{ "legacy", legacy },
	{ "bind_holds", bind_holds },
	{ "bind_late", bind_late },
	{ "bind_refused", bind_refused },
};

TAP_MAIN("kvm", tests)
