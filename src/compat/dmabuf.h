/* SPDX-License-Identifier: GPL-2.0-only */
/* Revocable DMA-bufs, by the names of Linux 7.2.  Not included by default. */
#ifndef IOMMUFD_COMPAT_DMABUF_H
#define IOMMUFD_COMPAT_DMABUF_H

#include <linux/dma-buf.h>

#ifndef IOMMUFD_HAVE_SYM_DMA_BUF_INVALIDATE_MAPPINGS
/* The function, and the member of struct dma_buf_attach_ops that it calls. */
#define dma_buf_invalidate_mappings	dma_buf_move_notify
#define invalidate_mappings		move_notify
#endif

/*
 * Returns true if a dynamic importer can attach without mapping.  Older kernels
 * map a static DMA-buf at once, for a device that may not support that.
 */
static inline bool compat_dmabuf_moves(const struct dma_buf *dmabuf)
{
#ifdef IOMMUFD_HAVE_SYM_DMA_BUF_INVALIDATE_MAPPINGS
	return true;
#else
	return dmabuf->ops->pin;
#endif
}

/* 1 if this kernel has an exporter that provides the physical address. */
#ifdef IOMMUFD_HAVE_SYM_VFIO_PCI_DMA_BUF_IOMMUFD_MAP
#define COMPAT_DMABUFS	1
#else
#define COMPAT_DMABUFS	0
#endif

/*
 * Get the physical range of a DMA-buf.  Call with dma_resv held.  Returns 0,
 * -ENODEV if it is revoked, or -EOPNOTSUPP if it isn't a single range or the
 * exporter doesn't provide it.
 */
int compat_dmabuf_phys(struct dma_buf_attachment *attachment, phys_addr_t *base,
		       size_t *length);

#endif
