// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "iommu.h"
#include "kvm.h"
#include "plug.h"
#include "tap.h"
#include "trace.h"

/* By the numbers, as older headers speak of groups only. */
#define VFIO_FILE	1
#define VFIO_FILE_ADD	1
#define VFIO_FILE_DEL	2

#define TRACING	"/sys/kernel/tracing/"

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

static const char *const heard[] = {
	[KVM_START] = "kvm_arch_start_assignment",
	[KVM_END] = "kvm_arch_end_assignment",
	[KVM_NONCOHERENT] = "kvm_arch_register_noncoherent_dma",
	[KVM_COHERENT] = "kvm_arch_unregister_noncoherent_dma",
};

/* One more function, beside those that are chosen; 0 or -errno. */
static int choose(const char *function)
{
	int fd = open(TRACING "set_ftrace_filter", O_WRONLY | O_APPEND | O_CLOEXEC), ret = 0;

	if (fd < 0 || dprintf(fd, "%s\n", function) < 0)
		ret = -errno;
	if (fd >= 0)
		close(fd);
	return ret;
}

void kvm_hear(void)
{
	bool all = !access(TRACING "set_ftrace_filter", W_OK);

	if (all)
		empty_file(TRACING "set_ftrace_filter");
	for (int i = 0; all && i < (int)ARRAY_SIZE(heard); i++)
		if (choose(heard[i]))
			all = i < KVM_NONCOHERENT && !kernel_before(7, 0);
	if (!all || write_file(TRACING "current_tracer", "function")) {
		kvm_hear_no_more();
		tap_skip("these functions can't be traced here");
	}
	empty_file(TRACING "trace");
}

void kvm_hear_no_more(void)
{
	write_file(TRACING "current_tracer", "nop");
	if (!access(TRACING "set_ftrace_filter", W_OK))
		empty_file(TRACING "set_ftrace_filter");
}

int kvm_heard(enum kvm_told what)
{
	int n = 0;

	for (char *p = (char *)slurp(TRACING "trace"), *line; (line = strsep(&p, "\n"));)
		n += line[0] != '#' && strstr(line, heard[what]);
	return n;
}
