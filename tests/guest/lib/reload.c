// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "reload.h"
#include "tap.h"

/* In loading order. */
static struct module {
	const char *name;
	bool was;		/* loaded, until modules_unload() */
} modules[] = {
	{ "iommufd" }, { "iommufd_vfio" }, { "iommufd_access_test" }, { "iommufd_inject" },
	{ "iommufd_mock" }, { "iommufd_walk_test" }, { "vfio_mock" },
};

static bool run(const char *verb, const char *name, const char *parameters)
{
	char command[256];
	int ret;

	snprintf(command, sizeof(command), "%s %s %s", verb, name, parameters);
	ret = system(command);
	return check_msg(!ret, "%s: status %d", command, ret);
}

static bool is_loaded(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s/holders", name);
	return !access(path, F_OK);
}

bool modules_unload(void)
{
	for (size_t i = ARRAY_SIZE(modules); i--;) {
		if (!is_loaded(modules[i].name))
			continue;
		modules[i].was = true;
		if (!run("rmmod", modules[i].name, ""))
			return false;
	}
	return true;
}

bool modules_load(const char *parameters)
{
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
		if (modules[i].was && !run("modprobe", modules[i].name, i ? "" : parameters))
			return false;
	return true;
}
