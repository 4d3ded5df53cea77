/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Windows: registers of a vIOMMU's that user space may map from its /dev/iommu, whole
 * and at one offset, until the vIOMMU's shim closes them (hw/shim.h).  A mapping holds
 * the vIOMMU, as a page table does.  No offset is ever used twice.
 */
#ifndef IOMMUFD_VIOMMU_WINDOW_H
#define IOMMUFD_VIOMMU_WINDOW_H

struct iommufd_ctx;
struct vm_area_struct;

void windows_init(struct iommufd_ctx *ctx);
void windows_destroy(struct iommufd_ctx *ctx);

/*
 * 0, -ENXIO if there's no window just there and of that length, -EINVAL for a private
 * mapping, -EPERM for an executable one.
 */
int windows_mmap(struct iommufd_ctx *ctx, struct vm_area_struct *vma);

#endif
