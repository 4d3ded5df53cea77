// SPDX-License-Identifier: GPL-2.0-only
/* References to the VM that uses a file, for the driver. */
#if IS_ENABLED(CONFIG_KVM)
#include <linux/kvm_host.h>
#endif
#include <linux/dcache.h>
#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "vfio.h"

#if IS_ENABLED(CONFIG_KVM)

/* Only the kernel names files of this filesystem. */
static bool vm_has_file(const struct kvm *kvm, const struct file *file)
{
	return file->private_data == kvm &&
	       file_inode(file)->i_sb->s_magic == ANON_INODE_FS_MAGIC &&
	       !strcmp(file->f_path.dentry->d_name.name, "kvm-vm");
}

struct vm_search {
	struct kvm *kvm;
	bool (*get)(struct kvm *kvm);
};

/* Called with the descriptors locked, so that the file and its reference persist. */
static int vm_search_file(const void *arg, struct file *file, unsigned int fd)
{
	const struct vm_search *search = arg;

	return vm_has_file(search->kvm, file) && search->get(search->kvm);
}

/*
 * If the address may be stale, don't read what is there before a file of the current process
 * shows that it is a VM.  A monitor that binds a device has its VM open.
 */
static bool vm_get(struct kvm *kvm, bool (*get)(struct kvm *kvm))
{
	const struct vm_search search = { .kvm = kvm, .get = get };

	if (!kvm_hook_can_miss())
		return get(kvm);
	return iterate_fd(current->files, 0, vm_search_file, &search);
}

/* KVM may be a module that isn't loaded, but it is while df->kvm is set. */
void device_file_get_vm(struct vfio_device_file *df, struct vm_ref *ref)
{
	bool (*get)(struct kvm *kvm) = symbol_get(kvm_get_kvm_safe);
	void (*put)(struct kvm *kvm) = symbol_get(kvm_put_kvm);

	*ref = (struct vm_ref) {};
	spin_lock(&df->kvm_lock);
	if (df->kvm && get && put && vm_get(df->kvm, get)) {
		ref->kvm = df->kvm;
		ref->put = put;
	}
	spin_unlock(&df->kvm_lock);
	if (get)
		symbol_put(kvm_get_kvm_safe);
	if (put && !ref->kvm)
		symbol_put(kvm_put_kvm);
}

/* May destroy the VM, which takes long and all of KVM's locks. */
void vm_ref_put(const struct vm_ref *ref)
{
	if (!ref->kvm)
		return;
	ref->put(ref->kvm);
	symbol_put(kvm_put_kvm);
}

#else

void device_file_get_vm(struct vfio_device_file *df, struct vm_ref *ref)
{
	*ref = (struct vm_ref) {};
}

void vm_ref_put(const struct vm_ref *ref)
{
}

#endif
