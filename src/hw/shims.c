// SPDX-License-Identifier: GPL-2.0-only
/* Initialisation of the built-in shims. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#include "btf_file.h"
#include "ksym.h"
#include "shims.h"

static const struct hw_shim_module *const shim_modules[] = {
#ifdef CONFIG_ARM_SMMU_V3
	&smmuv3_shim_module,
#endif
#ifdef IOMMUFD_VTD_SHIM
	&vtd_shim_module,
#endif
#ifdef IOMMUFD_VTD_FAULTS
	&vtd_faults_module,
#endif
#ifdef IOMMUFD_DRIVER_PT
	&vtd_dirty_module,
	&amd_dirty_module,
#endif
	NULL
};

#define SHIMS_MAX ARRAY_SIZE(shim_modules)

/* Result for each shim.  Only @failed is written after the module was loaded. */
static struct shim_state {
	bool needed;
	bool on;
	struct layout_why why;
	const char *failed;	/* since; or NULL */
} shim_states[SHIMS_MAX];

static bool shims_off;

static int shims_set(const char *value, const struct kernel_param *param)
{
	if (sysfs_streq(value, "off"))
		shims_off = true;
	else if (!sysfs_streq(value, "auto"))
		return -EINVAL;
	return 0;
}

static const char *shim_text(const struct shim_state *state)
{
	if (shims_off)
		return "off";
	if (!state->needed)
		return "not needed";
	if (READ_ONCE(state->failed))
		return state->failed;
	return state->on ? "on" : state->why.text;
}

static int shims_get(char *buffer, const struct kernel_param *param)
{
	size_t i, length = scnprintf(buffer, PAGE_SIZE, "%s\n", shims_off ? "off" : "auto");

	for (i = 0; shim_modules[i]; i++)
		length += scnprintf(buffer + length, PAGE_SIZE - length, "%s: %s\n",
				    shim_modules[i]->name, shim_text(&shim_states[i]));
	return length;
}

static const struct kernel_param_ops shims_ops = {
	.set = shims_set,
	.get = shims_get,
};

module_param_cb(shims, &shims_ops, NULL, 0444);
MODULE_PARM_DESC(shims,
		 "Features built on private structures of IOMMU drivers, such as nested page tables: auto (default, if the structures are as expected) or off; reads as their state");

static int shim_init(const struct hw_shim_module *shim, const struct btf_data *btf,
		     struct layout_why *why)
{
	int rc = ksym_open(btf);

	if (rc) {
		strscpy(why->text, "the kernel's symbols can't be looked up", sizeof(why->text));
		return rc;
	}
	rc = shim->init(btf, why);
	ksym_close();
	return rc;
}

static void shim_log(const struct hw_shim_module *shim, const char *why)
{
	pr_notice("no %s by %s: %s\n", shim->feature, shim->name, why);
}

void hw_shim_failed(const struct hw_shim_module *shim, const char *why)
{
	size_t i;

	for (i = 0; shim_modules[i]; i++)
		if (shim_modules[i] == shim)
			WRITE_ONCE(shim_states[i].failed, why);
	shim_log(shim, why);
}

static void shims_init_all(const struct btf_data *btf, const char *reason)
{
	struct shim_state *state;
	size_t i;

	for (i = 0; shim_modules[i]; i++) {
		state = &shim_states[i];
		if (!state->needed)
			continue;
		if (btf)
			state->on = !shim_init(shim_modules[i], btf, &state->why);
		else
			strscpy(state->why.text, reason, sizeof(state->why.text));
		if (!state->on)
			shim_log(shim_modules[i], state->why.text);
	}
}

static bool shims_needed(void)
{
	bool any = false;
	size_t i;

	for (i = 0; shim_modules[i]; i++) {
		shim_states[i].needed = shim_modules[i]->is_needed();
		any |= shim_states[i].needed;
	}
	return any;
}

void hw_shims_init(void)
{
	struct btf_file vmlinux;
	int rc;

	amd_shim_init();
	if (shims_off || !shims_needed())
		return;
	rc = btf_file_open(&vmlinux, BTF_FILE_VMLINUX, NULL);
	if (rc) {
		shims_init_all(NULL, rc == -ENOENT ?
			       "the kernel has no type information (BTF)" :
			       "the kernel's type information (BTF) can't be read");
		return;
	}
	shims_init_all(&vmlinux.btf, NULL);
	btf_file_close(&vmlinux);
}

void hw_shims_exit(void)
{
	size_t i;

	for (i = 0; shim_modules[i]; i++) {
		if (shim_states[i].on)
			shim_modules[i]->exit();
	}
	amd_shim_exit();
}
