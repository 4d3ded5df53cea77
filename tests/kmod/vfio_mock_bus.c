// SPDX-License-Identifier: GPL-2.0-only
/*
 * The test driver's devices, and how they come to it.  Those behind the mock IOMMU are
 * that one's; an emulated one is a platform device with nothing behind it.  Neither is
 * found by the bus: whoever made it binds it.  A PCI device is given by driver_override.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>

#include "../mock/mock.h"
#include "vfio_mock_driver.h"

/* What is asked of the device that is being bound; under @bind_lock. */
static DEFINE_MUTEX(bind_lock);
static struct device *binding;
static const struct vfio_mock_make *asked;

/* Numbers stand for sets, by their addresses. */
static char sets[16];

static int register_device(struct vfio_mock *m, const struct vfio_mock_make *make)
{
	int rc;

	if (make && make->set) {
		rc = vfio_assign_device_set(&m->vdev, &sets[make->set % ARRAY_SIZE(sets)]);
		if (rc)
			return rc;
	}
	return m->emulated ? vfio_register_emulated_iommu_dev(&m->vdev) :
			     vfio_register_group_dev(&m->vdev);
}

static int serve(struct device *dev)
{
	const struct vfio_mock_make *make = binding == dev ? asked : NULL;
	struct vfio_mock *m;
	int rc;

	m = vfio_alloc_device(vfio_mock, vdev, dev,
			      vfio_mock_ops(make ? make->ops : VFIO_MOCK_FULL));
	if (IS_ERR(m))
		return PTR_ERR(m);
	rc = -ENOMEM;
	m->emulated = make && make->kind == VFIO_MOCK_EMULATED;
	m->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!m->page)
		goto err_device;
	dev_set_drvdata(dev, m);
	rc = register_device(m, make);
	if (rc)
		goto err_page;
	return 0;

err_page:
	__free_page(m->page);
err_device:
	vfio_put_device(&m->vdev);
	return rc;
}

static void unserve(struct device *dev)
{
	struct vfio_mock *m = dev_get_drvdata(dev);

	vfio_unregister_group_dev(&m->vdev);
	__free_page(m->page);
	vfio_put_device(&m->vdev);
}

/* PCI's power is managed by PCI; that of the others begins and ends here. */
static void unprobe(void *data)
{
	unserve(data);
	pm_runtime_disable(data);
}

/* What a driver's callback for removal returns differs between kernels; this doesn't. */
static int probe(struct device *dev)
{
	int rc = serve(dev);

	if (rc)
		return rc;
	pm_runtime_enable(dev);
	return devm_add_action_or_reset(dev, unprobe, dev);
}

static int platform_probe(struct platform_device *platform)
{
	return probe(&platform->dev);
}

static int pci_probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	return serve(&pci->dev);
}

static void pci_remove(struct pci_dev *pci)
{
	unserve(&pci->dev);
}

static int wake(struct device *dev)
{
	struct vfio_mock *m = dev_get_drvdata(dev);

	m->seen.wakes++;
	return m->behave.wake_error;
}

static int let_sleep(struct device *dev)
{
	return 0;
}

static const struct dev_pm_ops pm_ops = {
	.runtime_resume = wake,
	.runtime_suspend = let_sleep,
};

static struct platform_driver platform = {
	.probe = platform_probe,
	.driver = { .name = VFIO_MOCK_NAME, .pm = &pm_ops },
	.driver_managed_dma = true,
};

static struct pci_driver pci = {
	.name = VFIO_MOCK_NAME,
	.probe = pci_probe,
	.remove = pci_remove,
	.driver = { .pm = &pm_ops },
	.driver_managed_dma = true,
};

/* Linux's own iommufd brings no mock devices that a driver could have. */
#if IS_ENABLED(CONFIG_IOMMUFD)
static struct device *physical_create(u32 flags, struct device *beside)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static void physical_destroy(struct device *dev)
{
}
#else
#define physical_create		mock_device_create
#define physical_destroy	mock_device_destroy
#endif

#ifdef IOMMUFD_HAVE_IOMMU_BUS_OPS
/* The mock's devices are on a bus of their own. */
static struct device_driver physical = {
	.name = VFIO_MOCK_NAME,
	.owner = THIS_MODULE,
	.probe = probe,
	.pm = &pm_ops,
};

static int physical_register(void)
{
	physical.bus = mock_bus_type();
	return driver_register(&physical);
}

static void physical_unregister(void)
{
	driver_unregister(&physical);
}

static struct device_driver *driver_of(u32 kind)
{
	return kind == VFIO_MOCK_EMULATED ? &platform.driver : &physical;
}
#else
static int physical_register(void)
{
	return 0;
}

static void physical_unregister(void)
{
}

static struct device_driver *driver_of(u32 kind)
{
	return &platform.driver;
}
#endif

int vfio_mock_bind(struct device *dev, const struct vfio_mock_make *make)
{
	int rc;

	mutex_lock(&bind_lock);
	binding = dev;
	asked = make;
	rc = device_driver_attach(driver_of(make->kind), dev);
	binding = NULL;
	mutex_unlock(&bind_lock);
	return rc;
}

static struct device *emulated_create(void)
{
	struct platform_device *device;

	/* by another name than the driver's, which has it bound by hand */
	device = platform_device_register_simple("vfio_emulated", PLATFORM_DEVID_AUTO,
						 NULL, 0);
	return IS_ERR(device) ? ERR_CAST(device) : &device->dev;
}

struct device *vfio_mock_create(const struct vfio_mock_make *make, struct device *beside)
{
	struct device *dev;
	int rc;

	dev = make->kind == VFIO_MOCK_EMULATED ? emulated_create() :
						  physical_create(make->flags, beside);
	if (IS_ERR(dev))
		return dev;
	rc = vfio_mock_bind(dev, make);
	if (rc) {
		vfio_mock_destroy(dev, make->kind);
		return ERR_PTR(rc);
	}
	return dev;
}

void vfio_mock_destroy(struct device *dev, u32 kind)
{
	device_release_driver(dev);
	if (kind == VFIO_MOCK_EMULATED)
		platform_device_unregister(to_platform_device(dev));
	else
		physical_destroy(dev);
}

struct device *vfio_mock_find_pci(const char *name)
{
	return bus_find_device_by_name(&pci_bus_type, NULL, name);
}

struct vfio_mock *vfio_mock_of(struct device *dev)
{
	struct vfio_mock *m = NULL;

	device_lock(dev);
	if (dev->driver && dev->driver->owner == THIS_MODULE) {
		m = dev_get_drvdata(dev);
		get_device(&m->vdev.device);
	}
	device_unlock(dev);
	return m;
}

int vfio_mock_bus_init(void)
{
	int rc;

	rc = platform_driver_register(&platform);
	if (rc)
		return rc;
	rc = physical_register();
	if (rc)
		goto err_platform;
	rc = pci_register_driver(&pci);
	if (rc)
		goto err_physical;
	return 0;

err_physical:
	physical_unregister();
err_platform:
	platform_driver_unregister(&platform);
	return rc;
}

void vfio_mock_bus_exit(void)
{
	pci_unregister_driver(&pci);
	physical_unregister();
	platform_driver_unregister(&platform);
}
