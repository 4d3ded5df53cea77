// SPDX-License-Identifier: GPL-2.0-only
/* iommufd_vfio.ko: a device node for every device of a stock VFIO driver. */
#include <linux/module.h>

#include "vfio.h"

static int __init front_init(void)
{
	int rc;

	rc = front_cdev_init();
	if (rc)
		return rc;
	front_kvm_init();
	/* Last, because nodes appear at once. */
	rc = front_discovery_init();
	if (rc) {
		front_kvm_exit();
		front_cdev_exit();
	}
	return rc;
}
module_init(front_init);

static void __exit front_exit(void)
{
	front_discovery_exit();
	front_kvm_exit();
	front_cdev_exit();
}
module_exit(front_exit);

MODULE_DESCRIPTION("VFIO devices for iommufd (/dev/vfio/devices)");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("IOMMUFD");
IOMMUFD_MODULE_INFO;
