// SPDX-License-Identifier: GPL-2.0-only
/*
 * vIOMMUs on AMD-Vi.
 *
 * As in Linux 7.3, such a vIOMMU groups vDEVICEs on a nesting parent, and that is all: there are
 * neither nested page tables on it nor invalidation commands for it.  The user API defines no
 * type for it, so any is accepted.
 *
 * Nesting parents are the driver's own, where it has them.  This shim relies on no private
 * structure, so shims=off doesn't disable it.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/module.h>

#include <uapi/linux/iommufd.h>

#include "hw.h"
#include "shim.h"
#include "shims.h"

static const struct hw_viommu_ops amd_viommu_ops;

static bool amd_serves(struct device *dev)
{
	return hw_iommu_has_attributes(dev, "amd-iommu");
}

/* No vIOMMU where the driver or the IOMMU has no nesting parents. */
static size_t amd_viommu_size(struct device *dev, u32 type)
{
	struct iommu_domain *parent;

	parent = iommu_paging_domain_alloc_flags(dev, IOMMU_HWPT_ALLOC_NEST_PARENT);
	if (IS_ERR(parent))
		return 0;
	iommu_domain_free(parent);
	return sizeof(struct hw_viommu);
}

static int amd_viommu_init(struct hw_viommu *viommu, struct iommu_domain *parent,
			   const struct iommu_user_data *data)
{
	viommu->ops = &amd_viommu_ops;
	return 0;
}

static struct hw_shim amd_shim = {
	.owner = THIS_MODULE,
	.serves = amd_serves,
	.viommu_size = amd_viommu_size,
	.viommu_init = amd_viommu_init,
};

void amd_shim_init(void)
{
	hw_shim_register(&amd_shim);
}

void amd_shim_exit(void)
{
	hw_shim_unregister(&amd_shim);
}
