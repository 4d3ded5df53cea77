// SPDX-License-Identifier: GPL-2.0-only
/* iommufd_mock.ko: a mock IOMMU, and IOMMU_TEST_CMD to make and watch its devices. */
#include <linux/module.h>

#include "command.h"
#include "hooks.h"
#include "mock.h"

static const struct test_ops ops = {
	.owner = THIS_MODULE,
	.command = test_command,
	.destroy = test_device_destroy,
	.owns_device = mock_is_device,
	.fault_lock = mock_fault_lock,
	.dmabuf_phys = mock_dmabuf_phys,
};

static int __init mock_init(void)
{
	int rc;

	rc = mock_iommu_register();
	if (rc)
		return rc;
	rc = test_register(&ops);
	if (rc)
		mock_iommu_unregister();
	return rc;
}
module_init(mock_init);

/* Every object that knows of this module holds it, so there is none. */
static void __exit mock_exit(void)
{
	test_unregister();
	mock_iommu_unregister();
}
module_exit(mock_exit);

MODULE_DESCRIPTION("Mock IOMMU for the tests of iommufd");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("IOMMUFD");
MODULE_IMPORT_NS("DMA_BUF");
IOMMUFD_MODULE_INFO;
