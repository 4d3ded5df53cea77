// SPDX-License-Identifier: GPL-2.0-only
/* Access objects.  A pin is identified by its range of IOVA. */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/interval_tree.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include <iommufd/iommufd.h>

#include "../core/context.h"
#include "../ioas/access_pin.h"
#include "../ioas/ioas.h"
#include "access.h"

struct iommufd_access {
	struct object obj;
	struct iommufd_ctx *ctx;
	const struct iommufd_access_ops *ops;
	void *data;
	struct ioas_reader reader;
	struct mutex attach_lock;	/* protects @ioas and @changing; outermost */
	struct ioas *ioas;
	bool changing;			/* the old IOAS is being left, with the lock dropped */
	struct mutex pins_lock;		/* protects @pinned; innermost */
	struct rb_root_cached pinned;	/* struct access_pin by IOVA */
};

static void access_destroy(struct object *obj)
{
	struct iommufd_access *access = container_of(obj, struct iommufd_access, obj);

	WARN_ON(access->ioas);
	mutex_destroy(&access->attach_lock);
	mutex_destroy(&access->pins_lock);
}

const struct object_type access_object_type = {
	.name = "access",
	.destroy = access_destroy,
};

static void access_ask_unpin(struct ioas_reader *reader, unsigned long first,
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
	access = object_new(ctx, &access_object_type, sizeof(*access));
	if (IS_ERR(access))
		return access;
	access->ctx = ctx;
	access->ops = ops;
	access->data = data;
	access->reader.obj = &access->obj;
	access->reader.align = ops->needs_pin_pages ? PAGE_SIZE : 1;
	access->reader.ask = ops->needs_pin_pages ? access_ask_unpin : NULL;
	mutex_init(&access->attach_lock);
	mutex_init(&access->pins_lock);
	access->pinned = RB_ROOT_CACHED;
	access->obj.holds = 1;
	iommufd_ctx_get(ctx);
	*id = access->obj.id;
	object_finalize(ctx, &access->obj);
	return access;
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_create, "IOMMUFD");

/*
 * Leave the IOAS.  Call the owner's unmap without iommufd's locks: it may wait for a task
 * that holds the owner's lock and is about to pin.
 */
static void access_leave_ioas(struct iommufd_access *access)
{
	struct ioas *ioas = access->ioas;

	lockdep_assert_held(&access->attach_lock);
	access->ioas = NULL;
	access->changing = true;
	mutex_unlock(&access->attach_lock);

	/* No new pins from here on, as access->ioas is NULL. */
	if (access->reader.ask)
		access->ops->unmap(access->data, 0, ULONG_MAX);
	WARN_ON(!RB_EMPTY_ROOT(&access->pinned.rb_root));
	ioas_remove_reader(ioas, &access->reader);
	object_release(access->ctx, &ioas->obj);

	mutex_lock(&access->attach_lock);
	access->changing = false;
}

/* Attach the object to an IOAS.  Return the IOAS, held, NULL if it is, or an ERR_PTR. */
static struct ioas *access_enter_ioas(struct iommufd_access *access, u32 ioas_id)
{
	struct iommufd_ctx *ctx = access->ctx;
	struct ioas *ioas;
	int rc;

	ioas = ioas_get(ctx, ioas_id);
	if (IS_ERR(ioas))
		return ioas;
	/* Attached already. */
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

	ioas = access_enter_ioas(access, ioas_id);
	if (IS_ERR_OR_NULL(ioas))
		return PTR_ERR_OR_ZERO(ioas);
	if (access->ioas)
		access_leave_ioas(access);
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
		access_leave_ioas(access);
	mutex_unlock(&access->attach_lock);
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_detach, "IOMMUFD");

void iommufd_access_destroy(struct iommufd_access *access)
{
	struct iommufd_ctx *ctx = access->ctx;

	mutex_lock(&access->attach_lock);
	if (access->ioas)
		access_leave_ioas(access);
	mutex_unlock(&access->attach_lock);
	object_remove(ctx, &access->obj);
	iommufd_ctx_put(ctx);
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_destroy, "IOMMUFD");

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
	if (ioas)
		pin = access_pin_pages(ioas, iova, last, out_pages, flags);
	if (!IS_ERR(pin)) {
		mutex_lock(&access->pins_lock);
		interval_tree_insert(&pin->iova, &access->pinned);
		mutex_unlock(&access->pins_lock);
	}
	mutex_unlock(&access->attach_lock);
	return PTR_ERR_OR_ZERO(pin);
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_pin_pages, "IOMMUFD");

static struct access_pin *access_take_pin(struct iommufd_access *access,
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
	pin = access_take_pin(access, iova, last);
	if (WARN_ON(!pin))
		return;
	access_pin_free(pin);
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_unpin_pages, "IOMMUFD");

int iommufd_access_rw(struct iommufd_access *access, unsigned long iova,
		      void *data, size_t length, unsigned int flags)
{
	struct ioas *ioas;
	unsigned long last;
	int rc = -ENOENT;

	if (!length)
		return -EINVAL;
	if (check_add_overflow(iova, length - 1, &last))
		return -EOVERFLOW;
	mutex_lock(&access->attach_lock);
	ioas = access->ioas;
	if (ioas)
		rc = access_pin_rw(ioas, iova, last, data, flags);
	mutex_unlock(&access->attach_lock);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_access_rw, "IOMMUFD");
