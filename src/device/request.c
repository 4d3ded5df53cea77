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
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	if (obj->type == &hwpt_object_type)
		return attach_request_hwpt(req, container_of(obj, struct hwpt, obj));
	if (obj->type == &ioas_object_type)
		rc = automatic_attach(req, container_of(obj, struct ioas, obj), pt_id);
	else
		rc = -EINVAL;
	object_put(ctx, obj);
	return rc;
}

/* One line, because an errno has many reasons. */
static void attach_request_log(struct iommufd_device *idev, int rc, const struct refusal *refusal)
{
	if (refusal->why && refusal->range.last)
		dev_notice_ratelimited(idev->dev, "ATTACH refused (%d): %s: [%#lx, %#lx]\n",
				       rc, refusal->why, refusal->range.first,
				       refusal->range.last);
	else
		dev_notice_ratelimited(idev->dev, "ATTACH refused (%d): %s\n", rc,
				       refusal->why ?:
				       "no such page table, or none can be made for it");
}

static int attach_request_by_id(struct attach_request *req, u32 *pt_id)
{
	struct iommufd_device *idev = req->idev;
	struct refusal refusal = {};
	int rc;

	req->refusal = &refusal;
	rc = attach_request_object(req, pt_id);
	if (rc && rc != -EINTR)
		attach_request_log(idev, rc, &refusal);
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
