// SPDX-License-Identifier: GPL-2.0-only
/* Pin ranges of an IOAS, one area at a time. */
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <iommufd/iommufd.h>

#include "access_pin.h"
#include "area.h"
#include "ioas.h"
#include "memory.h"

/* Iterates over the areas that cover [iova, last] without a gap. */
struct span {
	unsigned long iova;		/* start of the current part */
	unsigned long last;
	unsigned long part_last;	/* end of the current part */
	struct area *area;
};

/* Offset of the part's first byte from the first page of the area's memory. */
static unsigned long span_offset(const struct span *span)
{
	return span->area->holder.start * PAGE_SIZE + span->area->offset +
	       (span->iova - span->area->node.first);
}

/*
 * Look up the area at span->iova.  Returns 0, -ENOENT if nothing is mapped
 * there, or -EPERM if the mapping lacks the right.
 */
static int span_find(struct span *span, struct ioas *ioas, unsigned int flags)
{
	struct iova_node *node = space_find(&ioas->space, span->iova, span->iova);
	int need = flags & IOMMUFD_ACCESS_RW_WRITE ? IOMMU_WRITE : IOMMU_READ;

	lockdep_assert_held(&ioas->lock);
	/* Pairs with smp_store_release() in area_list_finalize(). */
	if (!node || !smp_load_acquire(&to_area(node)->live))
		return -ENOENT;
	span->area = to_area(node);
	span->part_last = min(node->last, span->last);
	return span->area->prot & need ? 0 : -EPERM;
}

static bool span_next(struct span *span)
{
	if (span->part_last == span->last)
		return false;
	span->iova = span->part_last + 1;
	return true;
}

/* Callers get whole pages, so adjacent parts must meet on a page boundary. */
static bool span_is_whole(const struct span *span)
{
	unsigned long offset = span_offset(span);
	unsigned long end = offset + (span->part_last - span->iova) + 1;

	return !(offset % PAGE_SIZE) &&
	       (span->part_last == span->last || !(end % PAGE_SIZE));
}

/*
 * Output of a pin: the list of its pages, or its address if it is physically
 * contiguous.
 */
struct place {
	struct page **pages;		/* next entry to fill, or NULL */
	unsigned long pfn;
	unsigned long npages;		/* contiguous, from @pfn on */
};

static int place_add_run(struct place *place, const struct run *run)
{
	unsigned long i;

	if (place->pages) {
		for (i = 0; i < run->npages; i++)
			*place->pages++ = pfn_to_page(run->pfn + i);
		return 0;
	}
	if (!place->npages)
		place->pfn = run->pfn;
	else if (run->pfn != place->pfn + place->npages)
		return -EFAULT;
	place->npages += run->npages;
	return 0;
}

static int place_add_range(struct place *place, struct memory *memory,
			   unsigned long first, unsigned long last)
{
	struct run_walk walk;
	int rc = 0;
	bool more;

	for (more = runs_walk(&memory->runs, &walk, first, last); more && !rc;
	     more = runs_walk_next(&walk))
		rc = place_add_run(place, &walk.run);
	return rc;
}

static atomic_t *area_pin_count(struct area *area, bool locked)
{
	return locked ? &area->locks : &area->pins;
}

static void access_pin_part_drop(struct access_pin_part *part, bool locked)
{
	struct memory *memory = part->area->memory;

	mutex_lock(&memory->lock);
	memory_unpin(memory, &part->holder);
	memory_unlock(memory);
	/*
	 * Release pairs with the acquire of unmap: once the count drops,
	 * another task may free the area and its memory.
	 */
	atomic_dec_return_release(area_pin_count(part->area, locked));
}

static int access_pin_part(struct access_pin_part *part, const struct span *span, bool locked,
			   struct place *place)
{
	struct memory *memory = span->area->memory;
	unsigned long offset = span_offset(span);
	int rc;

	if (span->area->leaving || !span_is_whole(span))
		return -EINVAL;
	part->area = span->area;
	part->holder.start = offset / PAGE_SIZE;
	part->holder.last = (offset + (span->part_last - span->iova)) / PAGE_SIZE;
	mutex_lock(&memory->lock);
	rc = memory_pin(memory, &part->holder, NULL);
	if (!rc) {
		rc = place_add_range(place, memory, part->holder.start,
				     part->holder.last);
		if (rc)
			memory_unpin(memory, &part->holder);
	}
	memory_unlock(memory);
	if (!rc)
		atomic_inc(area_pin_count(part->area, locked));
	return rc;
}

/* Number of areas that overlap [iova, last]. */
static unsigned int access_pin_count_parts(struct ioas *ioas, unsigned long iova,
					   unsigned long last)
{
	struct iova_node *node;
	unsigned int n = 0;

	for (node = space_find(&ioas->space, iova, last); node;
	     node = space_next(node, last))
		n++;
	return n;
}

static void access_unpin_parts(struct access_pin *pin)
{
	while (pin->nparts)
		access_pin_part_drop(&pin->parts[--pin->nparts], pin->locked);
}

static int access_pin_all_parts(struct access_pin *pin, struct ioas *ioas,
				struct place *place, unsigned int flags)
{
	struct span span = { .iova = pin->iova.start, .last = pin->iova.last };
	int rc;

	do {
		rc = span_find(&span, ioas, flags);
		if (!rc)
			rc = access_pin_part(&pin->parts[pin->nparts], &span, pin->locked,
					     place);
		if (rc) {
			access_unpin_parts(pin);
			return rc;
		}
		pin->nparts++;
	} while (span_next(&span));
	return 0;
}

/* ioas->lock keeps the set of areas stable between counting and pinning. */
static struct access_pin *access_pin_new(struct ioas *ioas, unsigned long iova,
					 unsigned long last, struct place *place,
					 unsigned int flags)
{
	struct access_pin *pin;
	int rc;

	lockdep_assert_held(&ioas->lock);
	pin = kvzalloc(struct_size(pin, parts, access_pin_count_parts(ioas, iova, last)),
		       GFP_KERNEL_ACCOUNT);
	if (!pin)
		return ERR_PTR(-ENOMEM);
	pin->iova.start = iova;
	pin->iova.last = last;
	pin->locked = !place->pages;
	rc = access_pin_all_parts(pin, ioas, place, flags);
	if (rc) {
		kvfree(pin);
		return ERR_PTR(rc);
	}
	return pin;
}

struct access_pin *access_pin_pages(struct ioas *ioas, unsigned long iova,
				    unsigned long last, struct page **pages,
				    unsigned int flags)
{
	struct place place = { .pages = pages };
	struct access_pin *pin;

	down_read(&ioas->lock);
	pin = access_pin_new(ioas, iova, last, &place, flags);
	up_read(&ioas->lock);
	return pin;
}

struct access_pin *access_pin_locked(struct ioas *ioas, unsigned long iova,
				     unsigned long last, phys_addr_t *base)
{
	struct place place = {};
	struct access_pin *pin;

	/* Pins cover whole pages. */
	down_read(&ioas->lock);
	pin = access_pin_new(ioas, ALIGN_DOWN(iova, PAGE_SIZE), last | ~PAGE_MASK, &place,
			     IOMMUFD_ACCESS_RW_READ);
	up_read(&ioas->lock);
	*base = PFN_PHYS(place.pfn) + offset_in_page(iova);
	return pin;
}

void access_pin_free(struct access_pin *pin)
{
	access_unpin_parts(pin);
	kvfree(pin);
}

static int span_rw(struct ioas *ioas, struct span *span, void *data,
		   unsigned int flags)
{
	struct memory *memory;
	size_t length;
	int rc;

	do {
		rc = span_find(span, ioas, flags);
		if (rc)
			return rc;
		memory = span->area->memory;
		length = span->part_last - span->iova + 1;
		mutex_lock(&memory->lock);
		rc = memory_rw(memory, span_offset(span), data, length,
			       flags & IOMMUFD_ACCESS_RW_WRITE);
		memory_unlock(memory);
		if (rc)
			return rc;
		data += length;
	} while (span_next(span));
	return 0;
}

int access_pin_rw(struct ioas *ioas, unsigned long iova, unsigned long last, void *data,
		  unsigned int flags)
{
	struct span span = { .iova = iova, .last = last };
	int rc;

	down_read(&ioas->lock);
	rc = span_rw(ioas, &span, data, flags);
	up_read(&ioas->lock);
	return rc;
}
