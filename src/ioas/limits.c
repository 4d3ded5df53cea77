// SPDX-License-Identifier: GPL-2.0-only
/* What an IOAS can map: its alignment and reserved ranges. */
#include <linux/err.h>
#include <linux/mm.h>

#include "../core/refusal.h"
#include "../hw/hw.h"
#include "area.h"
#include "ioas.h"

/* The smallest alignment that all page tables, readers and @more allow. */
static unsigned long ioas_common_align(struct ioas *ioas, unsigned long more)
{
	unsigned long align = ioas->single_pages ? PAGE_SIZE : 1, id;
	struct ioas_reader *reader;
	struct ioas_table *table;

	list_for_each_entry(table, &ioas->tables, item)
		align = max(align, hw_page_size(table->domain));
	xa_for_each(&ioas->readers, id, reader)
		align = max(align, reader->align);
	return max(align, more);
}

/* Set the alignment. -EADDRINUSE if an area doesn't have it. */
static int ioas_set_align(struct ioas *ioas, unsigned long align)
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

static void ioas_update_align(struct ioas *ioas)
{
	down_write(&ioas->lock);
	ioas->align = ioas_common_align(ioas, 1);
	up_write(&ioas->lock);
}

static void ioas_unreserve_ranges(struct ioas *ioas, const struct iova_range *ranges,
				  size_t count)
{
	while (count--)
		space_unreserve(&ioas->space, ranges[count].first,
				ranges[count].last);
}

static int ioas_reserve_ranges(struct ioas *ioas, const struct iova_range *ranges,
			       size_t count)
{
	size_t i;
	int rc;

	for (i = 0; i < count; i++) {
		rc = space_reserve(&ioas->space, ranges[i].first, ranges[i].last);
		if (rc) {
			ioas_unreserve_ranges(ioas, ranges, i);
			return rc;
		}
	}
	return 0;
}

int ioas_reserve(struct ioas *ioas, const struct iova_range *ranges, size_t count)
{
	int rc;

	down_write(&ioas->lock);
	rc = ioas_reserve_ranges(ioas, ranges, count);
	up_write(&ioas->lock);
	return rc;
}

void ioas_unreserve(struct ioas *ioas, const struct iova_range *ranges, size_t count)
{
	down_write(&ioas->lock);
	ioas_unreserve_ranges(ioas, ranges, count);
	up_write(&ioas->lock);
}

static void table_explain_aperture(const struct ioas_table *table, struct refusal *refusal)
{
	struct iova_range aperture = { 0, ULONG_MAX };
	size_t i;

	for (i = 0; i < table->n_outside; i++) {
		if (!table->outside[i].first)
			aperture.first = table->outside[i].last + 1;
		else
			aperture.last = table->outside[i].first - 1;
	}
	refusal_set(refusal, "its IOMMU can't map all that is mapped or allowed, only [%#lx, %#lx]",
		    aperture.first, aperture.last);
}

int ioas_restrict(struct ioas *ioas, struct ioas_table *table, struct refusal *refusal)
{
	unsigned long size = hw_page_size(table->domain);
	int rc;

	/*
	 * Some drivers change the aperture later, so record what was reserved.
	 */
	table->n_outside = hw_outside(table->domain, table->outside);
	down_write(&ioas->lock);
	rc = ioas_reserve_ranges(ioas, table->outside, table->n_outside);
	if (rc == -EADDRINUSE)
		table_explain_aperture(table, refusal);
	if (rc)
		goto out;
	rc = ioas_set_align(ioas, ioas_common_align(ioas, size));
	if (rc) {
		refusal_set(refusal,
			    "its IOMMU can't map all that is mapped or allowed, only whole pages of %lu bytes",
			    size);
		ioas_unreserve_ranges(ioas, table->outside, table->n_outside);
	}
out:
	up_write(&ioas->lock);
	return rc;
}

void ioas_unrestrict(struct ioas *ioas, struct ioas_table *table)
{
	ioas_unreserve(ioas, table->outside, table->n_outside);
	ioas_update_align(ioas);
}

int ioas_add_reader(struct ioas *ioas, struct ioas_reader *reader)
{
	int rc;

	rc = down_write_killable(&ioas->users);
	if (rc)
		return rc;
	rc = xa_err(xa_store(&ioas->readers, reader->obj->id, reader,
			     GFP_KERNEL_ACCOUNT));
	if (rc)
		goto out;
	down_write(&ioas->lock);
	rc = ioas_set_align(ioas, ioas_common_align(ioas, 1));
	up_write(&ioas->lock);
	if (rc)
		xa_erase(&ioas->readers, reader->obj->id);
out:
	up_write(&ioas->users);
	return rc;
}

void ioas_remove_reader(struct ioas *ioas, struct ioas_reader *reader)
{
	down_write(&ioas->users);
	xa_erase(&ioas->readers, reader->obj->id);
	ioas_update_align(ioas);
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
	/* Filled page tables may contain huge entries. */
	if (single_pages && !list_empty(&ioas->tables) &&
	    space_find(&ioas->space, 0, ULONG_MAX))
		rc = -EINVAL;
	else
		rc = ioas_set_align(ioas, max(ioas->align,
					      single_pages ? PAGE_SIZE : 1));
	if (!rc)
		ioas->single_pages = single_pages;
	up_write(&ioas->lock);
	if (!rc && !single_pages)
		ioas_update_align(ioas);
out:
	up_write(&ioas->users);
	return rc;
}
