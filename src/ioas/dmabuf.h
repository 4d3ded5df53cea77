/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DMA-bufs as memory: a physical range that another driver lends, usually of a
 * device, so that devices reach each other.  There are no pages to pin or to charge
 * for, and the kernel itself doesn't read or write it.
 *
 * The lender may revoke it at any time.  It is then taken out of all page tables
 * at once, and for good: the areas stay, but map nothing any more.
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
 * The memory of the DMA-buf that @fd is, from @start on and at least @length bytes;
 * NULL if it isn't one, or an ERR_PTR: -EINVAL if it's shorter, -ENODEV if it's
 * revoked, -EOPNOTSUPP if its lender can't say where it is, or what the lender says.
 */
struct memory *memory_of_dmabuf(struct iommufd_ctx *ctx, int fd, u64 start,
				u64 length, bool writable);

/* Gives it back; nothing is mapped any more. */
void dmabuf_put(struct memory *memory);

/* Asked of hw_map_begin() for such memory. */
int dmabuf_prot(int prot);

/*
 * Maps an area, if it isn't revoked: with the memory's lock, which is kept until
 * the caller has cleaned up after a failure.
 */
int dmabuf_map(struct area *area, struct hw_mapper *to);

/* Takes an area out of a page table, if it's still in it. */
void dmabuf_unmap(struct area *area, struct iommu_domain *domain);

#endif
