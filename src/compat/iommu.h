/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernels in the IOMMU core's interface.
 *
 * Linux 6.12 and 7.2 export what they keep for their own iommufd even when that
 * isn't built; only drivers/iommu/iommu-priv.h isn't installed.  Linux 6.1 has
 * none of it: there it is rebuilt on the plain group functions.
 */
#ifndef IOMMUFD_COMPAT_IOMMU_H
#define IOMMUFD_COMPAT_IOMMU_H

#include <linux/iommu.h>

#ifndef IOMMU_NO_PASID
#define IOMMU_NO_PASID	0
#endif

/* The operations of the driver of @dev's IOMMU, or NULL if there is none. */
static inline const struct iommu_ops *compat_dev_iommu_ops(struct device *dev)
{
	if (!dev->iommu || !dev->iommu->iommu_dev)
		return NULL;
	return dev->iommu->iommu_dev->ops;
}

/*
 * iommu_paging_domain_alloc_flags() makes an empty page table that fits @dev.
 * @flags are IOMMU_HWPT_ALLOC_*.  Of what the caller has to check itself on
 * every kernel: whether the device can track dirty pages (SMMUv3 doesn't look).
 *
 * Return: the domain, or an ERR_PTR: -ENODEV without an IOMMU, -EOPNOTSUPP for
 * flags that kernel or driver don't know, -ENOMEM.
 */
#ifndef IOMMUFD_HAVE_IOMMU_PAGING_DOMAIN_ALLOC_FLAGS
struct iommu_domain *compat_paging_domain_alloc_flags(struct device *dev,
						      unsigned int flags);
#define iommu_paging_domain_alloc_flags compat_paging_domain_alloc_flags
#endif

/*
 * Asked before the first attachment: are aperture and page sizes of @domain the
 * ones that it will always have?  If not they are known, and the domain can be
 * mapped into, once a device is attached.
 */
bool compat_domain_is_final(struct iommu_domain *domain);

/*
 * Was @domain made by the driver of @dev's IOMMU?  Linux looks itself when a
 * group is attached (not on 6.1), but not when its domain is replaced.
 */
bool compat_domain_fits(struct iommu_domain *domain, struct device *dev);

/*
 * iommu_attach_group_handle() attaches all devices of a group, or none.  The
 * group must be detached.  iommu_replace_group_handle() moves them: a device's
 * DMA sees the old domain, nothing, or the new one, and on failure the old one
 * stays.  iommu_detach_group_handle() can't fail; it leaves the group's DMA
 * blocked if somebody owns it.  A handle is set up by the core, belongs to one
 * attachment, and lives as long as that; it is never NULL.
 */
#ifndef IOMMUFD_HAVE_IOMMU_ATTACH_HANDLE
struct iommu_attach_handle {
	struct iommu_domain *domain;
};
#endif

#ifdef IOMMUFD_HAVE_SYM_IOMMU_ATTACH_GROUP_HANDLE
int iommu_attach_group_handle(struct iommu_domain *domain,
			      struct iommu_group *group,
			      struct iommu_attach_handle *handle);
void iommu_detach_group_handle(struct iommu_domain *domain,
			       struct iommu_group *group);
int iommu_replace_group_handle(struct iommu_group *group,
			       struct iommu_domain *new_domain,
			       struct iommu_attach_handle *handle);
#else
int compat_attach_group_handle(struct iommu_domain *domain,
			       struct iommu_group *group,
			       struct iommu_attach_handle *handle);
void compat_detach_group_handle(struct iommu_domain *domain,
				struct iommu_group *group);
int compat_replace_group_handle(struct iommu_group *group,
				struct iommu_domain *new_domain,
				struct iommu_attach_handle *handle);
#define iommu_attach_group_handle compat_attach_group_handle
#define iommu_detach_group_handle compat_detach_group_handle
#define iommu_replace_group_handle compat_replace_group_handle
#endif

/*
 * iommu_attach_device_pasid() does the same for the DMA of @dev's group that comes
 * with a PASID, which must be free; iommu_replace_device_pasid() and
 * iommu_detach_device_pasid() as above.  @dev stays bound to its driver meanwhile.
 * Handles are as above, and a handle isn't used again until it is detached.
 *
 * Return: 0, -EOPNOTSUPP if kernel or driver can't, -EINVAL if the device hasn't
 * that many PASIDs or the domain is another driver's, -EBUSY if the PASID is in
 * use, -ENOMEM.
 */
#ifndef IOMMUFD_HAVE_IOMMU_ATTACH_PASID_HANDLE
int compat_attach_device_pasid(struct iommu_domain *domain, struct device *dev,
			       u32 pasid, struct iommu_attach_handle *handle);
#define iommu_attach_device_pasid compat_attach_device_pasid
#endif

#ifdef IOMMUFD_HAVE_SYM_IOMMU_REPLACE_DEVICE_PASID
int iommu_replace_device_pasid(struct iommu_domain *domain, struct device *dev,
			       u32 pasid, struct iommu_attach_handle *handle);
#else
int compat_replace_device_pasid(struct iommu_domain *domain, struct device *dev,
				u32 pasid, struct iommu_attach_handle *handle);
void compat_detach_device_pasid(struct iommu_domain *domain, struct device *dev,
				u32 pasid);
#define iommu_replace_device_pasid compat_replace_device_pasid
#define iommu_detach_device_pasid compat_detach_device_pasid
#endif

/* How many PASIDs can @dev use, from 0 on?  0: it can't use any. */
u32 compat_max_pasids(struct device *dev);

/* The PCI_PASID_CTRL_* bits that are set for a PCI device, or an errno. */
int compat_pci_pasid_status(struct device *dev);

/*
 * Page faults of devices, in groups that are answered as a whole: @faults of struct
 * iopf_fault, in order, @fault_count of them; @node and @cookie are for who took the
 * group.  Without IOMMUFD_HAVE_SYM_IOPF_GROUP_RESPONSE none will ever come.
 */
#ifndef IOMMUFD_HAVE_IOPF_GROUP
struct iopf_fault {
	struct iommu_fault fault;
	struct list_head list;
};

struct iommu_fault_param;

struct iopf_group {
	struct iopf_fault last_fault;
	struct list_head faults;
	size_t fault_count;
	struct iommu_attach_handle *attach_handle;
	struct iommu_fault_param *fault_param;
	struct list_head node;
	u32 cookie;
};

static inline void iopf_group_response(struct iopf_group *group,
				       enum iommu_page_response_code status)
{
}

static inline void iopf_group_dequeue(struct iopf_group *group)
{
}

static inline void iopf_free_group(struct iopf_group *group)
{
}
#endif

/*
 * iopf_group_dequeue() makes a group its handler's own: it has to be answered, and the
 * device's end doesn't do it.
 */
#if defined(IOMMUFD_HAVE_SYM_IOPF_GROUP_RESPONSE) && \
	!defined(IOMMUFD_HAVE_SYM_IOPF_GROUP_DEQUEUE)
void compat_iopf_group_dequeue(struct iopf_group *group);
void compat_iopf_group_response(struct iopf_group *group,
				enum iommu_page_response_code status);
#define iopf_group_dequeue compat_iopf_group_dequeue
#define iopf_group_response compat_iopf_group_response
#endif

/*
 * iommu_map() and iommu_map_sg() allocate page tables with @gfp.  Linux 6.1
 * chooses by itself; only whether it may sleep can be told.
 */
#ifndef IOMMUFD_HAVE_IOMMU_MAP_GFP
static inline int compat_iommu_map(struct iommu_domain *domain, unsigned long iova,
				   phys_addr_t paddr, size_t size, int prot, gfp_t gfp)
{
	if (gfpflags_allow_blocking(gfp))
		return iommu_map(domain, iova, paddr, size, prot);
	return iommu_map_atomic(domain, iova, paddr, size, prot);
}

static inline ssize_t compat_iommu_map_sg(struct iommu_domain *domain,
					  unsigned long iova,
					  struct scatterlist *sg,
					  unsigned int nents, int prot, gfp_t gfp)
{
	if (gfpflags_allow_blocking(gfp))
		return iommu_map_sg(domain, iova, sg, nents, prot);
	return iommu_map_sg_atomic(domain, iova, sg, nents, prot);
}

#define iommu_map compat_iommu_map
#define iommu_map_sg compat_iommu_map_sg
#endif

/*
 * iommu_get_resv_regions() appends the ranges of IOVA that @dev can't use for
 * DMA to @list, to be given back with iommu_put_resv_regions().
 */
#ifndef IOMMUFD_HAVE_SYM_IOMMU_GET_RESV_REGIONS
void compat_get_resv_regions(struct device *dev, struct list_head *list);
#define iommu_get_resv_regions compat_get_resv_regions
#endif

/*
 * iommu_group_has_isolated_msi(): can no device of the group raise interrupts
 * that belong to others?
 */
#ifndef IOMMUFD_HAVE_SYM_IOMMU_GROUP_HAS_ISOLATED_MSI
bool compat_group_has_isolated_msi(struct iommu_group *group);
#define iommu_group_has_isolated_msi compat_group_has_isolated_msi
#endif

/*
 * What the driver of @dev's IOMMU says of the hardware, as user space gets it:
 * @length bytes of the layout that @type names.  @type is IOMMU_HW_INFO_TYPE_*,
 * in: which one is wanted, 0 for the driver's choice; out: what it is.
 *
 * Return: memory to kfree(), NULL with @type 0 if the driver has no words for
 * it, or an ERR_PTR.
 */
void *compat_hw_info(struct device *dev, u32 *length, u32 *type);

/*
 * AMD-Vi's attribute "features" shows two registers, EFR:EFR2.  Drivers from
 * before hw_info (Linux 6.7) show them the other way round.
 */
#ifdef IOMMUFD_HAVE_IOMMU_HW_INFO
#define COMPAT_AMD_EFR_COMES_FIRST	true
#else
#define COMPAT_AMD_EFR_COMES_FIRST	false
#endif

#endif
