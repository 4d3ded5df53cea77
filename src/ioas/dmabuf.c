// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping DMA-bufs.
 *
 * Lock order: the exporter's dma_resv lock comes before all of our locks except
 * memory->lock, which nests inside it.  A revoke holds dma_resv, so it finds
 * what is mapped by memory->dmabuf, without a lookup in an IOAS.
 */
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/overflow.h>
#include <linux/rwsem.h>
#include <linux/slab.h>

#include "../compat/dmabuf.h"
#include "../core/context.h"
#include "../core/test.h"
#include "../hw/hw.h"
#include "dmabuf.h"
#include "area.h"
#include "memory.h"

struct dmabuf {
	struct dma_buf_attachment *attachment;
	/* Guarded by memory->lock: */
	phys_addr_t base;
	size_t length;			/* 0 if revoked or not known yet */
	struct list_head entries;	/* mapped, struct dmabuf_entry */
};

/* A mapping of an area in one page table. */
struct dmabuf_entry {
	struct list_head item;		/* in dmabuf->entries */
	struct dmabuf_entry *next;	/* next one of the same area */
	struct area *area;
	struct iommu_domain *domain;
};

static void dmabuf_entry_unmap(struct dmabuf_entry *entry)
{
	struct area *area = entry->area;

	area_check_unmapped(area, hw_unmap(entry->domain, area->node.first,
					   area_length(area)));
	list_del(&entry->item);
	kfree(entry);
}

/*
 * Nothing is revoked while devices leave a page table, see ioas_freeze(): for reading by who
 * moves them, for writing by who revokes.
 */
static DECLARE_RWSEM(dmabuf_revoke_lock);

void dmabuf_block_revokes(void)
{
	down_read(&dmabuf_revoke_lock);
}

void dmabuf_permit_revokes(void)
{
	up_read(&dmabuf_revoke_lock);
}

/* Called with dma_resv held; may be called repeatedly. */
static void dmabuf_revoke(struct dma_buf_attachment *attachment)
{
	struct memory *memory = attachment->importer_priv;
	struct dmabuf *dmabuf = memory->dmabuf;
	struct dmabuf_entry *entry, *next;

	mutex_lock(&memory->lock);
	down_write(&dmabuf_revoke_lock);
	list_for_each_entry_safe(entry, next, &dmabuf->entries, item) {
		entry->area->entries = NULL;
		dmabuf_entry_unmap(entry);
	}
	up_write(&dmabuf_revoke_lock);
	dmabuf->length = 0;
	mutex_unlock(&memory->lock);
}

static const struct dma_buf_attach_ops attach_ops = {
	.allow_peer2peer = true,
	.invalidate_mappings = dmabuf_revoke,
};

static int dmabuf_find_range(struct dma_buf_attachment *attachment, phys_addr_t *base,
			     size_t *length)
{
	int rc;

	rc = test_dmabuf_phys(attachment, base, length);
	if (rc == -EOPNOTSUPP)
		rc = compat_dmabuf_phys(attachment, base, length);
	return rc;
}

/* Caller holds dma_resv. */
static int dmabuf_pin(struct memory *memory, u64 end)
{
	struct dmabuf *dmabuf = memory->dmabuf;
	phys_addr_t base;
	size_t length;
	int rc;

	/* Don't make an exporter pin whose addresses can't be had. */
	rc = dmabuf_find_range(dmabuf->attachment, &base, &length);
	if (!rc && length < end)
		rc = -EINVAL;
	if (!rc)
		rc = dma_buf_pin(dmabuf->attachment);
	if (rc)
		return rc;
	/* It can't move while pinned, but may have moved before. */
	mutex_lock(&memory->lock);
	rc = dmabuf_find_range(dmabuf->attachment, &base, &length);
	if (!rc && length < end)
		rc = -EINVAL;
	if (!rc) {
		dmabuf->base = base;
		dmabuf->length = length;
	}
	mutex_unlock(&memory->lock);
	if (rc)
		dma_buf_unpin(dmabuf->attachment);
	return rc;
}

/* Takes over the caller's reference to @buf on success. */
static int dmabuf_attach(struct iommufd_ctx *ctx, struct memory *memory, struct dma_buf *buf,
			 u64 end)
{
	struct dma_buf_attachment *attachment;
	int rc;

	if (!(TEST_DMABUFS || COMPAT_DMABUFS) || !compat_dmabuf_moves(buf))
		return -EOPNOTSUPP;
	attachment = dma_buf_dynamic_attach(buf, ctx->dev, &attach_ops, memory);
	if (IS_ERR(attachment))
		return PTR_ERR(attachment);
	memory->dmabuf->attachment = attachment;
	dma_resv_lock(buf->resv, NULL);
	rc = dmabuf_pin(memory, end);
	dma_resv_unlock(buf->resv);
	if (rc) {
		dma_buf_detach(buf, attachment);
		memory->dmabuf->attachment = NULL;
	}
	return rc;
}

static struct memory *dmabuf_new_memory(struct iommufd_ctx *ctx, struct dma_buf *buf,
					u64 start, u64 end, bool writable)
{
	/*
	 * For other memory, mmap_lock nests inside memory->lock, and dma_resv
	 * inside mmap_lock.  For a DMA-buf, mmap_lock is never taken under
	 * memory->lock, which is why memory->lock may nest inside dma_resv.
	 */
	static struct lock_class_key lock_key;
	struct memory *memory;
	int rc;

	if (end > buf->size)
		return ERR_PTR(-EINVAL);
	memory = memory_new(ctx, writable);
	if (IS_ERR(memory))
		return memory;
	lockdep_set_class(&memory->lock, &lock_key);
	memory->start = start & PAGE_MASK;
	memory->dmabuf = kzalloc(sizeof(*memory->dmabuf), GFP_KERNEL_ACCOUNT);
	if (!memory->dmabuf) {
		memory_put(memory);
		return ERR_PTR(-ENOMEM);
	}
	INIT_LIST_HEAD(&memory->dmabuf->entries);
	rc = dmabuf_attach(ctx, memory, buf, end);
	if (rc) {
		memory_put(memory);
		return ERR_PTR(rc);
	}
	return memory;
}

struct memory *memory_of_dmabuf(struct iommufd_ctx *ctx, int fd, u64 start,
				u64 length, bool writable)
{
	struct memory *memory;
	struct dma_buf *buf;

	if (!IS_ENABLED(CONFIG_DMA_SHARED_BUFFER))
		return NULL;
	buf = dma_buf_get(fd);
	if (IS_ERR(buf))
		return NULL;
	/* The caller has checked start + length for overflow. */
	memory = dmabuf_new_memory(ctx, buf, start, start + length, writable);
	if (IS_ERR(memory))
		dma_buf_put(buf);
	return memory;
}

void dmabuf_put(struct memory *memory)
{
	struct dma_buf_attachment *attachment = memory->dmabuf->attachment;
	struct dma_buf *buf;

	if (!IS_ENABLED(CONFIG_DMA_SHARED_BUFFER))
		return;
	WARN_ON(!list_empty(&memory->dmabuf->entries));
	if (attachment) {
		buf = attachment->dmabuf;
		dma_resv_lock(buf->resv, NULL);
		dma_buf_unpin(attachment);
		dma_resv_unlock(buf->resv);
		/* No revoke runs after dma_buf_detach(). */
		dma_buf_detach(buf, attachment);
		dma_buf_put(buf);
	}
	kfree(memory->dmabuf);
}

int dmabuf_prot(int prot)
{
	return (prot & ~IOMMU_CACHE) | IOMMU_MMIO;
}

int dmabuf_map(struct area *area, struct hw_mapper *to)
{
	struct memory *memory = area->memory;
	struct dmabuf *dmabuf = memory->dmabuf;
	struct dmabuf_entry *entry;
	int rc;

	lockdep_assert_held(&memory->lock);
	if (!dmabuf->length)
		return 0;
	entry = kmalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return -ENOMEM;
	rc = hw_map_add(to, dmabuf->base + memory->start +
			area->holder.start * PAGE_SIZE + area->offset,
			area_length(area));
	rc = hw_map_end(to, rc);
	if (rc) {
		kfree(entry);
		return rc;
	}
	entry->area = area;
	entry->domain = to->domain;
	entry->next = area->entries;
	area->entries = entry;
	list_add(&entry->item, &dmabuf->entries);
	return 0;
}

void dmabuf_unmap(struct area *area, struct iommu_domain *domain)
{
	struct memory *memory = area->memory;
	struct dmabuf_entry **link, *entry;

	mutex_lock(&memory->lock);
	for (link = &area->entries; *link; link = &(*link)->next) {
		entry = *link;
		if (entry->domain != domain)
			continue;
		*link = entry->next;
		dmabuf_entry_unmap(entry);
		break;
	}
	mutex_unlock(&memory->lock);
}
