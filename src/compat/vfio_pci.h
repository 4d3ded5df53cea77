/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reset of several devices of vfio-pci-core: the part that differs between
 * kernels.  struct vfio_pci_core_device is public.  The module may be loaded
 * later or never, so symbols are looked up by name.
 */
#ifndef IOMMUFD_COMPAT_VFIO_PCI_H
#define IOMMUFD_COMPAT_VFIO_PCI_H

#include <linux/types.h>

struct vfio_device;
struct vfio_pci_core_device;

/*
 * Returns the vfio-pci-core device, or NULL if the driver isn't based on that.
 */
struct vfio_pci_core_device *compat_pci_core(struct vfio_device *vdev);

/*
 * Block access by user space to a device's memory: unmap its BARs and take
 * memory_lock for writing, which faults and all calls that change access wait
 * for.  Do the first step for all devices before the second one for any.  On
 * failure each step undoes what it did.  There is no lock order among devices,
 * so use trylocks only.  Returns 0, -EBUSY, -EINTR if the caller is being
 * killed, or -EOPNOTSUPP if the device isn't as expected.
 */
int compat_pci_block_maps(struct vfio_pci_core_device *core);
int compat_pci_block_memory(struct vfio_pci_core_device *core);

/* Undo the first step if the second one wasn't done, or both. */
void compat_pci_unblock_maps(struct vfio_pci_core_device *core);
void compat_pci_unblock_memory(struct vfio_pci_core_device *core);

/*
 * Returns true if a DMA-buf of the device's memory may be in use: all of them
 * are revoked while memory decoding is off, and when the device is closed.
 * Call with dev_set->lock and memory_lock held.
 */
bool compat_pci_is_exported(struct vfio_pci_core_device *core);

/*
 * Look up what compat_pci_revoke() and compat_pci_restore() call, with the
 * driver's device open until then.  Call without memory_lock.  Returns 0,
 * -EOPNOTSUPP if the driver isn't as expected, or -ENOMEM.
 */
int compat_pci_find_revoke(void);

/*
 * Revoke all DMA-bufs of the device's memory: when this returns, nobody can use
 * what was mapped.  Restore them if the device's memory can be accessed, to be
 * mapped anew.  Call with dev_set->lock, and memory_lock held for writing.
 */
void compat_pci_revoke(struct vfio_pci_core_device *core);
void compat_pci_restore(struct vfio_pci_core_device *core);

/* As compat_pci_restore(), without a lookup and without memory_lock. */
void compat_pci_export_again(struct vfio_pci_core_device *core);

#endif
