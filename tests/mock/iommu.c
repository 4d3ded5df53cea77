// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver as the kernel's IOMMU core sees it, and the shim that offers what the
 * core has no operations for.  It lives beside the machine's own IOMMU.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/property.h>
#include <linux/slab.h>

#include "driver.h"

struct iommu_device mock_iommu;

static bool tracks_dirty(struct device *dev)
{
	return !(to_mock_device(dev)->flags & MOCK_FLAGS_DEVICE_NO_DIRTY);
}

static bool mock_capable(struct device *dev, enum iommu_cap cap)
{
	switch (cap) {
	case IOMMU_CAP_CACHE_COHERENCY:
		return true;
#ifdef IOMMUFD_HAVE_CAP_ENFORCE_CACHE_COHERENCY
	case IOMMU_CAP_ENFORCE_CACHE_COHERENCY:
		return to_mock_device(dev)->flags & MOCK_FLAGS_DEVICE_ENFORCES;
#endif
#ifdef IOMMUFD_HAVE_CAP_DIRTY_TRACKING
	case IOMMU_CAP_DIRTY_TRACKING:
		return tracks_dirty(dev);
#endif
	default:
		return false;
	}
}

static void *info(struct device *dev, u32 *length, u32 *type)
{
	struct iommu_test_hw_info *info;

	if (*type != IOMMU_HW_INFO_TYPE_DEFAULT &&
	    *type != IOMMU_HW_INFO_TYPE_SELFTEST)
		return ERR_PTR(-EOPNOTSUPP);
	info = kzalloc_obj(*info, GFP_KERNEL_ACCOUNT);
	if (!info)
		return ERR_PTR(-ENOMEM);
	info->test_reg = IOMMU_HW_INFO_SELFTEST_REGVAL;
	*length = sizeof(*info);
	*type = IOMMU_HW_INFO_TYPE_SELFTEST;
	return info;
}

#ifdef IOMMUFD_HAVE_IOMMU_BUS_OPS

/* Linux 6.1 has one way to make domains; the rest is the shim's. */
static struct iommu_domain *domain_alloc(unsigned int type)
{
	if (type != IOMMU_DOMAIN_UNMANAGED && type != IOMMU_DOMAIN_BLOCKED)
		return NULL;
	return mock_paging_new();
}

const struct iommu_ops mock_ops = {
	.owner = THIS_MODULE,
	.capable = mock_capable,
	.domain_alloc = domain_alloc,
	.default_domain_ops = &mock_paging_ops,
	.pgsize_bitmap = TABLE_BLOCK_SIZE | MOCK_PAGE_SIZE,
};

#else

static struct iommu_device *probe_device(struct device *dev)
{
	return mock_is_device(dev) ? &mock_iommu : ERR_PTR(-ENODEV);
}

/* The core tells a driver without a domain for it to let go of the last one so. */
static void release_device(struct device *dev)
{
	struct mock_device *mock = to_mock_device(dev);

	mock_moves_leave(mock);
	mock->domain = NULL;
}

static struct iommu_group *device_group(struct device *dev)
{
	struct device *beside = to_mock_device(dev)->beside;

	if (beside)
		return iommu_group_get(beside) ?: ERR_PTR(-EINVAL);
	return generic_device_group(dev);
}

static int def_domain_type(struct device *dev)
{
	return IOMMU_DOMAIN_IDENTITY;
}

#ifdef IOMMUFD_HAVE_IOMMU_DOMAIN_ALLOC_USER
static struct iommu_domain *domain_alloc_user(struct device *dev, u32 flags,
					      struct iommu_domain *parent,
					      const struct iommu_user_data *data)
{
	if (parent)
		return mock_nested_alloc(dev, parent, flags, data);
	return mock_paging_alloc(dev, flags, data);
}
#endif

const struct iommu_ops mock_ops = {
	.owner = THIS_MODULE,
	.capable = mock_capable,
	.hw_info = info,
	.probe_device = probe_device,
	.release_device = release_device,
	.device_group = device_group,
	.def_domain_type = def_domain_type,
	.identity_domain = &mock_identity,
	.blocked_domain = &mock_blocked,
	.release_domain = &mock_blocked,
#ifdef IOMMUFD_HAVE_IOMMU_DOMAIN_ALLOC_USER
	.domain_alloc_user = domain_alloc_user,
#else
	.domain_alloc_paging_flags = mock_paging_alloc,
	.domain_alloc_nested = mock_nested_alloc,
#endif
#ifdef IOMMUFD_HAVE_IOMMU_REMOVE_DEV_PASID
	.remove_dev_pasid = mock_remove_dev_pasid,
#endif
#ifdef IOMMUFD_HAVE_IOMMU_FEAT_IOPF
	.dev_enable_feat = mock_enable_feature,
	.dev_disable_feat = mock_disable_feature,
#endif
	.page_response = mock_page_response,
	.user_pasid_table = true,
};

#endif

static struct hw_shim shim = {
	.owner = THIS_MODULE,
	.serves = mock_is_device,
	.domains_ready = true,
#ifndef IOMMUFD_HAVE_IOMMU_HW_INFO
	.info = info,
#endif
#ifndef IOMMUFD_HAVE_CAP_DIRTY_TRACKING
	.tracks_dirty = tracks_dirty,
	.dirty_set = mock_set_tracking,
	.dirty_read = mock_dirty_read,
#endif
#ifdef IOMMUFD_HAVE_IOMMU_BUS_OPS
	.domain_alloc = mock_paging_alloc,
	.nested_alloc = mock_nested_alloc,
	.nested_invalidate = mock_nested_invalidate,
#endif
	.viommu_size = mock_viommu_size,
	.viommu_init = mock_viommu_init,
};

/* The core knows it by a firmware node that no other device has. */
static int register_with_core(void)
{
	int rc;

#ifdef IOMMUFD_HAVE_IOMMU_BUS_OPS
	mock_iommu.ops = &mock_ops;
	rc = mock_bus_register();
#else
	mock_iommu.fwnode = fwnode_create_software_node(NULL, NULL);
	if (IS_ERR(mock_iommu.fwnode))
		return PTR_ERR(mock_iommu.fwnode);
	mock_iommu.max_pasids = 1 << MOCK_PASID_WIDTH;
	rc = iommu_device_register(&mock_iommu, &mock_ops, NULL);
	if (rc)
		fwnode_remove_software_node(mock_iommu.fwnode);
#endif
	return rc;
}

static void unregister_from_core(void)
{
	mock_devices_wait();
#ifdef IOMMUFD_HAVE_IOMMU_BUS_OPS
	mock_bus_unregister();
#else
	iommu_device_unregister(&mock_iommu);
	fwnode_remove_software_node(mock_iommu.fwnode);
#endif
}

int mock_iommu_register(void)
{
	int rc;

	rc = mock_faults_init();
	if (rc)
		return rc;
	rc = iommu_device_sysfs_add(&mock_iommu, NULL, NULL, "iommufd_mock");
	if (rc)
		goto err_faults;
	rc = register_with_core();
	if (rc)
		goto err_sysfs;
	hw_shim_register(&shim);
	return 0;

err_sysfs:
	iommu_device_sysfs_remove(&mock_iommu);
err_faults:
	mock_faults_exit();
	return rc;
}

void mock_iommu_unregister(void)
{
	hw_shim_unregister(&shim);
	unregister_from_core();
	iommu_device_sysfs_remove(&mock_iommu);
	mock_faults_exit();
}
