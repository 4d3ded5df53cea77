/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels: the IOMMU core's interface.
 *
 * Linux 6.12 and 7.2 export what their own IOMMUFD uses even if that isn't
 * built; only drivers/iommu/iommu-priv.h isn't installed.  Linux 6.1 has none
 * of it, so it is emulated by the plain group functions.
 */
#ifndef IOMMUFD_COMPAT_IOMMU_H
#define IOMMUFD_COMPAT_IOMMU_H

#include <linux/iommu.h>
#include <linux/rwsem.h>

#ifndef IOMMU_NO_PASID
#define IOMMU_NO_PASID	0
#endif

/* Returns the operations of @dev's IOMMU driver, or NULL without one. */
static inline const struct iommu_ops *compat_dev_iommu_ops(struct device *dev)
{
	if (!dev->iommu || !dev->iommu->iommu_dev)
		return NULL;
	return dev->iommu->iommu_dev->ops;
}

/*
 * iommu_paging_domain_alloc_flags() allocates an empty paging domain for @dev.
 * @flags are IOMMU_HWPT_ALLOC_*.  On every kernel, callers have to check for
 * dirty tracking support by themselves, because SMMUv3's driver doesn't.
 *
 * Return: the domain, or an ERR_PTR: -ENODEV without an IOMMU, -EOPNOTSUPP for
 * flags unknown to kernel or driver, -ENOMEM.
 */
#ifndef IOMMUFD_HAVE_IOMMU_PAGING_DOMAIN_ALLOC_FLAGS
struct iommu_domain *compat_paging_domain_alloc_flags(struct device *dev,
						      unsigned int flags);
#define iommu_paging_domain_alloc_flags compat_paging_domain_alloc_flags
#endif

/*
 * Returns true if aperture and page sizes of @domain are final before the first
 * attach.  Otherwise they are known, and the domain can be mapped into, after
 * it.
 */
bool compat_domain_is_final(struct iommu_domain *domain);

/*
 * Returns true if @dev's IOMMU driver allocated @domain.  Linux checks that
 * when a group is attached (not on 6.1), but not when its domain is replaced.
 */
bool compat_domain_fits(struct iommu_domain *domain, struct device *dev);

/*
 * iommu_attach_group_handle() attaches all devices of a detached group, or
 * none. iommu_replace_group_handle() changes the domain: meanwhile DMA uses the
 * old domain, is blocked, or uses the new one; on failure the old one stays.
 * iommu_detach_group_handle() can't fail and blocks the DMA of an owned group.
 * A handle is never NULL, initialised by the core, belongs to one attachment
 * and must stay valid as long as that.
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
/* The handle of an attachment, or an ERR_PTR.  @type 0: the domain may have any type. */
struct iommu_attach_handle *iommu_attach_handle_get(struct iommu_group *group,
						    ioasid_t pasid, unsigned int type);
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
 * iommu_attach_device_pasid(), iommu_replace_device_pasid() and
 * iommu_detach_device_pasid() are the counterparts for DMA of @dev's group with
 * a PASID, which must be unused at attach.  The caller keeps @dev bound to its
 * driver.  A handle can't be used for another attachment until it is detached.
 *
 * Return: 0, -EOPNOTSUPP without support in kernel or driver, -EINVAL if the
 * PASID is too large or the domain belongs to another driver, -EBUSY if the
 * PASID is in use, -ENOMEM.
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

/* A domain at the DMA of @group that comes without PASID (IOMMU_NO_PASID), or with one. */
struct compat_attachment {
	struct iommu_group *group;
	struct device *dev;		/* of the group; only for a PASID */
	u32 pasid;
	struct iommu_domain *domain;
	struct iommu_attach_handle *handle;
};

/* The functions above, for either. */
int compat_attach(const struct compat_attachment *to);
int compat_replace(const struct compat_attachment *to);
void compat_detach(const struct compat_attachment *from);

/*
 * The same as compat_replace() with the DMA blocked in between.  On failure @from is
 * attached again, if need be after the end of a reset; if that fails, too, the DMA stays
 * blocked, and compat_is_attached() of @from is false.
 */
int compat_replace_by_detaching(const struct compat_attachment *from,
				const struct compat_attachment *to);

/* Returns true if @at is what is attached there now. */
bool compat_is_attached(const struct compat_attachment *at);

/* Returns the number of PASIDs that @dev can use, 0 for none. */
u32 compat_max_pasids(struct device *dev);

/* Returns the PCI_PASID_CTRL_* bits that are set, or an errno. */
int compat_pci_pasid_status(struct device *dev);

/*
 * A group of page faults with one response: @fault_count entries of struct
 * iopf_fault in @faults; @node and @cookie are for the handler.  Without
 * IOMMUFD_HAVE_SYM_IOPF_GROUP_RESPONSE there are no page faults.
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
 * iopf_group_dequeue() passes a group to its handler, which must respond to it;
 * removing the device doesn't do so any more.
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
 * When Linux 6.1's VT-d driver flushes for a domain, it walks the IOMMUs of the domain
 * without a lock, while the detach of an IOMMU's last device takes it out and frees
 * the record.  There, attaching and detaching excludes mapping, which flushes in
 * caching mode, and unmapping.
 *
 * iommu_map() and iommu_map_sg() allocate page tables with @gfp, which allows to sleep.
 * Linux 6.1 has no @gfp.
 */
#ifndef IOMMUFD_HAVE_SYM_IOMMU_ATTACH_GROUP_HANDLE
extern struct rw_semaphore compat_attach_lock;

static inline int compat_iommu_map(struct iommu_domain *domain, unsigned long iova,
				   phys_addr_t paddr, size_t size, int prot, gfp_t gfp)
{
	guard(rwsem_read)(&compat_attach_lock);
#ifdef IOMMUFD_HAVE_IOMMU_MAP_GFP
	return iommu_map(domain, iova, paddr, size, prot, gfp);
#else
	return iommu_map(domain, iova, paddr, size, prot);
#endif
}

static inline ssize_t compat_iommu_map_sg(struct iommu_domain *domain,
					  unsigned long iova,
					  struct scatterlist *sg,
					  unsigned int nents, int prot, gfp_t gfp)
{
	guard(rwsem_read)(&compat_attach_lock);
#ifdef IOMMUFD_HAVE_IOMMU_MAP_GFP
	return iommu_map_sg(domain, iova, sg, nents, prot, gfp);
#else
	return iommu_map_sg(domain, iova, sg, nents, prot);
#endif
}

static inline size_t compat_iommu_unmap(struct iommu_domain *domain, unsigned long iova,
					size_t size)
{
	guard(rwsem_read)(&compat_attach_lock);
	return iommu_unmap(domain, iova, size);
}

/* Flushes what @gather has, if that isn't adjacent. */
static inline size_t compat_iommu_unmap_fast(struct iommu_domain *domain, unsigned long iova,
					     size_t size, struct iommu_iotlb_gather *gather)
{
	guard(rwsem_read)(&compat_attach_lock);
	return iommu_unmap_fast(domain, iova, size, gather);
}

static inline void compat_iommu_iotlb_sync(struct iommu_domain *domain,
					   struct iommu_iotlb_gather *gather)
{
	guard(rwsem_read)(&compat_attach_lock);
	iommu_iotlb_sync(domain, gather);
}

#define iommu_map compat_iommu_map
#define iommu_map_sg compat_iommu_map_sg
#define iommu_unmap compat_iommu_unmap
#define iommu_unmap_fast compat_iommu_unmap_fast
#define iommu_iotlb_sync compat_iommu_iotlb_sync
#endif

/*
 * iommu_get_resv_regions() appends the IOVA ranges that @dev can't use for DMA
 * to @list, to be released by iommu_put_resv_regions().
 */
#ifndef IOMMUFD_HAVE_SYM_IOMMU_GET_RESV_REGIONS
void compat_get_resv_regions(struct device *dev, struct list_head *list);
#define iommu_get_resv_regions compat_get_resv_regions
#endif

/*
 * iommu_group_has_isolated_msi() returns true if no device of the group can
 * raise interrupts that belong to others.
 */
#ifndef IOMMUFD_HAVE_SYM_IOMMU_GROUP_HAS_ISOLATED_MSI
bool compat_group_has_isolated_msi(struct iommu_group *group);
#define iommu_group_has_isolated_msi compat_group_has_isolated_msi
#endif

/*
 * Get the hardware information of @dev's IOMMU driver in the user API's layout
 * @type (IOMMU_HW_INFO_TYPE_*), @length bytes.  In: the type wanted, 0 for the
 * driver's choice.  Out: the actual one.
 *
 * Return: memory to kfree(), NULL with @type 0 if the driver provides none, or
 * an ERR_PTR.
 */
void *compat_hw_info(struct device *dev, u32 *length, u32 *type);

/*
 * AMD-Vi's sysfs attribute "features" is EFR:EFR2.  Before hw_info (Linux 6.7)
 * the order was reversed.
 */
#ifdef IOMMUFD_HAVE_IOMMU_HW_INFO
#define COMPAT_AMD_EFR_COMES_FIRST	true
#else
#define COMPAT_AMD_EFR_COMES_FIRST	false
#endif

#endif
