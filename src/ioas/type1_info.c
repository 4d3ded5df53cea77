// SPDX-License-Identifier: GPL-2.0-only
/* VFIO_CHECK_EXTENSION and VFIO_IOMMU_GET_INFO for an IOAS. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <uapi/linux/iommufd.h>
#include <uapi/linux/vfio.h>

#include "../core/context.h"
#include "../hw/hw.h"
#include "ioas.h"
#include "type1.h"

/* Returns 1 if all page tables enforce coherency, 0 if not, or an errno. */
static int type1_is_coherent(struct iommufd_ctx *ctx)
{
	struct ioas *ioas = type1_ioas(ctx);
	struct ioas_table *table;
	int coherent = 1;

	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	down_read(&ioas->users);
	list_for_each_entry(table, &ioas->tables, item)
		if (!table->coherent)
			coherent = 0;
	up_read(&ioas->users);
	ioas_put(ioas);
	return coherent;
}

long type1_check_extension(struct iommufd_ctx *ctx, unsigned long extension)
{
	switch (extension) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_UNMAP_ALL:
		return 1;
	case VFIO_DMA_CC_IOMMU:
		return type1_is_coherent(ctx);
	default:
		return 0;
	}
}

/*
 * Page sizes that all page tables support.  Report PAGE_SIZE in place of
 * smaller ones: callers expect it, and it can be composed of them.
 */
static u64 type1_page_sizes(struct ioas *ioas)
{
	unsigned long sizes = ULONG_MAX;
	struct ioas_table *table;

	down_read(&ioas->users);
	list_for_each_entry(table, &ioas->tables, item)
		sizes &= hw_pgsize_bitmap(table->domain);
	if (sizes & ~PAGE_MASK)
		sizes = (sizes & PAGE_MASK) | PAGE_SIZE;
	sizes = max(sizes, ioas->align);
	up_read(&ioas->users);
	return sizes;
}

/*
 * Follows struct vfio_iommu_type1_info if there is room: two capabilities, the
 * second of which ends with the list of usable ranges.
 */
struct capabilities {
	struct vfio_iommu_type1_info_dma_avail avail;
	__u32 pad;
	struct vfio_iommu_type1_info_cap_iova_range ranges;
};

/* Offsets from the beginning of the info structure. */
#define AVAIL_AT	sizeof(struct vfio_iommu_type1_info)
#define RANGES_AT	(AVAIL_AT + offsetof(struct capabilities, ranges))
#define LIST_AT		(AVAIL_AT + sizeof(struct capabilities))

static int type1_put_capabilities(void __user *user, const struct iommu_iova_range *holes,
				  u32 n)
{
	struct capabilities caps = {
		.avail = {
			.header = {
				.id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
				.version = 1,
				.next = RANGES_AT,
			},
			/* The number of mappings isn't limited. */
			.avail = U32_MAX,
		},
		.ranges = {
			.header = {
				.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
				.version = 1,
			},
			.nr_iovas = n,
		},
	};

	BUILD_BUG_ON(sizeof(*holes) != sizeof(struct vfio_iova_range));
	BUILD_BUG_ON(AVAIL_AT != 24 || RANGES_AT != 40 || LIST_AT != 56);
	if (copy_to_user(user + AVAIL_AT, &caps, sizeof(caps)) ||
	    copy_to_user(user + LIST_AT, holes, n * sizeof(*holes)))
		return -EFAULT;
	return 0;
}

/* Write the capabilities only if there is room for all of them. */
static int type1_put_info(void __user *user, struct vfio_iommu_type1_info *info,
			  const struct iommu_iova_range *holes, u32 n)
{
	size_t size = min_t(size_t, info->argsz, sizeof(*info));
	size_t full = LIST_AT + (size_t)n * sizeof(*holes);
	int rc = 0;

	info->flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	info->cap_offset = 0;
	if (info->argsz >= full) {
		info->cap_offset = AVAIL_AT;
		rc = type1_put_capabilities(user, holes, n);
	}
	info->argsz = full;
	if (!rc && copy_to_user(user, info, size))
		rc = -EFAULT;
	return rc;
}

long type1_get_info(struct iommufd_ctx *ctx, void __user *user)
{
	const size_t min_size = offsetofend(struct vfio_iommu_type1_info, iova_pgsizes);
	struct iommu_ioas_iova_ranges list = {};
	struct vfio_iommu_type1_info info = {};
	struct iommu_iova_range *holes;
	struct ioas *ioas;
	int rc;

	if (copy_from_user(&info, user, min_size))
		return -EFAULT;
	if (info.argsz < min_size)
		return -EINVAL;
	ioas = type1_ioas(ctx);
	if (IS_ERR(ioas))
		return PTR_ERR(ioas);
	if (info.argsz > LIST_AT)
		list.num_iovas = (info.argsz - LIST_AT) / sizeof(*holes);
	holes = ioas_get_holes(ioas, &list);
	info.iova_pgsizes = type1_page_sizes(ioas);
	ioas_put(ioas);
	if (IS_ERR(holes))
		return PTR_ERR(holes);
	rc = type1_put_info(user, &info, holes, list.num_iovas);
	kvfree(holes);
	return rc;
}
