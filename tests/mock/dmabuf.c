// SPDX-License-Identifier: GPL-2.0-only
/* An exporter of DMA-bufs whose memory can be taken away from importers. */
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "../../src/compat/dmabuf.h"
#include "../../src/core/context.h"
#include "command.h"
#include "uapi.h"

#define LENGTH_MAX (512 * PAGE_SIZE)

struct test_dmabuf {
	void *memory;
	size_t length;
	bool revoked;		/* guarded by the reservation */
};

/* There is no DMA here: iommufd asks where the memory is. */
static struct sg_table *dmabuf_map(struct dma_buf_attachment *attachment,
				   enum dma_data_direction direction)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static void dmabuf_unmap(struct dma_buf_attachment *attachment, struct sg_table *table,
			 enum dma_data_direction direction)
{
}

static void memory_free(struct test_dmabuf *test)
{
	free_pages_exact(test->memory, test->length);
	kfree(test);
}

static void dmabuf_release(struct dma_buf *dmabuf)
{
	memory_free(dmabuf->priv);
}

static int dmabuf_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attachment)
{
	return 0;
}

/* Older kernels map what has no such functions for whoever attaches himself. */
static int dmabuf_pin(struct dma_buf_attachment *attachment)
{
	return 0;
}

static void dmabuf_unpin(struct dma_buf_attachment *attachment)
{
}

static const struct dma_buf_ops dmabuf_ops = {
	.attach = dmabuf_attach,
	.pin = dmabuf_pin,
	.unpin = dmabuf_unpin,
	.map_dma_buf = dmabuf_map,
	.unmap_dma_buf = dmabuf_unmap,
	.release = dmabuf_release,
};

int mock_dmabuf_phys(struct dma_buf_attachment *attachment, phys_addr_t *base,
		     size_t *length)
{
	struct test_dmabuf *test = attachment->dmabuf->priv;

	if (attachment->dmabuf->ops != &dmabuf_ops)
		return -EOPNOTSUPP;
	dma_resv_assert_held(attachment->dmabuf->resv);
	if (test->revoked)
		return -ENODEV;
	*base = virt_to_phys(test->memory);
	*length = test->length;
	return 0;
}

static struct test_dmabuf *memory_new(size_t length)
{
	struct test_dmabuf *test;

	test = kzalloc(sizeof(*test), GFP_KERNEL_ACCOUNT);
	if (!test)
		return NULL;
	test->length = length;
	test->memory = alloc_pages_exact(length, GFP_KERNEL_ACCOUNT | __GFP_ZERO |
						 __GFP_NOWARN);
	if (!test->memory) {
		kfree(test);
		return NULL;
	}
	return test;
}

int test_dmabuf_get(struct command *cmd, struct iommu_test_cmd *arg)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	u64 length = PAGE_ALIGN((u64)arg->dmabuf_get.length);
	u32 flags = arg->dmabuf_get.open_flags;
	struct dma_buf *dmabuf;
	int fd;

	if (!length || length > LENGTH_MAX || (flags & ~(O_CLOEXEC | O_ACCMODE)))
		return -EINVAL;
	info.priv = memory_new(length);
	if (!info.priv)
		return -ENOMEM;
	info.ops = &dmabuf_ops;
	info.size = length;
	info.flags = flags;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf)) {
		memory_free(info.priv);
		return PTR_ERR(dmabuf);
	}
	fd = dma_buf_fd(dmabuf, flags);
	if (fd < 0)
		dma_buf_put(dmabuf);
	return fd;
}

int test_dmabuf_revoke(struct command *cmd, struct iommu_test_cmd *arg)
{
	struct test_dmabuf *test;
	struct dma_buf *dmabuf;
	int rc = -EOPNOTSUPP;

	dmabuf = dma_buf_get(arg->dmabuf_revoke.dmabuf_fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	if (dmabuf->ops == &dmabuf_ops) {
		test = dmabuf->priv;
		dma_resv_lock(dmabuf->resv, NULL);
		test->revoked = arg->dmabuf_revoke.revoked;
		dma_buf_invalidate_mappings(dmabuf);
		dma_resv_unlock(dmabuf->resv);
		rc = 0;
	}
	dma_buf_put(dmabuf);
	return rc;
}
