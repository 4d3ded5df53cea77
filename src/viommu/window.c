// SPDX-License-Identifier: GPL-2.0-only
/* mmap() of /dev/iommu: windows to registers of vIOMMUs. */
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "../core/context.h"
#include "viommu.h"
#include "window.h"

struct window {
	struct viommu *viommu;
	phys_addr_t base;
	size_t length;
};

void windows_init(struct iommufd_ctx *ctx)
{
	mutex_init(&ctx->windows_lock);
	xa_init_flags(&ctx->windows, XA_FLAGS_ACCOUNT);
	/* Never hand out offset 0, which a program has that forgot to set it. */
	ctx->next_window = 1;
}

void windows_destroy(struct iommufd_ctx *ctx)
{
	WARN_ON(!xa_empty(&ctx->windows));
	mutex_destroy(&ctx->windows_lock);
}

int viommu_add_window(struct hw_viommu *hw, phys_addr_t base, size_t length,
		      unsigned long *offset)
{
	struct viommu *viommu = to_viommu(hw);
	struct iommufd_ctx *ctx = viommu->ctx;
	struct window *window;
	int rc;

	if (!length || !PAGE_ALIGNED(base) || !PAGE_ALIGNED(length))
		return -EINVAL;
	window = kmalloc_obj(*window, GFP_KERNEL_ACCOUNT);
	if (!window)
		return -ENOMEM;
	window->viommu = viommu;
	window->base = base;
	window->length = length;
	mutex_lock(&ctx->windows_lock);
	rc = xa_insert(&ctx->windows, ctx->next_window, window, GFP_KERNEL_ACCOUNT);
	if (!rc) {
		*offset = ctx->next_window << PAGE_SHIFT;
		ctx->next_window += length >> PAGE_SHIFT;
	}
	mutex_unlock(&ctx->windows_lock);
	if (rc)
		kfree(window);
	return rc;
}

void viommu_remove_window(struct hw_viommu *hw, unsigned long offset)
{
	struct viommu *viommu = to_viommu(hw);
	struct iommufd_ctx *ctx = viommu->ctx;
	struct window *window;

	mutex_lock(&ctx->windows_lock);
	window = xa_erase(&ctx->windows, offset >> PAGE_SHIFT);
	mutex_unlock(&ctx->windows_lock);
	WARN_ON(!window || window->viommu != viommu);
	kfree(window);
}

/* Copy the window at a page offset, and take a hold of its vIOMMU. */
static int window_hold(struct iommufd_ctx *ctx, unsigned long pgoff, size_t length,
		       struct window *copy)
{
	struct window *window;
	int rc = -ENXIO;

	mutex_lock(&ctx->windows_lock);
	window = xa_load(&ctx->windows, pgoff);
	if (window && window->length == length &&
	    object_try_hold(ctx, &window->viommu->obj)) {
		*copy = *window;
		rc = 0;
	}
	mutex_unlock(&ctx->windows_lock);
	return rc;
}

/* A mapping was split, or copied by fork(). */
static void window_mapping_open(struct vm_area_struct *vma)
{
	struct viommu *viommu = vma->vm_private_data;

	WARN_ON(!object_try_hold(viommu->ctx, &viommu->obj));
}

static void window_mapping_close(struct vm_area_struct *vma)
{
	struct viommu *viommu = vma->vm_private_data;

	object_release(viommu->ctx, &viommu->obj);
}

static const struct vm_operations_struct mapping_ops = {
	.open = window_mapping_open,
	.close = window_mapping_close,
};

int windows_mmap(struct iommufd_ctx *ctx, struct vm_area_struct *vma)
{
	size_t length = vma->vm_end - vma->vm_start;
	struct window window;
	int rc;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	rc = window_hold(ctx, vma->vm_pgoff, length, &window);
	if (rc)
		return rc;
	vm_flags_clear(vma, VM_MAYEXEC);
	vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
	rc = io_remap_pfn_range(vma, vma->vm_start, window.base >> PAGE_SHIFT, length,
				vma->vm_page_prot);
	if (rc) {
		object_release(ctx, &window.viommu->obj);
		return rc;
	}
	vma->vm_private_data = window.viommu;
	vma->vm_ops = &mapping_ops;
	return 0;
}
