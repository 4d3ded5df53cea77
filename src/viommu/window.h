/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Windows: registers of a vIOMMU that user space may map from its /dev/iommu file, each as
 * a whole and at its own offset, until the vIOMMU's shim removes them (hw/shim.h).  A
 * mapping holds the vIOMMU, like a page table.  Offsets are never reused.
 */
#ifndef IOMMUFD_VIOMMU_WINDOW_H
#define IOMMUFD_VIOMMU_WINDOW_H

struct iommufd_ctx;
struct vm_area_struct;

/**
 * windows_init() - prepare a new context for windows
 * @ctx: the context
 */
void windows_init(struct iommufd_ctx *ctx);

/**
 * windows_destroy() - undo windows_init()
 * @ctx: the context, whose vIOMMUs are gone and with them all windows
 */
void windows_destroy(struct iommufd_ctx *ctx);

/**
 * windows_mmap() - map a window to user space
 * @ctx: the context
 * @vma: the mapping
 *
 * Return: 0, -ENXIO if no window has this offset and length, -EINVAL for a private mapping,
 * -EPERM for an executable one, or as io_remap_pfn_range().
 */
int windows_mmap(struct iommufd_ctx *ctx, struct vm_area_struct *vma);

#endif
