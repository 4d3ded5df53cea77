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

#include "vfio.h"

struct group_hold {
	struct list_head entry;		/* under hold_lock */
	unsigned int users;		/* the same; bound devices, and who tries to be */
	dev_t devt;
	struct mutex open_lock;		/* while the node is being opened */
	struct file *file;
};

static DEFINE_MUTEX(hold_lock);
static LIST_HEAD(holds);

static struct vfsmount *hold_mount;
static int hold_mount_users;

static int hold_fs_init(struct fs_context *fc)
{
	return init_pseudo(fc, 0x696f6d6d) ? 0 : -ENOMEM;
}

/* Mounted while a node is being opened; then its file keeps the mount. */
static struct file_system_type hold_fs = {
	.name = "iommufd_vfio",
	.owner = THIS_MODULE,
	.init_fs_context = hold_fs_init,
	.kill_sb = kill_anon_super,
};

/* A directory entry without a name for the device number. */
static struct dentry *node_dentry(dev_t devt)
{
	struct inode *inode = alloc_anon_inode(hold_mount->mnt_sb);

	if (IS_ERR(inode))
		return ERR_CAST(inode);
	init_special_inode(inode, S_IFCHR | 0600, devt);
	return d_obtain_alias(inode);
}

/* As the kernel, because it isn't the caller who uses the node. */
static struct file *open_as_kernel(const struct path *path)
{
	struct cred *cred = prepare_kernel_cred(&init_task);
	struct file *file;

	if (!cred)
		return ERR_PTR(-ENOMEM);
	file = dentry_open(path, O_RDWR, cred);
	put_cred(cred);
	return file;
}

static struct file *open_node(dev_t devt)
{
	struct file *file;
	struct path path;
	int rc;

	rc = simple_pin_fs(&hold_fs, &hold_mount, &hold_mount_users);
	if (rc)
		return ERR_PTR(rc);
	path.mnt = hold_mount;
	path.dentry = node_dentry(devt);
	if (IS_ERR(path.dentry)) {
		file = ERR_CAST(path.dentry);
	} else {
		file = open_as_kernel(&path);
		dput(path.dentry);
	}
	simple_release_fs(&hold_mount, &hold_mount_users);
	return file;
}

static struct group_hold *hold_find(dev_t devt)
{
	struct group_hold *hold;

	lockdep_assert_held(&hold_lock);
	list_for_each_entry(hold, &holds, entry)
		if (hold->devt == devt)
			return hold;
	return NULL;
}

static struct group_hold *hold_create(dev_t devt)
{
	struct group_hold *hold;

	lockdep_assert_held(&hold_lock);
	hold = kzalloc_obj(*hold, GFP_KERNEL_ACCOUNT);
	if (!hold)
		return NULL;
	hold->devt = devt;
	mutex_init(&hold->open_lock);
	list_add(&hold->entry, &holds);
	return hold;
}

/*
 * The first user opens the node.  It may wait long for a legacy program that is
 * busy with the group; who binds a device of another group doesn't.
 */
static int hold_open(struct group_hold *hold)
{
	struct file *file;
	int rc = 0;

	mutex_lock(&hold->open_lock);
	if (!hold->file) {
		file = open_node(hold->devt);
		if (IS_ERR(file))
			rc = PTR_ERR(file);
		else
			hold->file = file;
	}
	mutex_unlock(&hold->open_lock);
	return rc;
}

/* @hold becomes NULL on a kernel without groups. */
int group_hold_get(struct vfio_device *vdev, struct group_hold **hold)
{
	struct group_hold *found;
	dev_t devt;
	int rc;

	*hold = NULL;
	rc = vfio_group_devt(vdev, &devt);
	if (rc || !devt)
		return rc;

	mutex_lock(&hold_lock);
	found = hold_find(devt);
	if (!found)
		found = hold_create(devt);
	if (found)
		found->users++;
	mutex_unlock(&hold_lock);
	if (!found)
		return -ENOMEM;

	rc = hold_open(found);
	if (rc)
		group_hold_put(found);
	else
		*hold = found;
	return rc;
}

/* The group is free for others before the caller returns to user space. */
void group_hold_put(struct group_hold *hold)
{
	if (!hold)
		return;
	mutex_lock(&hold_lock);
	if (--hold->users) {
		mutex_unlock(&hold_lock);
		return;
	}
	list_del(&hold->entry);
	mutex_unlock(&hold_lock);

	if (hold->file)
		fput(hold->file);
	mutex_destroy(&hold->open_lock);
	kfree(hold);
}
