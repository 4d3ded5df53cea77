// SPDX-License-Identifier: GPL-2.0-only
/*
 * The node of a device under all the names that udev, systemd and container runtimes know.
 *
 * Where vfio.ko has device nodes of its own, its struct device of class "vfio-dev" is
 * registered with a device number, and the driver core does the rest.  The stock vfio.ko
 * registers it without one.  So it gets its number later, after what device_add() would have
 * made for it: the attribute "dev", the link in /sys/dev/char and the file in devtmpfs.  An
 * event that names the node follows.  device_del() takes all of this back by the number, and
 * its last event still names the node.
 *
 * Only the driver core makes files in devtmpfs, and only for a device that it registers.  This
 * is the carrier: its name is the path of the file, it has neither class nor bus and hence no
 * events, and it is gone before the node is announced.
 *
 * All of this is serialized by the mutex of the class.  device_del() may run beside it and
 * looks at the number once, so the number is set last.
 */
#include <linux/device.h>
#include <linux/kdev_t.h>
#include <linux/kernfs.h>
#include <linux/kobject.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "vfio.h"

/* /sys/dev/char, which the driver core doesn't export. */
static struct kobject *node_links;

static struct kobject *links_find(void)
{
	struct kernfs_node *dev, *links;
	struct kobject *kobj = NULL;

	dev = kernfs_find_and_get(kernfs_parent_of(kernel_kobj->sd), "dev");
	if (!dev)
		return NULL;
	links = kernfs_find_and_get(dev, "char");
	if (links && kernfs_type(links) == KERNFS_DIR)
		kobj = links->priv;
	kernfs_put(links);
	kernfs_put(dev);
	return kobj && kobj->sd == links && !strcmp(kobject_name(kobj), "char") ? kobj : NULL;
}

#define LINK_NAME 16

static void link_name(struct vfio_device *vdev, char *name)
{
	dev_t devt = device_node_devt(vdev);

	snprintf(name, LINK_NAME, "%u:%u", MAJOR(devt), MINOR(devt));
}

static bool link_exists(const char *name)
{
	struct kernfs_node *link = kernfs_find_and_get(node_links->sd, name);

	kernfs_put(link);
	return link;
}

static void carrier_release(struct device *carrier)
{
	kfree(carrier);
}

static struct device *carrier_add(struct vfio_device *vdev)
{
	struct device *carrier = kzalloc_obj(*carrier);
	int rc;

	if (!carrier)
		return ERR_PTR(-ENOMEM);
	device_initialize(carrier);
	carrier->release = carrier_release;
	carrier->devt = device_node_devt(vdev);
	/* The driver core makes '!' of each '/', and '/' again of that in devtmpfs. */
	rc = dev_set_name(carrier, "vfio/devices/%s", dev_name(&vdev->device));
	if (!rc)
		rc = device_add(carrier);
	if (rc) {
		put_device(carrier);
		return ERR_PTR(rc);
	}
	return carrier;
}

/* The file in devtmpfs and the link of the carrier go with its number. */
static void carrier_remove(struct device *carrier, bool keep_file)
{
	if (keep_file)
		carrier->devt = 0;
	device_del(carrier);
	put_device(carrier);
}

static int file_create(struct vfio_device *vdev)
{
	struct device *carrier = carrier_add(vdev);
	char name[LINK_NAME];
	int rc;

	if (IS_ERR(carrier))
		return PTR_ERR(carrier);
	link_name(vdev, name);
	sysfs_remove_link(node_links, name);
	rc = sysfs_create_link(node_links, &vdev->device.kobj, name);
	carrier_remove(carrier, !rc);
	return rc;
}

/* A carrier for a file that exists takes it along. */
static void file_remove(struct vfio_device *vdev, const char *link)
{
	struct device *carrier;

	sysfs_remove_link(node_links, link);
	carrier = carrier_add(vdev);
	if (IS_ERR(carrier))
		dev_warn(vdev->dev, "vfio: /dev/vfio/devices/%s stays: error %ld\n",
			 dev_name(&vdev->device), PTR_ERR(carrier));
	else
		carrier_remove(carrier, false);
}

static ssize_t dev_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	dev_t devt = device_node_devt(container_of(dev, struct vfio_device, device));

	return sysfs_emit(buf, "%u:%u\n", MAJOR(devt), MINOR(devt));
}
static DEVICE_ATTR_RO(dev);

int node_publish(struct vfio_device *vdev)
{
	struct device *dev = &vdev->device;
	int rc;

	rc = device_create_file(dev, &dev_attr_dev);
	if (rc)
		return rc;
	rc = file_create(vdev);
	if (rc) {
		device_remove_file(dev, &dev_attr_dev);
		return rc;
	}
	WRITE_ONCE(dev->devt, device_node_devt(vdev));
	kobject_uevent(&dev->kobj, KOBJ_ADD);
	return 0;
}

/*
 * If device_del() was here before, it has removed the node, and sends the event.  If not,
 * the device stays without a node: whoever listens is told both.
 */
void node_withdraw(struct vfio_device *vdev)
{
	struct device *dev = &vdev->device;
	char link[LINK_NAME];

	link_name(vdev, link);
	if (!link_exists(link))
		return;
	kobject_uevent(&dev->kobj, KOBJ_REMOVE);
	WRITE_ONCE(dev->devt, 0);
	file_remove(vdev, link);
	device_remove_file(dev, &dev_attr_dev);
	kobject_uevent(&dev->kobj, KOBJ_ADD);
}

/* Doesn't sleep, see node_exit(). */
CLASS_DEVNODE(node_path)
{
	return kasprintf(GFP_ATOMIC, "vfio/devices/%s", dev_name(dev));
}

/* The class of vfio.ko whose nodes are named by node_path(), or NULL. */
static struct class *node_class;

/*
 * From Linux 7.2 on the class knows the path of its nodes, as a constant.  Before, it is
 * allocated and knows none.
 */
static int class_init(const struct class *class)
{
	if (class->devnode)
		return 0;
	if (!virt_addr_valid(class))
		return -EOPNOTSUPP;
	node_class = (struct class *)class;
	WRITE_ONCE(node_class->devnode, node_path);
	return 0;
}

int node_init(const struct class *class)
{
	node_links = links_find();
	if (!node_links)
		return -EOPNOTSUPP;
	return class_init(class);
}

/* Reading an attribute "uevent" or a last event may be in node_path(): wait for those. */
void node_exit(void)
{
	if (!node_class)
		return;
	WRITE_ONCE(node_class->devnode, NULL);
	synchronize_rcu_tasks();
}
