// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lock out the legacy path.  A group's node (/dev/vfio/<group>) can be opened only once, so
 * keep it open while one of the group's devices is bound: later openers get -EBUSY, and
 * BIND does if it was open before.  vfio.ko returns the same between its own two paths.
 *
 * Open the node by device number, through an inode of a private filesystem: paths depend on
 * the container.
 */
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/mutex.h>
#include <linux/pseudo_fs.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "vfio.h"

/*
 * fput() closes a file with delay, and until then it would lock out the next BIND.  So a
 * hold without users stays in the list until its dentry is released, which comes after the
 * file's release.
 */
struct group_hold {
	struct list_head entry;		/* under hold_lock */
	unsigned int users;		/* devices bound or being bound; under hold_lock */
	dev_t devt;
	struct mutex open_lock;		/* serializes opening; protects @file */
	struct file *file;
};

static DEFINE_SPINLOCK(hold_lock);
static LIST_HEAD(holds);
static DECLARE_WAIT_QUEUE_HEAD(hold_gone);

static struct vfsmount *hold_mount;
static int hold_mount_users;

static void group_hold_closed(struct dentry *dentry)
{
	struct group_hold *hold = dentry->d_fsdata;

	if (!hold)
		return;		/* never opened */
	spin_lock(&hold_lock);
	list_del(&hold->entry);
	spin_unlock(&hold_lock);
	kfree(hold);
	wake_up_all(&hold_gone);
}

static const struct dentry_operations hold_dentry_ops = {
	.d_release = group_hold_closed,
};

static int group_hold_fs_init(struct fs_context *fc)
{
	struct pseudo_fs_context *ctx = init_pseudo(fc, 0x696f6d6d);

	if (!ctx)
		return -ENOMEM;
	ctx->dops = &hold_dentry_ops;
	return 0;
}

/* Mounted while a node is being opened; its file pins the mount afterwards. */
static struct file_system_type hold_fs = {
	.name = "iommufd_vfio",
	.owner = THIS_MODULE,
	.init_fs_context = group_hold_fs_init,
	.kill_sb = kill_anon_super,
};

/* Create an unnamed dentry for the device number. */
static struct dentry *group_hold_dentry(dev_t devt)
{
	struct inode *inode = alloc_anon_inode(hold_mount->mnt_sb);

	if (IS_ERR(inode))
		return ERR_CAST(inode);
	init_special_inode(inode, S_IFCHR | 0600, devt);
	return d_obtain_alias(inode);
}

/* With kernel credentials: the caller of BIND needs no permission for the group node. */
static struct file *group_hold_open_as_kernel(const struct path *path)
{
	struct cred *cred = prepare_kernel_cred(&init_task);
	struct file *file;

	if (!cred)
		return ERR_PTR(-ENOMEM);
	file = dentry_open(path, O_RDWR, cred);
	put_cred(cred);
	return file;
}

static struct file *group_hold_open_node(dev_t devt)
{
	struct file *file;
	struct path path;
	int rc;

	rc = simple_pin_fs(&hold_fs, &hold_mount, &hold_mount_users);
	if (rc)
		return ERR_PTR(rc);
	path.mnt = hold_mount;
	path.dentry = group_hold_dentry(devt);
	if (IS_ERR(path.dentry)) {
		file = ERR_CAST(path.dentry);
	} else {
		file = group_hold_open_as_kernel(&path);
		dput(path.dentry);
	}
	simple_release_fs(&hold_mount, &hold_mount_users);
	return file;
}

static struct group_hold *group_hold_find(dev_t devt)
{
	struct group_hold *hold;

	lockdep_assert_held(&hold_lock);
	list_for_each_entry(hold, &holds, entry)
		if (hold->devt == devt)
			return hold;
	return NULL;
}

/* Join the group's hold, or add @new if there is none.  Return NULL if it is closing. */
static struct group_hold *group_hold_join(dev_t devt, struct group_hold *new)
{
	struct group_hold *hold;

	spin_lock(&hold_lock);
	hold = group_hold_find(devt);
	if (!hold) {
		hold = new;
		list_add(&hold->entry, &holds);
		hold->users = 1;
	} else if (hold->users) {
		hold->users++;
	} else {
		hold = NULL;	/* closing */
	}
	spin_unlock(&hold_lock);
	return hold;
}

static struct group_hold *group_hold_create(dev_t devt)
{
	struct group_hold *hold = kzalloc_obj(*hold, GFP_KERNEL_ACCOUNT);

	if (hold) {
		hold->devt = devt;
		mutex_init(&hold->open_lock);
	}
	return hold;
}

/*
 * The first user opens the node.  That may wait long for a legacy program that uses the
 * group; BIND of devices in other groups isn't delayed.
 */
static int group_hold_open(struct group_hold *hold)
{
	struct file *file;
	int rc;

	rc = mutex_lock_killable(&hold->open_lock);
	if (rc)
		return rc;
	if (!hold->file) {
		file = group_hold_open_node(hold->devt);
		if (IS_ERR(file)) {
			rc = PTR_ERR(file);
		} else {
			file->f_path.dentry->d_fsdata = hold;
			hold->file = file;
		}
	}
	mutex_unlock(&hold->open_lock);
	return rc;
}

/* *@hold is NULL on kernels without groups. */
int group_hold_get(struct vfio_device *vdev, struct group_hold **hold)
{
	struct group_hold *new, *found;
	dev_t devt;
	int rc;

	*hold = NULL;
	rc = vfio_group_devt(vdev, &devt);
	if (rc || !devt)
		return rc;

	new = group_hold_create(devt);
	if (!new)
		return -ENOMEM;
	/* A closing hold goes before the task that closes it returns to user space. */
	rc = wait_event_killable(hold_gone, (found = group_hold_join(devt, new)));
	if (found != new)
		kfree(new);
	if (rc)
		return -EINTR;

	rc = group_hold_open(found);
	if (rc)
		group_hold_put(found);
	else
		*hold = found;
	return rc;
}

/* The group can be opened by others before the caller returns to user space. */
void group_hold_put(struct group_hold *hold)
{
	struct file *file;

	if (!hold)
		return;
	spin_lock(&hold_lock);
	if (--hold->users) {
		spin_unlock(&hold_lock);
		return;
	}
	file = hold->file;
	if (!file)
		list_del(&hold->entry);
	spin_unlock(&hold_lock);

	if (file)
		fput(file);	/* group_hold_closed() frees the hold */
	else
		kfree(hold);
}
