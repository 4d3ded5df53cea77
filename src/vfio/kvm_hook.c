// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_DEV_VFIO_FILE_ADD for our files.  KVM asks vfio.ko by three exported
 * functions: is this a file of yours, who is the VM that has it, is its DMA
 * coherent.  vfio.ko knows legacy groups only, and nobody else can be asked.
 * So each of the three gets a hook, which sends calls with one of our files to a
 * function of ours.  All others go on as if nothing was there.
 *
 * KVM does all of its own part, the start of an assignment included.
 *
 * A VM can end while it has a file, so what is noted in the file is only an
 * address until BIND makes it a counted reference, which lives until the file's
 * release.  The VM takes its note back before it ends, unless the hook was gone
 * by then.  Therefore ftrace comes first: nobody can switch that one off under
 * us, as can be done to kprobes in debugfs.
 */
#include <linux/fs.h>
#include <linux/kallsyms.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "../compat/hook.h"
#include "vfio.h"

static bool kvm_hook_wants(void *file)
{
	return device_file_of(file);
}

/*
 * Is vfio.ko itself asking?  It means legacy groups, as does vfio-pci for a hot
 * reset.  Tracers may stand between us and KVM, so KVM isn't looked for.
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
static const struct hook_way *installed;

/* Asks as KVM does, about a file that is ours as far as the hooks look. */
static int kvm_hook_try(void)
{
	bool (*check)(struct file *file) = hooks[0].theirs;
	struct file *file = kzalloc_obj(*file);
	bool works;

	if (!file)
		return -ENOMEM;
	file->f_op = &device_file_fops;
	file->private_data = file;
	OPTIMIZER_HIDE_VAR(check);
	works = check(file);
	kfree(file);
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
		installed = way;
	return rc;
}

static char wish[8] = "auto";		/* or a way's name, or "off" */
static int why_not;

static int kvm_param_set(const char *value, const struct kernel_param *param)
{
	const struct hook_way *way;
	bool known = sysfs_streq(value, "auto") || sysfs_streq(value, "off");

	for (way = hook_ways; way->name; way++)
		known |= sysfs_streq(value, way->name);
	if (!known)
		return -EINVAL;
	strscpy(wish, value, sizeof(wish));
	return 0;
}

static int kvm_param_get(char *buffer, const struct kernel_param *param)
{
	if (installed)
		return sysfs_emit(buffer, "%s\n", installed->name);
	if (!why_not)
		return sysfs_emit(buffer, "off: as wished\n");
	return sysfs_emit(buffer, "off: error %d\n", why_not);
}

static const struct kernel_param_ops kvm_param = {
	.set = kvm_param_set,
	.get = kvm_param_get,
};
module_param_cb(kvm, &kvm_param, NULL, 0444);
MODULE_PARM_DESC(kvm,
		 "how KVM learns of our files: auto (default), ftrace, kprobe, off; reads as what came of it");

/* Without hooks everything but KVM_DEV_VFIO_FILE_ADD works. */
void kvm_hook_init(void)
{
	const struct hook_way *way;
	int rc;

	if (!strcmp(wish, "off")) {
		pr_info("KVM won't take device files, as kvm=off was given\n");
		return;
	}
	for (way = hook_ways; way->name && !installed; way++) {
		if (strcmp(wish, "auto") && strcmp(wish, way->name))
			continue;
		rc = kvm_hook_install(way);
		/* The best way's error is told. */
		why_not = why_not ?: rc;
	}
	if (installed)
		pr_info("version %s, KVM is reached by %s\n", IOMMUFD_VERSION,
			installed->name);
	else if (!why_not)
		why_not = -EOPNOTSUPP;		/* there is no way */
	if (!installed)
		pr_err("KVM won't take device files: no hook in vfio.ko, error %d%s\n",
		       why_not, why_not == -EBUSY ?
		       " (livepatch, or kernel.ftrace_enabled=0)" : "");
}

/* No file is open any more, so nobody is in a function of ours. */
void kvm_hook_exit(void)
{
	if (installed)
		hooks_remove(installed, hooks, ARRAY_SIZE(hooks));
}
