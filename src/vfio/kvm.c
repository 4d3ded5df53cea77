// SPDX-License-Identifier: GPL-2.0-only
/* References to the VM that has a file, as the driver is told of it. */
#if IS_ENABLED(CONFIG_KVM)
#include <linux/kvm_host.h>
#endif
#include <linux/module.h>
#include <linux/spinlock.h>

#include "vfio.h"

#if IS_ENABLED(CONFIG_KVM)

/* KVM may be a module, and not there.  If it has noted a VM, it is. */
void front_kvm_get(struct front *front, struct front_kvm *ref)
{
	bool (*get)(struct kvm *kvm) = symbol_get(kvm_get_kvm_safe);
	void (*put)(struct kvm *kvm) = symbol_get(kvm_put_kvm);

	*ref = (struct front_kvm) {};
	spin_lock(&front->kvm_lock);
	if (front->kvm && get && put && get(front->kvm)) {
		ref->kvm = front->kvm;
		ref->put = put;
	}
	spin_unlock(&front->kvm_lock);
	if (get)
		symbol_put(kvm_get_kvm_safe);
	if (put && !ref->kvm)
		symbol_put(kvm_put_kvm);
}

/* The VM may end here, which takes its time and all of KVM's locks. */
void front_kvm_put(const struct front_kvm *ref)
{
	if (!ref->kvm)
		return;
	ref->put(ref->kvm);
	symbol_put(kvm_put_kvm);
}

#else

void front_kvm_get(struct front *front, struct front_kvm *ref)
{
	*ref = (struct front_kvm) {};
}

void front_kvm_put(const struct front_kvm *ref)
{
}

#endif
