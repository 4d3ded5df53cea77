// SPDX-License-Identifier: GPL-2.0-only
/* doctor: the IOMMU, interrupts and KVM. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "iommufdctl.h"
#include "modules.h"

#define ADD_ARGUMENT(_argument)							\
	"sed -i 's/^GRUB_CMDLINE_LINUX=\"/&" _argument " /' /etc/default/grub\n"	\
	"update-grub\nreboot"

static void iommu_add_unit(const char *name, void *data)
{
	struct text *text = data;

	text_add(text, "%s%s", text->length ? ", " : "", name);
}

/* Firmware tables that announce an IOMMU, and how to enable it. */
static const struct {
	const char *table;
	const char *name;
	const char *fix;
} firmware[] = {
	{ "DMAR", "Intel VT-d", ADD_ARGUMENT("intel_iommu=on") },
	/* enabled by default */
	{ "IVRS", "AMD-Vi", "dmesg | grep AMD-Vi" },
	{ "VIOT", "virtio-iommu", "modprobe virtio_iommu" },
};

/* "off" overrides an argument that enables it. */
static const char *const off[] = { "intel_iommu=off", "amd_iommu=off", "iommu=off" };

static const char *iommu_switched_off(void)
{
	char line[4096];
	unsigned int i;
	char *at;

	if (!file_read(path_at("/proc/cmdline"), line, sizeof(line)))
		return NULL;
	for (i = 0; i < sizeof(off) / sizeof(*off); i++) {
		at = strstr(line, off[i]);
		if (at && (at == line || at[-1] == ' '))
			return off[i];
	}
	return NULL;
}

static void check_inactive(void)
{
	const char *argument = iommu_switched_off();
	unsigned int i;

	for (i = 0; i < sizeof(firmware) / sizeof(*firmware); i++) {
		if (!file_exists(path_at("/sys/firmware/acpi/tables/%s", firmware[i].table)))
			continue;
		if (argument)
			report("iommu", FAIL,
			       text_print("sed -i 's/%s//' /etc/default/grub\nupdate-grub\nreboot", argument),
			       "the machine has an IOMMU (%s), which the kernel argument %s keeps off",
			       firmware[i].name, argument);
		else
			report("iommu", FAIL, firmware[i].fix,
			       "the machine has an IOMMU (%s), but it isn't active", firmware[i].name);
		return;
	}
	report("iommu", FAIL, NULL,
	       "the firmware tells of no IOMMU: switch on VT-d, AMD-Vi or \"IOMMU\" in its setup, if the machine has one");
}

static void check_iommu(void)
{
	struct text units = {};
	char group[16];

	directory_each(path_at("/sys/class/iommu"), iommu_add_unit, &units);
	if (directory_first(path_at("/sys/kernel/iommu_groups"), group, sizeof(group)))
		report("iommu", PASS, NULL, "active: %s", units.length ? text_end(&units) :
		       "there are IOMMU groups");
	else
		check_inactive();
}

/* The names of interrupt chips show whether interrupts are remapped. */
static void check_interrupts(void)
{
	const char *interrupts = path_at("/proc/interrupts");
	char unsafe[8] = "";

	module_parameter("iommufd", "allow_unsafe_interrupts", unsafe, sizeof(unsafe));
	if (file_mentions(interrupts, " IR-") || file_mentions(interrupts, "ITS-"))
		report("interrupt-remapping", PASS, NULL, "active");
	else if (*unsafe == 'Y' || *unsafe == '1')
		report("interrupt-remapping", WARN, NULL,
		       "not active; allow_unsafe_interrupts permits assignment all the same: a device can raise any interrupt of this machine");
	else if (file_exists(interrupts))
		report("interrupt-remapping", FAIL,
		       "echo 1 > /sys/module/iommufd/parameters/allow_unsafe_interrupts\n"
		       "echo 'options iommufd allow_unsafe_interrupts=1' > /etc/modprobe.d/iommufd.conf",
		       "not active, so devices are refused: switch it on in the firmware's setup, or allow it if each device's user is trusted");
}

static void check_kvm(void)
{
	char way[64];

	if (!module_parameter("iommufd_vfio", "kvm", way, sizeof(way)))
		return;
	if (strncmp(way, "off", 3))
		report("kvm", PASS, NULL, "is told of device files (%s)", way);
	else if (!strcmp(way, "off (disabled by parameter)"))
		report("kvm", WARN, "grep -r kvm=off /etc/modprobe.d",
		       "isn't told of device files, as the option kvm=off was given");
	else
		report("kvm", WARN,
		       "sysctl kernel.ftrace_enabled=1\nmodprobe -r iommufd_vfio\nmodprobe iommufd_vfio",
		       "isn't told of device files (%s)", way);
}

static void shims_add(const char *name, void *data)
{
	struct text *text = data;

	if (!strncmp(name, "iommufd_", 8) && strcmp(name, "iommufd_vfio"))
		text_add(text, "%s%s", text->length ? ", " : "", name);
}

static void check_shims(void)
{
	struct text shims = {};

	if (kernel_has_iommufd() || !module_loaded("iommufd"))
		return;
	directory_each(path_at("/sys/module"), shims_add, &shims);
	report("nesting", INFO, NULL, shims.length ? "more modules: %s" : "%s",
	       shims.length ? text_end(&shims) : "as the IOMMU's driver and iommufd offer it");
}

void doctor_machine(void)
{
	check_iommu();
	if (!report_failed("iommu"))
		check_interrupts();
	check_kvm();
	check_shims();
}

static bool log_is_refusal(const char *line, const char *device)
{
	return strstr(line, "refused") && (strstr(line, "vfio") || strstr(line, "iommu")) &&
	       (!device || strstr(line, device));
}

/* Parse one record, or a file of them: numbers, a semicolon, the text. */
static void log_take(char *records, const char *device, char *last, size_t size)
{
	char *line, *text, *rest = records;

	while ((line = strsep(&rest, "\n"))) {
		text = strchr(line, ';');
		if (text && *line != ' ' && log_is_refusal(text, device))
			snprintf(last, size, "%s", text + 1);
	}
}

void doctor_log(const char *device)
{
	char records[8192], last[512] = "";
	int fd = open(path_at("/dev/kmsg"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t length;

	if (fd < 0) {
		report("kernel-log", INFO, NULL, "this user may not read the kernel's log");
		return;
	}
	/*
	 * EPIPE: the record was overwritten; the next read returns the
	 * following one.
	 */
	while ((length = read(fd, records, sizeof(records) - 1)) > 0 ||
	       (length < 0 && errno == EPIPE)) {
		if (length < 0)
			continue;
		records[length] = 0;
		log_take(records, device, last, sizeof(last));
	}
	close(fd);
	if (*last)
		report("kernel-log", INFO, NULL, "last refusal: %s", last);
	else
		report("kernel-log", INFO, NULL, "no refusal");
}
