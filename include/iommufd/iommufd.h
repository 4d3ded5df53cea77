/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The in-kernel API of iommufd, for drivers that let user space manage the DMA of a device
 * (iommufd_device_*()), or access the memory mapped in an I/O address space (IOAS)
 * themselves (iommufd_access_*()).  Names and semantics are Linux 7.2's, but for
 * iommufd_device_expect(), without which a device can't be attached to what isn't in any
 * page table yet, and iommufd_device_reset_begin().
 *
 * All functions may sleep.  Don't call any with a lock held that a page fault or an MMU
 * notifier takes.  Only iommufd_access_pin_pages(), iommufd_access_unpin_pages() and
 * iommufd_access_rw() may be called with a lock held that the driver's unmap callback
 * takes.  Pin, and record the pin, under that lock: an unmap may request it before
 * iommufd_access_pin_pages() has returned.
 */
#ifndef IOMMUFD_IOMMUFD_H
#define IOMMUFD_IOMMUFD_H

#include <linux/types.h>
#include <linux/err.h>
#include <linux/errno.h>

struct device;
struct file;
struct iommu_group;
struct seq_file;
struct iommufd_access;
struct iommufd_ctx;
struct iommufd_device;
struct ioas;
struct page;
struct vfio_pci_core_device;

/**
 * iommufd_node_create() - create /dev/iommu if it doesn't exist
 *
 * The module doesn't create it at load if the kernel has no active IOMMU.  For drivers that
 * find a device behind an IOMMU later.
 *
 * Return: 0, also if it exists, or an errno.
 */
int iommufd_node_create(void);

/* The PASID that stands for DMA without PASID. */
#ifndef IOMMU_NO_PASID
#define IOMMU_NO_PASID	0u
#endif

/**
 * iommufd_ctx_from_file() - get a reference to the context of a file
 * @file: an open file
 *
 * Return: the context, to be put by iommufd_ctx_put(), or ERR_PTR(-EBADFD) if @file isn't
 * a /dev/iommu file.
 */
struct iommufd_ctx *iommufd_ctx_from_file(struct file *file);

/**
 * iommufd_ctx_from_fd() - get a reference to the context of a file descriptor
 * @fd: a descriptor of the calling process
 *
 * Return: as iommufd_ctx_from_file(), or ERR_PTR(-EBADF) if @fd isn't open.
 */
struct iommufd_ctx *iommufd_ctx_from_fd(int fd);

/**
 * iommufd_ctx_get() - get another reference to a context
 * @ictx: a context that the caller has a reference to
 *
 * A context lives as long as its file.  A reference keeps the file open.
 */
void iommufd_ctx_get(struct iommufd_ctx *ictx);

/**
 * iommufd_ctx_put() - put a reference to a context
 * @ictx: the context
 *
 * The last reference closes the file, by a delayed fput(): @ictx and its objects may exist
 * until the caller returns to user space.
 */
void iommufd_ctx_put(struct iommufd_ctx *ictx);

/**
 * iommufd_ctx_has_group() - check whether a context owns the DMA of a group
 * @ictx: the context, or NULL
 * @group: the group, or NULL
 *
 * If it does, no device of the group can be bound to another context or opened by the
 * legacy VFIO path.  The result is a snapshot, unless the caller prevents unbinding.
 *
 * Return: true if a device in @group is bound to @ictx, false if none is or either is NULL.
 */
bool iommufd_ctx_has_group(struct iommufd_ctx *ictx, struct iommu_group *group);

/**
 * iommufd_device_bind() - give a context control of a device's DMA
 * @ictx: the context
 * @dev: a physical device behind an IOMMU, whose driver leaves DMA to user space
 * @id: out: ID of the new device object
 *
 * Claims DMA ownership of the device's group for @ictx; other devices of the group can then
 * be bound to the same context only.  The device's DMA is blocked until
 * iommufd_device_attach().  The caller keeps @dev bound to its driver until
 * iommufd_device_unbind().  A failure is logged with its reason.
 *
 * Return: the device, or an ERR_PTR: -ENODEV without an IOMMU or group; -EPERM if the
 * group's DMA is owned by another context or used by a kernel driver of any of its devices,
 * or if its interrupts aren't isolated; -EINVAL if DMA isn't coherent with CPU caches or
 * firmware requires the device's DMA; -ENOMEM.
 */
struct iommufd_device *iommufd_device_bind(struct iommufd_ctx *ictx,
					   struct device *dev, u32 *id);

/**
 * iommufd_device_unbind() - undo iommufd_device_bind()
 * @idev: the device, detached; freed by this call
 *
 * Waits for ioctls that use the device object.
 */
void iommufd_device_unbind(struct iommufd_device *idev);

/**
 * struct iommufd_expect - what was announced by iommufd_device_expect()
 * @ictx: the context
 * @ioas: an address space in use, whose memory is pinned, or NULL
 */
struct iommufd_expect {
	struct iommufd_ctx *ictx;
	struct ioas *ioas;
};

/**
 * iommufd_device_expect() - announce that a device is to be attached
 * @idev: the device
 * @pasid: as for iommufd_device_attach()
 * @pt_id: as for iommufd_device_attach()
 * @expect: out: for iommufd_expect_end()
 *
 * Pins the memory that a page table for @pt_id needs, in the calling task.  That takes as
 * long as its page faults do, so don't hold a lock that others wait for.  A fatal signal
 * ends it.  Attaching doesn't wait for page faults then.  If @pt_id can't be attached to,
 * nothing is pinned, and the attach gives the reason.
 *
 * Return: 0; -EFAULT, -ENOMEM, or for a file -EINVAL, -EACCES or -EPERM, if memory can't be
 * pinned; or -EINTR.  After a failure there is nothing to end.
 */
int iommufd_device_expect(struct iommufd_device *idev, u32 pasid, u32 pt_id,
			  struct iommufd_expect *expect);

/**
 * iommufd_expect_end() - end iommufd_device_expect(), after the attach
 * @expect: what that announced
 *
 * Unpins the memory if there is no page table.
 */
void iommufd_expect_end(struct iommufd_expect *expect);

/**
 * iommufd_device_attach() - attach a device to a page table
 * @idev: the device
 * @pasid: the PASID whose DMA to attach, or IOMMU_NO_PASID
 * @pt_id: in: ID of an IOAS or HWPT; out: ID of the HWPT in use, on success only
 *
 * Call iommufd_device_expect() first, for the same object.
 *
 * For an IOAS, a matching page table is chosen or created; not so for a PASID, which takes
 * a HWPT.  All devices of a group share one page table for IOMMU_NO_PASID, and one for each
 * PASID.  A page table for a PASID, and the one for IOMMU_NO_PASID beside it, must have
 * been allocated with IOMMU_HWPT_ALLOC_PASID.
 *
 * Return: 0; -ENOENT for an unknown ID; -EINVAL for an object of another type, or a page
 * table that doesn't fit the device, its PASIDs, or what the rest of its group is attached
 * to; -EBUSY if @pasid is attached; -EADDRINUSE if a mapping overlaps a range that the
 * device can't use; -EOPNOTSUPP for a PASID where kernel or IOMMU don't support them;
 * -ESTALE if memory isn't pinned, as something else was announced, or if another task pins
 * more of it: begin again with iommufd_device_expect(), after a moment; -ENOMEM.
 */
int iommufd_device_attach(struct iommufd_device *idev, u32 pasid, u32 *pt_id);

/**
 * iommufd_device_replace() - move an attached device to another page table
 * @idev: the device, attached
 * @pasid: as for iommufd_device_attach()
 * @pt_id: as for iommufd_device_attach()
 *
 * Call iommufd_device_expect() first, for the same object.
 *
 * Moves all devices of the group that are attached to @pasid.  Meanwhile DMA is translated
 * by the old page table or the new one, or blocked.  On failure the old one stays in use;
 * if the driver fails to restore it, DMA stays blocked.
 *
 * Return: as iommufd_device_attach(); -EINVAL if @pasid isn't attached.
 */
int iommufd_device_replace(struct iommufd_device *idev, u32 pasid, u32 *pt_id);

/**
 * iommufd_device_detach() - detach a device from its page table
 * @idev: the device
 * @pasid: as for iommufd_device_attach()
 *
 * DMA is blocked when the last attached device of the group is detached.  Does nothing if
 * @pasid isn't attached.
 */
void iommufd_device_detach(struct iommufd_device *idev, u32 pasid);

/**
 * iommufd_device_reset_begin() - prepare for a reset of a device that may report page faults
 * @idev: the device
 * @killable: a fatal signal ends the wait for other calls for the device's group
 *
 * On some kernels (VT-d from Linux 7.2 on) a reset frees page faults that the IOMMU's driver is
 * just reporting.  From here to iommufd_device_reset_end() the faults of DMA without PASID are
 * refused there, and attaching that DMA to a page table with faults, or from one to another, fails
 * with -EBUSY.  The caller doesn't unbind the device meanwhile, but may detach it.
 *
 * Return: 1, to be followed by iommufd_device_reset_end(); 0 if there is nothing to prepare;
 * -EINTR.
 */
int iommufd_device_reset_begin(struct iommufd_device *idev, bool killable);

/**
 * iommufd_device_reset_end() - undo iommufd_device_reset_begin() that returned 1
 * @idev: the device
 */
void iommufd_device_reset_end(struct iommufd_device *idev);

/**
 * iommufd_device_show_fdinfo() - show where a device is bound and attached
 * @m: the seq_file of /proc/<pid>/fdinfo
 * @idev: the device
 *
 * For the show_fdinfo of a driver's file.  Prints a line "iommufd-context:" with the
 * context's number, as in the fdinfo of /dev/iommu, and a line "iommufd-device:" with the
 * device's ID and the page tables it is attached to (format: src/core/fdinfo.h).  Doesn't
 * wait for locks.
 */
void iommufd_device_show_fdinfo(struct seq_file *m, struct iommufd_device *idev);

/**
 * iommufd_enforces_coherency() - check whether all DMA of a device is cache coherent
 * @dev: a device, bound or not
 *
 * Return: true if every page table that the device can be attached to enforces coherency,
 * also for accesses that request otherwise (PCI no-snoop); false if not, or unknown.
 */
bool iommufd_enforces_coherency(struct device *dev);

/**
 * iommufd_find_vfio_pci_dma_buf_move() - look up vfio-pci-core's vfio_pci_dma_buf_move()
 *
 * The function isn't exported, so its prototype is checked first.  Takes some time, and
 * locks under which the caller's address space may be accessed.  The caller holds an open
 * device of vfio-pci-core, whose module is the one that is searched.
 *
 * Return: 0; -EOPNOTSUPP if there is no such function, or one of another kind, or if the
 * kernel lacks BTF or kprobes; -ENOMEM.
 */
int iommufd_find_vfio_pci_dma_buf_move(void);

/**
 * iommufd_vfio_pci_dma_buf_move() - call vfio-pci-core's vfio_pci_dma_buf_move()
 * @core: a device, with memory_lock held for writing
 * @revoked: true to revoke the DMA-bufs of the device's memory, which waits for those who
 *	have mapped them; false to permit mapping them again
 *
 * Call iommufd_find_vfio_pci_dma_buf_move() first, and keep a device open since then.
 */
void iommufd_vfio_pci_dma_buf_move(struct vfio_pci_core_device *core, bool revoked);

/**
 * iommufd_device_to_ictx() - get the context that a device is bound to
 * @idev: the device
 *
 * Compare contexts to find out whether devices have the same owner.
 *
 * Return: the context, without a reference; valid until iommufd_device_unbind().
 */
struct iommufd_ctx *iommufd_device_to_ictx(struct iommufd_device *idev);

/**
 * iommufd_device_to_id() - get the ID of a device in its context
 * @idev: the device
 *
 * Return: the ID, never 0, which is the device's until iommufd_device_unbind().
 */
u32 iommufd_device_to_id(struct iommufd_device *idev);

/**
 * struct iommufd_access_ops - callbacks of the owner of an access object
 * @needs_pin_pages: iommufd_access_pin_pages() will be called
 * @unmap: the range [@iova, @iova + @length) is about to be unmapped: unpin every pin that
 *	overlaps it before returning.  May be called from any task at any time, and may call
 *	iommufd_access_unpin_pages() only.  NULL if @needs_pin_pages is clear.
 */
struct iommufd_access_ops {
	u8 needs_pin_pages : 1;
	void (*unmap)(void *data, unsigned long iova, unsigned long length);
};

enum {
	IOMMUFD_ACCESS_RW_READ	= 0,
	IOMMUFD_ACCESS_RW_WRITE	= 1 << 0,
	/* The caller is a kernel thread; ignored. */
	IOMMUFD_ACCESS_RW_KTHREAD = 1 << 1,
};

/**
 * iommufd_access_create() - create an object to access mapped memory by IOVA
 * @ictx: the context
 * @ops: callbacks; valid until iommufd_access_destroy()
 * @data: passed to @ops
 * @id: out: ID of the new object
 *
 * Return: the object, not attached to an IOAS, or an ERR_PTR: -EINVAL if @ops needs pins
 * but has no unmap, -ENOMEM.
 */
struct iommufd_access *
iommufd_access_create(struct iommufd_ctx *ictx,
		      const struct iommufd_access_ops *ops, void *data, u32 *id);

/**
 * iommufd_access_destroy() - undo iommufd_access_create()
 * @access: the object; detached first if it is attached, and freed
 */
void iommufd_access_destroy(struct iommufd_access *access);

/**
 * iommufd_access_attach() - attach an access object to an IOAS
 * @access: the object
 * @ioas_id: ID of an IOAS
 *
 * Return: 0, -ENOENT if @ioas_id isn't an IOAS, -EINVAL if the object is attached, -EBUSY
 * if it is being detached, -EADDRINUSE if it pins pages and mappings aren't page aligned.
 */
int iommufd_access_attach(struct iommufd_access *access, u32 ioas_id);

/**
 * iommufd_access_replace() - attach an access object to another IOAS
 * @access: the object, attached
 * @ioas_id: ID of an IOAS
 *
 * Requests by @ops->unmap that all pins in the old IOAS are unpinned.
 *
 * Return: as iommufd_access_attach(); -ENOENT if the object isn't attached.
 */
int iommufd_access_replace(struct iommufd_access *access, u32 ioas_id);

/**
 * iommufd_access_detach() - detach an access object from its IOAS
 * @access: the object, attached
 *
 * Requests by @ops->unmap that all pins are unpinned.
 */
void iommufd_access_detach(struct iommufd_access *access);

/**
 * iommufd_access_pin_pages() - pin the memory mapped at a range of IOVA
 * @access: the object, created with needs_pin_pages
 * @iova: first byte
 * @length: in bytes, not 0
 * @out_pages: out: one entry for every page that the range touches
 * @flags: IOMMUFD_ACCESS_RW_*
 *
 * The pages are those that devices access by the same IOVA.  They stay pinned until
 * iommufd_access_unpin_pages() of the same range, and are charged to RLIMIT_MEMLOCK like
 * pages mapped for a device.
 *
 * Return: 0; -ENOENT if a part of the range isn't mapped or the object isn't attached;
 * -EPERM if a mapping doesn't permit the access; -EINVAL if the range begins within a page,
 * or passes from one mapping to the next within one, if a part is being unmapped, or if a
 * file was truncated; -EOVERFLOW, -ENOMEM, -EFAULT.
 */
int iommufd_access_pin_pages(struct iommufd_access *access, unsigned long iova,
			     unsigned long length, struct page **out_pages,
			     unsigned int flags);

/**
 * iommufd_access_unpin_pages() - undo iommufd_access_pin_pages()
 * @access: the object
 * @iova: the same as when pinned
 * @length: the same as when pinned
 */
void iommufd_access_unpin_pages(struct iommufd_access *access,
				unsigned long iova, unsigned long length);

/**
 * iommufd_access_rw() - copy from or to the memory mapped at a range of IOVA
 * @access: the object, attached
 * @iova: first byte
 * @data: the caller's buffer, of @length bytes
 * @length: in bytes, not 0
 * @flags: IOMMUFD_ACCESS_RW_*; IOMMUFD_ACCESS_RW_WRITE copies from @data
 *
 * Return: 0, or as iommufd_access_pin_pages().
 */
int iommufd_access_rw(struct iommufd_access *access, unsigned long iova,
		      void *data, size_t length, unsigned int flags);

#endif
