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

#include "hw.h"
#include "vtd.h"
#include "vtd_spec.h"

static int vtd_is_of(struct device *dev, void *unused)
{
	return hw_iommu_has_attributes(dev, "intel-iommu");
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

bool vtd_takes(const struct iommu_user_data_array *array)
{
	return array->type == IOMMU_HWPT_INVALIDATE_DATA_VTD_S1;
}

/*
 * Returns true if the driver can't handle the entry: it is valid, and takes more than a block.
 * The driver reads it again, and user space may change it meanwhile.
 */
static bool vtd_entry_is_ours(const struct iommu_user_data_array *array, u32 index)
{
	struct iommu_hwpt_vtd_s1_invalidate entry;

	if (iommu_copy_struct_from_user_array(&entry, array,
					      IOMMU_HWPT_INVALIDATE_DATA_VTD_S1, index,
					      __reserved))
		return false;
	return !vtd_range_check(&entry) &&
	       vtd_block_around(entry.addr, entry.npages).order == VTD_BLOCK_ALL;
}

#define VTD_SINGLE_PAGES 256U	/* between looks at signals */

/*
 * Returns how many entries from @first on are for a page each, which the driver handles or
 * refuses whatever else is in them.  These are what most arrays have, so no more is read of
 * them than tells that.
 */
static u32 vtd_single_pages(const struct iommu_user_data_array *array, u32 first)
{
	const struct iommu_hwpt_vtd_s1_invalidate __user *entry;
	u32 i, n = min(array->entry_num - first, VTD_SINGLE_PAGES);
	u64 a, b, c, d;

	if (array->entry_len != sizeof(*entry))
		return 0;
	entry = array->uptr + array->entry_len * first;
	if (!user_read_access_begin(entry, n * sizeof(*entry)))
		return 0;
	for (i = 0; i + 4 <= n; i += 4, entry += 4) {
		unsafe_get_user(a, &entry[0].npages, out);
		unsafe_get_user(b, &entry[1].npages, out);
		unsafe_get_user(c, &entry[2].npages, out);
		unsafe_get_user(d, &entry[3].npages, out);
		if ((a ^ 1) | (b ^ 1) | (c ^ 1) | (d ^ 1))
			break;
	}
	for (; i < n; i++, entry++) {
		unsafe_get_user(a, &entry->npages, out);
		if (a != 1)
			break;
	}
out:
	user_read_access_end();
	return i;
}

/* Returns the number of entries from @first on with the same result as *@ours. */
static u32 vtd_run(const struct iommu_user_data_array *array, u32 first, bool *ours)
{
	u32 end = first, n;
	bool is_ours;

	*ours = false;
	while (end < array->entry_num && !fatal_signal_pending(current)) {
		n = vtd_single_pages(array, end);
		is_ours = !n && vtd_entry_is_ours(array, end);
		if (end > first && is_ours != *ours)
			break;
		*ours = is_ours;
		end += n ?: 1;
	}
	return end - first;
}

static int vtd_by_driver(struct iommu_domain *nested, compat_invalidate_fn invalidate,
			 const struct iommu_user_data_array *array, u32 first, u32 *n)
{
	struct iommu_user_data_array part = *array;
	int rc;

	part.uptr += array->entry_len * first;
	part.entry_num = *n;
	rc = invalidate(nested, &part);
	*n = min(part.entry_num, *n);
	return rc;
}

int vtd_invalidate(struct iommu_domain *nested, struct iommu_domain *parent,
		   compat_invalidate_fn invalidate,
		   struct iommu_user_data_array *array)
{
	u32 done = 0, n, by_driver;
	bool ours;
	int rc;

	do {
		if (fatal_signal_pending(current)) {
			rc = -EINTR;
			break;
		}
		n = vtd_run(array, done, &ours);
		if (n == array->entry_num && !ours)
			return invalidate(nested, array);
		/* Also with none: other drivers reject the type. */
		by_driver = ours ? 0 : n;
		rc = vtd_by_driver(nested, invalidate, array, done, &by_driver);
		/* This also flushes the domain IDs of nested domains on the parent. */
		if (ours && !rc)
			iommu_flush_iotlb_all(parent);
		done += ours && !rc ? n : by_driver;
		cond_resched();
	} while (!rc && done < array->entry_num);
	array->entry_num = done;
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
