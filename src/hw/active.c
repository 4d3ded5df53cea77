// SPDX-License-Identifier: GPL-2.0-only
/* Detection of an active IOMMU. */
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/platform_device.h>

#include "hw.h"

struct active {
	char *name;
	size_t size;
};

static int active_look(struct device *dev, void *data)
{
	struct active *active = data;
	struct iommu_device *unit = dev->iommu ? dev->iommu->iommu_dev : NULL;

	if (!unit)
		return 0;
	strscpy(active->name, unit->dev ? dev_name(unit->dev) : "without a name", active->size);
	return 1;
}

bool hw_active_iommu(char *name, size_t size)
{
	struct active active = { .name = name, .size = size };

	return bus_for_each_dev(&pci_bus_type, NULL, &active, active_look) ||
	       bus_for_each_dev(&platform_bus_type, NULL, &active, active_look);
}
