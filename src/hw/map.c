// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filling and emptying page tables.  Runs go to the driver many at a time, with
 * one synchronisation.
 */
#include <linux/mm.h>
#include <linux/sizes.h>

#include "hw.h"

/* The longest run that one scatterlist entry can describe. */
#define QUEUE_MAX SZ_1G

void hw_map_begin(struct hw_mapper *to, struct iommu_domain *domain,
		  unsigned long iova, int prot, bool single_pages)
{
	to->domain = domain;
	to->iova = iova;
	to->prot = prot;
	to->single_pages = single_pages;
	to->n = 0;
	to->queued = 0;
}

static int map_one(struct hw_mapper *to, phys_addr_t pa, unsigned long length)
{
	int rc;

	rc = iommu_map(to->domain, to->iova, pa, length, to->prot,
		       GFP_KERNEL_ACCOUNT);
	if (!rc)
		to->iova += length;
	return rc;
}

static int map_queued(struct hw_mapper *to)
{
	ssize_t mapped;

	mapped = iommu_map_sg(to->domain, to->iova, to->sg, to->n, to->prot,
			      GFP_KERNEL_ACCOUNT);
	if (mapped < 0)
		return mapped;
	to->iova += mapped;
	return mapped == to->queued ? 0 : -EINVAL;
}

static int map_flush(struct hw_mapper *to)
{
	int rc = 0;

	if (to->n == 1)
		rc = map_one(to, to->pa, to->queued);
	else if (to->n)
		rc = map_queued(to);
	to->n = 0;
	to->queued = 0;
	return rc;
}

static void set_entry(struct hw_mapper *to, unsigned int i, phys_addr_t pa,
		      unsigned long length)
{
	sg_set_page(&to->sg[i], pfn_to_page(PHYS_PFN(pa)), length,
		    offset_in_page(pa));
}

/* A lone run needs no list. */
static void queue(struct hw_mapper *to, phys_addr_t pa, unsigned long length)
{
	if (!to->n) {
		to->pa = pa;
	} else {
		if (to->n == 1) {
			sg_init_table(to->sg, HW_MAP_RUNS);
			set_entry(to, 0, to->pa, to->queued);
		}
		set_entry(to, to->n, pa, length);
	}
	to->n++;
	to->queued += length;
}

static int map_single_pages(struct hw_mapper *to, phys_addr_t pa,
			    unsigned long length)
{
	unsigned long part;
	int rc;

	for (; length; pa += part, length -= part) {
		part = min(length, PAGE_SIZE - offset_in_page(pa));
		rc = map_one(to, pa, part);
		if (rc)
			return rc;
		cond_resched();
	}
	return 0;
}

int hw_map_add(struct hw_mapper *to, phys_addr_t pa, unsigned long length)
{
	int rc = 0;

	if (to->single_pages)
		return map_single_pages(to, pa, length);
	if (to->n == HW_MAP_RUNS || length > QUEUE_MAX)
		rc = map_flush(to);
	if (rc)
		return rc;
	if (length > QUEUE_MAX)
		return map_one(to, pa, length);
	queue(to, pa, length);
	return 0;
}

int hw_map_end(struct hw_mapper *to)
{
	return map_flush(to);
}

bool hw_unmap(struct iommu_domain *domain, unsigned long iova,
	      unsigned long length)
{
	return !length || iommu_unmap(domain, iova, length) == length;
}

unsigned long hw_page_sizes(const struct iommu_domain *domain)
{
	return domain->pgsize_bitmap;
}

unsigned long hw_page_size(const struct iommu_domain *domain)
{
	return domain->pgsize_bitmap ? 1UL << __ffs(domain->pgsize_bitmap) : 0;
}

size_t hw_outside(const struct iommu_domain *domain, struct iova_range ranges[2])
{
	const struct iommu_domain_geometry *aperture = &domain->geometry;
	size_t n = 0;

	if (aperture->aperture_start) {
		ranges[n].first = 0;
		ranges[n++].last = aperture->aperture_start - 1;
	}
	if (aperture->aperture_end < ULONG_MAX) {
		ranges[n].first = aperture->aperture_end + 1;
		ranges[n++].last = ULONG_MAX;
	}
	return n;
}
