// SPDX-License-Identifier: GPL-2.0-only
/* Reserved ranges, and the window for MSI doorbells. */
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "hw.h"

static bool resv_region_is_free(const struct iommu_resv_region *region)
{
	/* Relaxable: only firmware needs it, until the device is assigned. */
	return region->type == IOMMU_RESV_DIRECT_RELAXABLE || !region->length;
}

int hw_reserved(struct device *dev, struct iova_range **ranges, size_t *count,
		struct iova_range *msi)
{
	struct iommu_resv_region *region;
	size_t n = 0;
	LIST_HEAD(list);
	int rc = 0;

	*ranges = NULL;
	*msi = (struct iova_range){};
	iommu_get_resv_regions(dev, &list);
	list_for_each_entry(region, &list, list)
		n++;
	if (n)
		*ranges = kcalloc(n, sizeof(**ranges), GFP_KERNEL_ACCOUNT);
	if (n && !*ranges)
		rc = -ENOMEM;
	n = 0;
	list_for_each_entry(region, &list, list) {
		if (rc || resv_region_is_free(region))
			continue;
		(*ranges)[n].first = region->start;
		(*ranges)[n].last = region->start + region->length - 1;
		if (region->type == IOMMU_RESV_SW_MSI)
			*msi = (*ranges)[n];
		n++;
	}
	iommu_put_resv_regions(dev, &list);
	*count = n;
	return rc;
}

/* The most doorbells that a domain is expected to need: one per controller. */
#define STRETCH_PAGES 4

int hw_msi_prepare(struct iommu_domain *domain, struct hw_msi *msi,
		   const struct iova_range *window, unsigned int *next)
{
	unsigned long size = STRETCH_PAGES * max(hw_page_size(domain), PAGE_SIZE);
	unsigned long stretches, first;
	int rc;

	if (!window->last || msi->ready)
		return 0;
	stretches = max((window->last - window->first + 1) / size, 1UL);
	first = window->first + (*next)++ % stretches * size;
	rc = iommu_get_msi_cookie(domain, first);
	if (rc)
		return rc;
	msi->stretch.first = first;
	msi->stretch.last = first + size - 1;
	msi->ready = true;
	return 0;
}

static void msi_remember_doorbell(struct hw_doorbells *known, unsigned long iova, phys_addr_t pa)
{
	unsigned int i;

	for (i = 0; i < known->n; i++)
		if (known->at[i].iova == iova)
			break;
	if (i == HW_DOORBELLS) {
		pr_warn_once("more than %d interrupt doorbells; some interrupts may be lost\n",
			     HW_DOORBELLS);
		return;
	}
	known->at[i].iova = iova;
	known->at[i].pa = pa;
	known->n = max(known->n, i + 1);
}

void hw_msi_remember(struct hw_doorbells *known, struct iommu_domain *domain,
		     const struct iova_range *window)
{
	unsigned long iova;
	phys_addr_t pa;

	if (!window->last)
		return;
	for (iova = window->first; iova < window->last; iova += hw_page_size(domain)) {
		pa = iommu_iova_to_phys(domain, iova);
		if (pa)
			msi_remember_doorbell(known, iova, pa);
	}
}

static int msi_take_doorbell(struct iommu_domain *domain, const struct hw_msi *msi,
			     unsigned long iova, phys_addr_t pa)
{
	phys_addr_t there = iommu_iova_to_phys(domain, iova);

	if (there == pa)
		return 0;
	/* Another doorbell is mapped, or the core may map one here later. */
	if (there || (iova >= msi->stretch.first && iova <= msi->stretch.last))
		return -EBUSY;
	return iommu_map(domain, iova, pa, hw_page_size(domain),
			 IOMMU_WRITE | IOMMU_NOEXEC | IOMMU_MMIO,
			 GFP_KERNEL_ACCOUNT);
}

int hw_msi_take(struct iommu_domain *domain, const struct hw_msi *msi,
		const struct hw_doorbells *known)
{
	unsigned int i;
	int rc;

	for (i = 0; i < known->n; i++) {
		rc = msi_take_doorbell(domain, msi, known->at[i].iova, known->at[i].pa);
		if (rc)
			return rc;
	}
	return 0;
}
