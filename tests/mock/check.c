// SPDX-License-Identifier: GPL-2.0-only
/* Checks of what the IOMMU has, of its caches, and of pages' references. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>

#include "../../src/core/context.h"
#include "../../src/core/object.h"
#include "../../src/device/device.h"
#include "../../src/hwpt/hwpt.h"
#include "command.h"
#include "mock.h"
#include "uapi.h"

static struct hwpt *hwpt_get(struct iommufd_ctx *ctx, u32 id, bool nested)
{
	struct hwpt *hwpt = object_get(ctx, id, &hwpt_object_type);
	int rc = 0;

	if (IS_ERR(hwpt))
		return hwpt;
	if (!hwpt->parent == nested)
		rc = -ENOENT;
	else if (nested ? !mock_is_nested(hwpt->table.domain) :
			  !mock_is_paging(hwpt->table.domain))
		rc = -EINVAL;
	if (rc) {
		object_put(ctx, &hwpt->obj);
		return ERR_PTR(rc);
	}
	return hwpt;
}

struct hwpt *test_paging_get(struct iommufd_ctx *ctx, u32 id)
{
	return hwpt_get(ctx, id, false);
}

static int check_range(u64 address, u64 length, unsigned long page_size)
{
	u64 end;

	if (address % page_size || length % page_size ||
	    check_add_overflow(address, length, &end))
		return -EINVAL;
	return 0;
}

static int get_page_at(u64 address, struct page **page)
{
	long rc;

	if (address > ULONG_MAX)
		return -EFAULT;
	if (fatal_signal_pending(current))
		return -EINTR;
	cond_resched();
	rc = get_user_pages_fast(address & PAGE_MASK, 1, 0, page);
	if (rc < 0)
		return rc;
	return rc == 1 ? 0 : -EFAULT;
}

int test_page_at(u64 address, struct page **page)
{
	int rc = get_page_at(address, page);

	if (!rc)
		put_page(*page);
	return rc;
}

static int check_map(struct iommu_domain *domain, u64 iova, u64 length, u64 address)
{
	unsigned long step = 1UL << __ffs(domain->pgsize_bitmap);
	struct page *page;
	u64 done;
	int rc;

	if (iova % step)
		return -EINVAL;
	rc = check_range(address, length, step);
	for (done = 0; !rc && done < length; done += step) {
		rc = test_page_at(address + done, &page);
		if (!rc && mock_translate(domain, iova + done) !=
			   page_to_phys(page) + offset_in_page(address + done))
			rc = -EINVAL;
	}
	return rc;
}

int test_check_map(struct command *cmd, struct iommu_test_cmd *arg)
{
	struct hwpt *hwpt;
	int rc;

	hwpt = test_paging_get(cmd->ctx, arg->id);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	rc = check_map(hwpt->table.domain, arg->check_map.iova,
		       arg->check_map.length, arg->check_map.uptr);
	object_put(cmd->ctx, &hwpt->obj);
	return rc;
}

/* Is a page pinned that often?  One of a larger folio counts elsewhere. */
static int check_refs(u64 address, unsigned int refs)
{
	struct page *page;
	int rc;

	rc = get_page_at(address, &page);
	if (rc)
		return rc;
	if (!PageCompound(page) &&
	    page_ref_count(page) / GUP_PIN_COUNTING_BIAS != refs)
		rc = -EIO;
	put_page(page);
	return rc;
}

int test_check_refs(struct command *cmd, struct iommu_test_cmd *arg)
{
	u64 address = arg->check_refs.uptr;
	u64 done;
	int rc;

	rc = check_range(address, arg->check_refs.length, PAGE_SIZE);
	for (done = 0; !rc && done < arg->check_refs.length; done += PAGE_SIZE)
		rc = check_refs(address + done, arg->check_refs.refs);
	return rc;
}

int test_check_iotlb(struct command *cmd, struct iommu_test_cmd *arg)
{
	u32 index = arg->check_iotlb.id;
	struct hwpt *hwpt;
	int rc = 0;

	hwpt = hwpt_get(cmd->ctx, arg->id, true);
	if (IS_ERR(hwpt))
		return PTR_ERR(hwpt);
	if (index > MOCK_NESTED_DOMAIN_IOTLB_ID_MAX ||
	    mock_iotlb(hwpt->table.domain, index) != arg->check_iotlb.iotlb)
		rc = -EINVAL;
	object_put(cmd->ctx, &hwpt->obj);
	return rc;
}

int test_check_cache(struct command *cmd, struct iommu_test_cmd *arg)
{
	u32 index = arg->check_dev_cache.id;
	struct iommufd_device *idev;
	int rc = 0;

	idev = object_get(cmd->ctx, arg->id, &device_object_type);
	if (IS_ERR(idev))
		return PTR_ERR(idev);
	if (!mock_is_device(idev->dev) || index > MOCK_DEV_CACHE_ID_MAX ||
	    mock_device_cache(idev->dev, index) != arg->check_dev_cache.cache)
		rc = -EINVAL;
	object_put(cmd->ctx, &idev->obj);
	return rc;
}
