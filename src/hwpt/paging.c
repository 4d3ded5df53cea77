// SPDX-License-Identifier: GPL-2.0-only
/* Page tables that are filled from an IOAS. */
#include <linux/err.h>
#include <linux/mm.h>

#include <uapi/linux/iommufd.h>

#include "../core/context.h"
#include "../core/refusal.h"
#include "../device/device.h"
#include "../device/group.h"
#include "../hw/hw.h"
#include "../ioas/ioas.h"
#include "hwpt.h"

bool hwpt_is_ready(const struct hwpt *hwpt)
{
	return hwpt->settled || hw_domain_is_ready(hwpt->table.domain);
}

int hwpt_fill(struct hwpt *hwpt, struct refusal *refusal)
{
	struct iommu_domain *domain = hwpt->table.domain;

	/* Once filled it stays so while it is held. */
	if (READ_ONCE(hwpt->table.filled))
		return 0;
	/* Memory is pinned by pages, so larger IOMMU pages can't be mapped. */
	if (!hw_page_size(domain) || hw_page_size(domain) > PAGE_SIZE) {
		refusal_set(refusal,
			    "its IOMMU's smallest page size, %lu bytes, exceeds the CPU's",
			    hw_page_size(domain));
		return -EINVAL;
	}
	return ioas_add_table(hwpt->ioas, &hwpt->table, refusal);
}

void hwpt_settle(struct hwpt *hwpt)
{
	if (!hwpt->settled)
		hw_domain_settle(hwpt->table.domain);
	hwpt->settled = true;
}

int hwpt_prepare_msi(struct hwpt *hwpt, const struct iova_range *window)
{
	lockdep_assert_held(&hwpt->lock);
	return hw_msi_prepare(hwpt->table.domain, &hwpt->msi, window,
			      &hwpt->ctx->next_msi_stretch);
}

int hwpt_take_doorbells(struct hwpt *hwpt, const struct hw_doorbells *known)
{
	lockdep_assert_held(&hwpt->lock);
	return hw_msi_take(hwpt->table.domain, &hwpt->msi, known);
}

static int hwpt_build_paging(struct hwpt *hwpt, struct iommufd_device *idev, u32 flags,
			     const struct iommu_user_data *data)
{
	struct iommu_domain *domain;
	int rc;

	domain = hw_domain_alloc(idev->dev, flags, data);
	if (IS_ERR(domain))
		return PTR_ERR(domain);
	hwpt->table.domain = domain;
	/* Some IOMMUs have a bit for it in every entry, so decide before the first mapping. */
	if (idev->enforce_coherency) {
		rc = hw_domain_enforce_coherency(domain);
		if (rc)
			return rc;
		hwpt->table.coherent = true;
	}
	if (hw_domain_is_ready(domain))
		return 0;
	/* If the group is attached elsewhere, settle when it moves here. */
	rc = group_settle_domain(idev->group, domain);
	hwpt->settled = !rc;
	return rc == -EBUSY ? 0 : rc;
}

struct hwpt *hwpt_new(struct ioas *ioas, struct iommufd_device *idev, u32 flags,
		      const struct iommu_user_data *data)
{
	struct hwpt *hwpt;
	int rc;

	hwpt = object_new(ioas->ctx, &hwpt_object_type, sizeof(*hwpt));
	if (IS_ERR(hwpt))
		return hwpt;
	hwpt->ctx = ioas->ctx;
	hwpt->nest_parent = flags & IOMMU_HWPT_ALLOC_NEST_PARENT;
	hwpt->tracks_dirty = flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING;
	hwpt->pasid_fit = flags & IOMMU_HWPT_ALLOC_PASID;
	mutex_init(&hwpt->lock);
	rc = object_hold(ioas->ctx, &ioas->obj);
	if (!rc) {
		hwpt->ioas = ioas;
		rc = hwpt_build_paging(hwpt, idev, flags, data);
	}
	if (rc) {
		object_abort(hwpt->ctx, &hwpt->obj);
		return ERR_PTR(rc);
	}
	return hwpt;
}
