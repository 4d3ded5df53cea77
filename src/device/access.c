// SPDX-License-Identifier: GPL-2.0-only
/*
 * Access objects.  A pin is kept by its range of IOVA and remembers the areas it
 * lies in, so that giving it back asks nothing of the address space.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/interval_tree.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include <iommufd/iommufd.h>

#include "../core/context.h"
#include "../ioas/ioas.h"
#include "../ioas/memory.h"
#include "access.h"

struct iommufd_access {
	struct object obj;
	struct iommufd_ctx *ctx;
	const struct iommufd_access_ops *ops;
	void *data;
	struct ioas_reader reader;
	struct mutex attach_lock;	/* guards these two; outside of all others */
	struct ioas *ioas;
	bool changing;			/* the old IOAS is being left */
	struct mutex pins_lock;		/* guards @pinned; innermost */
	struct rb_root_cached pinned;	/* struct access_pin by IOVA */
};

/* The part of a pin that lies in one area. */
struct pin_part {
	struct area *area;
	struct interval_tree_node holder;	/* of area->memory */
};

struct access_pin {
	struct interval_tree_node iova;
	unsigned int nparts;
	struct pin_part parts[];
};

void access_unmake(struct object *obj)
{
	struct iommufd_access *access = container_of(obj, struct iommufd_access, obj);

	WARN_ON(access->ioas);
	mutex_destroy(&access->attach_lock);
	mutex_destroy(&access->pins_lock);
}

static void ask_unpin(struct ioas_reader *reader, unsigned long first,
		      unsigned long last)
{
	struct iommufd_access *access =
		container_of(reader, struct iommufd_access, reader);

	access->ops->unmap(access->data, first, last - first + 1);
}

struct iommufd_access *
iommufd_access_create(struct iommufd_ctx *ctx,
		      const struct iommufd_access_ops *ops, void *data, u32 *id)
{
	struct iommufd_access *access;

	if (ops->needs_pin_pages && !ops->unmap)
		return ERR_PTR(-EINVAL);
	access = object_new(ctx, OBJECT_ACCESS, sizeof(*access));
	if (IS_ERR(access))
		return access;
	access->ctx = ctx;
	access->ops = ops;
	access->data = data;
	access->reader.obj = &access->obj;
	access->reader.align = ops->needs_pin_pages ? PAGE_SIZE : 1;
	access->reader.ask = ops->needs_pin_pages ? ask_unpin : NULL;
	mutex_init(&access->attach_lock);
	mutex_init(&access->pins_lock);
	access->pinned = RB_ROOT_CACHED;
	access->obj.holds = 1;
	iommufd_ctx_get(ctx);
	*id = access->obj.id;
	object_publish(ctx, &access->obj);
	return access;
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_create, "IOMMUFD");

/*
 * Leaves the IOAS.  The owner's unmap is called without a lock of ours, as it may
 * wait for a task that has the owner's and is about to pin.
 */
static void access_leave(struct iommufd_access *access)
{
	struct ioas *ioas = access->ioas;

	lockdep_assert_held(&access->attach_lock);
	access->ioas = NULL;
	access->changing = true;
	mutex_unlock(&access->attach_lock);

	/* Nothing is pinned any more from here on. */
	if (access->reader.ask)
		access->ops->unmap(access->data, 0, ULONG_MAX);
	WARN_ON(!RB_EMPTY_ROOT(&access->pinned.rb_root));
	ioas_remove_reader(ioas, &access->reader);
	object_release(access->ctx, &ioas->obj);

	mutex_lock(&access->attach_lock);
	access->changing = false;
}

/* Makes an IOAS serve the object: returns it, held, or an ERR_PTR. */
static struct ioas *access_join(struct iommufd_access *access, u32 ioas_id)
{
	struct iommufd_ctx *ctx = access->ctx;
	struct ioas *ioas;
	int rc;

	ioas = ioas_get(ctx, ioas_id);
	if (IS_ERR(ioas))
		return ioas;
	/* It is the same one: it serves the object already. */
	if (ioas == access->ioas) {
		ioas_put(ioas);
		return NULL;
	}
	rc = object_hold(ctx, &ioas->obj);
	if (!rc) {
		rc = ioas_add_reader(ioas, &access->reader);
		if (rc)
			object_release(ctx, &ioas->obj);
	}
	ioas_put(ioas);
	return rc ? ERR_PTR(rc) : ioas;
}

static int access_change(struct iommufd_access *access, u32 ioas_id)
{
	struct ioas *ioas;

	ioas = access_join(access, ioas_id);
	if (IS_ERR_OR_NULL(ioas))
		return PTR_ERR_OR_ZERO(ioas);
	if (access->ioas)
		access_leave(access);
	access->ioas = ioas;
	return 0;
}

int iommufd_access_attach(struct iommufd_access *access, u32 ioas_id)
{
	int rc;

	mutex_lock(&access->attach_lock);
	if (access->changing)
		rc = -EBUSY;
	else if (access->ioas)
		rc = -EINVAL;
	else
		rc = access_change(access, ioas_id);
	mutex_unlock(&access->attach_lock);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_attach, "IOMMUFD");

int iommufd_access_replace(struct iommufd_access *access, u32 ioas_id)
{
	int rc;

	mutex_lock(&access->attach_lock);
	if (access->changing)
		rc = -EBUSY;
	else if (!access->ioas)
		rc = -ENOENT;
	else
		rc = access_change(access, ioas_id);
	mutex_unlock(&access->attach_lock);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_replace, "IOMMUFD");

void iommufd_access_detach(struct iommufd_access *access)
{
	mutex_lock(&access->attach_lock);
	if (!WARN_ON(!access->ioas))
		access_leave(access);
	mutex_unlock(&access->attach_lock);
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_detach, "IOMMUFD");

void iommufd_access_destroy(struct iommufd_access *access)
{
	struct iommufd_ctx *ctx = access->ctx;

	mutex_lock(&access->attach_lock);
	if (access->ioas)
		access_leave(access);
	mutex_unlock(&access->attach_lock);
	object_remove(ctx, &access->obj);
	iommufd_ctx_put(ctx);
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_destroy, "IOMMUFD");

/* A walk over the areas that cover [iova, last] without a gap. */
struct span {
	unsigned long iova;		/* of this part */
	unsigned long last;
	unsigned long part_last;	/* of this part */
	struct area *area;
};

/* The part's first byte, counted from the first page of the area's memory. */
static unsigned long span_offset(const struct span *span)
{
	return span->area->holder.start * PAGE_SIZE + span->area->offset +
	       (span->iova - span->area->node.first);
}

/* Finds the area at span->iova: 0, or why it can't be reached. */
static int span_part(struct span *span, struct ioas *ioas, unsigned int flags)
{
	struct iova_node *node = space_find(&ioas->space, span->iova, span->iova);
	int need = flags & IOMMUFD_ACCESS_RW_WRITE ? IOMMU_WRITE : IOMMU_READ;

	lockdep_assert_held(&ioas->lock);
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

/* Pages are handed out whole, so parts have to meet at their ends. */
static bool part_is_whole(const struct span *span)
{
	unsigned long offset = span_offset(span);
	unsigned long end = offset + (span->part_last - span->iova) + 1;

	return !(offset % PAGE_SIZE) &&
	       (span->part_last == span->last || !(end % PAGE_SIZE));
}

static void list_pages(struct memory *memory, unsigned long first,
		       unsigned long last, struct page **pages)
{
	struct run_walk walk;
	unsigned long i;
	bool more;

	for (more = runs_walk(&memory->runs, &walk, first, last); more;
	     more = runs_walk_next(&walk))
		for (i = 0; i < walk.run.npages; i++)
			*pages++ = pfn_to_page(walk.run.pfn + i);
}

static void unpin_part(struct pin_part *part)
{
	struct memory *memory = part->area->memory;

	mutex_lock(&memory->lock);
	memory_unpin(memory, &part->holder);
	mutex_unlock(&memory->lock);
	/* The area, and with it the memory, may go at once, but not before this. */
	atomic_dec_return_release(&part->area->pins);
}

static int pin_part(struct pin_part *part, const struct span *span,
		    struct page **pages)
{
	struct memory *memory = span->area->memory;
	unsigned long offset = span_offset(span);
	int rc;

	if (span->area->leaving || !part_is_whole(span))
		return -EINVAL;
	part->area = span->area;
	part->holder.start = offset / PAGE_SIZE;
	part->holder.last = (offset + (span->part_last - span->iova)) / PAGE_SIZE;
	mutex_lock(&memory->lock);
	rc = memory_pin(memory, &part->holder);
	if (!rc) {
		list_pages(memory, part->holder.start, part->holder.last, pages);
		atomic_inc(&part->area->pins);
	}
	mutex_unlock(&memory->lock);
	return rc;
}

/* The number of areas that [iova, last] touches. */
static unsigned int count_parts(struct ioas *ioas, unsigned long iova,
				unsigned long last)
{
	struct iova_node *node;
	unsigned int n = 0;

	for (node = space_find(&ioas->space, iova, last); node;
	     node = space_next(node, last))
		n++;
	return n;
}

static int pin_parts(struct access_pin *pin, struct ioas *ioas,
		     struct page **pages, unsigned int flags)
{
	struct span span = { .iova = pin->iova.start, .last = pin->iova.last };
	int rc;

	do {
		rc = span_part(&span, ioas, flags);
		if (!rc)
			rc = pin_part(&pin->parts[pin->nparts], &span, pages);
		if (rc) {
			while (pin->nparts)
				unpin_part(&pin->parts[--pin->nparts]);
			return rc;
		}
		pages += pin->parts[pin->nparts].holder.last -
			 pin->parts[pin->nparts].holder.start + 1;
		pin->nparts++;
	} while (span_next(&span));
	return 0;
}

/* With @ioas's lock held, so that areas neither come nor go. */
static struct access_pin *pin_new(struct ioas *ioas, unsigned long iova,
				  unsigned long last, struct page **pages,
				  unsigned int flags)
{
	struct access_pin *pin;
	int rc;

	pin = kvzalloc(struct_size(pin, parts, count_parts(ioas, iova, last)),
		       GFP_KERNEL_ACCOUNT);
	if (!pin)
		return ERR_PTR(-ENOMEM);
	pin->iova.start = iova;
	pin->iova.last = last;
	rc = pin_parts(pin, ioas, pages, flags);
	if (rc) {
		kvfree(pin);
		return ERR_PTR(rc);
	}
	return pin;
}

int iommufd_access_pin_pages(struct iommufd_access *access, unsigned long iova,
			     unsigned long length, struct page **out_pages,
			     unsigned int flags)
{
	struct access_pin *pin = ERR_PTR(-ENOENT);
	struct ioas *ioas;
	unsigned long last;

	if (!length || !access->reader.ask)
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &last))
		return -EOVERFLOW;

	mutex_lock(&access->attach_lock);
	ioas = access->ioas;
	if (ioas) {
		down_read(&ioas->lock);
		pin = pin_new(ioas, iova, last, out_pages, flags);
		up_read(&ioas->lock);
	}
	if (!IS_ERR(pin)) {
		mutex_lock(&access->pins_lock);
		interval_tree_insert(&pin->iova, &access->pinned);
		mutex_unlock(&access->pins_lock);
	}
	mutex_unlock(&access->attach_lock);
	return PTR_ERR_OR_ZERO(pin);
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_pin_pages, "IOMMUFD");

static struct access_pin *take_pin(struct iommufd_access *access,
				   unsigned long iova, unsigned long last)
{
	struct interval_tree_node *node;

	mutex_lock(&access->pins_lock);
	node = interval_tree_iter_first(&access->pinned, iova, last);
	while (node && (node->start != iova || node->last != last))
		node = interval_tree_iter_next(node, iova, last);
	if (node)
		interval_tree_remove(node, &access->pinned);
	mutex_unlock(&access->pins_lock);
	return node ? container_of(node, struct access_pin, iova) : NULL;
}

void iommufd_access_unpin_pages(struct iommufd_access *access,
				unsigned long iova, unsigned long length)
{
	struct access_pin *pin;
	unsigned long last;

	if (WARN_ON(!length) ||
	    WARN_ON(check_add_overflow(iova, length - 1, &last)))
		return;
	pin = take_pin(access, iova, last);
	if (WARN_ON(!pin))
		return;
	while (pin->nparts)
		unpin_part(&pin->parts[--pin->nparts]);
	kvfree(pin);
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_unpin_pages, "IOMMUFD");

static int rw_parts(struct ioas *ioas, struct span *span, void *data,
		    unsigned int flags)
{
	struct memory *memory;
	size_t length;
	int rc;

	do {
		rc = span_part(span, ioas, flags);
		if (rc)
			return rc;
		memory = span->area->memory;
		length = span->part_last - span->iova + 1;
		mutex_lock(&memory->lock);
		rc = memory_rw(memory, span_offset(span), data, length,
			       flags & IOMMUFD_ACCESS_RW_WRITE);
		mutex_unlock(&memory->lock);
		if (rc)
			return rc;
		data += length;
	} while (span_next(span));
	return 0;
}

int iommufd_access_rw(struct iommufd_access *access, unsigned long iova,
		      void *data, size_t length, unsigned int flags)
{
	struct span span = { .iova = iova };
	struct ioas *ioas;
	int rc = -ENOENT;

	if (!length)
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &span.last))
		return -EOVERFLOW;
	mutex_lock(&access->attach_lock);
	ioas = access->ioas;
	if (ioas) {
		down_read(&ioas->lock);
		rc = rw_parts(ioas, &span, data, flags);
		up_read(&ioas->lock);
	}
	mutex_unlock(&access->attach_lock);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_rw, "IOMMUFD");
