// SPDX-License-Identifier: GPL-2.0-only
/* Areas in page tables, and page tables on an address space. */
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>

#include "../device/access.h"
#include "../hwpt/hwpt.h"
#include "ioas.h"
#include "memory.h"

/*
 * Runs go to the IOMMU driver many at a time, with one synchronisation.  What one
 * call maps is only unmapped by one call, with all of the area: a driver may have
 * used an entry that is larger than any part.
 */
#define FILL_RUNS 16

/* The longest stretch that one scatterlist entry can describe. */
#define FILL_MAX SZ_1G

struct fill {
	struct iommu_domain *domain;
	unsigned long iova;		/* mapped up to here */
	unsigned long end;		/* queued up to here */
	int prot;
	unsigned int n;
	struct scatterlist sg[FILL_RUNS];
};

static int fill_flush(struct fill *fill)
{
	unsigned long length = fill->end - fill->iova;
	ssize_t mapped;
	int rc;

	if (!fill->n)
		return 0;
	if (fill->n == 1) {
		rc = iommu_map(fill->domain, fill->iova, sg_phys(fill->sg), length,
			       fill->prot, GFP_KERNEL_ACCOUNT);
	} else {
		mapped = iommu_map_sg(fill->domain, fill->iova, fill->sg, fill->n,
				      fill->prot, GFP_KERNEL_ACCOUNT);
		rc = mapped < 0 ? mapped : 0;
		if (!rc && mapped != length) {
			iommu_unmap(fill->domain, fill->iova, mapped);
			rc = -EINVAL;
		}
	}
	if (rc)
		return rc;
	fill->iova = fill->end;
	fill->n = 0;
	return 0;
}

/* Queues @length bytes from physical address @pa on. */
static int fill_add(struct fill *fill, phys_addr_t pa, unsigned long length)
{
	unsigned long part;
	int rc;

	for (; length; pa += part, length -= part) {
		part = min_t(unsigned long, length, FILL_MAX);
		sg_set_page(&fill->sg[fill->n++], pfn_to_page(PHYS_PFN(pa)), part,
			    offset_in_page(pa));
		fill->end += part;
		if (fill->n < FILL_RUNS)
			continue;
		rc = fill_flush(fill);
		if (rc)
			return rc;
	}
	return 0;
}

/* The same with no entry larger than a page, so that parts can be unmapped. */
static int fill_add_single(struct fill *fill, phys_addr_t pa, unsigned long length)
{
	unsigned long part;
	int rc;

	for (; length; pa += part, length -= part) {
		part = min(length, PAGE_SIZE - offset_in_page(pa));
		rc = iommu_map(fill->domain, fill->iova, pa, part, fill->prot,
			       GFP_KERNEL_ACCOUNT);
		if (rc)
			return rc;
		fill->iova += part;
	}
	return 0;
}

static int fill_runs(struct ioas *ioas, struct area *area, struct fill *fill)
{
	unsigned long left = area_length(area), offset = area->offset, length;
	struct run_walk walk;
	phys_addr_t pa;
	bool more;
	int rc;

	for (more = runs_walk(&area->memory->runs, &walk, area->holder.start,
			      area->holder.last);
	     more; more = runs_walk_next(&walk), offset = 0) {
		pa = PFN_PHYS((phys_addr_t)walk.run.pfn) + offset;
		length = min(left, walk.run.npages * PAGE_SIZE - offset);
		left -= length;
		rc = ioas->single_pages ? fill_add_single(fill, pa, length) :
					  fill_add(fill, pa, length);
		if (rc)
			return rc;
		cond_resched();
	}
	if (WARN_ON(left))
		return -EFAULT;
	return fill_flush(fill);
}

int area_map(struct ioas *ioas, struct area *area, struct iommu_domain *domain)
{
	struct fill fill = {
		.domain = domain,
		.iova = area->node.first,
		.end = area->node.first,
		.prot = area->prot,
	};
	int rc;

	sg_init_table(fill.sg, FILL_RUNS);
	mutex_lock(&area->memory->lock);
	rc = fill_runs(ioas, area, &fill);
	mutex_unlock(&area->memory->lock);
	if (rc && fill.iova != area->node.first)
		iommu_unmap(domain, area->node.first, fill.iova - area->node.first);
	return rc;
}

void area_unmap(struct area *area, struct iommu_domain *domain)
{
	unsigned long length = area_length(area);

	/* Memory that a device may still reach is never given back. */
	if (WARN_ON_ONCE(iommu_unmap(domain, area->node.first, length) != length))
		area->stuck = true;
}

int area_pin(struct area *area)
{
	int rc;

	rc = mutex_lock_killable(&area->memory->lock);
	if (rc)
		return rc;
	rc = memory_pin(area->memory, &area->holder);
	mutex_unlock(&area->memory->lock);
	area->pinned = !rc;
	return rc;
}

void area_unpin(struct area *area)
{
	if (area->stuck)
		return;
	mutex_lock(&area->memory->lock);
	memory_unpin(area->memory, &area->holder);
	mutex_unlock(&area->memory->lock);
	area->pinned = false;
}

/*
 * The area behind @area (NULL: the first one) that page tables have or are to
 * have.  With @users held for writing such an area stays, while others may come
 * and go as soon as the address space's lock is dropped.
 */
static struct area *next_filled(struct ioas *ioas, struct area *area)
{
	struct iova_node *node;

	lockdep_assert_held_write(&ioas->users);
	down_read(&ioas->lock);
	node = area ? space_next(&area->node, ULONG_MAX) :
		      space_find(&ioas->space, 0, ULONG_MAX);
	while (node && !to_area(node)->filled)
		node = space_next(node, ULONG_MAX);
	up_read(&ioas->lock);
	return node ? to_area(node) : NULL;
}

#define for_each_filled(_area, _ioas)				\
	for ((_area) = next_filled(_ioas, NULL); (_area);	\
	     (_area) = next_filled(_ioas, _area))

/* Takes all areas before @end (NULL: all) out of a page table. */
static void unfill(struct ioas *ioas, struct iommu_domain *domain,
		   struct area *end)
{
	struct area *area;

	for_each_filled(area, ioas) {
		if (area == end)
			return;
		area_unmap(area, domain);
		cond_resched();
	}
}

static void unpin_all(struct ioas *ioas)
{
	struct area *area;

	for_each_filled(area, ioas)
		if (area->pinned)
			area_unpin(area);
}

static int fill_all(struct ioas *ioas, struct iommu_domain *domain)
{
	struct area *area;
	int rc;

	for_each_filled(area, ioas) {
		rc = area->pinned ? 0 : area_pin(area);
		if (!rc)
			rc = area_map(ioas, area, domain);
		if (rc) {
			unfill(ioas, domain, area);
			return rc;
		}
		cond_resched();
	}
	return 0;
}

/* The smallest alignment that serves all page tables and access objects. */
static unsigned long common_align(struct ioas *ioas, struct hwpt *more)
{
	unsigned long align = ioas->single_pages ? PAGE_SIZE : 1, id;
	struct iommufd_access *access;
	struct hwpt *hwpt;

	list_for_each_entry(hwpt, &ioas->hwpts, item)
		align = max(align, hwpt_page_size(hwpt));
	if (more)
		align = max(align, hwpt_page_size(more));
	xa_for_each(&ioas->accesses, id, access)
		align = max(align, access_align(access));
	return align;
}

/* Asks for a larger alignment: -EADDRINUSE if something that's mapped hasn't it. */
static int set_align(struct ioas *ioas, unsigned long align)
{
	struct iova_node *node;
	struct area *area;

	lockdep_assert_held_write(&ioas->lock);
	if (align > ioas->align) {
		for (node = space_find(&ioas->space, 0, ULONG_MAX); node;
		     node = space_next(node, ULONG_MAX)) {
			area = to_area(node);
			if ((node->first | area_length(area) | area->offset) &
			    (align - 1))
				return -EADDRINUSE;
		}
	}
	ioas->align = align;
	return 0;
}

static void update_align(struct ioas *ioas)
{
	down_write(&ioas->lock);
	ioas->align = common_align(ioas, NULL);
	up_write(&ioas->lock);
}

/* What lies below and above the addresses that a page table can translate. */
static size_t outside_aperture(const struct iommu_domain *domain,
			       struct iova_range ranges[2])
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

static int reserve_all(struct ioas *ioas, const struct iova_range *ranges,
		       size_t count)
{
	size_t i;
	int rc;

	for (i = 0; i < count; i++) {
		rc = space_reserve(&ioas->space, ranges[i].first, ranges[i].last);
		if (rc)
			goto undo;
	}
	return 0;

undo:
	while (i--)
		space_unreserve(&ioas->space, ranges[i].first, ranges[i].last);
	return rc;
}

int ioas_reserve(struct ioas *ioas, const struct iova_range *ranges, size_t count)
{
	int rc;

	down_write(&ioas->lock);
	rc = reserve_all(ioas, ranges, count);
	up_write(&ioas->lock);
	return rc;
}

void ioas_unreserve(struct ioas *ioas, const struct iova_range *ranges, size_t count)
{
	down_write(&ioas->lock);
	while (count--)
		space_unreserve(&ioas->space, ranges[count].first,
				ranges[count].last);
	up_write(&ioas->lock);
}

/* Makes the address space fit a page table's limits. */
static int restrict_space(struct ioas *ioas, struct hwpt *hwpt)
{
	struct iova_range outside[2];
	size_t n = outside_aperture(hwpt->domain, outside);
	int rc;

	down_write(&ioas->lock);
	rc = reserve_all(ioas, outside, n);
	if (!rc) {
		rc = set_align(ioas, common_align(ioas, hwpt));
		while (rc && n--)
			space_unreserve(&ioas->space, outside[n].first,
					outside[n].last);
	}
	up_write(&ioas->lock);
	return rc;
}

static void unrestrict_space(struct ioas *ioas, struct hwpt *hwpt)
{
	struct iova_range outside[2];

	ioas_unreserve(ioas, outside, outside_aperture(hwpt->domain, outside));
	update_align(ioas);
}

int ioas_add_hwpt(struct ioas *ioas, struct hwpt *hwpt)
{
	int rc;

	rc = down_write_killable(&ioas->users);
	if (rc)
		return rc;
	rc = restrict_space(ioas, hwpt);
	if (rc)
		goto out;
	rc = fill_all(ioas, hwpt->domain);
	if (rc) {
		if (list_empty(&ioas->hwpts))
			unpin_all(ioas);
		unrestrict_space(ioas, hwpt);
		goto out;
	}
	list_add_tail(&hwpt->item, &ioas->hwpts);
out:
	up_write(&ioas->users);
	return rc;
}

void ioas_remove_hwpt(struct ioas *ioas, struct hwpt *hwpt)
{
	down_write(&ioas->users);
	list_del_init(&hwpt->item);
	unfill(ioas, hwpt->domain, NULL);
	if (list_empty(&ioas->hwpts))
		unpin_all(ioas);
	unrestrict_space(ioas, hwpt);
	up_write(&ioas->users);
}

int ioas_add_access(struct ioas *ioas, struct iommufd_access *access)
{
	int rc;

	rc = down_write_killable(&ioas->users);
	if (rc)
		return rc;
	rc = xa_err(xa_store(&ioas->accesses, access_id(access), access,
			     GFP_KERNEL_ACCOUNT));
	if (rc)
		goto out;
	down_write(&ioas->lock);
	rc = set_align(ioas, common_align(ioas, NULL));
	up_write(&ioas->lock);
	if (rc)
		xa_erase(&ioas->accesses, access_id(access));
out:
	up_write(&ioas->users);
	return rc;
}

void ioas_remove_access(struct ioas *ioas, struct iommufd_access *access)
{
	down_write(&ioas->users);
	xa_erase(&ioas->accesses, access_id(access));
	update_align(ioas);
	up_write(&ioas->users);
}

int ioas_set_single_pages(struct ioas *ioas, bool single_pages)
{
	int rc;

	rc = down_write_killable(&ioas->users);
	if (rc)
		return rc;
	if (ioas->single_pages == single_pages)
		goto out;
	down_write(&ioas->lock);
	/* Page tables that are filled already may have huge entries. */
	if (single_pages && !list_empty(&ioas->hwpts) &&
	    space_find(&ioas->space, 0, ULONG_MAX))
		rc = -EINVAL;
	else
		rc = set_align(ioas, max(ioas->align,
					 single_pages ? PAGE_SIZE : 1));
	if (!rc)
		ioas->single_pages = single_pages;
	up_write(&ioas->lock);
	if (!rc && !single_pages)
		update_align(ioas);
out:
	up_write(&ioas->users);
	return rc;
}
