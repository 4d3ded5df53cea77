// SPDX-License-Identifier: GPL-2.0-only
/*
 * The node of a device, under all names that udev, systemd and container runtimes know.
 *
 * Where vfio.ko has device nodes of its own, it registers its struct device of class
 * "vfio-dev" with a device number, and the driver core does the rest.  A vfio.ko without
 * registers it without a number.  So set the number later, after creating what device_add()
 * would have: the attribute "dev", the link in /sys/dev/char and the file in devtmpfs; then
 * send a uevent that names the node.  device_del() finds all of this by the number and
 * removes it, and its last uevent still names the node.
 *
 * Only the driver core creates files in devtmpfs, and only for devices that it registers.
 * The carrier is such a device: its name is the path of the file, it has neither class nor
 * bus and hence no uevents, and it is deleted before the node is announced.
 *
 * The class mutex serializes all of this.  device_del() may run concurrently and reads the
 * number once, so set the number last.
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

static struct kobject *node_find_links(void)
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

static void node_link_name(struct vfio_device *vdev, char *name)
{
	dev_t devt = device_node_devt(vdev);

	snprintf(name, LINK_NAME, "%u:%u", MAJOR(devt), MINOR(devt));
}

static bool node_link_exists(const char *name)
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
	/* The driver core replaces each '/' by '!', and devtmpfs reverts that. */
	rc = dev_set_name(carrier, "vfio/devices/%s", dev_name(&vdev->device));
	if (!rc)
		rc = device_add(carrier);
	if (rc) {
		put_device(carrier);
		return ERR_PTR(rc);
	}
	return carrier;
}

/* device_del() removes the file in devtmpfs and the link if the number is set. */
static void carrier_remove(struct device *carrier, bool keep_file)
{
	if (keep_file)
		carrier->devt = 0;
	device_del(carrier);
	put_device(carrier);
}

static int node_create_file(struct vfio_device *vdev)
{
	struct device *carrier = carrier_add(vdev);
	char name[LINK_NAME];
	int rc;

	if (IS_ERR(carrier))
		return PTR_ERR(carrier);
	node_link_name(vdev, name);
	sysfs_remove_link(node_links, name);
	rc = sysfs_create_link(node_links, &vdev->device.kobj, name);
	carrier_remove(carrier, !rc);
	return rc;
}

/* Remove the file by adding and deleting a carrier for it. */
static void node_remove_file(struct vfio_device *vdev, const char *link)
{
	struct device *carrier;

	sysfs_remove_link(node_links, link);
	carrier = carrier_add(vdev);
	if (IS_ERR(carrier))
		dev_warn(vdev->dev, "vfio: can't remove /dev/vfio/devices/%s: error %ld\n",
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
	rc = node_create_file(vdev);
	if (rc) {
		device_remove_file(dev, &dev_attr_dev);
		return rc;
	}
	WRITE_ONCE(dev->devt, device_node_devt(vdev));
	kobject_uevent(&dev->kobj, KOBJ_ADD);
	return 0;
}

/*
 * If device_del() came first, it has removed the node and sends the uevent.  If not, the
 * device remains without a node: send uevents for both.
 */
void node_withdraw(struct vfio_device *vdev)
{
	struct device *dev = &vdev->device;
	char link[LINK_NAME];

	node_link_name(vdev, link);
	if (!node_link_exists(link))
		return;
	kobject_uevent(&dev->kobj, KOBJ_REMOVE);
	WRITE_ONCE(dev->devt, 0);
	node_remove_file(vdev, link);
	device_remove_file(dev, &dev_attr_dev);
	kobject_uevent(&dev->kobj, KOBJ_ADD);
}

/* Must not sleep, see node_exit(). */
CLASS_DEVNODE(node_path)
{
	return kasprintf(GFP_ATOMIC, "vfio/devices/%s", dev_name(dev));
}

/* vfio.ko's class if its devnode is node_path(), else NULL. */
static struct class *node_class;

/*
 * From Linux 7.2 on the class is constant and has a devnode callback.  Before, it is
 * allocated and has none.
 */
static int node_class_init(const struct class *class)
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
	node_links = node_find_links();
	if (!node_links)
		return -EOPNOTSUPP;
	return node_class_init(class);
}

/* Wait for readers of the attribute "uevent" and for uevents that may be in node_path(). */
void node_exit(void)
{
	if (!node_class)
		return;
	WRITE_ONCE(node_class->devnode, NULL);
	synchronize_rcu_tasks();
}
