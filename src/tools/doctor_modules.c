// SPDX-License-Identifier: GPL-2.0-only
/* doctor: check that the right modules are installed and loaded. */
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "files.h"
#include "iommufdctl.h"
#include "modules.h"

#define SECURE_BOOT "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define RELOAD "modprobe -r iommufd_vfio iommufd\nmodprobe iommufd_vfio"

static bool secure_boot(void)
{
	char text[256];
	FILE *file = fopen(path_at(SECURE_BOOT), "re");
	size_t length = file ? fread(text, 1, 5, file) : 0;

	if (file)
		fclose(file);
	if (length == 5 && text[4] == 1)
		return true;
	if (module_parameter("module", "sig_enforce", text, sizeof(text)) && *text == 'Y')
		return true;
	/* The active mode is in brackets. */
	return file_read(path_at("/sys/kernel/security/lockdown"), text, sizeof(text)) &&
	       !strstr(text, "[none]");
}

static bool headers_exist(void)
{
	return file_exists(path_at("/lib/modules/%s/build/Makefile", kernel_release()));
}

/* Check the headers first: without them nothing can be built. */
static void check_built(const struct module_file *file)
{
	const char *release = kernel_release();

	if (!file->found && !headers_exist()) {
		report("headers", FAIL, text_print("apt install linux-headers-%s", release),
		       "there are no headers of kernel %s, so DKMS can't build the modules",
		       release);
		return;
	}
	report("headers", headers_exist() ? PASS : INFO, NULL,
	       headers_exist() ? "installed for kernel %s" :
	       "none for kernel %s: the modules can't be built anew", release);
	if (!file->found)
		report("modules-built", FAIL, text_print("dkms autoinstall -k %s", release),
		       "no module iommufd for kernel %s", release);
	else if (*file->vermagic && strncmp(file->vermagic, release, strcspn(file->vermagic, " ")))
		report("modules-built", FAIL,
		       text_print("dkms build --force -m iommufd -k %s\ndkms install --force -m iommufd -k %s",
				  release, release),
		       "%s was built for kernel %s", file->path, file->vermagic);
	else
		report("modules-built", PASS, NULL, "version %s, %s",
		       *file->version ? file->version : "unknown", file->path);
}

static void check_copy(const struct module_file *file)
{
	const char *top = path_at("/lib/modules/%s", kernel_release());
	const char *pattern = text_print("%s/updates/iommufd*.ko*", top);
	const char *dkms = text_print("%s/updates/dkms/iommufd.ko*", top);
	glob_t copies = {}, built = {};

	if (!glob(pattern, 0, NULL, &copies) && !glob(dkms, 0, NULL, &built))
		report("module-copy", FAIL, text_print("rm %s\ndepmod %s", pattern, kernel_release()),
		       "%s stands beside DKMS's and is loaded instead of it, or may be",
		       copies.gl_pathv[0]);
	else
		report("module-copy", PASS, NULL, "no second copy of the modules");
	globfree(&copies);
	globfree(&built);
}

static void check_signature(const struct module_file *file)
{
	if (!secure_boot())
		report("signature", PASS, NULL, "the kernel takes modules without a signature");
	else if (*file->signer && file_mentions(path_at("/proc/keys"), file->signer))
		report("signature", PASS, NULL, "signed with a key that the kernel knows (%s)",
		       file->signer);
	else if (module_loaded("iommufd"))
		report("signature", PASS, NULL, "the kernel has taken the module");
	else if (!*file->signer)
		report("signature", FAIL,
		       text_print("dkms build --force -m iommufd -k %s\ndkms install --force -m iommufd -k %s",
				  kernel_release(), kernel_release()),
		       "Secure Boot is on and the modules aren't signed");
	else if (file_exists(path_at("/proc/keys")) && !file_read(path_at("/proc/keys"),
								  (char [2]) {}, 2))
		report("signature", INFO, NULL, "Secure Boot is on: whether the key of %s is known only root can see",
		       file->signer);
	else
		report("signature", FAIL,
		       "mokutil --import /var/lib/dkms/mok.pub\nreboot",
		       "Secure Boot is on and the firmware doesn't know the key that the modules are signed with (%s)",
		       file->signer);
}

static void check_loaded(void)
{
	bool core = module_loaded("iommufd"), vfio = module_loaded("iommufd_vfio");

	if (core && vfio)
		report("modules-loaded", PASS, NULL, "iommufd and iommufd_vfio");
	else
		report("modules-loaded", FAIL, "modprobe iommufd_vfio", "%s not loaded",
		       core ? "iommufd_vfio is" : vfio ? "iommufd is" : "iommufd and iommufd_vfio are");
}

/* A foreign module has no version, or a different one. */
static void check_version(const struct module_file *file)
{
	char version[64] = "", source[64] = "";

	file_read(path_at("/sys/module/iommufd/version"), version, sizeof(version));
	file_read(path_at("/sys/module/iommufd/srcversion"), source, sizeof(source));
	if (!*version)
		report("other-iommufd", FAIL, RELOAD,
		       "the module iommufd that is loaded is another than this package's");
	else
		report("other-iommufd", PASS, NULL, "the module that is loaded is this package's");
	if (!*version || !*file->version)
		return;
	if (strcmp(version, file->version))
		report("module-version", FAIL, RELOAD, "version %s is loaded, version %s is installed",
		       version, file->version);
	else if (*source && *file->srcversion && strcmp(source, file->srcversion))
		report("module-version", FAIL, RELOAD,
		       "version %s is loaded, but from other sources than what is installed", version);
	else
		report("module-version", PASS, NULL, "%s", version);
}

static void check_own(void)
{
	report("kernel", INFO, NULL, "%s has Linux's own iommufd, which this tool looks at as well",
	       kernel_release());
	if (!module_loaded("iommufd"))
		report("modules-loaded", FAIL, "modprobe iommufd", "iommufd isn't loaded");
	else
		report("modules-loaded", PASS, NULL, "iommufd");
}

void doctor_modules(void)
{
	struct module_file file;

	if (kernel_has_iommufd()) {
		check_own();
		return;
	}
	module_look("iommufd", &file);
	report("kernel", INFO, NULL, "%s", kernel_release());
	check_built(&file);
	if (!file.found)
		return;
	check_copy(&file);
	check_signature(&file);
	if (report_failed("signature") || report_failed("modules-built"))
		return;
	check_loaded();
	if (!report_failed("modules-loaded"))
		check_version(&file);
}
