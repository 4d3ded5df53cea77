/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The seam to the kernel: all that differs between IOMMUs ends here.  The floors
 * above are the same code on every kernel and every IOMMU; what a kernel or an
 * IOMMU can't do is answered here, with the errno that the ABI gives for it.
 */
#ifndef IOMMUFD_HW_HW_H
#define IOMMUFD_HW_HW_H

#include <linux/iommu.h>
#include <linux/types.h>

struct iova_range;

/* Is there an IOMMU between the device and memory? */
static inline bool hw_has_iommu(struct device *dev)
{
	return dev->iommu && dev->iommu->iommu_dev;
}

/* Can user space rely on the device's DMA and the CPU's caches to agree? */
bool hw_is_coherent(struct device *dev);

/* Can the IOMMU make DMA coherent that asks not to be (PCI no-snoop)? */
bool hw_can_enforce_coherency(struct device *dev);

/* Can the IOMMU note which pages a device wrote to? */
bool hw_tracks_dirty(struct device *dev);

/* Can no device of the group raise interrupts that belong to others? */
bool hw_has_isolated_interrupts(struct iommu_group *group);

/*
 * Allocates a paging domain that devices like @dev can be attached to.  @flags
 * are IOMMU_HWPT_ALLOC_*; what isn't supported is -EOPNOTSUPP.
 */
struct iommu_domain *hw_domain_alloc(struct device *dev, u32 flags);
void hw_domain_free(struct iommu_domain *domain);

/*
 * True if the domain's aperture and page sizes are known and it can be filled;
 * some drivers know them only when the first device is attached.
 */
bool hw_domain_is_ready(struct iommu_domain *domain);

/* Makes all DMA through a domain, which is still empty, coherent.  0 or -EINVAL. */
int hw_domain_enforce_coherency(struct iommu_domain *domain);

/*
 * The attachment of a group to a domain.  The group's DMA is owned by us.
 * Only hw_attach() and hw_replace() can fail; then nothing has changed.
 */
struct hw_attachment;

struct hw_attachment *hw_attach(struct iommu_group *group,
				struct iommu_domain *domain);
struct hw_attachment *hw_replace(struct iommu_group *group,
				 struct iommu_domain *domain,
				 struct hw_attachment *old);
void hw_detach(struct iommu_group *group, struct hw_attachment *old);

/*
 * Ranges of IOVA that the device can't use for DMA.  *@msi_base is where its
 * doorbells for interrupts are mapped if that is a choice of software, else
 * PHYS_ADDR_MAX.  The array is to be freed with kfree(); NULL if it's empty.
 */
int hw_reserved(struct device *dev, struct iova_range **ranges, size_t *count,
		phys_addr_t *msi_base);

/*
 * Lets interrupts through a domain that a device is about to be attached to: the
 * core maps doorbells from @base on when interrupts are set up.  Devices keep the
 * addresses of those that are set up already when their domain is replaced, so
 * hw_msi_take() maps what @old has; the domain has to be ready.  Both may be
 * called again, and do nothing if @base is PHYS_ADDR_MAX.
 */
int hw_msi_prepare(struct iommu_domain *domain, struct iommu_domain *old,
		   phys_addr_t base);
int hw_msi_take(struct iommu_domain *domain, struct iommu_domain *old,
		phys_addr_t base);

/*
 * What the IOMMU says of itself: an array of bytes to kfree(), NULL if there is
 * none.  @type: in, what user space asks for; out, what it is.
 */
void *hw_info(struct device *dev, u32 *length, u32 *type);

/* IOMMU_HW_CAP_*, and the width of PASIDs in bits. */
u64 hw_capabilities(struct device *dev, u8 *max_pasid_log2);

#endif
