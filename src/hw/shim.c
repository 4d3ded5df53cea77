// SPDX-License-Identifier: GPL-2.0-only
/* Which shim is for which device. */
#include <linux/errno.h>
#include <linux/mutex.h>

#include "hw.h"
#include "shim.h"

static DEFINE_MUTEX(shims_lock);
static LIST_HEAD(shims);

static const struct hw_shim *find(const struct iommu_ops *ops)
{
	struct hw_shim *shim;

	list_for_each_entry(shim, &shims, item) {
		if (shim->ops == ops)
			return shim;
	}
	return NULL;
}

int hw_shim_register(struct hw_shim *shim)
{
	int rc = -EBUSY;

	mutex_lock(&shims_lock);
	if (!find(shim->ops)) {
		list_add_tail(&shim->item, &shims);
		rc = 0;
	}
	mutex_unlock(&shims_lock);
	return rc;
}

void hw_shim_unregister(struct hw_shim *shim)
{
	mutex_lock(&shims_lock);
	list_del(&shim->item);
	mutex_unlock(&shims_lock);
}

const struct hw_shim *hw_shim_of_ops(const struct iommu_ops *ops)
{
	const struct hw_shim *shim;

	if (!ops)
		return NULL;
	mutex_lock(&shims_lock);
	shim = find(ops);
	mutex_unlock(&shims_lock);
	return shim;
}

const struct hw_shim *hw_shim_of(struct device *dev)
{
	return hw_shim_of_ops(compat_dev_iommu_ops(dev));
}
