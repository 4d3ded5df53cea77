// SPDX-License-Identifier: GPL-2.0-only
/* BTF of the running kernel and of its modules, as sysfs has it. */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/path.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/vmalloc.h>

#include "btf_file.h"

#define BTF_SIZE_MAX	(64 << 20)

/* Where the first process has its root directory, which no user can change. */
static int btf_file_root(struct path *root)
{
	struct task_struct *first;

	rcu_read_lock();
	first = get_pid_task(find_pid_ns(1, &init_pid_ns), PIDTYPE_TGID);
	rcu_read_unlock();
	if (!first)
		return -ENOENT;
	task_lock(first);
	get_fs_root(first->fs, root);
	task_unlock(first);
	put_task_struct(first);
	return 0;
}

/*
 * Not kernel_read_file(), for which there is no matching kind of file: security modules then
 * refuse it or warn.
 */
static struct file *btf_file_open_path(const char *path)
{
	const struct cred *kernels = prepare_kernel_cred(&init_task), *callers;
	struct file *file = ERR_PTR(-ENOENT);
	struct path root;

	if (!kernels)
		return ERR_PTR(-ENOMEM);
	if (!btf_file_root(&root)) {
		callers = override_creds(kernels);
		file = file_open_root(&root, path, O_RDONLY, 0);
		revert_creds(callers);
		path_put(&root);
	}
	put_cred(kernels);
	return file;
}

static void *btf_file_read(struct file *file, size_t *size)
{
	loff_t at = 0, length = i_size_read(file_inode(file));
	ssize_t n = 1;
	void *data;

	if (length <= 0 || length > BTF_SIZE_MAX)
		return NULL;
	data = vmalloc(length);
	while (data && n > 0 && at < length)
		n = kernel_read(file, data + at, length - at, &at);
	if (at < length) {
		vfree(data);
		return NULL;
	}
	*size = length;
	return data;
}

int btf_file_open(struct btf_file *file, const char *path, const struct btf_file *base)
{
	struct file *from = btf_file_open_path(path);
	size_t size;
	int rc;

	if (IS_ERR(from))
		return -ENOENT;
	file->data = btf_file_read(from, &size);
	fput(from);
	if (!file->data)
		return -ENOENT;
	rc = btf_open(&file->btf, base ? &base->btf : NULL, file->data, size);
	if (rc)
		vfree(file->data);
	return rc;
}

void btf_file_close(struct btf_file *file)
{
	btf_close(&file->btf);
	vfree(file->data);
}
