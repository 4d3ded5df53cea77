// SPDX-License-Identifier: GPL-2.0-only
/* show: fdinfo of open files of /dev/iommu and of device nodes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "iommufdctl.h"
#include "opened.h"

const char *size_text(unsigned long long bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB" };
	unsigned int unit = 0;

	while (unit < 5 && bytes >= 1024 && !(bytes & 1023)) {
		bytes /= 1024;
		unit++;
	}
	if (bytes < 10240)
		return text_print("%llu %s", bytes, units[unit]);
	for (; unit < 5 && bytes >= 10240; unit++)
		bytes /= 1024;
	return text_print("about %llu %s", bytes, units[unit]);
}

struct shown {
	unsigned int files;
	unsigned int lines;
};

/* Print sizes in bytes in larger units. */
static void show_field(char *field)
{
	char *value = strchr(field, '='), *end;
	unsigned long long bytes;

	if (!value) {
		printf(", %s", field);
		return;
	}
	*value++ = 0;
	bytes = strtoull(value, &end, 10);
	if (!*end && (!strcmp(field, "mapped") || !strcmp(field, "pinned")))
		printf(", %s %s", field, size_text(bytes));
	else
		printf(", %s %s", field, value);
}

/* ID TYPE { NAME=VALUE } */
static void show_object(const char *value)
{
	char *copy = strdup(value), *rest = copy, *word;
	const char *id = strsep(&rest, " ");

	word = strsep(&rest, " ");
	printf("    %s %s", word ?: "object", id);
	while ((word = strsep(&rest, " ")))
		show_field(word);
	putchar('\n');
	free(copy);
}

static void show_line(const char *name, const char *value, void *data)
{
	struct shown *shown = data;

	shown->lines++;
	if (!strcmp(name, "iommufd-object"))
		show_object(value);
	else if (!strcmp(name, "iommufd-charged"))
		printf("    charged %s\n", size_text(strtoull(value, NULL, 10)));
	else if (!strcmp(name, "iommufd-more"))
		printf("    and more, from object %s on\n", value);
	else
		printf("    %s %s\n", strncmp(name, "iommufd-", 8) ? name : name + 8, value);
}

static void show_line_json(const char *name, const char *value, void *data)
{
	struct shown *shown = data;

	printf("%s\n      {\"name\": ", shown->lines++ ? "," : "");
	json_string(stdout, name);
	printf(", \"value\": ");
	json_string(stdout, value);
	putchar('}');
}

static void show_file(const struct opened *opened, void *data)
{
	struct shown *shown = data;

	shown->lines = 0;
	if (report_json) {
		printf("%s    {\"process\": %d, \"program\": ", shown->files++ ? ",\n" : "",
		       opened->pid);
		json_string(stdout, opened->program);
		printf(", \"fd\": %d, \"path\": ", opened->fd);
		json_string(stdout, opened->path);
		printf(", \"lines\": [");
		opened_info(opened, show_line_json, shown);
		printf("]}");
		return;
	}
	printf("%s (process %d), file %d: %s\n", opened->program, opened->pid, opened->fd,
	       opened->path);
	shown->files++;
	opened_info(opened, show_line, shown);
	if (!shown->lines)
		puts("    this kernel tells nothing of it");
}

/*
 * All files of processes that have the device node open, because the context is
 * another file.
 */
struct holders {
	const char *path;
	struct shown *shown;
	pid_t last;
};

static void show_holder(const struct opened *opened, void *data)
{
	struct holders *holders = data;

	if (strcmp(opened->path, holders->path) || opened->pid == holders->last)
		return;
	holders->last = opened->pid;
	opened_by(opened->pid, "/dev/iommu", show_file, holders->shown);
	opened_by(opened->pid, "/dev/vfio/devices/", show_file, holders->shown);
}

static int show_process(pid_t pid, struct shown *shown)
{
	if (!opened_by(pid, "/dev/iommu", show_file, shown)) {
		fprintf(stderr, "iommufdctl: process %d: %s\n", pid, strerror(errno));
		return EXIT_NO_LOOK;
	}
	opened_by(pid, "/dev/vfio/devices/", show_file, shown);
	return EXIT_GOOD;
}

static int show_device(const char *name, struct shown *shown)
{
	struct holders holders = { .shown = shown };
	struct vdevice dev;

	if (!vdevice_find(name, &dev)) {
		fprintf(stderr, "iommufdctl: no device %s\n", name);
		return EXIT_NO_LOOK;
	}
	if (!*dev.node)
		return EXIT_GOOD;
	holders.path = text_print("/dev/vfio/devices/%s", dev.node);
	if (!opened_each("/dev/vfio/devices/", show_holder, &holders) && !shown->files &&
	    !report_json) {
		fputs("iommufdctl: this user may not see the files of all processes\n", stderr);
		return EXIT_NO_LOOK;
	}
	return EXIT_GOOD;
}

int command_show(const char *name)
{
	struct shown shown = {};
	char *end;
	long pid = strtol(name, &end, 10);
	int status;

	if (report_json)
		printf("{\n  \"version\": 1,\n  \"command\": \"show\",\n  \"files\": [\n");
	status = *name && !*end ? show_process(pid, &shown) : show_device(name, &shown);
	if (report_json)
		printf("\n  ]\n}\n");
	else if (status == EXIT_GOOD && !shown.files)
		printf("%s: no open file of /dev/iommu or /dev/vfio/devices\n", name);
	return status;
}
