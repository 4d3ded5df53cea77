// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mock devices.  On the platform bus the IOMMU core finds them as it finds others,
 * by a firmware node of their IOMMU's.  Linux 6.1 lets one IOMMU driver have that
 * bus, so they have one of their own there, and are put into groups by hand.
 */
#include <linux/atomic.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/property.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "../../src/hw/shims.h"
#include "driver.h"

#if defined(IOMMUFD_VTD_FAULTS) || defined(IOMMUFD_HAVE_IOMMU_FEAT_IOPF)
#define FLAGS_OF_FAULTS	MOCK_FLAGS_DEVICE_ENDS_EARLY
#else
#define FLAGS_OF_FAULTS	0
#endif

#define NAME "iommufd_mock"

static DEFINE_IDA(ids);
static atomic_t devices;

static void release(struct device *dev)
{
	struct mock_device *mock = to_mock_device(dev);

	mock_moves_check(mock);
	xa_destroy(&mock->pasids);
	ida_free(&ids, mock->id);
	kfree(mock);
	if (atomic_dec_and_test(&devices))
		wake_up_var(&devices);
}

void mock_devices_wait(void)
{
	wait_var_event(&devices, !atomic_read(&devices));
	ida_destroy(&ids);
}

bool mock_is_device(struct device *dev)
{
	return dev->release == release;
}

u32 mock_device_cache(struct device *dev, unsigned int index)
{
	return READ_ONCE(to_mock_device(dev)->cache[index]);
}

/* What the core has for a device that has an IOMMU; the core frees it, but on 6.1. */
static struct dev_iommu *make_iommu_part(void)
{
	struct dev_iommu *part = kzalloc_obj(*part);

	if (part)
		mutex_init(&part->lock);
	return part;
}

#ifdef IOMMUFD_HAVE_IOMMU_BUS_OPS

/* Drivers are bound by hand. */
static int match_nothing(struct device *dev, struct device_driver *driver)
{
	return 0;
}

static struct bus_type mock_bus = {
	.name = NAME,
	.match = match_nothing,
	.iommu_ops = &mock_ops,
};

struct bus_type *mock_bus_type(void)
{
	return &mock_bus;
}
EXPORT_SYMBOL_NS_GPL(mock_bus_type, "IOMMUFD");

int mock_bus_register(void)
{
	return bus_register(&mock_bus);
}

void mock_bus_unregister(void)
{
	bus_unregister(&mock_bus);
}

static int join_group(struct mock_device *mock)
{
	struct iommu_group *group;
	int rc;

	group = mock->beside ? iommu_group_get(mock->beside) : iommu_group_alloc();
	if (IS_ERR_OR_NULL(group))
		return group ? PTR_ERR(group) : -EINVAL;
	rc = iommu_group_add_device(group, &mock->dev);
	iommu_group_put(group);
	return rc;
}

static int plug(struct mock_device *mock)
{
	struct device *dev = &mock->dev;
	int rc;

	dev->bus = &mock_bus;
	rc = device_add(dev);
	if (rc)
		return rc;
	__module_get(THIS_MODULE);
	dev->iommu = make_iommu_part();
	if (!dev->iommu) {
		rc = -ENOMEM;
		goto err_part;
	}
	dev->iommu->iommu_dev = &mock_iommu;
	rc = iommu_device_link(&mock_iommu, dev);
	if (rc)
		goto err_link;
	rc = join_group(mock);
	if (rc)
		goto err_group;
	return 0;

err_group:
	iommu_device_unlink(&mock_iommu, dev);
err_link:
	kfree(dev->iommu);
	dev->iommu = NULL;
err_part:
	module_put(THIS_MODULE);
	device_del(dev);
	return rc;
}

static void unplug(struct mock_device *mock)
{
	struct device *dev = &mock->dev;

	iommu_group_remove_device(dev);
	iommu_device_unlink(&mock_iommu, dev);
	kfree(dev->iommu);
	dev->iommu = NULL;
	module_put(THIS_MODULE);
	device_del(dev);
}

#else

int mock_bus_register(void)
{
	return 0;
}

void mock_bus_unregister(void)
{
}

/* As iommu_fwspec_init() does, which wants a lock that the core keeps to itself. */
static int point_to_iommu(struct device *dev)
{
	struct iommu_fwspec *spec;

	dev->iommu = make_iommu_part();
	spec = kzalloc_flex(*spec, ids, 1);
	if (!dev->iommu || !spec) {
		kfree(dev->iommu);
		dev->iommu = NULL;
		kfree(spec);
		return -ENOMEM;
	}
	spec->iommu_fwnode = fwnode_handle_get(mock_iommu.fwnode);
	dev->iommu->fwspec = spec;
	return 0;
}

static void forget_iommu(struct device *dev)
{
	if (!dev->iommu)
		return;
	fwnode_handle_put(dev->iommu->fwspec->iommu_fwnode);
	kfree(dev->iommu->fwspec);
	kfree(dev->iommu);
	dev->iommu = NULL;
}

static int set_properties(struct mock_device *mock)
{
	const struct property_entry properties[] = {
		PROPERTY_ENTRY_U32("pasid-num-bits", MOCK_PASID_WIDTH),
		{ }
	};

	if (!(mock->flags & MOCK_FLAGS_DEVICE_PASID))
		return 0;
	return device_create_managed_software_node(mock_dev(mock), properties, NULL);
}

static int plug(struct mock_device *mock)
{
	struct device *dev = mock_dev(mock);
	int rc;

	mock->platform.name = NAME;
	mock->platform.id = mock->id;
	rc = set_properties(mock);
	if (rc)
		return rc;
	rc = point_to_iommu(dev);
	if (rc)
		return rc;
	rc = platform_device_add(&mock->platform);
	if (rc) {
		forget_iommu(dev);
		return rc;
	}
	/* The bus tells the IOMMU core, which doesn't tell us how it went. */
	if (dev->iommu_group)
		return 0;
	platform_device_del(&mock->platform);
	forget_iommu(dev);
	return -ENOMEM;
}

static void unplug(struct mock_device *mock)
{
	platform_device_del(&mock->platform);
}

#endif

static struct mock_device *mock_new(u32 flags)
{
	struct mock_device *mock;
	unsigned int i;
	int id;

	mock = kzalloc_obj(*mock, GFP_KERNEL_ACCOUNT);
	if (!mock)
		return NULL;
	id = ida_alloc(&ids, GFP_KERNEL);
	if (id < 0) {
		kfree(mock);
		return NULL;
	}
	mock->id = id;
	mock->flags = flags;
	for (i = 0; i < MOCK_DEV_CACHE_NUM; i++)
		mock->cache[i] = IOMMU_TEST_DEV_CACHE_DEFAULT;
	mock_moves_init(mock);
	mock_late_init(mock);
	atomic_inc(&devices);
	device_initialize(mock_dev(mock));
	mock_dev(mock)->release = release;
	return mock;
}

struct device *mock_device_create(u32 flags, struct device *beside)
{
	struct mock_device *mock;
	int rc;

	if (flags & MOCK_FLAGS_DEVICE_ENDS_EARLY & ~FLAGS_OF_FAULTS)
		return ERR_PTR(-EOPNOTSUPP);
	if (flags & ~(MOCK_FLAGS_DEVICE_NO_DIRTY | MOCK_FLAGS_DEVICE_PASID |
		      MOCK_FLAGS_DEVICE_ENFORCES | MOCK_FLAGS_DEVICE_ENDS_EARLY))
		return ERR_PTR(-EINVAL);
	mock = mock_new(flags);
	if (!mock)
		return ERR_PTR(-ENOMEM);
	mock->beside = beside;
	rc = dev_set_name(mock_dev(mock), NAME "%d", mock->id);
	if (!rc)
		rc = plug(mock);
	mock->beside = NULL;
	if (rc) {
		put_device(mock_dev(mock));
		return ERR_PTR(rc);
	}
	return mock_dev(mock);
}
EXPORT_SYMBOL_NS_GPL(mock_device_create, "IOMMUFD");

void mock_device_destroy(struct device *dev)
{
	WRITE_ONCE(to_mock_device(dev)->going, true);
	mock_device_go(dev);
	unplug(to_mock_device(dev));
	put_device(dev);
}
EXPORT_SYMBOL_NS_GPL(mock_device_destroy, "IOMMUFD");
