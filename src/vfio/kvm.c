// SPDX-License-Identifier: GPL-2.0-only
/* References to the VM that uses a file, for the driver. */
#if IS_ENABLED(CONFIG_KVM)
#include <linux/kvm_host.h>
#endif
#include <linux/module.h>
#include <linux/spinlock.h>

#include "vfio.h"

#if IS_ENABLED(CONFIG_KVM)

/* KVM may be a module that isn't loaded, but it is while df->kvm is set. */
void device_file_get_vm(struct vfio_device_file *df, struct vm_ref *ref)
{
	bool (*get)(struct kvm *kvm) = symbol_get(kvm_get_kvm_safe);
	void (*put)(struct kvm *kvm) = symbol_get(kvm_put_kvm);

	*ref = (struct vm_ref) {};
	spin_lock(&df->kvm_lock);
	if (df->kvm && get && put && get(df->kvm)) {
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
