/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All that differs between IOMMUs.  The code above this interface is the same on every
 * kernel and every IOMMU; what a kernel or an IOMMU can't do is answered here, with the
 * errno that the ABI gives for it.
 */
#ifndef IOMMUFD_HW_HW_H
#define IOMMUFD_HW_HW_H

#include <linux/iommu.h>
#include <linux/scatterlist.h>
#include <linux/types.h>

#include "dirty.h"
#include "range.h"

struct fault_queue;

/* Is there an IOMMU between the device and memory? */
static inline bool hw_has_iommu(struct device *dev)
{
	return dev->iommu && dev->iommu->iommu_dev;
}

/* Can user space rely on the device's DMA and the CPU's caches to agree? */
bool hw_is_coherent(struct device *dev);

/* Can the IOMMU make DMA coherent that asks not to be (PCI no-snoop)? */
bool hw_can_enforce_coherency(struct device *dev);

/* Can it be read which pages a device wrote to?  See dirty.h. */
bool hw_tracks_dirty(struct device *dev);

/* Can no device of the group raise interrupts that belong to others? */
bool hw_has_isolated_interrupts(struct iommu_group *group);

/* The physical IOMMU of a device that has one. */
static inline struct iommu_device *hw_iommu(struct device *dev)
{
	return dev->iommu->iommu_dev;
}

/*
 * Allocates a paging domain that devices like @dev can be attached to.  @flags
 * are IOMMU_HWPT_ALLOC_*, @data is for the driver, or NULL; what isn't supported is
 * -EOPNOTSUPP.
 */
struct iommu_domain *hw_domain_alloc(struct device *dev, u32 flags,
				     const struct iommu_user_data *data);
void hw_domain_free(struct iommu_domain *domain);

/* Was the domain made by the driver of the device's IOMMU? */
bool hw_domain_fits(struct iommu_domain *domain, struct device *dev);

/* Can there be domains for the device whose tables are user space's? */
bool hw_can_nest(struct device *dev);

/* Makes one, on top of a domain that was made with IOMMU_HWPT_ALLOC_NEST_PARENT. */
struct iommu_domain *hw_nested_alloc(struct device *dev,
				     struct iommu_domain *parent, u32 flags,
				     const struct iommu_user_data *data);

/* Looks at what another maker returned, and notes whose it is.  May be an ERR_PTR. */
struct iommu_domain *hw_nested_take(struct iommu_domain *domain,
				    const struct iommu_ops *owner);

/*
 * Drops what is cached of the tables, as an array of user space's says.  @parent is what
 * the domain was made on.
 * array->entry_num becomes the number of entries that were done, also on failure.
 */
int hw_nested_invalidate(struct iommu_domain *domain, struct iommu_domain *parent,
			 struct iommu_user_data_array *array);

/*
 * True if the domain's aperture and page sizes are known and it can be filled;
 * some drivers know them only when the first device is attached.
 */
bool hw_domain_is_ready(struct iommu_domain *domain);

/* Makes all DMA through a domain, which is still empty, coherent.  0 or -EINVAL. */
int hw_domain_enforce_coherency(struct iommu_domain *domain);

/* The sizes of pages that a domain can map, as bits. */
unsigned long hw_pgsize_bitmap(const struct iommu_domain *domain);

/* The smallest page that a domain can map; 0 if that isn't known. */
unsigned long hw_page_size(const struct iommu_domain *domain);

/* What lies below and above the addresses that a domain translates: 0 to 2 ranges. */
size_t hw_outside(const struct iommu_domain *domain, struct iova_range ranges[2]);

/*
 * Mapping runs of memory side by side, @length bytes from @iova on.  @single_pages:
 * with no entry larger than a page, so that parts can be unmapped.  What hw_map_add()
 * was given is mapped when hw_map_end() returns 0.  That is always called, with the
 * failure that came before it, or 0.  What was mapped when something failed
 * goes up to to->iova, and is the caller's to unmap.
 */
struct hw_mapper {
	struct iommu_domain *domain;
	unsigned long iova;
	unsigned long piece;		/* no entry crosses a multiple of this */
	int prot;			/* IOMMU_READ, IOMMU_WRITE, ... */
	unsigned int n;			/* queued runs: */
	unsigned int max;
	unsigned long queued;		/* bytes in all */
	phys_addr_t pa;			/* of the first one */
	struct scatterlist *list;	/* if there are more */
};

void hw_map_begin(struct hw_mapper *to, struct iommu_domain *domain,
		  unsigned long iova, unsigned long length, int prot,
		  bool single_pages);
int hw_map_add(struct hw_mapper *to, phys_addr_t pa, unsigned long length);
int hw_map_end(struct hw_mapper *to, int rc);

/*
 * Unmapping ranges, each of which was mapped between one hw_map_begin() and its
 * end: all of it, because a driver may have used entries that are larger than any
 * part.  Devices may reach it until hw_unmap_end(), which flushes for all of them
 * where the driver can.  hw_unmap_add() says false if they
 * may do so for ever.
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

/* All of that for one range. */
bool hw_unmap(struct iommu_domain *domain, unsigned long iova,
	      unsigned long length);

/*
 * For a domain that wasn't ready, while its first device is attached and nothing
 * is mapped yet: what the driver could not decide before.
 */
void hw_domain_settle(struct iommu_domain *domain);

/*
 * Where a domain is attached: to the DMA of a group that comes without PASID
 * (IOMMU_NO_PASID), or with that one.  The group's DMA is owned by us.
 */
struct hw_place {
	struct iommu_group *group;
	struct device *dev;	/* any of the group that stays; only for a PASID */
	u32 pasid;
};

/*
 * A domain that is attached to a place.  Page faults come with the attachment that
 * they happened in, and are for @faults.  When it was replaced or detached its owner
 * says so to the queue, which sets @ended and answers what is pending, and frees it.
 *
 * Not every driver waits until its interrupt has reported what came before that (VT-d
 * on Linux 7.2 doesn't when a device's last one ends, AMD-Vi never does), and the core
 * stores a new handle after the hardware has moved.  So the memory of one with
 * faults stays for a while, and what comes late finds nobody to take it.
 */
struct hw_attachment {
	struct iommu_attach_handle handle;
	struct iommu_domain *domain;
	const struct hw_place *at;
	struct fault_queue *faults;	/* or NULL */
	bool ended;
	struct list_head overlay_item;	/* of an overlay that is in force */
	struct list_head item;		/* of those to be freed later */
	unsigned long until;
	struct iommu_group *late_group;	/* a reference, once it is to be freed later */
};

/*
 * What fails changes nothing.  hw_replace() leaves the old attachment to the
 * caller, who may go back to it with hw_restore(), or frees it.  -EOPNOTSUPP for
 * PASIDs on kernels and IOMMUs without; -EINVAL if the domain doesn't fit.
 */
struct hw_attachment *hw_attach(const struct hw_place *at,
				struct iommu_domain *domain,
				struct fault_queue *faults);
struct hw_attachment *hw_replace(struct hw_attachment *old,
				 struct iommu_domain *domain,
				 struct fault_queue *faults);
int hw_restore(struct hw_attachment *now, struct hw_attachment *old);

/* Blocks the DMA.  Can't fail. */
void hw_detach(struct hw_attachment *attachment);
void hw_attachment_free(struct hw_attachment *attachment);

/*
 * For the module's exit: frees what was to be freed later, and waits until faults that
 * are under way don't need it any more, nor the module's text.
 */
void hw_attachments_exit(void);

/* Makes the core refuse faults that come with an attachment that has ended. */
void hw_faults_refuse(struct iommu_attach_handle *handle);

/* Is a fault of one of these devices on its way to who takes it, or with that one? */
bool hw_faults_are_under_way(struct iommu_group *group);

/*
 * Page faults that devices wait for.  They come to @take in groups, from a threaded
 * interrupt, through attachments of the domain; none comes through one that was
 * replaced or detached.  @take returns 0, and answers each group with
 * hw_fault_answer(), which may sleep and needs the device.  0, or -EOPNOTSUPP where
 * the kernel has no page faults.
 */
struct iopf_group;

int hw_domain_take_faults(struct iommu_domain *domain,
			  int (*take)(struct iopf_group *group));
struct device *hw_fault_device(const struct iopf_group *group);
/* @take calls it first, so that the kernel forgets the group. */
void hw_fault_own(struct iopf_group *group);
void hw_fault_answer(struct iopf_group *group, enum iommu_page_response_code code);

/*
 * Where that isn't the driver's business a device is told to report faults once it
 * is attached to such a domain, and to stop when it is no more; not counted.
 */
int hw_faults_enable(struct device *dev);
void hw_faults_disable(struct device *dev);

/*
 * A VF shares the page request interface of its PF, which some answers turn off for
 * all: it can't be attached to such a domain.
 */
bool hw_shares_faults(struct device *dev);

/*
 * Ranges of IOVA that the device can't use for DMA, to be freed with kfree(); NULL
 * if there's none.  @msi becomes the window among them in which software maps
 * doorbells for interrupts; @msi->last is 0 where it needn't.
 */
int hw_reserved(struct device *dev, struct iova_range **ranges, size_t *count,
		struct iova_range *msi);

/*
 * Interrupts through a domain, where software maps the doorbells.  The core does
 * that when an interrupt is set up, in the domain that the device has then.  The
 * device keeps the address when it moves to another, so doorbells are taken along,
 * and domains must not put different ones at the same address: each has a
 * stretch of the window for its own.
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
 * Gives a domain a stretch, before the first device is attached; that it has one
 * already is no error.  @next is the stretch to try, for the caller to keep.
 */
int hw_msi_prepare(struct iommu_domain *domain, struct hw_msi *msi,
		   const struct iova_range *window, unsigned int *next);

/* Notes the doorbells of a domain that devices are about to leave. */
void hw_msi_remember(struct hw_doorbells *known, struct iommu_domain *domain,
		     const struct iova_range *window);

/*
 * Maps them in a domain, which is ready, that the devices come to.  0, -ENOMEM, or
 * -EBUSY if another doorbell is in such a place or may come to be there.
 */
int hw_msi_take(struct iommu_domain *domain, const struct hw_msi *msi,
		const struct hw_doorbells *known);

/*
 * What the IOMMU says of itself: an array of bytes to kfree(), NULL if there is
 * none.  @type: in, what user space asks for; out, what it is.
 */
void *hw_info(struct device *dev, u32 *length, u32 *type);

/* IOMMU_HW_CAP_* */
u64 hw_capabilities(struct device *dev);

/* How many bits wide are the PASIDs that the device can use?  0: it can't. */
u8 hw_pasid_width(struct device *dev);

/* active.c: false if no IOMMU is active; else @name gets the name of one. */
bool hw_active_iommu(char *name, size_t size);

#endif
