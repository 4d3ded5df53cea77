// SPDX-License-Identifier: GPL-2.0-only
/* A driver that does nothing but use access objects, at a program's command. */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <iommufd/iommufd.h>

#include "iommufd_access_test_driver.h"

static const struct iommufd_access_ops ops_plain = {};

static const struct iommufd_access_ops ops_pins = {
	.needs_pin_pages = 1,
	.unmap = tester_unmap,
};

static const struct iommufd_access_ops ops_no_unmap = {
	.needs_pin_pages = 1,
};

static int tester_create(struct tester *tester, void *data)
{
	const struct iommufd_access_ops *ops = &ops_plain;
	struct access_test_create *arg = data;
	struct iommufd_access *access;
	struct iommufd_ctx *ctx;

	if (tester->access)
		return -EEXIST;
	if (arg->flags)
		ops = arg->flags & ACCESS_TEST_NO_UNMAP ? &ops_no_unmap : &ops_pins;
	ctx = iommufd_ctx_from_fd(arg->iommufd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	access = iommufd_access_create(ctx, ops, tester, &arg->out_id);
	iommufd_ctx_put(ctx);
	if (IS_ERR(access))
		return PTR_ERR(access);
	tester->access = access;
	return 0;
}

static int tester_destroy(struct tester *tester, void *data)
{
	iommufd_access_destroy(tester->access);
	WARN_ON(!list_empty(&tester->pins));
	tester->access = NULL;
	tester->attached = false;
	return 0;
}

static int tester_attach(struct tester *tester, void *data)
{
	const struct access_test_target *arg = data;
	int rc;

	mutex_lock(&tester->attach_lock);
	rc = iommufd_access_attach(tester->access, arg->ioas_id);
	if (!rc)
		tester->attached = true;
	mutex_unlock(&tester->attach_lock);
	return rc;
}

static int tester_replace(struct tester *tester, void *data)
{
	const struct access_test_target *arg = data;
	int rc;

	mutex_lock(&tester->attach_lock);
	rc = iommufd_access_replace(tester->access, arg->ioas_id);
	mutex_unlock(&tester->attach_lock);
	return rc;
}

static int tester_detach(struct tester *tester, void *data)
{
	int rc = -ENOTCONN;

	mutex_lock(&tester->attach_lock);
	if (tester->attached) {
		iommufd_access_detach(tester->access);
		tester->attached = false;
		rc = 0;
	}
	mutex_unlock(&tester->attach_lock);
	return rc;
}

static int tester_behave(struct tester *tester, void *data)
{
	const struct access_test_behave *arg = data;

	mutex_lock(&tester->lock);
	tester->refuse = arg->refuse;
	WRITE_ONCE(tester->pause_us, min(arg->pause_us, 1000000u));
	mutex_unlock(&tester->lock);
	return 0;
}

static int tester_state(struct tester *tester, void *data)
{
	mutex_lock(&tester->lock);
	*(struct access_test_state *)data = tester->state;
	mutex_unlock(&tester->lock);
	return 0;
}

struct command {
	unsigned int number;
	int (*run)(struct tester *tester, void *arg);
	enum { ANY, USES, CHANGES } with;	/* what it does with tester->access */
};

static const struct command commands[] = {
	{ ACCESS_TEST_CREATE, tester_create, CHANGES },
	{ ACCESS_TEST_DESTROY, tester_destroy, CHANGES },
	{ ACCESS_TEST_ATTACH, tester_attach, USES },
	{ ACCESS_TEST_REPLACE, tester_replace, USES },
	{ ACCESS_TEST_DETACH, tester_detach, USES },
	{ ACCESS_TEST_PIN, tester_pin, USES },
	{ ACCESS_TEST_UNPIN, tester_unpin, USES },
	{ ACCESS_TEST_COPY, tester_copy, USES },
	{ ACCESS_TEST_BEHAVE, tester_behave, ANY },
	{ ACCESS_TEST_STATE, tester_state, ANY },
};

static int command_run(struct tester *tester, const struct command *command,
		       void *arg)
{
	int rc = -EBADFD;

	if (command->with == ANY)
		return command->run(tester, arg);
	if (command->with == CHANGES) {
		down_write(&tester->life);
		if (tester->access || command->number == ACCESS_TEST_CREATE)
			rc = command->run(tester, arg);
		up_write(&tester->life);
		return rc;
	}
	down_read(&tester->life);
	if (tester->access)
		rc = command->run(tester, arg);
	up_read(&tester->life);
	return rc;
}

static long tester_ioctl(struct file *file, unsigned int number, unsigned long user)
{
	const struct command *command = commands;
	u64 arg[8] = {};
	int rc;

	while (command->number != number)
		if (++command == commands + ARRAY_SIZE(commands))
			return -ENOTTY;
	if (_IOC_DIR(number) & _IOC_WRITE &&
	    copy_from_user(arg, (void __user *)user, _IOC_SIZE(number)))
		return -EFAULT;
	rc = command_run(file->private_data, command, arg);
	if (!rc && _IOC_DIR(number) & _IOC_READ &&
	    copy_to_user((void __user *)user, arg, _IOC_SIZE(number)))
		rc = -EFAULT;
	return rc;
}

static int tester_open(struct inode *inode, struct file *file)
{
	struct tester *tester = kzalloc(sizeof(*tester), GFP_KERNEL);

	if (!tester)
		return -ENOMEM;
	init_rwsem(&tester->life);
	mutex_init(&tester->attach_lock);
	mutex_init(&tester->lock);
	INIT_LIST_HEAD(&tester->pins);
	file->private_data = tester;
	return 0;
}

static int tester_release(struct inode *inode, struct file *file)
{
	struct tester *tester = file->private_data;

	tester->refuse = 0;
	if (tester->access)
		tester_destroy(tester, NULL);
	kfree(tester);
	return 0;
}

static const struct file_operations tester_fops = {
	.owner = THIS_MODULE,
	.open = tester_open,
	.release = tester_release,
	.unlocked_ioctl = tester_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice tester_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = ACCESS_TEST_NAME,
	.fops = &tester_fops,
	.mode = 0600,
};
module_misc_device(tester_misc);

MODULE_DESCRIPTION("Test of iommufd's access objects");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("IOMMUFD");
