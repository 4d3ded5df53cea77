// SPDX-License-Identifier: GPL-2.0-only
/* The HWPT object: lookup, fdinfo, release and destruction. */
#include <linux/err.h>
#include <linux/seq_file.h>

#include "../core/context.h"
#include "../event/fault.h"
#include "../viommu/viommu.h"
#include "hwpt.h"

struct hwpt *hwpt_get_paging(struct iommufd_ctx *ctx, u32 id)
{
	struct hwpt *hwpt = object_get(ctx, id, &hwpt_object_type);

	if (IS_ERR(hwpt) || !hwpt->parent)
		return hwpt;
	object_put(ctx, &hwpt->obj);
	return ERR_PTR(-ENOENT);
}

void hwpt_release(struct hwpt *hwpt)
{
	if (hwpt->automatic)
		object_release_last(hwpt->ctx, &hwpt->obj);
	else
		object_release(hwpt->ctx, &hwpt->obj);
}

static void hwpt_show(struct seq_file *m, struct object *obj)
{
	struct hwpt *hwpt = container_of(obj, struct hwpt, obj);

	/* Constant after publication, so no lock is needed. */
	seq_printf(m, " ioas=%u", hwpt->ioas->obj.id);
	if (hwpt->parent)
		seq_printf(m, " nested-on=%u", hwpt->parent->obj.id);
	if (hwpt->viommu)
		seq_printf(m, " viommu=%u", hwpt->viommu->obj.id);
	if (hwpt->faults)
		seq_printf(m, " faults=%u", fault_queue_id(hwpt->faults));
}

/* The object that the page table holds.  A vIOMMU holds the parent in turn. */
static struct object *hwpt_base(struct hwpt *hwpt)
{
	if (hwpt->viommu)
		return &hwpt->viommu->obj;
	return hwpt->parent ? &hwpt->parent->obj : &hwpt->ioas->obj;
}

static void hwpt_destroy(struct object *obj)
{
	struct hwpt *hwpt = container_of(obj, struct hwpt, obj);

	if (hwpt->table.domain) {
		if (!hwpt->parent)
			ioas_remove_table(hwpt->ioas, &hwpt->table);
		hw_domain_free(hwpt->table.domain);
	}
	fault_queue_release(hwpt->faults);
	mutex_destroy(&hwpt->lock);
	if (hwpt->ioas)
		object_release(hwpt->ctx, hwpt_base(hwpt));
}

const struct object_type hwpt_object_type = {
	.name = "hwpt",
	.destroy = hwpt_destroy,
	.show = hwpt_show,
};
