// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_DEV_VFIO_FILE_ADD for device files.  KVM calls three exported functions of vfio.ko:
 * is this a VFIO file, which VM has it, is its DMA coherent.  vfio.ko knows legacy groups
 * only, and KVM has no other way to ask.  Each of the three gets a hook, which redirects
 * calls with a device file to a function of this module.  All other calls go on.
 *
 * KVM does all of its own part, the start of an assignment included.
 *
 * A VM can end while it has a file, so the file has only its address until BIND takes a
 * counted reference, which lives until the file's release.  The VM clears the address
 * before it ends, unless the hook is disabled meanwhile.  That of ftrace, which is tried
 * first, can't be; kprobes can, in debugfs, so BIND then looks for the VM (kvm.c).
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kallsyms.h>
#include <linux/module.h>
#include <linux/spinlock.h>

#include "../compat/hook.h"
#include "vfio.h"

/* The file by which the hooks are tried, or NULL. */
static struct file *kvm_hook_trial;

static bool kvm_hook_wants(void *file)
{
	return device_file_of(file) || (file && file == READ_ONCE(kvm_hook_trial));
}

/*
 * Is the caller vfio.ko, or vfio-pci for a hot reset?  They mean legacy groups.  Don't look
 * for KVM as the caller, as a tracer may have changed the return address.
 */
static bool kvm_hook_asked_by_vfio(unsigned long caller)
{
	char name[KSYM_SYMBOL_LEN];

	sprint_symbol_no_offset(name, caller);
	return strstr(name, "[vfio");
}

static noinline bool kvm_hook_check(struct file *file)
{
	return !kvm_hook_asked_by_vfio((unsigned long)__builtin_return_address(0));
}

static noinline void kvm_hook_set_kvm(struct file *file, struct kvm *kvm)
{
	struct vfio_device_file *df = device_file_of(file);

	spin_lock(&df->kvm_lock);
	df->kvm = kvm;
	spin_unlock(&df->kvm_lock);
}

static noinline bool kvm_hook_enforced_coherent(struct file *file)
{
	return iommufd_enforces_coherency(device_file_of(file)->vdev->dev);
}

static struct hook hooks[] = {
	{ .theirs = vfio_file_check, .ours = kvm_hook_check, .wants = kvm_hook_wants },
	{ .theirs = vfio_file_set_kvm, .ours = kvm_hook_set_kvm, .wants = kvm_hook_wants },
	{ .theirs = vfio_file_enforced_coherent, .ours = kvm_hook_enforced_coherent,
	  .wants = kvm_hook_wants },
};

/* NULL, or how the hooks were installed. */
static const struct hook_way *kvm_hook_way;

bool kvm_hook_can_miss(void)
{
	return kvm_hook_way && kvm_hook_way->can_miss;
}

/*
 * Call as KVM does, with a file that vfio.ko doesn't know.  Its operations are the kernel's,
 * because it may be closed after this module was unloaded.
 */
static int kvm_hook_try(void)
{
	bool (*check)(struct file *file) = hooks[0].theirs;
	struct file *file;
	bool works;

	file = anon_inode_getfile("[iommufd-vfio]", &generic_ro_fops, NULL, O_RDONLY);
	if (IS_ERR(file))
		return PTR_ERR(file);
	WRITE_ONCE(kvm_hook_trial, file);
	OPTIMIZER_HIDE_VAR(check);
	works = check(file);
	WRITE_ONCE(kvm_hook_trial, NULL);
	fput(file);
	return works ? 0 : -ENODEV;
}

static int kvm_hook_install(const struct hook_way *way)
{
	int rc;

	rc = hooks_install(way, hooks, ARRAY_SIZE(hooks));
	if (rc)
		return rc;
	rc = kvm_hook_try();
	if (rc)
		hooks_remove(way, hooks, ARRAY_SIZE(hooks));
	else
		kvm_hook_way = way;
	return rc;
}

static char kvm_param_wanted[8] = "auto";		/* or a way's name, or "off" */
static int kvm_hook_error;

static int kvm_param_set(const char *value, const struct kernel_param *param)
{
	const struct hook_way *way;
	bool known = sysfs_streq(value, "auto") || sysfs_streq(value, "off");

	for (way = hook_ways; way->name; way++)
		known |= sysfs_streq(value, way->name);
	if (!known)
		return -EINVAL;
	strscpy(kvm_param_wanted, value, sizeof(kvm_param_wanted));
	return 0;
}

static int kvm_param_get(char *buffer, const struct kernel_param *param)
{
	if (kvm_hook_way)
		return sysfs_emit(buffer, "%s\n", kvm_hook_way->name);
	if (!kvm_hook_error)
		return sysfs_emit(buffer, "off (disabled by parameter)\n");
	return sysfs_emit(buffer, "off: error %d\n", kvm_hook_error);
}

static const struct kernel_param_ops kvm_param = {
	.set = kvm_param_set,
	.get = kvm_param_get,
};
module_param_cb(kvm, &kvm_param, NULL, 0444);
MODULE_PARM_DESC(kvm,
		 "How KVM is told of device files: auto (default), ftrace, kprobe, off; reads as the one in use, or why none is");

/* Not an error: without hooks only KVM_DEV_VFIO_FILE_ADD doesn't work. */
void kvm_hook_init(void)
{
	const struct hook_way *way;
	int rc;

	if (!strcmp(kvm_param_wanted, "off")) {
		pr_info("KVM won't take device files, as kvm=off was given\n");
		return;
	}
	for (way = hook_ways; way->name && !kvm_hook_way; way++) {
		if (strcmp(kvm_param_wanted, "auto") && strcmp(kvm_param_wanted, way->name))
			continue;
		rc = kvm_hook_install(way);
		/* Report the error of the best way. */
		kvm_hook_error = kvm_hook_error ?: rc;
	}
	if (kvm_hook_way)
		pr_info("version %s, KVM is reached by %s\n", IOMMUFD_VERSION,
			kvm_hook_way->name);
	else if (!kvm_hook_error)
		kvm_hook_error = -EOPNOTSUPP;		/* the kernel has no way */
	if (!kvm_hook_way)
		pr_err("KVM won't take device files: no hook in vfio.ko, error %d%s\n",
		       kvm_hook_error, kvm_hook_error == -EBUSY ?
		       " (livepatch, or kernel.ftrace_enabled=0)" : "");
}

/* All device files are closed, so no call is in a redirected function. */
void kvm_hook_exit(void)
{
	if (kvm_hook_way)
		hooks_remove(kvm_hook_way, hooks, ARRAY_SIZE(hooks));
}
