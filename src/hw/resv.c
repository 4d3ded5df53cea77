// SPDX-License-Identifier: GPL-2.0-only
/* Reserved ranges, and the window for interrupt doorbells. */
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "../ioas/space.h"
#include "hw.h"

static bool region_is_free(const struct iommu_resv_region *region)
{
	/* The device can do without: firmware wants it for itself until then. */
	return region->type == IOMMU_RESV_DIRECT_RELAXABLE || !region->length;
}

int hw_reserved(struct device *dev, struct iova_range **ranges, size_t *count,
		phys_addr_t *msi_base)
{
	struct iommu_resv_region *region;
	size_t n = 0;
	LIST_HEAD(list);
	int rc = 0;

	*ranges = NULL;
	*msi_base = PHYS_ADDR_MAX;
	iommu_get_resv_regions(dev, &list);
	list_for_each_entry(region, &list, list)
		n++;
	if (n)
		*ranges = kcalloc(n, sizeof(**ranges), GFP_KERNEL_ACCOUNT);
	if (n && !*ranges)
		rc = -ENOMEM;
	n = 0;
	list_for_each_entry(region, &list, list) {
		if (rc || region_is_free(region))
			continue;
		if (region->type == IOMMU_RESV_SW_MSI)
			*msi_base = region->start;
		(*ranges)[n].first = region->start;
		(*ranges)[n++].last = region->start + region->length - 1;
	}
	iommu_put_resv_regions(dev, &list);
	*count = n;
	return rc;
}

static bool has_cookie(struct iommu_domain *domain)
{
#ifdef IOMMUFD_HAVE_DOMAIN_COOKIE_TYPE
	return domain->cookie_type == IOMMU_COOKIE_DMA_MSI;
#else
	return domain->iova_cookie;
#endif
}

/* The size of a doorbell's page in a domain. */
static size_t doorbell_size(const struct iommu_domain *domain)
{
	return 1UL << __ffs(domain->pgsize_bitmap);
}

/* Doorbells lie one behind the other. */
static unsigned int count_doorbells(struct iommu_domain *domain, phys_addr_t base)
{
	size_t size = doorbell_size(domain);
	unsigned int n = 0;

	while (iommu_iova_to_phys(domain, base + n * size))
		n++;
	return n;
}

int hw_msi_prepare(struct iommu_domain *domain, struct iommu_domain *old,
		   phys_addr_t base)
{
	if (base == PHYS_ADDR_MAX || has_cookie(domain))
		return 0;
	/* The core puts new doorbells behind those that are brought along. */
	if (old)
		base += count_doorbells(old, base) * doorbell_size(old);
	return iommu_get_msi_cookie(domain, base);
}

int hw_msi_take(struct iommu_domain *domain, struct iommu_domain *old,
		phys_addr_t base)
{
	phys_addr_t doorbell, there;
	size_t size;
	int rc;

	if (base == PHYS_ADDR_MAX)
		return 0;
	size = doorbell_size(old);
	for (; (doorbell = iommu_iova_to_phys(old, base)); base += size) {
		there = iommu_iova_to_phys(domain, base);
		if (there == doorbell)
			continue;
		/* Another device's doorbell is in its place. */
		if (there)
			return -EBUSY;
		rc = iommu_map(domain, base, doorbell, size,
			       IOMMU_WRITE | IOMMU_NOEXEC | IOMMU_MMIO, GFP_KERNEL);
		if (rc)
			return rc;
	}
	return 0;
}
