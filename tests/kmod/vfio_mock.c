// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio_mock.ko: a VFIO driver for tests, by VFIO's stock interface.  This is the node by
 * which a program makes devices, and tells them how to behave.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "vfio_mock_driver.h"

/* One open file of the node. */
struct control {
	struct mutex lock;		/* guards all below; not taken while a driver unbinds */
	struct device *dev;
	bool made;			/* by us, and not adopted */
	struct vfio_mock_make make;
	struct vfio_mock *m;		/* what served the device last; held */
	struct work_struct end;
};

static const struct file_operations control_fops;
static struct workqueue_struct *ends;

static void let_go(struct control *c)
{
	if (c->m)
		vfio_put_device(&c->m->vdev);
	c->m = NULL;
}

/* Has the device been bound to the driver, then that is what it talks to now. */
static int look(struct control *c)
{
	struct vfio_mock *m = vfio_mock_of(c->dev);

	if (!m)
		return -ENODEV;
	let_go(c);
	c->m = m;
	return 0;
}

/*
 * The device of another file, with a reference.  The group of an emulated one has no IOMMU,
 * which the core takes for granted of a device that it knows one for.
 */
static struct device *neighbour(struct control *c, int fd)
{
	struct device *dev = ERR_PTR(-EBADF);
	struct file *file = fget(fd);
	struct control *other;

	if (!file)
		return dev;
	other = file->private_data;
	if (file->f_op == &control_fops && other != c) {
		mutex_lock_nested(&other->lock, SINGLE_DEPTH_NESTING);
		if (other->made && other->make.kind == VFIO_MOCK_PHYSICAL)
			dev = get_device(other->dev);
		mutex_unlock(&other->lock);
	}
	fput(file);
	return dev;
}

static int control_make(struct control *c, void *data)
{
	struct vfio_mock_make *make = data;
	struct device *beside = NULL, *dev;

	if (c->dev)
		return -EEXIST;
	if (make->beside >= 0) {
		beside = neighbour(c, make->beside);
		if (IS_ERR(beside))
			return PTR_ERR(beside);
	}
	dev = vfio_mock_create(make, beside);
	put_device(beside);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	c->dev = dev;
	c->made = true;
	c->make = *make;
	return look(c);
}

static int control_adopt(struct control *c, void *data)
{
	struct vfio_mock_adopt *adopt = data;
	int rc;

	if (c->dev)
		return -EEXIST;
	adopt->name[sizeof(adopt->name) - 1] = 0;
	c->dev = vfio_mock_find_pci(adopt->name);
	if (!c->dev)
		return -ENOENT;
	rc = look(c);
	if (rc) {
		put_device(c->dev);
		c->dev = NULL;
	}
	return rc;
}

static int control_place(struct control *c, void *data)
{
	struct vfio_mock_place *place = data;
	struct iommu_group *group = iommu_group_get(c->dev);
	char *path = kobject_get_path(&c->dev->kobj, GFP_KERNEL);

	place->index = c->m->vdev.index;
	place->group = group ? iommu_group_id(group) : -1;
	if (path)
		snprintf(place->path, sizeof(place->path), "/sys%s", path);
	kfree(path);
	iommu_group_put(group);
	return path ? 0 : -ENOMEM;
}

static int control_behave(struct control *c, void *data)
{
	vfio_mock_set_behaviour(c->m, data);
#ifdef CONFIG_PM
	/* A device that couldn't be woken isn't tried again. */
	if (!c->m->behave.wake_error && c->dev->power.runtime_error)
		pm_runtime_set_suspended(c->dev);
#endif
	return 0;
}

static int control_seen(struct control *c, void *data)
{
	struct vfio_mock_seen *seen = data;

	*seen = c->m->seen;
#ifdef VFIO_CORE_MIG_PRECOPY_INFO
	seen->precopy_v2 = c->m->vdev.precopy_info_v2;
#endif
	return 0;
}

static int control_unbind(struct control *c)
{
	struct device *dev;

	mutex_lock(&c->lock);
	dev = get_device(c->dev);
	mutex_unlock(&c->lock);
	if (!dev)
		return -EBADFD;
	device_release_driver(dev);
	put_device(dev);
	return 0;
}

static int control_bind(struct control *c, void *data)
{
	int rc;

	if (c->made)
		rc = vfio_mock_bind(c->dev, &c->make);
	else
		rc = device_attach(c->dev);	/* by its driver_override: 1 */
	return rc < 0 ? rc : look(c);
}

static const struct {
	unsigned int number;
	bool fresh;			/* before there is a device */
	int (*run)(struct control *c, void *data);
} commands[] = {
	{ VFIO_MOCK_MAKE, true, control_make },
	{ VFIO_MOCK_ADOPT, true, control_adopt },
	{ VFIO_MOCK_PLACE, false, control_place },
	{ VFIO_MOCK_BEHAVE, false, control_behave },
	{ VFIO_MOCK_SEEN, false, control_seen },
	{ VFIO_MOCK_BIND, false, control_bind },
};

static int run(struct control *c, unsigned int index, void *data)
{
	int rc;

	mutex_lock(&c->lock);
	if (!commands[index].fresh && !c->m)
		rc = -EBADFD;
	else
		rc = commands[index].run(c, data);
	mutex_unlock(&c->lock);
	return rc;
}

static long control_ioctl(struct file *file, unsigned int number, unsigned long user)
{
	struct control *c = file->private_data;
	unsigned int i = 0;
	u64 data[32] = {};
	int rc;

	/* without the lock, as others look meanwhile what happens */
	if (number == VFIO_MOCK_UNBIND)
		return control_unbind(c);
	while (commands[i].number != number)
		if (++i == ARRAY_SIZE(commands))
			return -ENOTTY;
	if (WARN_ON(_IOC_SIZE(number) > sizeof(data)))
		return -EINVAL;
	if (_IOC_DIR(number) & _IOC_WRITE &&
	    copy_from_user(data, (void __user *)user, _IOC_SIZE(number)))
		return -EFAULT;
	rc = run(c, i, data);
	if (!rc && _IOC_DIR(number) & _IOC_READ &&
	    copy_to_user((void __user *)user, data, _IOC_SIZE(number)))
		rc = -EFAULT;
	return rc;
}

/* Waits for who has the device open. */
static void control_end(struct work_struct *work)
{
	struct control *c = container_of(work, struct control, end);

	if (c->made)
		vfio_mock_destroy(c->dev, c->make.kind);
	else
		put_device(c->dev);
	let_go(c);
	kfree(c);
}

static int control_open(struct inode *inode, struct file *file)
{
	struct control *c = kzalloc(sizeof(*c), GFP_KERNEL);

	if (!c)
		return -ENOMEM;
	mutex_init(&c->lock);
	INIT_WORK(&c->end, control_end);
	file->private_data = c;
	return 0;
}

/* The same process may still have the device open, and close it after this. */
static int control_release(struct inode *inode, struct file *file)
{
	struct control *c = file->private_data;

	queue_work(ends, &c->end);
	return 0;
}

static const struct file_operations control_fops = {
	.owner = THIS_MODULE,
	.open = control_open,
	.release = control_release,
	.unlocked_ioctl = control_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice control_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = VFIO_MOCK_NAME,
	.fops = &control_fops,
	.mode = 0600,
};

static int __init vfio_mock_init(void)
{
	int rc;

	ends = alloc_workqueue(VFIO_MOCK_NAME, WQ_UNBOUND, 0);
	if (!ends)
		return -ENOMEM;
	rc = vfio_mock_bus_init();
	if (rc)
		goto err_queue;
	rc = misc_register(&control_misc);
	if (rc)
		goto err_bus;
	return 0;

err_bus:
	vfio_mock_bus_exit();
err_queue:
	destroy_workqueue(ends);
	return rc;
}
module_init(vfio_mock_init);

static void __exit vfio_mock_exit(void)
{
	misc_deregister(&control_misc);
	destroy_workqueue(ends);
	vfio_mock_bus_exit();
}
module_exit(vfio_mock_exit);

MODULE_DESCRIPTION("VFIO driver for tests");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("IOMMUFD");
