// SPDX-License-Identifier: GPL-2.0-only
#include <linux/device.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/minmax.h>
#include <linux/pci-ats.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include <uapi/linux/iommufd.h>

#include "../core/test.h"
#include "hw.h"
#include "vtd.h"
#include "vtd_spec.h"

static int vtd_is_of(struct device *dev, void *unused)
{
	return hw_iommu_has_attributes(dev, "intel-iommu") || test_fault_lock(dev);
}

bool vtd_has_device(struct device *dev)
{
	return vtd_is_of(dev, NULL);
}

bool vtd_has(struct iommu_group *group)
{
	return iommu_group_for_each_dev(group, NULL, vtd_is_of);
}

#if defined(IOMMUFD_HAVE_IOMMU_ATTACH_PASID_HANDLE) && \
	!defined(IOMMUFD_HAVE_SYM_IOMMU_REPLACE_DEVICE_PASID)
/*
 * Linux 6.12's driver turns ATS on and off as DMA without PASID is attached and detached,
 * but notes only when a PASID is attached whether its device TLB is to be invalidated.  So
 * memory could be unmapped and still be reached, or a device be waited for that doesn't
 * respond any more.
 */
bool vtd_forgets_pasids(struct device *dev)
{
	return vtd_is_of(dev, NULL) && dev_is_pci(dev) && pci_ats_supported(to_pci_dev(dev));
}
#else
bool vtd_forgets_pasids(struct device *dev)
{
	return false;
}
#endif

bool vtd_tracks_no_pasids(struct device *dev)
{
#ifdef IOMMUFD_HAVE_SYM_IOMMU_REPLACE_DEVICE_PASID
	return false;
#else
	/* Linux 6.12's driver allocates such a page table, and refuses the attach. */
	return vtd_is_of(dev, NULL);
#endif
}

bool vtd_takes(const struct iommu_user_data_array *array)
{
	return array->type == IOMMU_HWPT_INVALIDATE_DATA_VTD_S1;
}

/*
 * From here on all that is cached is flushed at once. That is a descriptor or two for each device
 * on the parent, which also loses what it has cached, instead of one for each entry.
 */
#define VTD_MANY 128U

/*
 * Returns true if all entries are for a page each, which the driver handles or refuses whatever
 * else is in them.  These are what most arrays have, so no more is read than tells that.
 */
static bool vtd_has_single_pages(const struct iommu_user_data_array *array)
{
	const struct iommu_hwpt_vtd_s1_invalidate __user *entry = array->uptr;
	u32 i, n = array->entry_num;
	u64 a, b, c, d, others = 0;

	if (n >= VTD_MANY || array->entry_len != sizeof(*entry) ||
	    !user_read_access_begin(entry, n * sizeof(*entry)))
		return false;
	for (i = 0; i + 4 <= n && !others; i += 4) {
		unsafe_get_user(a, &entry[i].npages, fault);
		unsafe_get_user(b, &entry[i + 1].npages, fault);
		unsafe_get_user(c, &entry[i + 2].npages, fault);
		unsafe_get_user(d, &entry[i + 3].npages, fault);
		others = (a ^ 1) | (b ^ 1) | (c ^ 1) | (d ^ 1);
	}
	for (; i < n && !others; i++) {
		unsafe_get_user(a, &entry[i].npages, fault);
		others = a ^ 1;
	}
	user_read_access_end();
	return !others;
fault:
	user_read_access_end();
	return false;
}

int vtd_read_entry(const struct iommu_user_data_array *array, u32 index,
		   struct iommu_hwpt_vtd_s1_invalidate *entry)
{
	/* Devices that don't respond make long arrays slow. */
	if (fatal_signal_pending(current))
		return -EINTR;
	return iommu_copy_struct_from_user_array(entry, array, IOMMU_HWPT_INVALIDATE_DATA_VTD_S1,
						 index, __reserved) ?:
	       vtd_range_check(entry);
}

u32 vtd_valid_entries(const struct iommu_user_data_array *array, bool *all, int *rc)
{
	struct iommu_hwpt_vtd_s1_invalidate entry;
	u32 n;

	*all = false;
	*rc = 0;
	for (n = 0; n < array->entry_num; n++) {
		*rc = vtd_read_entry(array, n, &entry);
		if (*rc)
			break;
		*all |= vtd_block_around(entry.addr, entry.npages).order == VTD_BLOCK_ALL;
		cond_resched();
	}
	*all |= n >= VTD_MANY;
	return n;
}

int vtd_invalidate(struct iommu_domain *nested, struct iommu_domain *parent,
		   compat_invalidate_fn invalidate,
		   struct iommu_user_data_array *array)
{
	struct iommu_user_data_array none = *array;
	int rc, other_type;
	bool all;
	u32 n;

	/* The driver reads each entry again, and user space may change it meanwhile. */
	if (vtd_has_single_pages(array))
		return invalidate(nested, array);
	n = vtd_valid_entries(array, &all, &rc);
	if (!all && rc != -EINTR)
		return invalidate(nested, array);
	array->entry_num = 0;
	if (!all)
		return rc;
	/* Other drivers reject the type. */
	none.entry_num = 0;
	other_type = invalidate(nested, &none);
	if (other_type)
		return other_type;
	/* This also flushes the domain IDs of nested domains on the parent. */
	iommu_flush_iotlb_all(parent);
	array->entry_num = n;
	return rc;
}

int vtd_info_settle(struct device *dev, struct iommu_hw_info_vtd *info)
{
	struct iommu_domain *parent;

	if (!(info->ecap_reg & VTD_ECAP_NEST))
		return 0;
	parent = hw_domain_alloc(dev, IOMMU_HWPT_ALLOC_NEST_PARENT, NULL);
	if (parent == ERR_PTR(-ENOMEM))
		return -ENOMEM;
	if (IS_ERR(parent))
		info->ecap_reg &= ~VTD_ECAP_NEST;
	else
		hw_domain_free(parent);
	return 0;
}
