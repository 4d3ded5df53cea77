// SPDX-License-Identifier: GPL-2.0-only
/* The device nodes /dev/vfio/devices/vfioN and their file operations. */
#include <linux/cdev.h>
#include <linux/compat.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/pm_runtime.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "../core/refusal.h"
#include "vfio.h"

#define NODE_MINORS (MINORMASK + 1)

static dev_t node_base;
static struct cdev *node_cdev;

dev_t device_node_devt(struct vfio_device *vdev)
{
	return MKDEV(MAJOR(node_base), vdev->index);
}

/* Minor number -> struct vfio_device, erased before the device unregisters. */
static DEFINE_XARRAY(nodes);

/* The driver is being unbound, which waits until all files of the device are closed. */
#define NODE_LEAVING XA_MARK_0

/* Look up a device and take a registration reference.  -ENXIO without, -ENODEV if leaving. */
static struct vfio_device *device_node_find(unsigned int minor)
{
	struct vfio_device *vdev;

	xa_lock(&nodes);
	vdev = xa_load(&nodes, minor);
	if (!vdev)
		vdev = ERR_PTR(-ENXIO);
	else if (xa_get_mark(&nodes, minor, NODE_LEAVING) ||
		 !vfio_device_try_get_registration(vdev))
		vdev = ERR_PTR(-ENODEV);
	xa_unlock(&nodes);
	return vdev;
}

static int device_file_open(struct inode *inode, struct file *file)
{
	struct vfio_device *vdev;
	struct vfio_device_file *df;

	vdev = device_node_find(iminor(inode));
	if (IS_ERR(vdev))
		return PTR_ERR(vdev);
	df = kzalloc_obj(*df, GFP_KERNEL_ACCOUNT);
	if (!df) {
		vfio_device_put_registration(vdev);
		return -ENOMEM;
	}
	df->vdev = vdev;
	spin_lock_init(&df->kvm_lock);
	xa_init_flags(&df->attached, XA_FLAGS_ACCOUNT);
	vfio_share_mapping(vdev, file);
	file->private_data = df;
	return 0;
}

/*
 * May run in any task: the last reference may be that of another process, which received
 * the file over a socket, or the kernel's.  Don't depend on current.
 */
static int device_file_release(struct inode *inode, struct file *file)
{
	struct vfio_device_file *df = file->private_data;
	struct vfio_device *vdev = df->vdev;

	device_file_unbind(df);
	kfree(df);
	vfio_device_put_registration(vdev);
	return 0;
}

static ssize_t device_file_read(struct file *file, char __user *buf, size_t count,
				loff_t *pos)
{
	struct vfio_device_file *df = file->private_data;
	struct vfio_device *vdev = df->vdev;

	if (!device_file_granted(df) || !vdev->ops->read)
		return -EINVAL;
	return vdev->ops->read(vdev, buf, count, pos);
}

static ssize_t device_file_write(struct file *file, const char __user *buf,
				 size_t count, loff_t *pos)
{
	struct vfio_device_file *df = file->private_data;

	if (!device_file_granted(df))
		return -EINVAL;
	return device_file_forward_write(df, buf, count, pos);
}

static int device_file_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vfio_device_file *df = file->private_data;
	struct vfio_device *vdev = df->vdev;

	if (!device_file_granted(df) || !vdev->ops->mmap)
		return -EINVAL;
	return vdev->ops->mmap(vdev, vma);
}

/* Drivers with power management expect the device to be resumed when they are called. */
static bool device_manages_power(struct device *dev)
{
	return dev->driver && dev->driver->pm;
}

static int device_file_wake(struct device *dev)
{
	int rc;

	if (!device_manages_power(dev))
		return 0;
	rc = pm_runtime_resume_and_get(dev);
	if (!rc)
		return 0;
	log_refused(dev, "call", rc, "the device can't be resumed");
	return -EIO;
}

static void device_file_let_sleep(struct device *dev)
{
	if (device_manages_power(dev))
		pm_runtime_put(dev);
}

static long device_file_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vfio_device_file *df = file->private_data;
	struct device *dev = df->vdev->dev;
	void __user *user = (void __user *)arg;
	long rc;

	if (cmd == VFIO_DEVICE_BIND_IOMMUFD)
		return device_file_bind(df, user);
	if (!device_file_granted(df))
		return -EINVAL;

	rc = device_file_wake(dev);
	if (rc)
		return rc;
	switch (cmd) {
	case VFIO_DEVICE_ATTACH_IOMMUFD_PT:
		rc = device_file_attach(df, user);
		break;
	case VFIO_DEVICE_DETACH_IOMMUFD_PT:
		rc = device_file_detach(df, user);
		break;
	default:
		rc = device_file_forward(df, cmd, user);
		break;
	}
	device_file_let_sleep(dev);
	return rc;
}

static void device_file_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct vfio_device_file *df = file->private_data;
	char *path;

	path = kobject_get_path(&df->vdev->dev->kobj, GFP_KERNEL);
	if (!path)
		return;
	seq_printf(m, "vfio-device-syspath: /sys%s\n", path);
	kfree(path);
	if (device_file_granted(df))
		iommufd_device_show_fdinfo(m, df->idev);
}

const struct file_operations device_file_fops = {
	.owner = THIS_MODULE,
	.open = device_file_open,
	.release = device_file_release,
	.read = device_file_read,
	.write = device_file_write,
	.mmap = device_file_mmap,
	.unlocked_ioctl = device_file_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = device_file_show_fdinfo,
};

int device_node_create(struct vfio_device *vdev)
{
	int rc;

	rc = xa_insert(&nodes, vdev->index, vdev, GFP_KERNEL);
	if (rc)
		return rc;
	rc = node_publish(vdev);
	if (rc)
		xa_erase(&nodes, vdev->index);
	return rc;
}

/* Open files have references of their own and stay usable. */
void device_node_remove(struct vfio_device *vdev)
{
	if (xa_load(&nodes, vdev->index) != vdev)
		return;
	xa_erase(&nodes, vdev->index);
	node_withdraw(vdev);
}

/*
 * Linux 6.1 removes a device's class device, and with it the node, only after all files are
 * closed: refuse new ones meanwhile, as they would delay that without bound.
 */
static int device_file_bus_event(struct notifier_block *nb, unsigned long event, void *dev)
{
	struct vfio_device *vdev;
	unsigned long minor;

	if (event != BUS_NOTIFY_UNBIND_DRIVER)
		return NOTIFY_DONE;
	xa_lock(&nodes);
	xa_for_each(&nodes, minor, vdev)
		if (vdev->dev == dev)
			__xa_set_mark(&nodes, minor, NODE_LEAVING);
	xa_unlock(&nodes);
	return NOTIFY_DONE;
}

static struct notifier_block pci_notifier = { .notifier_call = device_file_bus_event };
static struct notifier_block platform_notifier = { .notifier_call = device_file_bus_event };

static int buses_watch(void)
{
	int rc;

	rc = bus_register_notifier(&pci_bus_type, &pci_notifier);
	if (rc)
		return rc;
	rc = bus_register_notifier(&platform_bus_type, &platform_notifier);
	if (rc)
		bus_unregister_notifier(&pci_bus_type, &pci_notifier);
	return rc;
}

static void buses_unwatch(void)
{
	bus_unregister_notifier(&platform_bus_type, &platform_notifier);
	bus_unregister_notifier(&pci_bus_type, &pci_notifier);
}

static int device_node_register(void)
{
	int rc;

	node_cdev = cdev_alloc();
	if (!node_cdev)
		return -ENOMEM;
	node_cdev->ops = &device_file_fops;
	node_cdev->owner = THIS_MODULE;
	rc = cdev_add(node_cdev, node_base, NODE_MINORS);
	if (rc)
		kobject_put(&node_cdev->kobj);
	return rc;
}

int device_node_init(void)
{
	int rc;

	rc = alloc_chrdev_region(&node_base, 0, NODE_MINORS, "vfio-dev");
	if (rc)
		return rc;
	rc = buses_watch();
	if (rc)
		goto err_region;
	rc = device_node_register();
	if (rc)
		goto err_buses;
	return 0;

err_buses:
	buses_unwatch();
err_region:
	unregister_chrdev_region(node_base, NODE_MINORS);
	return rc;
}

void device_node_exit(void)
{
	cdev_del(node_cdev);
	buses_unwatch();
	unregister_chrdev_region(node_base, NODE_MINORS);
	WARN_ON(!xa_empty(&nodes));
}
