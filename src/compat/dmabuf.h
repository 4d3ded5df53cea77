/* SPDX-License-Identifier: GPL-2.0-only */
/* DMA-bufs whose memory moves or is revoked: 7.2's names.  Included by name. */
#ifndef IOMMUFD_COMPAT_DMABUF_H
#define IOMMUFD_COMPAT_DMABUF_H

#include <linux/dma-buf.h>

#ifndef IOMMUFD_HAVE_SYM_DMA_BUF_INVALIDATE_MAPPINGS
/* The function, and the member of struct dma_buf_attach_ops that it calls. */
#define dma_buf_invalidate_mappings	dma_buf_move_notify
#define invalidate_mappings		move_notify
#endif

/*
 * Can an importer that follows moves be attached without mapping anything?  Older
 * kernels map what can't move at once, for a device that may not be able to.
 */
static inline bool compat_dmabuf_moves(const struct dma_buf *dmabuf)
{
#ifdef IOMMUFD_HAVE_SYM_DMA_BUF_INVALIDATE_MAPPINGS
	return true;
#else
	return dmabuf->ops->pin;
#endif
}

/* Is there anybody on this kernel to say where a DMA-buf's memory is? */
#ifdef IOMMUFD_HAVE_SYM_VFIO_PCI_DMA_BUF_IOMMUFD_MAP
#define COMPAT_DMABUFS	1
#else
#define COMPAT_DMABUFS	0
#endif

/*
 * Where the memory is, with the reservation locked: 0, -ENODEV if it's revoked, or
 * -EOPNOTSUPP if there is no one range, or nobody to ask.
 */
int compat_dmabuf_phys(struct dma_buf_attachment *attachment, phys_addr_t *base,
		       size_t *length);

#endif
