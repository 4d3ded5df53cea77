// SPDX-License-Identifier: GPL-2.0-only
/*
 * Splitting areas, so that VFIO_TYPE1 can unmap a part of a mapping.
 *
 * Page tables don't change: with single pages no entry crosses the cut.  Pages
 * stay pinned: two holders replace one, and the record of runs is cut between
 * them, so that unmapping either half can't fail for lack of memory.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "area.h"
#include "ioas.h"
#include "memory.h"

/* Hand the pages from @right on to its holder.  Changes nothing on failure. */
static int area_cut_holder(struct area *left, struct area *right)
{
	struct memory *memory = left->memory;
	int rc = 0;

	if (!mutex_trylock(&memory->lock))
		return -ESTALE;
	if (left->pinned)
		rc = runs_cut(&memory->runs, right->holder.start);
	if (rc)
		goto out;
	if (left->pinned)
		interval_tree_remove(&left->holder, &memory->holders);
	left->holder.last = right->holder.start - 1;
	if (left->pinned) {
		interval_tree_insert(&left->holder, &memory->holders);
		interval_tree_insert(&right->holder, &memory->holders);
	}
out:
	memory_unlock(memory);
	return rc;
}

/* Allocate the half of @left from @iova on.  Neither tree is changed. */
static struct area *area_new_half(const struct area *left, unsigned long iova)
{
	unsigned long start = left->holder.start * PAGE_SIZE + left->offset +
			      (iova - left->node.first);
	struct area *right;

	right = area_share(left->memory, start, left->node.last - iova + 1, left->prot);
	if (IS_ERR(right))
		return right;
	right->node.first = iova;
	right->node.last = left->node.last;
	right->pinned = left->pinned;
	right->filled = left->filled;
	right->stuck = left->stuck;
	right->live = true;
	return right;
}

static int area_check_cut(const struct ioas *ioas, const struct area *area,
			  unsigned long iova)
{
	/* Pairs with smp_store_release() in area_list_finalize(). */
	if (!smp_load_acquire(&area->live) || area->leaving)
		return -EBUSY;
	if (area->memory->dmabuf)
		return -EOPNOTSUPP;
	/* With single pages, areas and their memory are page-aligned. */
	if (iova & (ioas->align - 1))
		return -EINVAL;
	/* A pin by an access object points to the area. */
	return area_is_pinned_by_readers(area) ? -EINVAL : 0;
}

/* Split the area that contains both @last and @last + 1, if there is one. */
static int area_cut_after(struct ioas *ioas, unsigned long last)
{
	struct iova_node *node = space_find(&ioas->space, last, last);
	struct area *left, *right;
	int rc;

	lockdep_assert_held(&ioas->users);
	lockdep_assert_held_write(&ioas->lock);
	/* Like Linux, never split off a single byte; the unmap then fails. */
	if (!node || node->last == last || node->first == last)
		return 0;
	left = to_area(node);
	if (left->lost)
		return 0;
	rc = area_check_cut(ioas, left, last + 1);
	if (rc)
		return rc;
	right = area_new_half(left, last + 1);
	if (IS_ERR(right))
		return PTR_ERR(right);
	rc = area_cut_holder(left, right);
	if (rc) {
		right->pinned = false;
		area_list_free(right);
		return rc;
	}
	space_free(&ioas->space, node);
	node->last = last;
	space_take(&ioas->space, node);
	space_take(&ioas->space, &right->node);
	return 0;
}

static int ioas_try_cut(struct ioas *ioas, unsigned long first, unsigned long last)
{
	int rc;

	rc = down_read_killable(&ioas->users);
	if (rc)
		return rc;
	down_write(&ioas->lock);
	if (ioas->single_pages) {
		rc = area_cut_after(ioas, last);
		if (!rc && first)
			rc = area_cut_after(ioas, first - 1);
	}
	up_write(&ioas->lock);
	up_read(&ioas->users);
	return rc;
}

int ioas_cut(struct ioas *ioas, unsigned long first, unsigned long last)
{
	int rc;

	do {
		rc = ioas_try_cut(ioas, first, last);
	} while (memory_try_again(&rc));
	return rc;
}
