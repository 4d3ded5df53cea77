// SPDX-License-Identifier: GPL-2.0-only
/* iommufd_vfio.ko: device nodes for the devices of stock VFIO drivers. */
#include <linux/module.h>

#include "vfio.h"

static int __init iommufd_vfio_init(void)
{
	int rc;

	rc = device_node_init();
	if (rc)
		return rc;
	kvm_hook_init();
	/* Last, as nodes can be opened at once. */
	rc = discovery_init();
	if (rc) {
		kvm_hook_exit();
		device_node_exit();
	}
	return rc;
}
module_init(iommufd_vfio_init);

static void __exit iommufd_vfio_exit(void)
{
	discovery_exit();
	kvm_hook_exit();
	device_node_exit();
}
module_exit(iommufd_vfio_exit);

MODULE_DESCRIPTION("VFIO devices for iommufd (/dev/vfio/devices)");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("IOMMUFD");
IOMMUFD_MODULE_INFO;
