// SPDX-License-Identifier: GPL-2.0-only
/* What devices do by themselves: they ask for pages, report events, write to memory. */
#include <linux/err.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "../../src/core/context.h"
#include "../../src/core/object.h"
#include "../../src/device/device.h"
#include "../../src/hwpt/hwpt.h"
#include "command.h"
#include "mock.h"
#include "uapi.h"

static struct iommufd_device *mock_get(struct iommufd_ctx *ctx, u32 id)
{
	struct iommufd_device *idev = object_get(ctx, id, &device_object_type);

	if (!IS_ERR(idev) && !mock_is_device(idev->dev)) {
		object_put(ctx, &idev->obj);
		return ERR_PTR(-EINVAL);
	}
	return idev;
}

static int ask(struct device *dev, const struct mock_request *request, u32 how)
{
	int rc;

	if (how & MOCK_IOPF_GO)
		return mock_device_go(dev);
	if (how & MOCK_IOPF_HOLD)
		return mock_device_hold(dev, request);
	/* Where the request goes, and if it goes anywhere, is the kernel's affair. */
	rc = mock_device_fault(dev, request);
	return rc == -EOPNOTSUPP ? rc : 0;
}

int test_trigger_iopf(struct command *cmd, struct iommu_test_cmd *arg)
{
	const struct mock_request request = {
		.pasid = arg->trigger_iopf.pasid,
		.group_id = arg->trigger_iopf.grpid,
		.perm = arg->trigger_iopf.perm,
		.addr = arg->trigger_iopf.addr,
		.more = arg->__reserved & MOCK_IOPF_MORE,
	};
	struct iommufd_device *idev;
	int rc;

	idev = mock_get(cmd->ctx, arg->trigger_iopf.dev_id);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	rc = ask(idev->dev, &request, arg->__reserved);
	object_put(cmd->ctx, &idev->obj);
	return rc;
}

int test_trigger_vevent(struct command *cmd, struct iommu_test_cmd *arg)
{
	struct iommufd_device *idev;
	int rc;

	idev = mock_get(cmd->ctx, arg->trigger_vevent.dev_id);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	rc = mock_device_event(idev->dev);
	object_put(cmd->ctx, &idev->obj);
	return rc;
}

/* A bit for each page of @page_size that is written to; *@count of them. */
static int dirty_pages(struct iommu_domain *domain, struct iommu_test_cmd *arg,
		       const unsigned long *bits, unsigned long npages, u64 *count)
{
	unsigned long i;

	if (!mock_tracks_dirty(domain))
		return -EINVAL;
	for_each_set_bit(i, bits, npages) {
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		mock_dirty(domain, arg->dirty.iova + i * arg->dirty.page_size);
		(*count)++;
	}
	return 0;
}

static int dirty(struct iommufd_ctx *ctx, struct iommu_test_cmd *arg,
		 const unsigned long *bits, unsigned long npages)
{
	struct hwpt *hwpt;
	u64 count = 0;
	int rc;

	hwpt = test_paging_get(ctx, arg->id);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	rc = dirty_pages(hwpt->table.domain, arg, bits, npages, &count);
	object_put(ctx, &hwpt->obj);
	arg->dirty.out_nr_dirty = count;
	return rc;
}

int test_dirty(struct command *cmd, struct iommu_test_cmd *arg)
{
	u64 page_size = arg->dirty.page_size, npages;
	unsigned long *bits;
	int rc;

	if (!page_size || !arg->dirty.length || !arg->dirty.uptr ||
	    arg->dirty.iova % page_size || arg->dirty.length % page_size)
		return -EINVAL;
	npages = arg->dirty.length / page_size;
	if (npages > SZ_16M * BITS_PER_BYTE)
		return -EOVERFLOW;
	bits = kvcalloc(BITS_TO_LONGS(npages), sizeof(*bits), GFP_KERNEL_ACCOUNT);
	if (!bits)
		return -ENOMEM;
	if (copy_from_user(bits, u64_to_user_ptr(arg->dirty.uptr),
			   BITS_TO_BYTES(npages)))
		rc = -EFAULT;
	else
		rc = dirty(cmd->ctx, arg, bits, npages);
	kvfree(bits);
	return rc ? rc : command_respond(cmd, sizeof(*arg));
}
