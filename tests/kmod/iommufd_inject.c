// SPDX-License-Identifier: GPL-2.0-only
/*
 * The door to tests/mock/inject.h, in /sys/kernel/debug/iommufd_inject:
 *
 *   fail   "N" makes the writer's N-th call fail, "N+" also those behind it that need
 *          memory; "0" none, to count.  Reading ends it and tells "fired F of S WHERE":
 *          how many failed, how many calls there were, the first that failed.
 *   live   "1" begins to track memory, "0" ends it; reading lists who got what is live
 *   sites  each call of iommufd.ko that can fail: file, line, name, hits, failures
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "../../src/hw/hw.h"

static struct dentry *directory;

static void fail_end(struct injection *injection)
{
	if (!injection->task)
		return;
	inject_disarm(injection);
	put_task_struct(injection->task);
	injection->task = NULL;
}

static int fail_open(struct inode *inode, struct file *file)
{
	file->private_data = kzalloc(sizeof(struct injection), GFP_KERNEL);
	return file->private_data ? 0 : -ENOMEM;
}

static int fail_release(struct inode *inode, struct file *file)
{
	fail_end(file->private_data);
	kfree(file->private_data);
	return 0;
}

static ssize_t fail_write(struct file *file, const char __user *user, size_t size,
			  loff_t *pos)
{
	struct injection *injection = file->private_data;
	char text[24] = {}, *end;

	fail_end(injection);
	if (!size || size >= sizeof(text) || copy_from_user(text, user, size))
		return -EINVAL;
	injection->nth = simple_strtoul(text, &end, 10);
	injection->onward = *end == '+';
	injection->task = get_task_struct(current);
	inject_arm(injection);
	return size;
}

static ssize_t fail_read(struct file *file, char __user *user, size_t size, loff_t *pos)
{
	struct injection *injection = file->private_data;
	char text[128];
	int n;

	fail_end(injection);
	n = scnprintf(text, sizeof(text), "fired %lu of %lu %s\n", injection->fired,
		      injection->seen, injection->where);
	return simple_read_from_buffer(user, size, pos, text, n);
}

static const struct file_operations fail_fops = {
	.owner = THIS_MODULE,
	.open = fail_open,
	.release = fail_release,
	.read = fail_read,
	.write = fail_write,
	.llseek = default_llseek,
};

static void live_one(void *data, const char *where)
{
	seq_printf(data, "%s\n", where);
}

static int live_show(struct seq_file *seq, void *unused)
{
	/* What is only kept for a while isn't lost. */
	hw_attachments_exit();
	inject_each_live(live_one, seq);
	return 0;
}

static int live_open(struct inode *inode, struct file *file)
{
	return single_open(file, live_show, NULL);
}

static ssize_t live_write(struct file *file, const char __user *user, size_t size,
			  loff_t *pos)
{
	bool on;
	int rc = kstrtobool_from_user(user, size, &on);

	if (rc)
		return rc;
	inject_track_all(on);
	return size;
}

static const struct file_operations live_fops = {
	.owner = THIS_MODULE,
	.open = live_open,
	.release = single_release,
	.read = seq_read,
	.write = live_write,
	.llseek = seq_lseek,
};

static void sites_one(void *data, const struct inject_site *site)
{
	const char *file = strstr(site->file, "src/") ?: strstr(site->file, "tests/");

	seq_printf(data, "%s %u %s %lu %lu\n", file ?: site->file, site->line, site->what,
		   site->hits, site->fired);
}

static int sites_show(struct seq_file *seq, void *unused)
{
	inject_each_site(sites_one, seq);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(sites);

static int __init inject_init(void)
{
	directory = debugfs_create_dir("iommufd_inject", NULL);
	debugfs_create_file("fail", 0600, directory, NULL, &fail_fops);
	debugfs_create_file("live", 0600, directory, NULL, &live_fops);
	debugfs_create_file("sites", 0400, directory, NULL, &sites_fops);
	return PTR_ERR_OR_ZERO(directory);
}
module_init(inject_init);

static void __exit inject_exit(void)
{
	debugfs_remove_recursive(directory);
	inject_track_all(false);
}
module_exit(inject_exit);

MODULE_DESCRIPTION("Test door to the failures of iommufd's test build");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("IOMMUFD");
