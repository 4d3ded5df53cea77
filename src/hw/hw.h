/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interface to IOMMUs.  Code above it doesn't depend on the kernel's
 * version or the vendor; what a kernel or an IOMMU lacks is reported here, with
 * the errno that the ABI defines.
 */
#ifndef IOMMUFD_HW_HW_H
#define IOMMUFD_HW_HW_H

#include <linux/iommu.h>
#include <linux/scatterlist.h>
#include <linux/types.h>

#include "dirty.h"
#include "range.h"

struct fault_queue;

/* Returns true if an IOMMU translates the device's DMA. */
static inline bool hw_has_iommu(struct device *dev)
{
	return dev->iommu && dev->iommu->iommu_dev;
}

/* Returns true if user space can rely on DMA being coherent with CPU caches. */
bool hw_is_coherent(struct device *dev);

/* Returns true if the IOMMU can enforce coherency, even of PCI no-snoop DMA. */
bool hw_can_enforce_coherency(struct device *dev);

/* Returns true if dirty tracking is supported, see dirty.h. */
bool hw_tracks_dirty(struct device *dev);

/*
 * Returns true if no device of the group can raise interrupts that belong to
 * others.
 */
bool hw_has_isolated_interrupts(struct iommu_group *group);

/* The IOMMU of a device; hw_has_iommu() must be true. */
static inline struct iommu_device *hw_iommu(struct device *dev)
{
	return dev->iommu->iommu_dev;
}

/*
 * Returns true if the device has an IOMMU, and its driver gives the IOMMU a group of
 * attributes of that name in sysfs.
 */
bool hw_iommu_has_attributes(struct device *dev, const char *name);

/*
 * Allocate a paging domain for devices like @dev.  @flags are
 * IOMMU_HWPT_ALLOC_*.  @data is driver-specific, or NULL.  Returns
 * ERR_PTR(-EOPNOTSUPP) for unsupported flags or data, or the driver's error.
 */
struct iommu_domain *hw_domain_alloc(struct device *dev, u32 flags,
				     const struct iommu_user_data *data);
void hw_domain_free(struct iommu_domain *domain);

/* Returns true if the domain belongs to the driver of the device's IOMMU. */
bool hw_domain_fits(struct iommu_domain *domain, struct device *dev);

/* Returns true if user-managed page tables (nesting) are supported. */
bool hw_can_nest(struct device *dev);

/*
 * Allocate a nested domain; @parent was allocated with
 * IOMMU_HWPT_ALLOC_NEST_PARENT.
 */
struct iommu_domain *hw_nested_alloc(struct device *dev,
				     struct iommu_domain *parent, u32 flags,
				     const struct iommu_user_data *data);

/*
 * Check a nested domain that a driver or shim allocated, and set its owner.
 * Passes on an ERR_PTR.
 */
struct iommu_domain *hw_nested_take(struct iommu_domain *domain,
				    const struct iommu_ops *owner);

/*
 * Invalidate caches of a nested domain, as an array from user space demands.
 * Sets array->entry_num to the number of entries handled, also on failure.
 */
int hw_nested_invalidate(struct iommu_domain *domain, struct iommu_domain *parent,
			 struct iommu_user_data_array *array);

/*
 * Returns true if the domain's aperture and page sizes are known, so that it
 * can be filled.  Some drivers determine them at the first attach.
 */
bool hw_domain_is_ready(struct iommu_domain *domain);

/*
 * Enforce coherency of all DMA through an empty domain.  Returns 0 or -EINVAL.
 */
int hw_domain_enforce_coherency(struct iommu_domain *domain);

/* Bitmap of the page sizes of a domain. */
unsigned long hw_pgsize_bitmap(const struct iommu_domain *domain);

/* The smallest page size of a domain in bytes, 0 if not known yet. */
unsigned long hw_page_size(const struct iommu_domain *domain);

/*
 * Store the ranges below and above the domain's aperture.  Returns their
 * number, 0 to 2.
 */
size_t hw_outside(const struct iommu_domain *domain, struct iova_range ranges[2]);

/*
 * Map consecutive runs of physical memory, @length bytes from @iova on.  With
 * @single_pages no entry is larger than a page, so parts can be unmapped.  Runs
 * are mapped once hw_map_end() has returned 0; it must always be called, with
 * the error of hw_map_add() or 0.  On failure the caller unmaps what was
 * mapped, up to to->iova.
 */
struct hw_mapper {
	struct iommu_domain *domain;
	unsigned long iova;
	unsigned long piece;		/* no entry crosses a multiple of this */
	int prot;			/* IOMMU_READ, IOMMU_WRITE, ... */
	unsigned int n;			/* number of queued runs */
	unsigned int max;
	unsigned long queued;		/* their length in bytes */
	phys_addr_t pa;			/* of the first run */
	struct scatterlist *list;	/* if there are several */
};

void hw_map_begin(struct hw_mapper *to, struct iommu_domain *domain,
		  unsigned long iova, unsigned long length, int prot,
		  bool single_pages);
int hw_map_add(struct hw_mapper *to, phys_addr_t pa, unsigned long length);
int hw_map_end(struct hw_mapper *to, int rc);

/*
 * Unmap ranges, each of which was mapped between one hw_map_begin() and its
 * hw_map_end(), and completely, because an entry may be larger than any part.
 * Devices may access them until hw_unmap_end(), which flushes once for all
 * where the driver supports that.  hw_unmap_add() returns false if the range
 * may still be mapped.
 */
struct hw_unmapper {
	struct iommu_domain *domain;
	struct iommu_iotlb_gather gather;
	bool any;
};

void hw_unmap_begin(struct hw_unmapper *from, struct iommu_domain *domain);
bool hw_unmap_add(struct hw_unmapper *from, unsigned long iova,
		  unsigned long length);
void hw_unmap_end(struct hw_unmapper *from);

/* hw_unmap_begin(), hw_unmap_add() and hw_unmap_end() for one range. */
bool hw_unmap(struct iommu_domain *domain, unsigned long iova,
	      unsigned long length);

/*
 * Complete a domain that wasn't ready: call it after the first attach, with
 * nothing mapped yet.
 */
void hw_domain_settle(struct iommu_domain *domain);

/*
 * Where a domain is attached: the DMA of a group without PASID (IOMMU_NO_PASID)
 * or with one.  The caller owns the group's DMA.
 */
struct hw_place {
	struct iommu_group *group;
	struct device *dev;	/* any device that stays in the group; for a PASID only */
	u32 pasid;
	const unsigned int *resets;	/* of devices of the group, under way; for a PASID only */
};

/*
 * An attachment of a domain.  Page faults during it go to @faults.  When it is
 * replaced or detached, its owner tells the queue, which sets @ended and
 * responds to pending faults; then it is freed.
 *
 * Not every driver waits until its interrupt handler has reported earlier
 * faults (AMD-Vi never does; VT-d from Linux 7.2 on too late, which
 * vtd_faults_close() or attachment_park() makes good), and the core stores a
 * new handle after the hardware was switched.  So free an attachment of a device
 * that may ask, with faults or without, only after a delay, unless vtd_faults_wait()
 * makes that needless; a late fault is refused. The domain isn't kept: a handler that has
 * found one which is freed then may still read whether it takes faults.
 */
struct hw_attachment {
	struct iommu_attach_handle handle;
	struct iommu_domain *domain;
	const struct hw_place *at;
	struct fault_queue *faults;	/* or NULL */
	bool closed;			/* by vtd_faults_close() */
	/*
	 * Where the group is for a moment before it leaves, see attachment_park(); or NULL. Freed
	 * with the attachment, as the core may read the handle.
	 */
	struct iommu_domain *parking;
	struct iommu_attach_handle parked;
	bool ended;
	struct list_head overlay_item;	/* in an active overlay */
	struct list_head item;		/* in the list of those to be freed later */
	unsigned long until;
	struct iommu_group *late_group;	/* reference, while waiting to be freed */
};

/*
 * Change nothing on failure.  After hw_replace() the caller owns the old
 * attachment and either returns to it by hw_restore() or frees it.  -EOPNOTSUPP
 * for PASIDs if the kernel or the IOMMU lacks them; -EINVAL if the domain
 * doesn't fit.
 *
 * Where a failed hw_replace() can't go back to the old attachment, the DMA is
 * blocked, although the attachment is still to be replaced or detached.  A
 * hw_restore() that fails blocks it as hw_detach() of @now.  Either is logged.
 */
struct hw_attachment *hw_attach(const struct hw_place *at,
				struct iommu_domain *domain,
				struct fault_queue *faults);
struct hw_attachment *hw_replace(struct hw_attachment *old,
				 struct iommu_domain *domain,
				 struct fault_queue *faults);
int hw_restore(struct hw_attachment *now, struct hw_attachment *old);

/* Block the DMA.  Can't fail. */
void hw_detach(struct hw_attachment *attachment);

/*
 * Returns true if a reset of a device of the group, while it is attached to a page table with
 * faults and without PASID, has to be between hw_reset_begin() and hw_reset_end() of that
 * attachment.  Faults are refused meanwhile.  It may be detached, but not be replaced.
 */
bool hw_reset_loses_faults(struct iommu_group *group);
void hw_reset_begin(struct hw_attachment *attachment);
void hw_reset_end(struct hw_attachment *attachment);

/*
 * One more device of the group comes to where the group is attached; it may have joined the
 * group since.  0, or an errno as of hw_attach().
 */
int hw_join(struct hw_attachment *now, struct device *dev);
void hw_attachment_free(struct hw_attachment *attachment);

/*
 * At module exit: free attachments whose release was delayed, after waiting for
 * faults that use them or the module's code.
 */
void hw_attachments_exit(void);

/*
 * Make the core refuse faults of an attachment that has ended: by its handler, which the core
 * may be about to call, or where it never had one by having none.
 */
void hw_faults_refuse(struct iommu_attach_handle *handle);
void hw_faults_silence(struct iommu_attach_handle *handle);

/* Returns true if a device of the group may ask for pages, whatever it is attached to. */
bool hw_faults_may_come(struct iommu_group *group);

/* Returns true if a fault of the group's devices isn't responded to yet. */
bool hw_faults_are_under_way(struct iommu_group *group);

/*
 * I/O page faults.  The core passes them to @take in groups, from a threaded
 * interrupt handler, through the current attachments of the domain only.  @take
 * returns 0 and responds to each group with hw_fault_answer(), which may sleep
 * and needs the device.  Returns 0, or -EOPNOTSUPP if the kernel lacks page
 * faults.
 */
struct iopf_group;

int hw_domain_take_faults(struct iommu_domain *domain,
			  int (*take)(struct iopf_group *group));
/* The device that reported a group of faults. */
struct device *hw_fault_device(const struct iopf_group *group);
/* Remove the group from the core's list.  @take must call it first. */
void hw_fault_own(struct iopf_group *group);
/* Respond to a group, and free it. */
void hw_fault_answer(struct iopf_group *group, enum iommu_page_response_code code);

/*
 * Enable faults of a device after it is attached to such a domain, where the
 * driver doesn't do so by itself, and disable them after detaching.  Not
 * counted.
 */
int hw_faults_enable(struct device *dev);
void hw_faults_disable(struct device *dev);

/*
 * Returns true for a VF that uses the page request interface of its PF.  A
 * response may disable that for all VFs, so don't attach it to such a domain.
 */
bool hw_shares_faults(struct device *dev);

/*
 * Store the IOVA ranges that the device can't use for DMA, to be freed with
 * kfree(), or NULL.  *@msi is set to the one where software maps MSI doorbells;
 * msi->last is 0 if it doesn't have to.  Returns 0 or -ENOMEM.
 */
int hw_reserved(struct device *dev, struct iova_range **ranges, size_t *count,
		struct iova_range *msi);

/*
 * MSI doorbells that software maps.  The core maps a doorbell when an interrupt
 * is set up, in the domain that the device is attached to.  The device keeps
 * using its IOVA in another domain, so doorbells are mapped there too, and
 * domains must not map different ones at one address: each domain has its own
 * stretch of the window.
 */
struct hw_msi {
	bool ready;
	struct iova_range stretch;
};

#define HW_DOORBELLS 16

struct hw_doorbells {
	unsigned int n;
	struct {
		unsigned long iova;
		phys_addr_t pa;
	} at[HW_DOORBELLS];
};

/*
 * Assign a stretch of the window to a domain, before its first attach; no-op if
 * it has one.  *@next is the number of the next stretch, kept by the caller.
 * Returns 0 or the core's error.
 */
int hw_msi_prepare(struct iommu_domain *domain, struct hw_msi *msi,
		   const struct iova_range *window, unsigned int *next);

/* Record the doorbells of a domain that devices are about to leave. */
void hw_msi_remember(struct hw_doorbells *known, struct iommu_domain *domain,
		     const struct iova_range *window);

/*
 * Map recorded doorbells in a domain that is ready, before devices are
 * attached.  Returns 0, -ENOMEM, or -EBUSY if another doorbell is, or may get,
 * mapped there.
 */
int hw_msi_take(struct iommu_domain *domain, const struct hw_msi *msi,
		const struct hw_doorbells *known);

/*
 * Get vendor-specific information about the IOMMU, to be freed with kfree().
 * @type is the type that user space asks for, and is set to the actual one.
 * Returns NULL if there is none, or an ERR_PTR.
 */
void *hw_info(struct device *dev, u32 *length, u32 *type);

/* Returns IOMMU_HW_CAP_*. */
u64 hw_capabilities(struct device *dev);

/* Returns the width in bits of PASIDs that the device can use, 0 for none. */
u8 hw_pasid_width(struct device *dev);

/*
 * In active.c: store the name of an active IOMMU in @name.  Returns false if
 * none is active.
 */
bool hw_active_iommu(char *name, size_t size);

#endif
