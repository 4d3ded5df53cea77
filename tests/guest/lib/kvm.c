// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "iommu.h"
#include "kvm.h"
#include "tap.h"

/* By the numbers, as older headers speak of groups only. */
#define VFIO_FILE	1
#define VFIO_FILE_ADD	1
#define VFIO_FILE_DEL	2

bool kvm_exists(void)
{
	if (access("/dev/kvm", F_OK))
		return !system("modprobe -q kvm-amd 2>/dev/null") &&
		       !access("/dev/kvm", F_OK);
	return true;
}

void kvm_prepare(void)
{
	if (!kvm_exists())
		tap_skip("no KVM: neither this kernel's nor this processor's");
}

void vm_open(struct vm *vm)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_VFIO };

	kvm_prepare();
	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	require(vm->kvm >= 0);
	vm->vm = iommu_ioctl(vm->kvm, KVM_CREATE_VM, NULL);
	require(vm->vm >= 0);
	require_ok(iommu_ioctl(vm->vm, KVM_CREATE_DEVICE, &device));
	vm->vfio = device.fd;
}

void vm_close(struct vm *vm)
{
	close(vm->vfio);
	close(vm->vm);
	close(vm->kvm);
}

static int set_file(struct vm *vm, uint64_t what, int32_t fd)
{
	struct kvm_device_attr attr = {
		.group = VFIO_FILE, .attr = what, .addr = (uintptr_t)&fd,
	};

	return iommu_ioctl(vm->vfio, KVM_SET_DEVICE_ATTR, &attr);
}

int vm_add(struct vm *vm, int fd)
{
	return set_file(vm, VFIO_FILE_ADD, fd);
}

int vm_del(struct vm *vm, int fd)
{
	return set_file(vm, VFIO_FILE_DEL, fd);
}

/* Each has a directory named by its owner's process and descriptor. */
int vm_count(void)
{
	DIR *d = opendir("/sys/kernel/debug/kvm");
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] >= '0' && e->d_name[0] <= '9' &&
		     strchr(e->d_name, '-');
	if (d)
		closedir(d);
	return n;
}

void vm_check_count(int want)
{
	for (int i = 0; i < 200 && vm_count() != want; i++)
		usleep(10000);
	check_eq(vm_count(), want);
}
