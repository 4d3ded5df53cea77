// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeping the legacy path out.  A group's node (/dev/vfio/<group>) can be open
 * once, so as long as one of its devices is bound, we have it open: who comes
 * after us gets -EBUSY, and who was there before us makes our open fail with
 * -EBUSY.  Both are what vfio.ko answers between its own two paths.
 *
 * The node is opened by its device number, through an inode of our own: paths
 * mean something else in each container.
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
 * What is open is closed by the kernel a little after we let go of it, and until
 * then our own file would keep ourselves out.  So a hold without users stays in
 * the list until its directory entry goes, which is after the file's release.
 */
struct group_hold {
	struct list_head entry;		/* under hold_lock */
	unsigned int users;		/* the same; bound devices, and who tries to be */
	dev_t devt;
	struct mutex open_lock;		/* while the node is being opened */
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
		return;		/* was never open */
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

/* Mounted while a node is being opened; then its file keeps the mount. */
static struct file_system_type hold_fs = {
	.name = "iommufd_vfio",
	.owner = THIS_MODULE,
	.init_fs_context = group_hold_fs_init,
	.kill_sb = kill_anon_super,
};

/* A directory entry without a name for the device number. */
static struct dentry *group_hold_dentry(dev_t devt)
{
	struct inode *inode = alloc_anon_inode(hold_mount->mnt_sb);

	if (IS_ERR(inode))
		return ERR_CAST(inode);
	init_special_inode(inode, S_IFCHR | 0600, devt);
	return d_obtain_alias(inode);
}

/* As the kernel, because it isn't the caller who uses the node. */
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

/* Becomes a user of the group's hold; @new becomes it if there is none. */
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
		hold = NULL;	/* is being closed */
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
 * The first user opens the node.  It may wait long for a legacy program that is
 * busy with the group; who binds a device of another group doesn't.
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

/* @hold becomes NULL on a kernel without groups. */
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
	/* One that is being closed is so before its closer returns to user space. */
	rc = wait_event_killable(hold_gone, (found = group_hold_join(devt, new)));
	if (found != new)
		kfree(new);
	if (!found)
		return rc;

	rc = group_hold_open(found);
	if (rc)
		group_hold_put(found);
	else
		*hold = found;
	return rc;
}

/* The group is free for others before the caller returns to user space. */
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
		fput(file);	/* and group_hold_closed() ends it */
	else
		kfree(hold);
}
