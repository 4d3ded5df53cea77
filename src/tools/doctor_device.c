// SPDX-License-Identifier: GPL-2.0-only
/* doctor: the device, its group, and who uses them. */
#include <stdio.h>
#include <string.h>

#include "files.h"
#include "iommufdctl.h"
#include "opened.h"

static const char *node_path(const struct vdevice *dev)
{
	return text_print("/dev/vfio/devices/%s", dev->node);
}

static const char *driver_fix(const struct vdevice *dev)
{
	return text_print("driverctl set-override %s vfio-pci", dev->address);
}

static void check_driver(const struct vdevice *dev)
{
	if (!strcmp(dev->bus, "pci") && vdevice_is_bridge(dev))
		report("driver", FAIL, NULL, "%s is a bridge, which can't be assigned", dev->address);
	else if (!*dev->driver)
		report("driver", FAIL, driver_fix(dev), "%s has no driver", dev->address);
	else if (!*dev->node && !strstr(dev->driver, "vfio"))
		report("driver", FAIL, driver_fix(dev), "the driver %s has %s", dev->driver, dev->address);
	else
		report("driver", PASS, NULL, "%s", dev->driver);
}

struct others {
	const struct vdevice *dev;
	struct text names;	/* devices that block the group */
	struct text fix;
	struct text holders;	/* processes with another's node open */
	struct text slots;
	unsigned int count;
};

static bool others_same_slot(const struct vdevice *a, const struct vdevice *b)
{
	size_t length = strcspn(a->address, ".");

	return length == strcspn(b->address, ".") && !strncmp(a->address, b->address, length);
}

static void others_look(const struct vdevice *other, void *data)
{
	struct others *others = data;
	const char *names;

	if (!strcmp(other->address, others->dev->address))
		return;
	others->count++;
	if (!driver_is_harmless(other->driver)) {
		text_add(&others->names, "%s%s (%s)", others->names.length ? ", " : "",
			 other->address, other->driver);
		text_add(&others->fix, "%s%s", others->fix.length ? "\n" : "", driver_fix(other));
	}
	if (!others_same_slot(other, others->dev) && !vdevice_is_bridge(other))
		text_add(&others->slots, "%s%s", others->slots.length ? ", " : "", other->address);
	names = *other->node ? opened_names(node_path(other)) : "";
	if (*names)
		text_add(&others->holders, "%s%s by %s", others->holders.length ? ", " : "",
			 other->address, names);
}

static void check_group(const struct vdevice *dev)
{
	struct others others = { .dev = dev };

	group_each(dev->group, others_look, &others);
	if (others.names.length)
		report("group", FAIL, text_end(&others.fix), "group %s has devices with other drivers: %s",
		       dev->group, text_end(&others.names));
	else
		report("group", PASS, NULL, "group %s, %u other%s in it", dev->group, others.count,
		       others.count == 1 ? "" : "s");
	if (others.slots.length)
		report("group-slots", WARN, NULL,
		       "the group has devices of other slots (%s): nothing between them keeps them apart (ACS); another slot of the machine may be better",
		       text_end(&others.slots));
	if (others.holders.length)
		report("group-held", WARN, NULL,
		       "others of the group are open: %s; only one process can have the group",
		       text_end(&others.holders));
}

/* Lines of START END TYPE. */
static void check_regions(const struct vdevice *dev)
{
	FILE *file = fopen(path_at("/sys/kernel/iommu_groups/%s/reserved_regions", dev->group), "re");
	struct text window = {}, direct = {};
	char start[32], end[32], type[32];

	while (file && fscanf(file, "%31s %31s %31s", start, end, type) == 3) {
		if (!strcmp(type, "msi"))
			text_add(&window, "%s%s-%s", window.length ? ", " : "", start, end);
		else if (!strcmp(type, "direct"))
			text_add(&direct, "%s%s-%s", direct.length ? ", " : "", start, end);
	}
	if (file)
		fclose(file);
	if (direct.length)
		report("reserved-regions", FAIL, NULL,
		       "the firmware uses the device itself (RMRR: %s), so the kernel keeps it: look for an option in the firmware's setup",
		       text_end(&direct));
	else
		report("reserved-regions", PASS, NULL, window.length ?
		       "none of the firmware's; the window for interrupts is %s" : "none%s",
		       text_end(&window));
}

static void check_legacy(const struct vdevice *dev)
{
	const char *names = opened_names(text_print("/dev/vfio/%s", dev->group));

	if (*names)
		report("legacy-group", FAIL, NULL,
		       "/dev/vfio/%s is open, by %s: end it, or let it use /dev/iommu", dev->group,
		       names);
	else
		report("legacy-group", PASS, NULL, "/dev/vfio/%s isn't open", dev->group);
}

static const char *node_fix(const struct vdevice *dev)
{
	return text_print("echo 'SUBSYSTEM==\"vfio-dev\", KERNELS==\"%s\", GROUP=\"kvm\", MODE=\"0660\"' >> /etc/udev/rules.d/70-vfio.rules\n"
			  "udevadm control --reload\nudevadm trigger --subsystem-match=vfio-dev",
			  dev->address);
}

static void check_node(const struct vdevice *dev, const struct who *who)
{
	const char *path = node_path(dev), *names;

	if (!*dev->node || !file_exists(path_at("%s", path))) {
		if (!report_failed("modules-loaded") && !report_failed("modules-built") &&
		    !report_failed("headers") && !report_failed("signature"))
			report("device-node", FAIL, "dmesg | grep vfio",
			       "the device has no node in /dev/vfio/devices");
		return;
	}
	if (who_may_open(who, path_at("%s", path)))
		report("device-node", PASS, NULL, "%s may open %s", who->name, path);
	else
		report("device-node", FAIL, node_fix(dev), "%s may not open %s", who->name, path);
	names = opened_names(path);
	if (*names)
		report("device-open", WARN, NULL, "by %s", names);
	else
		report("device-open", PASS, NULL, "by no process that this user can see");
}

void doctor_device(const char *name, const struct who *who)
{
	struct vdevice dev;

	if (!vdevice_find(name, &dev)) {
		report("device", FAIL, "lspci -D", "there is no device %s", name);
		return;
	}
	report("device", PASS, NULL, "%s on %s", dev.address, dev.bus);
	if (report_failed("iommu"))
		return;
	if (!*dev.group) {
		report("device-iommu", FAIL, NULL, "no IOMMU translates for %s", dev.address);
		return;
	}
	check_driver(&dev);
	check_group(&dev);
	check_regions(&dev);
	check_legacy(&dev);
	if (!report_failed("driver"))
		check_node(&dev, who);
}
