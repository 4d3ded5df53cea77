/* SPDX-License-Identifier: GPL-2.0-only */
/* A virtual machine without CPUs, and the VFIO device of KVM in it. */
#ifndef TESTS_GUEST_KVM_H
#define TESTS_GUEST_KVM_H

#include <stdbool.h>

struct vm {
	int kvm;		/* /dev/kvm */
	int vm;
	int vfio;		/* the device of type KVM_DEV_TYPE_VFIO */
};

/* Makes /dev/kvm appear, or the test is skipped. */
void kvm_prepare(void);
/* As above, but the caller gets the answer. */
bool kvm_exists(void);

void vm_open(struct vm *vm);
void vm_close(struct vm *vm);

/* KVM_DEV_VFIO_FILE_ADD and _DEL: 0 or -errno. */
int vm_add(struct vm *vm, int fd);
int vm_del(struct vm *vm, int fd);

/* How many VMs there are in the whole machine. */
int vm_count(void);
/* Checks, waiting for a bounded time, that there are so many. */
void vm_check_count(int want);

/* What KVM was told since kvm_hear(), by the functions that hear it. */
enum kvm_told {
	KVM_START,		/* a device is assigned; before Linux 7.0 only */
	KVM_END,
	KVM_NONCOHERENT,	/* its DMA isn't coherent */
	KVM_COHERENT,
};

/* The test is skipped where these functions can't be traced. */
void kvm_hear(void);
void kvm_hear_no_more(void);
/* How often. */
int kvm_heard(enum kvm_told what);

#endif
