// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping and unmapping in page tables.  Runs are passed to the driver in
 * batches, with one IOTLB sync each, and so are ranges to unmap.
 *
 * No call maps across a multiple of PIECE, so no entry crosses one, and
 * unmapping may reschedule there.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "hw.h"
#include "overlay.h"

#define PIECE SZ_1G

/* Runs per batch: a page of them. */
#define LIST_MAX (PAGE_SIZE / sizeof(struct scatterlist))

/* Length from @iova to the end of its piece, at most @length. */
static unsigned long piece_clip(unsigned long iova, unsigned long length,
				unsigned long piece)
{
	return min(length, piece - (iova & (piece - 1)));
}

void hw_map_begin(struct hw_mapper *to, struct iommu_domain *domain,
		  unsigned long iova, unsigned long length, int prot,
		  bool single_pages)
{
	to->domain = domain;
	to->iova = iova;
	to->piece = single_pages ? PAGE_SIZE : PIECE;
	to->prot = prot;
	to->n = 0;
	/* Runs are at least a page each, except the first and the last one. */
	to->max = min(length / PAGE_SIZE + 2, LIST_MAX);
	to->queued = 0;
	to->list = NULL;
}

/*
 * Unmap what a failed call has left in the range.  Without memory for a page table, VT-d's
 * driver before Linux 7.2 says that it mapped nothing, and leaves what it wrote until then.
 */
static void mapper_take_back(struct hw_mapper *to)
{
	unsigned long page = hw_page_size(to->domain), at, n;

	for (at = 0; at < to->queued; at += n ?: page) {
		for (n = 0; at + n < to->queued; n += page) {
			if (!iommu_iova_to_phys(to->domain, to->iova + at + n))
				break;
		}
		if (n)
			hw_unmap(to->domain, to->iova + at, n);
		cond_resched();
	}
}

static int mapper_map_one(struct hw_mapper *to)
{
	int rc;

	rc = iommu_map(to->domain, to->iova, to->pa, to->queued, to->prot,
		       GFP_KERNEL_ACCOUNT);
	if (rc)
		mapper_take_back(to);
	else
		to->iova += to->queued;
	return rc;
}

static int mapper_map_list(struct hw_mapper *to)
{
	ssize_t mapped;

	mapped = iommu_map_sg(to->domain, to->iova, to->list, to->n, to->prot,
			      GFP_KERNEL_ACCOUNT);
	if (mapped < 0) {
		mapper_take_back(to);
		return mapped;
	}
	to->iova += mapped;
	return mapped == to->queued ? 0 : -EINVAL;
}

static int mapper_flush(struct hw_mapper *to)
{
	int rc = 0;

	if (to->n == 1)
		rc = mapper_map_one(to);
	else if (to->n)
		rc = mapper_map_list(to);
	to->n = 0;
	to->queued = 0;
	cond_resched();
	return rc;
}

static void mapper_set_entry(struct hw_mapper *to, unsigned int i, phys_addr_t pa,
			     unsigned long length)
{
	sg_set_page(&to->list[i], pfn_to_page(PHYS_PFN(pa)), length,
		    offset_in_page(pa));
}

/* Turn the queued run into a list. */
static void mapper_make_list(struct hw_mapper *to)
{
	to->list = kmalloc_array(to->max, sizeof(*to->list), GFP_KERNEL | __GFP_NOWARN);
	if (!to->list)
		return;
	sg_init_table(to->list, to->max);
	mapper_set_entry(to, 0, to->pa, to->queued);
}

/*
 * A single run needs no list.  Without memory for a list, map runs one by one.
 */
static bool mapper_has_room(struct hw_mapper *to)
{
	if (!to->n)
		return true;
	if (!to->list)
		mapper_make_list(to);
	return to->list && to->n < to->max;
}

static int mapper_queue(struct hw_mapper *to, phys_addr_t pa, unsigned long length)
{
	int rc = mapper_has_room(to) ? 0 : mapper_flush(to);

	if (rc)
		return rc;
	if (!to->n)
		to->pa = pa;
	if (to->list)
		mapper_set_entry(to, to->n, pa, length);
	to->n++;
	to->queued += length;
	return 0;
}

int hw_map_add(struct hw_mapper *to, phys_addr_t pa, unsigned long length)
{
	unsigned long iova, part;
	int rc;

	for (; length; pa += part, length -= part) {
		iova = to->iova + to->queued;
		part = piece_clip(iova, length, to->piece);
		rc = mapper_queue(to, pa, part);
		if (!rc && !((iova + part) & (to->piece - 1)))
			rc = mapper_flush(to);
		if (rc)
			return rc;
	}
	return 0;
}

int hw_map_end(struct hw_mapper *to, int rc)
{
	if (!rc)
		rc = mapper_flush(to);
	/*
	 * The core unmaps what a failed call has mapped of its range, but its
	 * flush doesn't reach what was cached through nested tables.
	 */
	if (rc)
		hw_overlay_flush(to->domain);
	/* Mostly NULL; avoid the call. */
	if (to->list)
		kfree(to->list);
	return rc;
}

void hw_unmap_begin(struct hw_unmapper *from, struct iommu_domain *domain)
{
	from->domain = domain;
	from->any = false;
	iommu_iotlb_gather_init(&from->gather);
}

/*
 * Length from @iova on that the core unmaps by one call of the driver: pages of
 * the largest size that fits, as far as no larger size does.
 */
static unsigned long unmapper_part(const struct iommu_domain *domain,
				   unsigned long iova, unsigned long length)
{
	unsigned long sizes = domain->pgsize_bitmap, fit, size, larger, head;

	fit = sizes & GENMASK(__fls(length), 0);
	if (iova)
		fit &= GENMASK(__ffs(iova), 0);
	if (!fit)
		return length;
	size = 1UL << __fls(fit);
	larger = sizes & ~GENMASK(__fls(fit), 0);
	if (larger) {
		larger = 1UL << __ffs(larger);
		head = larger - (iova & (larger - 1));
		if (head < length && length - head >= larger)
			return head;
	}
	return length & ~(size - 1);
}

static void unmapper_flush(struct hw_unmapper *from)
{
	if (from->any) {
		iommu_iotlb_sync(from->domain, &from->gather);
		hw_overlay_flush(from->domain);
	}
	from->any = false;
}

bool hw_unmap_add(struct hw_unmapper *from, unsigned long iova,
		  unsigned long length)
{
	unsigned long part;
	size_t unmapped;

	for (; length; iova += unmapped, length -= unmapped) {
		part = unmapper_part(from->domain, iova,
				     piece_clip(iova, length, PIECE));
		/*
		 * A driver that gathers pages of one size flushes by itself
		 * when the size changes.  VT-d before Linux 7.2 then frees the
		 * page tables below that range, too, while the hardware may
		 * still have them cached.
		 */
		if (from->gather.pgsize)
			unmapper_flush(from);
		unmapped = iommu_unmap_fast(from->domain, iova, part, &from->gather);
		from->any |= unmapped;
		/* Can be more: virtio-iommu unmaps whole mappings only. */
		if (unmapped < part || unmapped > length)
			return false;
		cond_resched();
	}
	return true;
}

void hw_unmap_end(struct hw_unmapper *from)
{
	unmapper_flush(from);
}

bool hw_unmap(struct iommu_domain *domain, unsigned long iova,
	      unsigned long length)
{
	struct hw_unmapper from;
	bool ok;

	if (!length)
		return true;
	/* Too short for pages of two sizes. */
	if (length < PMD_SIZE) {
		ok = iommu_unmap(domain, iova, length) == length;
		hw_overlay_flush(domain);
		return ok;
	}
	hw_unmap_begin(&from, domain);
	ok = hw_unmap_add(&from, iova, length);
	hw_unmap_end(&from);
	return ok;
}

unsigned long hw_pgsize_bitmap(const struct iommu_domain *domain)
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
