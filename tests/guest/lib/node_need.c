// SPDX-License-Identifier: GPL-2.0-only
#include <libgen.h>
#include <sys/sysmacros.h>

#include "device.h"
#include "node_need.h"
#include "tap.h"

const char *node_need(const char *kind)
{
	const char *bdf = device_find(kind, 0);

	if (!bdf)
		tap_skip("needs a device \"%s\" on vfio-pci", kind);
	return bdf;
}

void node_edu_open(struct device *dev)
{
	require_ok(device_open(dev, node_need("edu")));
}
