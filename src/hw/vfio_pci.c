// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio-pci-core's function that revokes and restores the DMA-bufs of a device's memory.
 * It is global in its module but not exported, so no version of the symbol protects the
 * call: the module's BTF is compared instead.
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/static_call.h>
#include <linux/string.h>

#include <iommufd/iommufd.h>

#include "btf_file.h"
#include "ksym.h"

#define DRIVER		"vfio_pci_core"
#define MOVE		"vfio_pci_dma_buf_move"
#define MOVE_PROTOTYPE	"void(struct vfio_pci_core_device *, bool)"

typedef void vfio_pci_move_fn(struct vfio_pci_core_device *core, bool revoked);

DEFINE_STATIC_CALL_NULL(vfio_pci_move, *(vfio_pci_move_fn *)NULL);

static int vfio_pci_check_prototype(const struct btf_file *vmlinux)
{
	struct btf_file module;
	char prototype[64];
	int rc;

	rc = btf_file_open(&module, "/sys/kernel/btf/" DRIVER, vmlinux);
	if (rc)
		return rc;
	rc = btf_prototype(&module.btf, MOVE, prototype, sizeof(prototype));
	if (!rc && strcmp(prototype, MOVE_PROTOTYPE))
		rc = -EINVAL;
	btf_file_close(&module);
	return rc;
}

static int vfio_pci_check_move(void)
{
	struct btf_file vmlinux;
	int rc;

	rc = btf_file_open(&vmlinux, BTF_FILE_VMLINUX, NULL);
	if (rc)
		return rc;
	rc = vfio_pci_check_prototype(&vmlinux);
	btf_file_close(&vmlinux);
	return rc;
}

int iommufd_find_vfio_pci_dma_buf_move(void)
{
	unsigned long address;
	int rc;

	rc = vfio_pci_check_move();
	if (!rc)
		rc = ksym_find_in_module(DRIVER ":" MOVE, &address);
	if (rc)
		return rc == -ENOMEM ? -ENOMEM : -EOPNOTSUPP;
	/* Other callers set the same address, as they keep the same module loaded. */
	static_call_update(vfio_pci_move, (vfio_pci_move_fn *)address);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(iommufd_find_vfio_pci_dma_buf_move, "IOMMUFD");

void iommufd_vfio_pci_dma_buf_move(struct vfio_pci_core_device *core, bool revoked)
{
	static_call_cond(vfio_pci_move)(core, revoked);
}
EXPORT_SYMBOL_NS_GPL(iommufd_vfio_pci_dma_buf_move, "IOMMUFD");
