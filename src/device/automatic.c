// SPDX-License-Identifier: GPL-2.0-only
/* Automatic page tables: chosen, or made. */
#include <linux/err.h>

#include "../core/context.h"
#include "../hwpt/hwpt.h"
#include "../ioas/ioas.h"
#include "attach.h"
#include "automatic.h"
#include "device.h"

/*
 * Take a hold of the automatic page table that follows the first *@tried ones, and count
 * it; NULL if there is no other.
 */
static struct hwpt *automatic_hold_next(struct ioas *ioas, unsigned int *tried)
{
	struct hwpt *hwpt, *found = NULL;
	unsigned int n = 0;

	down_read(&ioas->users);
	list_for_each_entry(hwpt, &ioas->tables, table.item) {
		if (!hwpt->automatic || n++ < *tried)
			continue;
		*tried = n;
		if (!object_hold(ioas->ctx, &hwpt->obj)) {
			found = hwpt;
			break;
		}
	}
	up_read(&ioas->users);
	return found;
}

/* Returns 0, 1 if the device fits none that exists, or an error. */
static int automatic_attach_present(const struct attach_request *req, struct ioas *ioas,
				    u32 *id)
{
	unsigned int tried = 0;
	struct hwpt *hwpt;
	u32 hwpt_id;
	int rc;

	while ((hwpt = automatic_hold_next(ioas, &tried))) {
		hwpt_id = hwpt->obj.id;
		rc = attach_request_run(req, hwpt);
		if (!rc)
			*id = hwpt_id;
		if (rc != -EINVAL)
			return rc;
	}
	return 1;
}

/* The device's reserved ranges are reserved in the IOAS, unless it is a PASID. */
static int automatic_attach_made(const struct attach_request *req, struct ioas *ioas, u32 *id)
{
	struct iommufd_ctx *ctx = ioas->ctx;
	struct hwpt *hwpt;
	int rc;

	hwpt = hwpt_new(ioas, req->idev, 0, NULL);
	if (IS_ERR(hwpt)) {
		if (PTR_ERR(hwpt) != -ENOMEM)
			refusal_set(req->refusal, "its IOMMU's driver makes no page table for it");
		return PTR_ERR(hwpt);
	}
	hwpt->automatic = true;
	/* One hold is the device's, one keeps the page table until it is finalized. */
	hwpt->obj.holds = 2;
	rc = attach_request_run(req, hwpt);
	if (rc) {
		object_abort(ctx, &hwpt->obj);
		return rc;
	}
	*id = hwpt->obj.id;
	object_finalize(ctx, &hwpt->obj);
	/* The group may have been moved away again. */
	hwpt_release(hwpt);
	return 0;
}

/* Make an automatic page table for a device that fits none that exists. */
static int automatic_attach_new(const struct attach_request *req, struct ioas *ioas, u32 *id)
{
	struct iommufd_device *idev = req->idev;
	int rc;

	/* Reserved ranges don't concern PASIDs. */
	if (req->pasid != IOMMU_NO_PASID)
		return automatic_attach_made(req, ioas, id);
	/* So that a conflict is named, and found before the page table is made. */
	rc = ioas_reserve(ioas, idev->reserved, idev->n_reserved);
	if (rc) {
		attach_explain_reserved(idev, ioas, req->refusal);
		return rc;
	}
	rc = automatic_attach_made(req, ioas, id);
	ioas_unreserve(ioas, idev->reserved, idev->n_reserved);
	return rc;
}

int automatic_attach(const struct attach_request *req, struct ioas *ioas, u32 *id)
{
	int rc;

	rc = mutex_lock_killable(&ioas->auto_lock);
	if (rc)
		return rc;
	rc = automatic_attach_present(req, ioas, id);
	if (rc > 0) {
		refusal_clear(req->refusal);
		rc = automatic_attach_new(req, ioas, id);
	}
	mutex_unlock(&ioas->auto_lock);
	return rc;
}
