// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding devices: vfio.ko puts a child of class "vfio-dev" under every device
 * that it serves, on any bus.  We listen to that class, make a node beside each
 * child, and give the child the attribute "dev" by which programs find the node.
 *
 * Only devices behind an IOMMU of their own get one.  A device that a driver
 * emulates (a mediated device) reaches memory through calls into vfio.ko that
 * know nothing of our contexts.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/kdev_t.h>
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/sysfs.h>
#include <linux/xarray.h>

#include "vfio.h"

/* Minor number -> struct vfio_device.  A device leaves before it unregisters. */
static DEFINE_XARRAY(nodes);

struct vfio_device *front_find(unsigned int minor)
{
	struct vfio_device *vdev;

	xa_lock(&nodes);
	vdev = xa_load(&nodes, minor);
	if (!vdev)
		vdev = ERR_PTR(-ENXIO);
	else if (!vfio_device_try_get_registration(vdev))
		vdev = ERR_PTR(-ENODEV);
	xa_unlock(&nodes);
	return vdev;
}

/* A few at the most, and asked for by few. */
static LIST_HEAD(bound);
static DEFINE_SPINLOCK(bound_lock);

struct front *front_bound_to(struct vfio_device *vdev)
{
	struct front *front, *found = NULL;

	lockdep_assert_held(&vdev->dev_set->lock);
	spin_lock(&bound_lock);
	list_for_each_entry(front, &bound, bound) {
		if (front->vdev == vdev) {
			found = front;
			break;
		}
	}
	spin_unlock(&bound_lock);
	return found;
}

void front_add_bound(struct front *front)
{
	front_assert_locked(front);
	spin_lock(&bound_lock);
	list_add(&front->bound, &bound);
	spin_unlock(&bound_lock);
}

void front_remove_bound(struct front *front)
{
	front_assert_locked(front);
	spin_lock(&bound_lock);
	list_del(&front->bound);
	spin_unlock(&bound_lock);
}

static ssize_t dev_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	dev_t devt = front_devt(container_of(dev, struct vfio_device, device));

	return sysfs_emit(buf, "%u:%u\n", MAJOR(devt), MINOR(devt));
}
static DEVICE_ATTR_RO(dev);

static bool has_iommu(struct device *dev)
{
	return dev->iommu && dev->iommu->iommu_dev;
}

static int node_create(struct vfio_device *vdev)
{
	struct device *node;
	int rc;

	rc = xa_insert(&nodes, vdev->index, vdev, GFP_KERNEL);
	if (rc)
		return rc;
	rc = device_create_file(&vdev->device, &dev_attr_dev);
	if (rc)
		goto err_erase;
	node = device_create(&front_class, vdev->dev, front_devt(vdev), NULL,
			     "vfio%u", vdev->index);
	if (IS_ERR(node)) {
		rc = PTR_ERR(node);
		goto err_file;
	}
	return 0;

err_file:
	device_remove_file(&vdev->device, &dev_attr_dev);
err_erase:
	xa_erase(&nodes, vdev->index);
	return rc;
}

/* Whoever has a file open already holds a reference and isn't disturbed. */
CLASS_INTERFACE_REMOVE(node_remove)
{
	struct vfio_device *vdev = container_of(dev, struct vfio_device, device);

	if (xa_load(&nodes, vdev->index) != vdev)
		return;
	xa_erase(&nodes, vdev->index);
	device_destroy(&front_class, front_devt(vdev));
	device_remove_file(&vdev->device, &dev_attr_dev);
}

CLASS_INTERFACE_ADD(node_add)
{
	struct vfio_device *vdev = container_of(dev, struct vfio_device, device);
	dev_t group;
	int rc;

	if (!has_iommu(vdev->dev))
		return 0;
	rc = vfio_group_devt(vdev, &group);
	if (!rc)
		rc = node_create(vdev);
	if (rc)
		dev_err(vdev->dev, "no node in /dev/vfio/devices: error %d\n", rc);
	return rc;
}

static struct class_interface interface = {
	.add_dev = node_add,
	.remove_dev = node_remove,
};

static const struct vfio_device_ops nothing = {
	.name = "iommufd_vfio",
	.release = vfio_release_nothing,
};

/*
 * vfio.ko's class is static, but every device has it from its allocation on.
 * So allocate one, look, and never register it.
 */
static int interface_find_class(void)
{
	struct vfio_device *vdev;
	int rc = 0;

	vdev = _vfio_alloc_device(sizeof(*vdev), NULL, &nothing);
	if (IS_ERR(vdev))
		return PTR_ERR(vdev);
	interface.class = vdev->device.class;
	if (!interface.class || strcmp(interface.class->name, "vfio-dev"))
		rc = -EOPNOTSUPP;
	vfio_put_device(vdev);
	return rc;
}

int front_discovery_init(void)
{
	int rc = interface_find_class();

	if (rc) {
		pr_err("iommufd_vfio: this kernel's VFIO devices have no class vfio-dev\n");
		return rc;
	}
	return class_interface_register(&interface);
}

void front_discovery_exit(void)
{
	class_interface_unregister(&interface);
	WARN_ON(!xa_empty(&nodes));
}
