/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The in-kernel API of iommufd: what a driver uses to let user space manage the
 * DMA of a device (iommufd_device_*), or to reach the memory of an I/O address
 * space itself (iommufd_access_*).  Names and meanings are Linux 7.2's.
 *
 * All functions may sleep.  None may be called with a lock held that a page fault
 * or an MMU notifier takes, and none but iommufd_access_pin_pages(), _unpin_pages()
 * and _rw() with one that the driver's own unmap callback takes.  A pin is made and
 * noted under that one, as an unmap may ask for it before the call has returned.
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
struct page;

/**
 * iommufd_node_create() - have /dev/iommu from now on
 *
 * It isn't there while the kernel has no active IOMMU.  For drivers that have met a device
 * behind one since.
 *
 * Return: 0, also if it is there, or an errno.
 */
int iommufd_node_create(void);

/* A PASID.  The device's DMA without one goes by IOMMU_NO_PASID. */
#ifndef IOMMU_NO_PASID
#define IOMMU_NO_PASID	0u
#endif

/**
 * iommufd_ctx_from_file() - take a reference to the context behind a file
 * @file: an open file
 *
 * Return: the context, to be given back with iommufd_ctx_put(), or
 * ERR_PTR(-EBADFD) if @file isn't a /dev/iommu file.
 */
struct iommufd_ctx *iommufd_ctx_from_file(struct file *file);

/**
 * iommufd_ctx_from_fd() - take a reference to the context behind a descriptor
 * @fd: a descriptor of the calling process
 *
 * Return: as iommufd_ctx_from_file(), or ERR_PTR(-EBADF) if @fd isn't open.
 */
struct iommufd_ctx *iommufd_ctx_from_fd(int fd);

/**
 * iommufd_ctx_get() - take another reference to a context
 * @ictx: a context that the caller holds a reference to
 *
 * A context lives as long as its file; a reference keeps the file open.
 */
void iommufd_ctx_get(struct iommufd_ctx *ictx);

/**
 * iommufd_ctx_put() - give a reference back
 * @ictx: the context
 *
 * The last reference closes the file, but not before the caller returns to
 * user space: @ictx's objects may outlive this call for a moment.
 */
void iommufd_ctx_put(struct iommufd_ctx *ictx);

/**
 * iommufd_ctx_has_group() - is a device of this group bound to this context?
 * @ictx: the context
 * @group: the group
 *
 * If so, nobody else can bind or open another device of it: it's as good as @ictx's.
 *
 * Return: true if a device in @group is bound to @ictx at this moment; false if
 * either is NULL.
 */
bool iommufd_ctx_has_group(struct iommufd_ctx *ictx, struct iommu_group *group);

/**
 * iommufd_device_bind() - give a context the control of a device's DMA
 * @ictx: the context
 * @dev: a physical device behind an IOMMU, whose driver leaves DMA to user space
 * @id: out, the ID of the new device object
 *
 * Takes DMA ownership of the device's group; further devices of the group can
 * only be bound to the same context.  The device's DMA is blocked until
 * iommufd_device_attach().  The caller keeps @dev bound to its driver until
 * iommufd_device_unbind().
 *
 * Return: the device, or an ERR_PTR: -ENODEV without IOMMU or group, -EPERM if
 * somebody else owns the group's DMA, be it a kernel driver of another device in
 * it, or if its interrupts aren't isolated, -EINVAL if the IOMMU isn't cache
 * coherent or firmware needs the device's DMA.
 */
struct iommufd_device *iommufd_device_bind(struct iommufd_ctx *ictx,
					   struct device *dev, u32 *id);

/**
 * iommufd_device_unbind() - end iommufd_device_bind()
 * @idev: the device, detached
 *
 * Waits for ioctls that are asking something of the device.
 */
void iommufd_device_unbind(struct iommufd_device *idev);

/**
 * iommufd_device_attach() - connect a device to a page table
 * @idev: the device
 * @pasid: IOMMU_NO_PASID, or the PASID whose DMA is meant
 * @pt_id: in: an IOAS or HWPT; out: the HWPT in use, on success only
 *
 * For an IOAS a fitting page table is found or made, but not for a PASID.  All
 * devices of a group share one page table for IOMMU_NO_PASID, and one for each PASID.
 * What is attached to a PASID, and to IOMMU_NO_PASID beside it, must have been made
 * with IOMMU_HWPT_ALLOC_PASID.
 *
 * Return: 0, -ENOENT for an unknown ID, -EINVAL if it's another type of object
 * or the page table doesn't fit the device, its PASIDs or what others of its group
 * are attached to, -EBUSY if @pasid is attached, -EADDRINUSE if a mapping lies where
 * the device can't have one, -EOPNOTSUPP for PASIDs on kernels and IOMMUs without,
 * -ENOMEM.
 */
int iommufd_device_attach(struct iommufd_device *idev, u32 pasid, u32 *pt_id);

/**
 * iommufd_device_replace() - move an attached device to another page table
 * @idev: the device, attached
 * @pasid: as for iommufd_device_attach()
 * @pt_id: as for iommufd_device_attach()
 *
 * DMA sees the old page table, none, or the new one, and never anything else.
 * On failure the old one stays.  Moves all of the group that is attached there.
 *
 * Return: as iommufd_device_attach(); -EINVAL if @pasid isn't attached.
 */
int iommufd_device_replace(struct iommufd_device *idev, u32 pasid, u32 *pt_id);

/**
 * iommufd_device_detach() - disconnect a device from its page table
 * @idev: the device
 * @pasid: as for iommufd_device_attach()
 *
 * DMA is blocked when the group's last attached device is detached.  Does nothing if
 * it isn't attached.
 */
void iommufd_device_detach(struct iommufd_device *idev, u32 pasid);

/**
 * iommufd_device_show_fdinfo() - say where a device is bound and attached
 * @m: what /proc/<pid>/fdinfo reads from
 * @idev: the device
 *
 * For the show_fdinfo of a driver's file: a line "iommufd-context:" with the context's
 * number, as /dev/iommu's own fdinfo has it, and a line "iommufd-device:" with the
 * device's ID and the page tables that it is attached to (src/core/fdinfo.h).  Waits
 * for nobody.
 */
void iommufd_device_show_fdinfo(struct seq_file *m, struct iommufd_device *idev);

/**
 * iommufd_enforces_coherency() - is all DMA of a device coherent with the CPU's caches?
 * @dev: a device, bound or not
 *
 * True if every page table that the device can be attached to makes even those of its
 * accesses coherent that ask not to be (PCI no-snoop).
 *
 * Return: that, or false if nobody can tell.
 */
bool iommufd_enforces_coherency(struct device *dev);

/**
 * iommufd_device_to_ictx() - the context that a device is bound to
 * @idev: the device
 *
 * Two devices have the same owner if this is the same; no reference is taken.
 */
struct iommufd_ctx *iommufd_device_to_ictx(struct iommufd_device *idev);

/**
 * iommufd_device_to_id() - the ID of a device in its context
 * @idev: the device
 *
 * Never 0, and this device's until iommufd_device_unbind().
 */
u32 iommufd_device_to_id(struct iommufd_device *idev);

/**
 * struct iommufd_access_ops - what the owner of an access object provides
 * @needs_pin_pages: set if iommufd_access_pin_pages() will be called
 * @unmap: the range [@iova, @iova + @length) is about to be unmapped: give back
 *	every pin in it before returning.  May be called at any time from another
 *	task, and may call iommufd_access_unpin_pages() only.  NULL if
 *	@needs_pin_pages is clear.
 */
struct iommufd_access_ops {
	u8 needs_pin_pages : 1;
	void (*unmap)(void *data, unsigned long iova, unsigned long length);
};

enum {
	IOMMUFD_ACCESS_RW_READ	= 0,
	IOMMUFD_ACCESS_RW_WRITE	= 1 << 0,
	/* The caller is a kernel thread.  It makes no difference here. */
	IOMMUFD_ACCESS_RW_KTHREAD = 1 << 1,
};

/**
 * iommufd_access_create() - make an object that reaches mapped memory by IOVA
 * @ictx: the context
 * @ops: the owner's part; stays valid until iommufd_access_destroy()
 * @data: handed to @ops
 * @id: out, the ID of the new object
 *
 * Return: the object, attached to no address space, or an ERR_PTR.
 */
struct iommufd_access *
iommufd_access_create(struct iommufd_ctx *ictx,
		      const struct iommufd_access_ops *ops, void *data, u32 *id);

/**
 * iommufd_access_destroy() - end iommufd_access_create()
 * @access: the object; detached first if it isn't
 */
void iommufd_access_destroy(struct iommufd_access *access);

/**
 * iommufd_access_attach() - choose the address space that an access reaches
 * @access: the object
 * @ioas_id: ID of an IOAS
 *
 * Return: 0, -ENOENT if that is no IOAS, -EINVAL if it is attached, -EBUSY if it is
 * being detached, -EADDRINUSE if mappings aren't aligned to pages.
 */
int iommufd_access_attach(struct iommufd_access *access, u32 ioas_id);

/**
 * iommufd_access_replace() - choose another address space
 * @access: the object, attached
 * @ioas_id: ID of an IOAS
 *
 * Pins in the old space are called back through @ops->unmap.
 *
 * Return: as iommufd_access_attach(); -ENOENT if it wasn't attached.
 */
int iommufd_access_replace(struct iommufd_access *access, u32 ioas_id);

/**
 * iommufd_access_detach() - let go of the address space
 * @access: the object, attached
 *
 * Pins are called back through @ops->unmap.
 */
void iommufd_access_detach(struct iommufd_access *access);

/**
 * iommufd_access_pin_pages() - pin the memory behind a range of IOVA
 * @access: the object, made with needs_pin_pages
 * @iova: first byte
 * @length: in bytes, not 0
 * @out_pages: one entry for every page that the range touches
 * @flags: IOMMUFD_ACCESS_RW_*
 *
 * The pages are the ones that devices reach by the same IOVA, and stay pinned
 * until iommufd_access_unpin_pages() of the same range.  They are charged as if
 * a device were attached.
 *
 * Return: 0, -ENOENT if a part isn't mapped or nothing is attached, -EPERM
 * without the right to write, -EINVAL if parts of pages would be shared or a file
 * has become too short, -EOVERFLOW, -ENOMEM, -EFAULT.
 */
int iommufd_access_pin_pages(struct iommufd_access *access, unsigned long iova,
			     unsigned long length, struct page **out_pages,
			     unsigned int flags);

/**
 * iommufd_access_unpin_pages() - give back what was pinned
 * @access: the object
 * @iova: as it was pinned
 * @length: as it was pinned
 */
void iommufd_access_unpin_pages(struct iommufd_access *access,
				unsigned long iova, unsigned long length);

/**
 * iommufd_access_rw() - copy to or from the memory behind a range of IOVA
 * @access: the object, attached
 * @iova: first byte
 * @data: the caller's buffer
 * @length: in bytes, not 0
 * @flags: IOMMUFD_ACCESS_RW_*
 *
 * Return: 0, or as iommufd_access_pin_pages().
 */
int iommufd_access_rw(struct iommufd_access *access, unsigned long iova,
		      void *data, size_t length, unsigned int flags);

#endif
