// SPDX-License-Identifier: GPL-2.0-only
/* Physical address of a DMA-buf. */
#include <linux/module.h>

#include "dmabuf.h"

#ifdef IOMMUFD_HAVE_SYM_VFIO_PCI_DMA_BUF_IOMMUFD_MAP
#include <linux/vfio_pci_core.h>

/*
 * VFIO's module may be loaded later or never, so look the symbol up at run
 * time.
 */
int compat_dmabuf_phys(struct dma_buf_attachment *attachment, phys_addr_t *base,
		       size_t *length)
{
	typeof(&vfio_pci_dma_buf_iommufd_map) ask;
	struct phys_vec range;
	int rc;

	ask = symbol_get(vfio_pci_dma_buf_iommufd_map);
	if (!ask)
		return -EOPNOTSUPP;
	rc = ask(attachment, &range);
	symbol_put(vfio_pci_dma_buf_iommufd_map);
	if (rc)
		return rc;
	*base = range.paddr;
	*length = range.len;
	return 0;
}
#else
int compat_dmabuf_phys(struct dma_buf_attachment *attachment, phys_addr_t *base,
		       size_t *length)
{
	return -EOPNOTSUPP;
}
#endif
