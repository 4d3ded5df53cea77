// SPDX-License-Identifier: GPL-2.0-only
/* ATTACH, REPLACE and DETACH of the in-kernel API: from an ID to a page table. */
#include <linux/err.h>
#include <linux/export.h>

#include <iommufd/iommufd.h>

#include "../core/context.h"
#include "../core/trace.h"
#include "../hwpt/hwpt.h"
#include "../ioas/ioas.h"
#include "attach.h"
#include "automatic.h"
#include "device.h"

static int attach_request_hwpt(const struct attach_request *req, struct hwpt *hwpt)
{
	struct iommufd_ctx *ctx = req->idev->ctx;
	int rc;

	rc = object_hold(ctx, &hwpt->obj);
	object_put(ctx, &hwpt->obj);
	return rc ? rc : attach_request_run(req, hwpt);
}

static int attach_request_object(const struct attach_request *req, u32 *pt_id)
{
	struct iommufd_ctx *ctx = req->idev->ctx;
	struct object *obj;
	int rc;

	obj = object_get(ctx, *pt_id, NULL);
	if (IS_ERR(obj)) {
		refusal_set(req->refusal, "there is no page table and no IOAS %u", *pt_id);
		return PTR_ERR(obj);
	}
	if (obj->type == &hwpt_object_type)
		return attach_request_hwpt(req, container_of(obj, struct hwpt, obj));
	if (obj->type == &ioas_object_type) {
		rc = automatic_attach(req, container_of(obj, struct ioas, obj), pt_id);
	} else {
		refusal_set(req->refusal, "object %u is a %s, not a page table or IOAS",
			    *pt_id, obj->type->name);
		rc = -EINVAL;
	}
	object_put(ctx, obj);
	return rc;
}

/* The use of the IOAS that a page table for an ID would be filled from, or NULL. */
static struct ioas *expect_get_ioas(struct iommufd_ctx *ctx, u32 pt_id)
{
	struct ioas *ioas = NULL;
	struct object *obj;
	struct hwpt *hwpt;

	obj = object_get(ctx, pt_id, NULL);
	if (IS_ERR(obj))
		return NULL;
	if (obj->type == &ioas_object_type)
		return container_of(obj, struct ioas, obj);
	if (obj->type == &hwpt_object_type) {
		hwpt = hwpt_paging(container_of(obj, struct hwpt, obj));
		/* It holds the IOAS. */
		if (!READ_ONCE(hwpt->table.filled) &&
		    object_try_get(ctx, &hwpt->ioas->obj))
			ioas = hwpt->ioas;
	}
	object_put(ctx, obj);
	return ioas;
}

/* Don't pin if the attach will fail at once. */
static bool expect_is_useful(struct iommufd_device *idev, u32 pasid, struct ioas *ioas)
{
	if (pasid != IOMMU_NO_PASID)
		return true;
	if (ioas_reserve(ioas, idev->reserved, idev->n_reserved))
		return false;
	ioas_unreserve(ioas, idev->reserved, idev->n_reserved);
	return true;
}

int iommufd_device_expect(struct iommufd_device *idev, u32 pasid, u32 pt_id,
			  struct iommufd_expect *expect)
{
	struct iommufd_ctx *ctx = idev->ctx;
	struct ioas *ioas = expect_get_ioas(ctx, pt_id);
	struct refusal refusal = {};
	int rc = 0;

	*expect = (struct iommufd_expect){ ctx };
	if (!ioas)
		return 0;
	if (expect_is_useful(idev, pasid, ioas)) {
		rc = ioas_expect_table(ioas, &refusal);
		if (!rc) {
			expect->ioas = ioas;
			return 0;
		}
		refusal_log(idev->dev, "ATTACH", rc, &refusal);
		trace_iommufd_attach(ctx, idev->dev, pasid, pt_id, rc);
	}
	object_put(ctx, &ioas->obj);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_expect, "IOMMUFD");

void iommufd_expect_end(struct iommufd_expect *expect)
{
	if (!expect->ioas)
		return;
	ioas_expect_end(expect->ioas);
	object_put(expect->ictx, &expect->ioas->obj);
}
EXPORT_SYMBOL_NS_GPL(iommufd_expect_end, "IOMMUFD");

static int attach_request_by_id(struct attach_request *req, u32 *pt_id)
{
	struct iommufd_device *idev = req->idev;
	struct refusal refusal = {};
	int rc;

	req->refusal = &refusal;
	rc = attach_request_object(req, pt_id);
	/* The caller tries again. */
	if (rc == -ESTALE)
		return rc;
	if (rc)
		refusal_log(idev->dev, "ATTACH", rc, &refusal);
	trace_iommufd_attach(idev->ctx, idev->dev, req->pasid, *pt_id, rc);
	return rc;
}

int iommufd_device_attach(struct iommufd_device *idev, u32 pasid, u32 *pt_id)
{
	struct attach_request req = { idev, pasid, attach_device };

	return attach_request_by_id(&req, pt_id);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_attach, "IOMMUFD");

int iommufd_device_replace(struct iommufd_device *idev, u32 pasid, u32 *pt_id)
{
	struct attach_request req = { idev, pasid, attach_replace };

	return attach_request_by_id(&req, pt_id);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_replace, "IOMMUFD");

void iommufd_device_detach(struct iommufd_device *idev, u32 pasid)
{
	trace_iommufd_detach(idev->ctx, idev->dev, pasid);
	attach_remove(idev, pasid);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_detach, "IOMMUFD");
