/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DMA-bufs as memory: a physical range, usually device memory, that another
 * driver exports for peer-to-peer DMA.  It has no pages to pin or charge, and
 * the CPU doesn't access it.
 *
 * The exporter may revoke it at any time.  A revoke removes it from all page
 * tables at once and for good; the areas remain but map nothing.
 */
#ifndef IOMMUFD_IOAS_DMABUF_H
#define IOMMUFD_IOAS_DMABUF_H

#include <linux/types.h>

struct area;
struct hw_mapper;
struct iommu_domain;
struct iommufd_ctx;
struct memory;

/*
 * Returns the memory of the DMA-buf behind @fd, from byte @start on and at
 * least @length bytes long, NULL if @fd isn't a DMA-buf, or an ERR_PTR: -EINVAL
 * if it is shorter, -ENODEV if revoked, -EOPNOTSUPP if the exporter doesn't
 * provide physical addresses, or the exporter's error.
 */
struct memory *memory_of_dmabuf(struct iommufd_ctx *ctx, int fd, u64 start,
				u64 length, bool writable);

/* Detach from the DMA-buf.  Nothing of it may be mapped. */
void dmabuf_put(struct memory *memory);

/* Adjust @prot for hw_map_begin(): MMIO, uncached. */
int dmabuf_prot(int prot);

/*
 * Map an area, or nothing if the DMA-buf is revoked.  The caller holds
 * memory->lock, until it has cleaned up after a failure.  Returns 0, -ENOMEM,
 * or the driver's error.
 */
int dmabuf_map(struct area *area, struct hw_mapper *to);

/* Unmap an area from a page table, unless a revoke has done so. */
void dmabuf_unmap(struct area *area, struct iommu_domain *domain);

/* Keep exporters from revoking for a moment, and no longer.  An innermost lock. */
void dmabuf_block_revokes(void);
void dmabuf_permit_revokes(void);

#endif
