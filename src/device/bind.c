// SPDX-License-Identifier: GPL-2.0-only
/* Bind a device to a context, and unbind it, for the device's driver. */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/iommu.h>
#include <linux/slab.h>

#include <iommufd/iommufd.h>

#include "../core/context.h"
#include "../core/refusal.h"
#include "../core/test.h"
#include "../core/trace.h"
#include "../hw/hw.h"
#include "../viommu/vdevice.h"
#include "attach.h"
#include "device.h"
#include "group.h"

static int device_init(struct iommufd_device *idev, struct refusal *refusal)
{
	struct iova_range msi_window;
	int rc;

	idev->group = group_get(idev->ctx, idev->dev, refusal);
	if (IS_ERR(idev->group)) {
		rc = PTR_ERR(idev->group);
		idev->group = NULL;
		return rc;
	}
	rc = hw_reserved(idev->dev, &idev->reserved, &idev->n_reserved, &msi_window);
	if (rc) {
		refusal_set(refusal, "its reserved ranges of IOVA can't be determined");
		return rc;
	}
	rc = mutex_lock_killable(&idev->group->lock);
	if (rc)
		return rc;
	if (msi_window.last)
		idev->group->msi_window = msi_window;
	mutex_unlock(&idev->group->lock);
	idev->enforce_coherency = hw_can_enforce_coherency(idev->dev);
	return 0;
}

static struct iommufd_device *device_bind(struct iommufd_ctx *ctx, struct device *dev,
					  u32 *id, struct refusal *refusal)
{
	struct iommufd_device *idev;
	int rc;

	if (!hw_has_iommu(dev)) {
		refusal_set(refusal, "it has no IOMMU");
		return ERR_PTR(-ENODEV);
	}
	if (!hw_is_coherent(dev)) {
		refusal_set(refusal, "its DMA isn't coherent with CPU caches");
		return ERR_PTR(-EINVAL);
	}
	idev = object_new(ctx, &device_object_type, sizeof(*idev));
	if (IS_ERR(idev))
		return idev;
	idev->ctx = ctx;
	idev->dev = dev;
	idev->obj.holds = 1;
	rc = device_init(idev, refusal);
	if (rc) {
		object_abort(ctx, &idev->obj);
		return ERR_PTR(rc);
	}
	if (!test_owns_device(dev))
		iommufd_ctx_get(ctx);
	*id = idev->obj.id;
	object_finalize(ctx, &idev->obj);
	return idev;
}

struct iommufd_device *iommufd_device_bind(struct iommufd_ctx *ctx,
					   struct device *dev, u32 *id)
{
	struct refusal refusal = {};
	struct iommufd_device *idev;

	idev = device_bind(ctx, dev, id, &refusal);
	if (IS_ERR(idev))
		refusal_log(dev, "BIND", PTR_ERR(idev), &refusal);
	trace_iommufd_bind(ctx, dev, IS_ERR(idev) ? 0 : *id, PTR_ERR_OR_ZERO(idev));
	return idev;
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_bind, "IOMMUFD");

void iommufd_device_unbind(struct iommufd_device *idev)
{
	bool of_test = test_owns_device(idev->dev);
	struct iommufd_ctx *ctx = idev->ctx;

	if (WARN_ON(READ_ONCE(idev->nattached)))
		attach_remove_all(idev);
	vdevice_disconnect(idev);
	object_remove(ctx, &idev->obj);
	if (!of_test)
		iommufd_ctx_put(ctx);
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_unbind, "IOMMUFD");
