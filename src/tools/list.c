// SPDX-License-Identifier: GPL-2.0-only
/* list: devices bound to VFIO drivers. */
#include <stdio.h>
#include <string.h>

#include "files.h"
#include "iommufdctl.h"
#include "opened.h"

#define LINE "%-16s %-14s %-6s %-8s %s\n"

static const char *list_or_dash(const char *text)
{
	return *text ? text : "-";
}

static const char *list_user(const struct vdevice *dev)
{
	const char *names = *dev->node ?
		opened_names(text_print("/dev/vfio/devices/%s", dev->node)) : "";

	return *names ? names : *dev->group ?
		opened_names(text_print("/dev/vfio/%s", dev->group)) : "";
}

static void list_text(const struct vdevice *dev, unsigned int number)
{
	if (!number)
		printf(LINE, "ADDRESS", "DRIVER", "GROUP", "NODE", "OPEN BY");
	printf(LINE, dev->address, list_or_dash(dev->driver), list_or_dash(dev->group), list_or_dash(dev->node),
	       list_or_dash(list_user(dev)));
}

static void list_json(const struct vdevice *dev, unsigned int number)
{
	printf("%s    {\"address\": \"%s\", \"bus\": \"%s\", \"driver\": \"%s\", \"group\": \"%s\", \"node\": \"%s\", \"open-by\": ",
	       number ? ",\n" : "", dev->address, dev->bus, dev->driver, dev->group, dev->node);
	json_string(stdout, list_user(dev));
	putchar('}');
}

static void list_print(const struct vdevice *dev, void *data)
{
	unsigned int *count = data;

	if (report_json)
		list_json(dev, *count);
	else
		list_text(dev, *count);
	(*count)++;
}

int command_list(void)
{
	unsigned int count = 0;

	if (!file_exists(path_at("/sys/bus"))) {
		fputs("iommufdctl: /sys isn't there\n", stderr);
		return EXIT_NO_LOOK;
	}
	if (report_json)
		printf("{\n  \"version\": 1,\n  \"command\": \"list\",\n  \"devices\": [\n");
	vdevice_each(list_print, &count);
	if (report_json)
		printf("\n  ]\n}\n");
	else if (!count)
		puts("No VFIO driver has a device: driverctl set-override ADDRESS vfio-pci");
	return EXIT_GOOD;
}
