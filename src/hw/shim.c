// SPDX-License-Identifier: GPL-2.0-only
/* Registration and lookup of shims. */
#include <linux/errno.h>
#include <linux/mutex.h>

#include "hw.h"
#include "shim.h"

static DEFINE_MUTEX(shims_lock);
static LIST_HEAD(shims);

void hw_shim_register(struct hw_shim *shim)
{
	mutex_lock(&shims_lock);
	list_add_tail(&shim->item, &shims);
	mutex_unlock(&shims_lock);
}

void hw_shim_unregister(struct hw_shim *shim)
{
	mutex_lock(&shims_lock);
	list_del(&shim->item);
	mutex_unlock(&shims_lock);
}

const struct hw_shim *hw_shim_of_ops(const struct iommu_ops *ops)
{
	const struct hw_shim *found = NULL;
	struct hw_shim *shim;

	if (!ops)
		return NULL;
	mutex_lock(&shims_lock);
	list_for_each_entry(shim, &shims, item) {
		if (shim->ops == ops)
			found = shim;
	}
	mutex_unlock(&shims_lock);
	return found;
}

/* The driver's operations become known with the first of its devices. */
const struct hw_shim *hw_shim_of(struct device *dev)
{
	const struct hw_shim *found = NULL;
	struct hw_shim *shim;

	if (!compat_dev_iommu_ops(dev))
		return NULL;
	mutex_lock(&shims_lock);
	list_for_each_entry(shim, &shims, item) {
		if (!shim->serves(dev))
			continue;
		shim->ops = compat_dev_iommu_ops(dev);
		found = shim;
		break;
	}
	mutex_unlock(&shims_lock);
	return found;
}
