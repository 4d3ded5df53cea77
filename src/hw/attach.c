// SPDX-License-Identifier: GPL-2.0-only
/* Domains come to groups and PASIDs, and leave them. */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "hw.h"
#include "overlay.h"
#include "vtd.h"

/* Each attachment has its own handle; the core may look at the old one for a while. */
static struct hw_attachment *attachment_new(const struct hw_place *at,
					    struct iommu_domain *domain,
					    struct fault_queue *faults)
{
	struct hw_attachment *attachment;

	attachment = kzalloc(sizeof(*attachment), GFP_KERNEL_ACCOUNT);
	if (!attachment)
		return NULL;
	attachment->domain = domain;
	attachment->at = at;
	attachment->faults = faults;
	return attachment;
}

/* What the core does: an overlay's part of it is the parent. */
static int attachment_attach_core(struct hw_attachment *attachment)
{
	struct iommu_domain *domain = hw_overlay_core(attachment->domain);
	const struct hw_place *at = attachment->at;

	if (at->pasid == IOMMU_NO_PASID)
		return iommu_attach_group_handle(domain, at->group, &attachment->handle);
	return iommu_attach_device_pasid(domain, at->dev, at->pasid, &attachment->handle);
}

static int attachment_replace_core(struct hw_attachment *attachment)
{
	struct iommu_domain *domain = hw_overlay_core(attachment->domain);
	const struct hw_place *at = attachment->at;

	if (at->pasid == IOMMU_NO_PASID)
		return iommu_replace_group_handle(at->group, domain, &attachment->handle);
	return iommu_replace_device_pasid(domain, at->dev, at->pasid,
					  &attachment->handle);
}

static int attachment_attach(struct hw_attachment *attachment)
{
	int rc;

	rc = hw_overlay_check(attachment);
	if (!rc)
		rc = attachment_attach_core(attachment);
	if (!rc)
		hw_overlay_enter(attachment);
	return rc;
}

/* On one parent the core only takes the other handle. */
static int attachment_replace_overlay(struct hw_attachment *from, struct hw_attachment *to)
{
	int rc;

	rc = attachment_replace_core(to);
	if (!rc)
		hw_overlay_move(from, to);
	return rc;
}

static int attachment_replace(struct hw_attachment *from, struct hw_attachment *to)
{
	int rc;

	rc = hw_overlay_check(to);
	if (rc)
		return rc;
	if (hw_overlay_core(from->domain) == hw_overlay_core(to->domain))
		return attachment_replace_overlay(from, to);
	hw_overlay_block(from);
	rc = attachment_replace_core(to);
	hw_overlay_enter(rc ? from : to);
	return rc;
}

struct hw_attachment *hw_attach(const struct hw_place *at,
				struct iommu_domain *domain,
				struct fault_queue *faults)
{
	struct hw_attachment *attachment = attachment_new(at, domain, faults);
	int rc;

	if (!attachment)
		return ERR_PTR(-ENOMEM);
	rc = attachment_attach(attachment);
	if (rc) {
		kfree(attachment);
		return ERR_PTR(rc);
	}
	return attachment;
}

static int attachment_device_fits(struct device *dev, void *domain)
{
	return compat_domain_fits(domain, dev) ? 0 : -EINVAL;
}

void hw_detach(struct hw_attachment *attachment)
{
	struct iommu_domain *domain = hw_overlay_core(attachment->domain);
	const struct hw_place *at = attachment->at;

	hw_overlay_block(attachment);
	if (at->pasid == IOMMU_NO_PASID)
		iommu_detach_group_handle(domain, at->group);
	else
		iommu_detach_device_pasid(domain, at->dev, at->pasid);
}

/*
 * VT-d on Linux 7.2 counts a device's domains with faults.  A nested one that comes in the
 * place of such a domain doesn't take that one off the count, nor does an attach that fails.
 */
static bool attachment_is_miscounted(const struct hw_attachment *old,
				     const struct iommu_domain *domain)
{
#ifdef IOMMUFD_HAVE_IOMMU_FEAT_IOPF
	return false;	/* counted by us */
#else
	return old->faults && old->at->pasid == IOMMU_NO_PASID &&
	       (domain->type == IOMMU_DOMAIN_NESTED || vtd_has(old->at->group));
#endif
}

static void attachment_put_back(struct hw_attachment *old)
{
	if (attachment_attach(old))
		pr_err_ratelimited("DMA of group %d is blocked, its page table can't be restored\n",
				   iommu_group_id(old->at->group));
}

/* DMA is blocked in between. */
static struct hw_attachment *attachment_replace_by_detaching(struct hw_attachment *old,
							     struct iommu_domain *domain,
							     struct fault_queue *faults)
{
	struct hw_attachment *attachment;

	hw_detach(old);
	attachment = hw_attach(old->at, domain, faults);
	if (IS_ERR(attachment))
		attachment_put_back(old);
	return attachment;
}

/*
 * VT-d's driver blocks DMA before it looks whether a domain can be attached, and the core
 * from Linux 7.2 on takes it that a driver that fails has changed nothing.  So it's for us
 * to bring back what was there, by way of the blocking domain, as to the core it still is.
 */
struct hw_attachment *hw_replace(struct hw_attachment *old,
				 struct iommu_domain *domain,
				 struct fault_queue *faults)
{
	struct hw_attachment *attachment;
	int rc;

	/* The core trusts us in this. */
	rc = iommu_group_for_each_dev(old->at->group, domain, attachment_device_fits);
	if (rc)
		return ERR_PTR(rc);
	if (attachment_is_miscounted(old, domain))
		return attachment_replace_by_detaching(old, domain, faults);
	attachment = attachment_new(old->at, domain, faults);
	if (!attachment)
		return ERR_PTR(-ENOMEM);
	rc = attachment_replace(old, attachment);
	if (rc) {
		kfree(attachment);
		if (vtd_has(old->at->group)) {
			hw_detach(old);
			attachment_put_back(old);
		}
		return ERR_PTR(rc);
	}
	return attachment;
}

int hw_restore(struct hw_attachment *now, struct hw_attachment *old)
{
	return attachment_replace(now, old);
}

/*
 * Longer than an interrupt takes that has seen an attachment before it ended, but for the
 * memory that it allocates: meanwhile the core counts it.
 */
#define LATE (5 * HZ)

static DEFINE_SPINLOCK(late_lock);
static LIST_HEAD(late);			/* struct hw_attachment, under @late_lock */

static void late_add(struct hw_attachment *attachment)
{
	attachment->until = jiffies + LATE;
	spin_lock(&late_lock);
	list_add_tail(&attachment->item, &late);
	spin_unlock(&late_lock);
}

/* Takes the first one off the list if its time has come. */
static struct hw_attachment *late_take(void)
{
	struct hw_attachment *attachment;

	spin_lock(&late_lock);
	attachment = list_first_entry_or_null(&late, struct hw_attachment, item);
	if (attachment && time_after_eq(jiffies, attachment->until))
		list_del(&attachment->item);
	else
		attachment = NULL;
	spin_unlock(&late_lock);
	return attachment;
}

/* Frees those whose time has come.  Returns whether there are others. */
static bool late_free(void)
{
	struct hw_attachment *attachment;
	bool more;

	while ((attachment = late_take())) {
		if (hw_faults_are_under_way(attachment->late_group)) {
			late_add(attachment);
			continue;
		}
		iommu_group_put(attachment->late_group);
		kfree(attachment);
	}
	spin_lock(&late_lock);
	more = !list_empty(&late);
	spin_unlock(&late_lock);
	return more;
}

static void late_run(struct work_struct *work);
static DECLARE_DELAYED_WORK(late_work, late_run);

static void late_run(struct work_struct *work)
{
	if (late_free())
		schedule_delayed_work(&late_work, HZ);
}

void hw_attachment_free(struct hw_attachment *attachment)
{
	if (!attachment->faults) {
		kfree(attachment);
		return;
	}
	hw_faults_refuse(&attachment->handle);
	attachment->late_group = iommu_group_ref_get(attachment->at->group);
	late_add(attachment);
	schedule_delayed_work(&late_work, LATE);
}

void hw_attachments_exit(void)
{
	cancel_delayed_work_sync(&late_work);
	while (late_free())
		msleep(50);
}
