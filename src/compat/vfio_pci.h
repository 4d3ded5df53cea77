/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices of vfio-pci-core, to be reset together with others: the part of its work
 * that differs between kernels.  Its structure is public.  Its module may be loaded
 * later than ours, or never, so that its symbols are looked up by name.
 */
#ifndef IOMMUFD_COMPAT_VFIO_PCI_H
#define IOMMUFD_COMPAT_VFIO_PCI_H

#include <linux/types.h>

struct vfio_device;
struct vfio_pci_core_device;

/* The device as vfio-pci-core knows it; NULL if its driver isn't built upon that. */
struct vfio_pci_core_device *compat_pci_core(struct vfio_device *vdev);

/*
 * Keeps user space from a device's memory: takes its BARs out of all page tables
 * and takes memory_lock for writing, so that who touches a mapping waits, as all
 * calls do that change what may be touched.  Two steps, the first to be done for
 * all devices before the second for any; each undoes what it has to if it fails.
 * Nothing waits, as the order among devices is nobody's: 0, or -EBUSY; -EINTR to a
 * caller that is being killed, -EOPNOTSUPP if the device isn't what this code knows.
 */
int compat_pci_block_maps(struct vfio_pci_core_device *core);
int compat_pci_block_memory(struct vfio_pci_core_device *core);

/* Undo the first step, when the second wasn't done, or both. */
void compat_pci_unblock_maps(struct vfio_pci_core_device *core);
void compat_pci_unblock_memory(struct vfio_pci_core_device *core);

/*
 * May a DMA-buf of the device's memory be in use?  Those that there are were revoked
 * if memory decoding is off.  With memory_lock.
 */
bool compat_pci_is_exported(struct vfio_pci_core_device *core);

/* Ends the revocation of DMA-bufs if nothing speaks against it.  Without memory_lock. */
void compat_pci_export_again(struct vfio_pci_core_device *core);

#endif
