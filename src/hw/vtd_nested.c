// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested domains of VT-d, and which devices use them.
 *
 * A nested domain has a domain ID of its own on each IOMMU, as devices with different tables
 * must not share one.  The first device takes it and the last one gives it back, when nothing
 * is cached for it any more: only devices take domain IDs, of which users can have no more
 * than they own.  A device takes it before anything changes for it, and keeps it until it has
 * arrived elsewhere: nobody else can take the last one meanwhile.
 *
 * All that says what is to be invalidated changes under uses_lock, together with the hardware:
 * who invalidates either finds a device's use, or did what it did before the device could see
 * the parent's tables through it.  Those who invalidate hold it for reading: they wait for
 * their own descriptors only, whatever other IOMMUs and devices do, and with interrupts on
 * between these.  No interrupt handler takes it.  For writing it is held for as long as a
 * device's entry takes to be replaced, with interrupts off, as overlay.h has it.
 */
#include "shims.h"

#ifdef IOMMUFD_VTD_SHIM

#include <linux/device.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "overlay.h"
#include "vtd.h"
#include "vtd_shim.h"

struct vtd_nested {
	struct hw_overlay overlay;
	struct list_head ids;		/* struct vtd_id */
	struct list_head uses;		/* struct vtd_use */
	struct iommu_hwpt_vtd_s1 stage1;
};

/* The domain ID on an IOMMU. */
struct vtd_id {
	struct list_head item;
	struct vtd_nested *nested;
	struct vtd_iommu *iommu;	/* only valid while there are @users */
	u16 id;				/* likewise */
	struct list_head now_item;	/* likewise, in ids_now */
	unsigned int users;		/* devices that use it now, or for which it is kept */
};

/* That a device uses the nested domain, or did or may do so. */
struct vtd_use {
	struct list_head item;
	struct vtd_nested *nested;
	struct device *dev;		/* only compared unless @now */
	struct vtd_id *id;
	bool kept;			/* a domain ID, for when it does */
	bool now;
	struct list_head now_item;	/* while @now, in uses_now */
	struct vtd_entry second;	/* likewise, the driver's entry */
};

static DEFINE_MUTEX(prepare_lock);	/* serialises additions to @ids and @uses */
static DEFINE_RWLOCK(uses_lock);	/* guards all lists and what is in them */
static LIST_HEAD(ids_now);		/* struct vtd_id */
static LIST_HEAD(uses_now);		/* struct vtd_use: one for a device, at most */

static struct vtd_nested *vtd_nested_of(struct hw_overlay *overlay)
{
	return container_of(overlay, struct vtd_nested, overlay);
}

static struct vtd_use *vtd_use_find(struct vtd_nested *nested, struct device *dev)
{
	struct vtd_use *use;

	list_for_each_entry(use, &nested->uses, item) {
		if (use->dev == dev)
			return use;
	}
	return NULL;
}

/* What a device uses now, or NULL. */
static struct vtd_use *vtd_use_now(struct device *dev)
{
	struct vtd_use *use;

	lockdep_assert_held(&uses_lock);
	list_for_each_entry(use, &uses_now, now_item) {
		if (use->dev == dev)
			return use;
	}
	return NULL;
}

/* One more user.  0, or -ENOSPC if the IOMMU has no domain ID left. */
static int vtd_id_hold(struct vtd_id *id)
{
	int number;

	lockdep_assert_held(&uses_lock);
	if (!id->users) {
		number = vtd_domain_id_take(id->iommu);
		if (number < 0)
			return number;
		id->id = number;
		list_add(&id->now_item, &ids_now);
	}
	id->users++;
	return 0;
}

static void vtd_id_drop(struct vtd_id *id)
{
	lockdep_assert_held(&uses_lock);
	if (--id->users)
		return;
	list_del(&id->now_item);
	vtd_domain_id_give(id->iommu, id->id);
}

/* The device will find a domain ID when it comes, or comes back.  0 or -ENOSPC. */
static int vtd_use_keep(struct vtd_use *use)
{
	int rc = use->kept ? 0 : vtd_id_hold(use->id);

	if (!rc)
		use->kept = true;
	return rc;
}

static void vtd_use_release(struct vtd_use *use)
{
	if (use->kept)
		vtd_id_drop(use->id);
	use->kept = false;
}

/* With the domain ID that was kept. */
static void vtd_use_begin(struct vtd_use *use, const struct vtd_entry *second)
{
	lockdep_assert_held(&uses_lock);
	use->kept = false;
	use->second = *second;
	use->now = true;
	list_add(&use->now_item, &uses_now);
}

/* The device's entry is another already.  Its domain ID is kept. */
static void vtd_use_end(struct vtd_use *use)
{
	lockdep_assert_held(&uses_lock);
	vtd_use_release(use);
	use->now = false;
	use->kept = true;
	list_del(&use->now_item);
}

static bool vtd_nested_is_on(const struct vtd_nested *nested, const struct iommu_domain *parent)
{
	return nested->overlay.parent == parent;
}

/* IOTLBs first, from which devices would fill their own again. */
void vtd_nested_flush(struct iommu_domain *parent)
{
	struct vtd_use *use;
	struct vtd_id *id;

	/* What the caller took out of the parent's tables is gone before uses are looked at. */
	smp_mb();
	read_lock(&uses_lock);
	list_for_each_entry(id, &ids_now, now_item) {
		if (vtd_nested_is_on(id->nested, parent))
			vtd_submit(id->iommu, vtd_drop_domain(id->id, vtd_cap(id->iommu)));
	}
	list_for_each_entry(use, &uses_now, now_item) {
		if (vtd_nested_is_on(use->nested, parent))
			vtd_device_drop(use->dev, use->id->iommu, vtd_everything);
	}
	read_unlock(&uses_lock);
}

/* Does a device use a nested domain on @parent, by an IOMMU that has all of @cap? */
static bool vtd_any_use(struct iommu_domain *parent, u64 cap)
{
	struct vtd_use *use;
	bool any = false;

	read_lock(&uses_lock);
	list_for_each_entry(use, &uses_now, now_item) {
		any = vtd_nested_is_on(use->nested, parent) &&
		      !(cap & ~vtd_cap(use->id->iommu));
		if (any)
			break;
	}
	read_unlock(&uses_lock);
	return any;
}

bool vtd_nested_in_use(struct iommu_domain *parent)
{
	return vtd_any_use(parent, 0);
}

bool vtd_nested_caches_absence(struct iommu_domain *parent)
{
	return vtd_any_use(parent, VTD_CAP_CM);
}

/* They are only added, so what is found stays. */
static struct vtd_id *vtd_id_get(struct vtd_nested *nested, struct vtd_iommu *iommu)
{
	struct vtd_id *id;

	lockdep_assert_held(&prepare_lock);
	list_for_each_entry(id, &nested->ids, item) {
		if (id->iommu == iommu)
			return id;
	}
	id = kzalloc(sizeof(*id), GFP_KERNEL_ACCOUNT);
	if (!id)
		return NULL;
	id->nested = nested;
	id->iommu = iommu;
	write_lock_irq(&uses_lock);
	list_add(&id->item, &nested->ids);
	write_unlock_irq(&uses_lock);
	return id;
}

/*
 * With a domain ID for it.  A use of an earlier device at the same address counts: it isn't
 * now.
 */
static int vtd_use_add(struct vtd_nested *nested, struct device *dev, struct vtd_id *id)
{
	struct vtd_use *use = vtd_use_find(nested, dev), *new = NULL;
	int rc;

	lockdep_assert_held(&prepare_lock);
	if (!use) {
		new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
		if (!new)
			return -ENOMEM;
		new->nested = nested;
		new->dev = dev;
		new->id = id;
	}
	write_lock_irq(&uses_lock);
	if (new) {
		list_add(&new->item, &nested->uses);
		use = new;
	} else if (use->id != id) {
		vtd_use_release(use);
		use->id = id;
	}
	rc = vtd_use_keep(use);
	write_unlock_irq(&uses_lock);
	return rc;
}

static int vtd_prepare(struct vtd_nested *nested, struct device *dev)
{
	struct vtd_id *id;
	int rc;

	mutex_lock(&prepare_lock);
	id = vtd_id_get(nested, vtd_iommu_of(dev));
	rc = id ? vtd_use_add(nested, dev, id) : -ENOMEM;
	mutex_unlock(&prepare_lock);
	return rc;
}

static int vtd_check(struct hw_overlay *overlay, struct device *dev)
{
	struct vtd_nested *nested = vtd_nested_of(overlay);
	struct vtd_iommu *iommu;
	int rc;

	if (!vtd_serves(dev))
		return -EINVAL;
	if (!vtd_nests(dev))
		return -EOPNOTSUPP;
	iommu = vtd_iommu_of(dev);
	rc = vtd_stage1_check(&nested->stage1, vtd_cap(iommu), vtd_ecap(iommu));
	return rc ?: vtd_prepare(nested, dev);
}

/*
 * The driver's entry for the parent: the one in force, or what we put ours in the place of.
 * Returns false if it is neither, as while the core blocks the device.
 */
static bool vtd_entry_second(const u64 *at, const struct vtd_use *now, struct vtd_entry *second)
{
	*second = vtd_entry_read(at);
	if (!(second->word[0] & VTD_ENTRY_0_P))
		return false;
	if (vtd_entry_type(second) == VTD_PGTT_SECOND)
		return true;
	if (!now || vtd_entry_type(second) != VTD_PGTT_NESTED ||
	    vtd_entry_domain(second) != now->id->id)
		return false;
	*second = now->second;
	return true;
}

static const struct vtd_entry vtd_no_entry;

/* Returns NULL, or why it doesn't. */
static const char *vtd_enter_locked(struct vtd_nested *nested, struct device *dev)
{
	struct vtd_use *use = vtd_use_find(nested, dev), *before = vtd_use_now(dev);
	u64 *at = vtd_pasid_entry(dev);
	struct vtd_entry second, entry = vtd_no_entry;
	const char *why = NULL;

	if (!use || !at || !vtd_entry_second(at, before, &second))
		return "not attached to the guest's table: its PASID table entry isn't the parent's";
	if (use == before) {
		vtd_use_release(use);
		use->second = second;
	} else if (!vtd_use_keep(use)) {
		/* It was kept by vtd_check() or vtd_block(), unless the device has come back. */
		vtd_use_begin(use, &second);
	} else {
		why = "DMA is blocked: its IOMMU has no domain ID left for the guest's table";
	}
	if (!why)
		vtd_entry_nest(&second, &nested->stage1, use->id->id, vtd_ecap(use->id->iommu),
			       &entry);
	vtd_entry_write(dev, at, &entry);
	if (before && before != use)
		vtd_use_end(before);
	return why;
}

static void vtd_enter(struct hw_overlay *overlay, struct device *dev)
{
	unsigned long flags;
	const char *why;

	write_lock_irqsave(&uses_lock, flags);
	why = vtd_enter_locked(vtd_nested_of(overlay), dev);
	write_unlock_irqrestore(&uses_lock, flags);
	if (why)
		dev_warn_ratelimited(dev, "%s\n", why);
}

/*
 * What says that a device uses it stays until the entry is another, see vtd_switch(): only
 * kernels that reset devices behind the shim's back need more, and these are not its own.
 */
static void vtd_forget(struct device *dev)
{
}

/* Instead of the nested domain, the parent alone or nothing. */
static void vtd_switch(struct hw_overlay *overlay, struct device *dev, bool to_parent)
{
	struct vtd_use *use;
	unsigned long flags;
	u64 *at;

	write_lock_irqsave(&uses_lock, flags);
	use = vtd_use_find(vtd_nested_of(overlay), dev);
	if (use && use->now) {
		at = vtd_pasid_entry(dev);
		if (at)
			vtd_entry_write(dev, at, to_parent ? &use->second : &vtd_no_entry);
		vtd_use_end(use);
	}
	write_unlock_irqrestore(&uses_lock, flags);
}

/* The driver leaves an invalid entry alone when it detaches. */
static void vtd_block(struct hw_overlay *overlay, struct device *dev)
{
	vtd_switch(overlay, dev, false);
}

static void vtd_leave(struct hw_overlay *overlay, struct device *dev)
{
	vtd_switch(overlay, dev, true);
}

static void vtd_release(struct hw_overlay *overlay, struct device *dev)
{
	struct vtd_use *use;
	unsigned long flags;

	write_lock_irqsave(&uses_lock, flags);
	use = vtd_use_find(vtd_nested_of(overlay), dev);
	if (use)
		vtd_use_release(use);
	write_unlock_irqrestore(&uses_lock, flags);
}

/* An IOMMU that can't do the block has done nothing. */
static void vtd_nested_drop_block(const struct vtd_id *id, struct vtd_block block, bool leaf)
{
	if (vtd_submit(id->iommu, vtd_drop_block(id->id, block, leaf)))
		vtd_submit(id->iommu, vtd_drop_block(id->id, vtd_everything, leaf));
}

static void vtd_nested_drop_range(struct vtd_nested *nested,
				  const struct iommu_hwpt_vtd_s1_invalidate *range)
{
	struct vtd_block block = vtd_block_around(range->addr, range->npages);
	bool leaf = range->flags & IOMMU_VTD_INV_FLAGS_LEAF;
	struct vtd_use *use;
	struct vtd_id *id;

	read_lock(&uses_lock);
	list_for_each_entry(id, &nested->ids, item) {
		if (id->users)
			vtd_nested_drop_block(id, block, leaf);
	}
	list_for_each_entry(use, &nested->uses, item) {
		if (use->now)
			vtd_device_drop(use->dev, use->id->iommu, block);
	}
	read_unlock(&uses_lock);
}

static int vtd_take_range(struct vtd_nested *nested, struct iommu_user_data_array *array,
			  u32 index)
{
	struct iommu_hwpt_vtd_s1_invalidate range;
	int rc = vtd_read_entry(array, index, &range);

	if (!rc)
		vtd_nested_drop_range(nested, &range);
	return rc;
}

static int vtd_nested_invalidate(struct hw_overlay *overlay, struct iommu_user_data_array *array)
{
	const struct iommu_hwpt_vtd_s1_invalidate everything = { .npages = U64_MAX };
	u32 valid, done = 0;
	bool all;
	int rc;

	if (array->type != IOMMU_HWPT_INVALIDATE_DATA_VTD_S1) {
		array->entry_num = 0;
		return -EINVAL;
	}
	valid = vtd_valid_entries(array, &all, &rc);
	if (all) {
		vtd_nested_drop_range(vtd_nested_of(overlay), &everything);
		array->entry_num = valid;
		return rc;
	}
	for (rc = 0; done < array->entry_num; done++) {
		rc = vtd_take_range(vtd_nested_of(overlay), array, done);
		if (rc)
			break;
		cond_resched();
	}
	array->entry_num = done;
	return rc;
}

static void vtd_nested_free(struct hw_overlay *overlay)
{
	struct vtd_nested *nested = vtd_nested_of(overlay);
	struct vtd_use *use, *next_use;
	struct vtd_id *id, *next_id;

	/* Of a device that was removed on its way here, something may be kept. */
	write_lock_irq(&uses_lock);
	list_for_each_entry(use, &nested->uses, item)
		vtd_use_release(use);
	write_unlock_irq(&uses_lock);
	list_for_each_entry_safe(use, next_use, &nested->uses, item) {
		WARN_ON(use->now);
		kfree(use);
	}
	list_for_each_entry_safe(id, next_id, &nested->ids, item)
		kfree(id);
	kfree(nested);
}

static const struct hw_overlay_ops vtd_overlay_ops = {
	.free = vtd_nested_free,
	.check = vtd_check,
	.enter = vtd_enter,
	.forget = vtd_forget,
	.block = vtd_block,
	.leave = vtd_leave,
	.release = vtd_release,
	.invalidate = vtd_nested_invalidate,
};

struct iommu_domain *vtd_nested_alloc(struct device *dev, struct iommu_domain *parent,
				      u32 flags, const struct iommu_user_data *data)
{
	struct iommu_hwpt_vtd_s1 stage1;
	struct vtd_nested *nested;
	int rc;

	if (flags || data->type != IOMMU_HWPT_DATA_VTD_S1 || !vtd_nests(dev))
		return ERR_PTR(-EOPNOTSUPP);
	if (!vtd_is_parent(parent))
		return ERR_PTR(-EINVAL);
	rc = iommu_copy_struct_from_user(&stage1, data, IOMMU_HWPT_DATA_VTD_S1, __reserved);
	if (rc)
		return ERR_PTR(rc);
	nested = kzalloc(sizeof(*nested), GFP_KERNEL_ACCOUNT);
	if (!nested)
		return ERR_PTR(-ENOMEM);
	nested->stage1 = stage1;
	INIT_LIST_HEAD(&nested->ids);
	INIT_LIST_HEAD(&nested->uses);
	return hw_overlay_init(&nested->overlay, &vtd_overlay_ops, parent);
}

#endif
