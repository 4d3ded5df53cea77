// SPDX-License-Identifier: GPL-2.0-only
/* The part of a multi-device reset that concerns a device of vfio-pci-core. */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/vfio_pci_core.h>

#include <iommufd/iommufd.h>

#include "vfio_pci.h"

/* Variant drivers replace some operations, but hardly these two. */
#define is_core_op(_ops, _op)						\
({									\
	typeof(&vfio_pci_core_##_op) op_ = symbol_get(vfio_pci_core_##_op); \
	bool is_ = op_ && (_ops)->_op == op_;				\
									\
	if (op_)							\
		symbol_put(vfio_pci_core_##_op);			\
	is_;								\
})

/*
 * The structure's layout is that of the headers built with.  No versioned
 * symbol protects it, because symbols are looked up by name: after a change
 * within one kernel release the modules must be rebuilt.
 */
struct vfio_pci_core_device *compat_pci_core(struct vfio_device *vdev)
{
	struct vfio_pci_core_device *core;

	if (!dev_is_pci(vdev->dev) ||
	    !(is_core_op(vdev->ops, request) || is_core_op(vdev->ops, match)))
		return NULL;
	core = container_of(vdev, struct vfio_pci_core_device, vdev);
	return core->pdev == to_pci_dev(vdev->dev) ? core : NULL;
}

#ifdef IOMMUFD_HAVE_VFIO_PCI_VMA_LIST

/*
 * Lock order: mmap_lock, vma_lock, memory_lock.  A fault maps a whole VMA and
 * adds it to vma_list, so the list must be empty before memory_lock is taken.
 * The type of its entries is private to vfio-pci-core, hence repeated here.
 */
struct filled_vma {
	struct vm_area_struct *vma;
	struct list_head item;
};

static bool vfio_pci_is_credible(struct vfio_pci_core_device *core, struct filled_vma *filled)
{
	return virt_addr_valid(filled->vma) &&
	       filled->vma->vm_private_data == core;
}

static void vfio_pci_forget(struct filled_vma *filled)
{
	list_del(&filled->item);
	kfree(filled);
}

/*
 * Returns the mm of a process in vma_list, or NULL.  Call with vma_lock held.
 */
static struct mm_struct *vfio_pci_first_process(struct vfio_pci_core_device *core)
{
	struct filled_vma *filled, *next;

	list_for_each_entry_safe(filled, next, &core->vma_list, item) {
		if (!vfio_pci_is_credible(core, filled))
			return ERR_PTR(-EOPNOTSUPP);
		if (mmget_not_zero(filled->vma->vm_mm))
			return filled->vma->vm_mm;
		vfio_pci_forget(filled);		/* exiting */
	}
	return NULL;
}

/* Call with mmap_lock and vma_lock held. */
static void vfio_pci_zap_process(struct vfio_pci_core_device *core, struct mm_struct *mm)
{
	struct filled_vma *filled, *next;

	list_for_each_entry_safe(filled, next, &core->vma_list, item) {
		struct vm_area_struct *vma = filled->vma;

		if (vma->vm_mm != mm)
			continue;
		vfio_pci_forget(filled);
		zap_vma_ptes(vma, vma->vm_start, vma->vm_end - vma->vm_start);
	}
}

static int vfio_pci_zap_process_locked(struct vfio_pci_core_device *core, struct mm_struct *mm)
{
	int rc = -EBUSY;

	if (!mmap_read_trylock(mm))
		return rc;
	if (mutex_trylock(&core->vma_lock)) {
		vfio_pci_zap_process(core, mm);
		mutex_unlock(&core->vma_lock);
		rc = 0;
	}
	mmap_read_unlock(mm);
	return rc;
}

/* Returns 0 with vma_lock held. */
int compat_pci_block_maps(struct vfio_pci_core_device *core)
{
	struct mm_struct *mm;
	int rc;

	while (!fatal_signal_pending(current)) {
		if (!mutex_trylock(&core->vma_lock))
			return -EBUSY;
		mm = vfio_pci_first_process(core);
		if (!mm)
			return 0;
		mutex_unlock(&core->vma_lock);
		if (IS_ERR(mm))
			return PTR_ERR(mm);
		rc = vfio_pci_zap_process_locked(core, mm);
		/* Not mmput(): it may take the vma_lock of other devices. */
		mmput_async(mm);
		if (rc)
			return rc;
	}
	return -EINTR;
}

int compat_pci_block_memory(struct vfio_pci_core_device *core)
{
	if (!down_write_trylock(&core->memory_lock))
		return -EBUSY;
	mutex_unlock(&core->vma_lock);
	return 0;
}

void compat_pci_unblock_maps(struct vfio_pci_core_device *core)
{
	mutex_unlock(&core->vma_lock);
}

#else

int compat_pci_block_maps(struct vfio_pci_core_device *core)
{
	return 0;
}

int compat_pci_block_memory(struct vfio_pci_core_device *core)
{
	const loff_t start = VFIO_PCI_INDEX_TO_OFFSET(VFIO_PCI_BAR0_REGION_INDEX);
	const loff_t end = VFIO_PCI_INDEX_TO_OFFSET(VFIO_PCI_ROM_REGION_INDEX);

	if (!down_write_trylock(&core->memory_lock))
		return -EBUSY;
	unmap_mapping_range(core->vdev.inode->i_mapping, start, end - start, true);
	return 0;
}

void compat_pci_unblock_maps(struct vfio_pci_core_device *core)
{
}

#endif

void compat_pci_unblock_memory(struct vfio_pci_core_device *core)
{
	up_write(&core->memory_lock);
}

#ifdef IOMMUFD_HAVE_VFIO_PCI_DMABUFS

static bool vfio_pci_memory_enabled(struct vfio_pci_core_device *core)
{
	typeof(&__vfio_pci_memory_enabled) ask;
	bool enabled;

	ask = symbol_get(__vfio_pci_memory_enabled);
	if (!ask)
		return true;
	enabled = ask(core);
	symbol_put(__vfio_pci_memory_enabled);
	return enabled;
}

/* Of a closed device, one may still be on its way out of the list. */
bool compat_pci_is_exported(struct vfio_pci_core_device *core)
{
	return core->vdev.open_count && !list_empty(&core->dmabufs) &&
	       vfio_pci_memory_enabled(core);
}

/* In the low power state that its user has set, the device's memory can't be accessed. */
static bool vfio_pci_may_export(struct vfio_pci_core_device *core)
{
	return !core->pm_runtime_engaged && compat_pci_is_exported(core);
}

int compat_pci_find_revoke(void)
{
	return iommufd_find_vfio_pci_dma_buf_move();
}

void compat_pci_revoke(struct vfio_pci_core_device *core)
{
	iommufd_vfio_pci_dma_buf_move(core, true);
}

void compat_pci_restore(struct vfio_pci_core_device *core)
{
	if (vfio_pci_may_export(core))
		iommufd_vfio_pci_dma_buf_move(core, false);
}

/*
 * Leaving the low power state restores DMA-bufs, too, and has no other effect
 * on a device that isn't in it.
 */
void compat_pci_export_again(struct vfio_pci_core_device *core)
{
	struct vfio_device *vdev = &core->vdev;
	bool again;

	down_read(&core->memory_lock);
	again = vfio_pci_may_export(core);
	up_read(&core->memory_lock);
	if (again && vdev->ops->device_feature)
		vdev->ops->device_feature(vdev, VFIO_DEVICE_FEATURE_SET |
					  VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, NULL, 0);
}

#else

bool compat_pci_is_exported(struct vfio_pci_core_device *core)
{
	return false;
}

int compat_pci_find_revoke(void)
{
	return -EOPNOTSUPP;
}

void compat_pci_revoke(struct vfio_pci_core_device *core)
{
}

void compat_pci_restore(struct vfio_pci_core_device *core)
{
}

void compat_pci_export_again(struct vfio_pci_core_device *core)
{
}

#endif
