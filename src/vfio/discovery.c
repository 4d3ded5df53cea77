// SPDX-License-Identifier: GPL-2.0-only
/*
 * Discovery of devices: vfio.ko registers a child of class "vfio-dev" under every device
 * that it serves, on any bus.  A class interface adds a node for each child (node.c).
 *
 * Only devices behind an IOMMU get one.  A device that a driver emulates (a mediated
 * device) accesses memory through functions of vfio.ko, which don't know these contexts.
 */
#include <linux/device.h>
#include <linux/iommu.h>

#include "vfio.h"

static bool discovery_has_iommu(struct device *dev)
{
	return dev->iommu && dev->iommu->iommu_dev;
}

CLASS_INTERFACE_REMOVE(discovery_remove)
{
	device_node_remove(container_of(dev, struct vfio_device, device));
}

CLASS_INTERFACE_ADD(discovery_add)
{
	struct vfio_device *vdev = container_of(dev, struct vfio_device, device);
	dev_t group;
	int rc;

	if (!discovery_has_iommu(vdev->dev))
		return 0;
	rc = vfio_group_devt(vdev, &group);
	if (!rc)
		rc = iommufd_node_create();
	if (!rc)
		rc = device_node_create(vdev);
	if (rc)
		dev_err(vdev->dev, "can't create a node in /dev/vfio/devices: error %d\n", rc);
	return rc;
}

static struct class_interface interface = {
	.add_dev = discovery_add,
	.remove_dev = discovery_remove,
};

static const struct vfio_device_ops nothing = {
	.name = "iommufd_vfio",
	.release = vfio_release_nothing,
};

/*
 * vfio.ko's class isn't exported, but vfio_alloc_device() sets it: allocate a device, read
 * its class, and never register it.
 */
static int discovery_find_class(void)
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

int discovery_init(void)
{
	int rc = discovery_find_class();

	if (rc) {
		pr_err("VFIO devices of this kernel have no class vfio-dev\n");
		return rc;
	}
	rc = node_init(interface.class);
	if (rc) {
		pr_err("device nodes can't be added on this kernel: error %d\n", rc);
		return rc;
	}
	rc = class_interface_register(&interface);
	if (rc)
		node_exit();
	return rc;
}

void discovery_exit(void)
{
	class_interface_unregister(&interface);
	node_exit();
}
