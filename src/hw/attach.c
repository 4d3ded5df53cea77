// SPDX-License-Identifier: GPL-2.0-only
/* Attaching domains to groups and PASIDs, replacing and detaching them. */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "hw.h"
#include "overlay.h"
#include "vtd.h"

static void attachment_release(struct hw_attachment *attachment)
{
	if (attachment->parking)
		iommu_domain_free(attachment->parking);
	kfree(attachment);
}

#ifdef IOMMUFD_HAVE_IOMMU_FEAT_IOPF
static int attachment_make_parking(struct hw_attachment *attachment)
{
	return 0;	/* hw_faults_disable() comes after the detach */
}
#else
static int attachment_first_device(struct device *dev, void *first)
{
	*(struct device **)first = dev;
	return 1;
}

static int attachment_make_parking(struct hw_attachment *attachment)
{
	const struct hw_place *at = attachment->at;
	struct iommu_domain *domain;
	struct device *dev;

	if (!attachment->faults || at->pasid != IOMMU_NO_PASID ||
	    vtd_faults_known(at->group) || !vtd_has(at->group) ||
	    !iommu_group_for_each_dev(at->group, &dev, attachment_first_device))
		return 0;
	domain = iommu_paging_domain_alloc_flags(dev, 0);
	if (IS_ERR(domain))
		return PTR_ERR(domain);
	attachment->parking = domain;
	return 0;
}
#endif

/* Each attachment has a handle of its own: the core may read the old one for a while. */
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
	if (attachment_make_parking(attachment)) {
		kfree(attachment);
		return NULL;
	}
	return attachment;
}

/* The core's part of it: of an overlay, the parent. */
static struct compat_attachment attachment_core(struct hw_attachment *attachment)
{
	const struct hw_place *at = attachment->at;

	return (struct compat_attachment) {
		.group = at->group,
		.dev = at->dev,
		.pasid = at->pasid,
		.domain = hw_overlay_core(attachment->domain),
		.handle = &attachment->handle,
	};
}

/*
 * VT-d on Linux 7.2 counts a device's domains with faults.  A nested one that comes in the
 * place of such a domain doesn't take that one off the count, nor does an attach that fails.
 *
 * When the last one goes, the core frees what faults it knows of the device, and a fault that
 * the driver's interrupt handler reports meanwhile, or later, is a use after free or a warning.
 * To detach it, the driver waits for the handler too late, and with a PASID to replace it.
 *
 * Returns true if @to must not simply be attached in the place of @from.
 */
static bool attachment_must_leave_first(const struct hw_attachment *from,
					const struct hw_attachment *to)
{
#ifdef IOMMUFD_HAVE_IOMMU_FEAT_IOPF
	return false;	/* hw_faults_enable() does the counting */
#else
	if (!from->faults)
		return false;
	if (from->at->pasid != IOMMU_NO_PASID)
		return !to->faults && vtd_has(from->at->group);
	return hw_overlay_core(to->domain)->type == IOMMU_DOMAIN_NESTED ||
	       vtd_has(from->at->group);
#endif
}

/*
 * Nothing is reported to it any more.  A PASID's, too: the driver waits first there, but a device
 * that goes on asking is heard until the core has taken the handle out.
 */
static bool attachment_close(struct hw_attachment *from)
{
	from->closed = from->faults && vtd_faults_close(from->at, &from->handle);
	return from->closed;
}

/*
 * Where that isn't possible: moves a group from a domain with faults to an empty one without.
 * Of all that ends the former, only this makes VT-d's driver block DMA and wait for the faults
 * on their way before they aren't expected any more.  Returns an errno if the group couldn't be
 * moved, or needn't.
 */
static int attachment_park(struct hw_attachment *from)
{
	const struct compat_attachment to = {
		.group = from->at->group,
		.dev = from->at->dev,
		.pasid = from->at->pasid,
		.domain = from->parking,
		.handle = &from->parked,
	};

	return from->parking ? compat_replace(&to) : -EOPNOTSUPP;
}

/* From its parking, a failure to attach another domain isn't miscounted. */
static int attachment_replace_by_parking(struct hw_attachment *from,
					 const struct compat_attachment *before,
					 const struct compat_attachment *after)
{
	int rc;

	if (attachment_close(from)) {
		rc = compat_replace_by_detaching(before, after);
		vtd_faults_closed(from->at);
	} else if (attachment_park(from)) {
		rc = compat_replace_by_detaching(before, after);
	} else {
		rc = compat_replace(after);
		if (rc)
			compat_replace_by_detaching(before, before);
	}
	if (rc)
		from->closed = false;
	return rc;
}

/*
 * VT-d's driver blocks DMA before it looks whether a domain can be attached, or with a PASID
 * whether the IOMMU can walk the tables of a nested one, while the core from Linux 7.2 on
 * relies on a driver that fails to have changed nothing.  Attach again what was there, by way
 * of the blocking domain, because to the core it is there still.  -EBUSY is the core's own
 * answer while a device is reset, and -EOPNOTSUPP that there are no such PASIDs: nothing has
 * changed.
 */
static bool attachment_is_lost(const struct compat_attachment *from,
			       const struct compat_attachment *to, int rc)
{
	if (!rc || rc == -EBUSY || !vtd_has(from->group))
		return false;
	if (from->pasid == IOMMU_NO_PASID)
		return true;
	return to->domain->type == IOMMU_DOMAIN_NESTED && rc != -EOPNOTSUPP &&
	       compat_is_attached(from);
}

static int attachment_replace_core(struct hw_attachment *from, struct hw_attachment *to)
{
	const struct compat_attachment before = attachment_core(from);
	const struct compat_attachment after = attachment_core(to);
	int rc;

	to->closed = false;
	if (attachment_must_leave_first(from, to))
		return attachment_replace_by_parking(from, &before, &after);
	rc = compat_replace(&after);
	if (attachment_is_lost(&before, &after, rc))
		compat_replace_by_detaching(&before, &before);
	return rc;
}

static int attachment_attach(struct hw_attachment *attachment)
{
	const struct compat_attachment core = attachment_core(attachment);
	int rc;

	rc = hw_overlay_check(attachment);
	if (rc)
		return rc;
	rc = compat_attach(&core);
	if (rc)
		hw_overlay_release(attachment);
	else
		hw_overlay_enter(attachment);
	return rc;
}

int hw_join(struct hw_attachment *now, struct device *dev)
{
	return hw_overlay_join(now, dev);
}

/* With the same parent, only the core's handle changes. */
static int attachment_replace_overlay(struct hw_attachment *from, struct hw_attachment *to)
{
	int rc;

	rc = attachment_replace_core(from, to);
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
	if (hw_overlay_core(from->domain) == hw_overlay_core(to->domain)) {
		rc = attachment_replace_overlay(from, to);
	} else {
		hw_overlay_block(from);
		rc = attachment_replace_core(from, to);
		hw_overlay_enter(rc ? from : to);
	}
	hw_overlay_release(rc ? to : from);
	return rc;
}

struct hw_attachment *hw_attach(const struct hw_place *at,
				struct iommu_domain *domain,
				struct fault_queue *faults)
{
	struct hw_attachment *attachment;
	int rc;

	if (at->pasid != IOMMU_NO_PASID && vtd_forgets_pasids(at->dev))
		return ERR_PTR(-EOPNOTSUPP);
	attachment = attachment_new(at, domain, faults);
	if (!attachment)
		return ERR_PTR(-ENOMEM);
	rc = attachment_attach(attachment);
	if (rc) {
		/* Some cores have the handle while they try: a page fault may have seen it. */
		hw_attachment_free(attachment);
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
	const struct compat_attachment core = attachment_core(attachment);

	hw_overlay_block(attachment);
	if (attachment_close(attachment)) {
		compat_detach(&core);
		vtd_faults_closed(attachment->at);
	} else {
		attachment_park(attachment);
		compat_detach(&core);
	}
	hw_overlay_release(attachment);
}

bool hw_reset_loses_faults(struct iommu_group *group)
{
	return vtd_faults_known(group);
}

void hw_reset_begin(struct hw_attachment *attachment)
{
	attachment_close(attachment);
}

void hw_reset_end(struct hw_attachment *attachment)
{
	/* Who looks meanwhile refuses the fault, or reports it. */
	if (attachment->closed)
		WRITE_ONCE(attachment->handle.domain, hw_overlay_core(attachment->domain));
	attachment->closed = false;
}

static bool attachment_is_attached(struct hw_attachment *attachment)
{
	const struct compat_attachment core = attachment_core(attachment);

	return compat_is_attached(&core);
}

static void attachment_log_blocked(const struct hw_place *at)
{
	if (at->pasid == IOMMU_NO_PASID)
		pr_err_ratelimited("DMA of group %d is blocked, its page table can't be restored\n",
				   iommu_group_id(at->group));
	else
		dev_err_ratelimited(at->dev,
				    "DMA of PASID %u is blocked, its page table can't be restored\n",
				    at->pasid);
}

struct hw_attachment *hw_replace(struct hw_attachment *old,
				 struct iommu_domain *domain,
				 struct fault_queue *faults)
{
	struct hw_attachment *attachment;
	bool attached;
	int rc;

	/* Without PASID, no kernel's core checks that when it replaces. */
	rc = iommu_group_for_each_dev(old->at->group, domain, attachment_device_fits);
	if (rc)
		return ERR_PTR(rc);
	attachment = attachment_new(old->at, domain, faults);
	if (!attachment)
		return ERR_PTR(-ENOMEM);
	/* Not if the way back from an earlier replace failed. */
	attached = attachment_is_attached(old);
	rc = attachment_replace(old, attachment);
	if (rc) {
		if (attached && !attachment_is_attached(old))
			attachment_log_blocked(old->at);
		hw_attachment_free(attachment);
		return ERR_PTR(rc);
	}
	return attachment;
}

int hw_restore(struct hw_attachment *now, struct hw_attachment *old)
{
	int rc = attachment_replace(now, old);

	if (rc) {
		attachment_log_blocked(now->at);
		hw_detach(now);
	}
	return rc;
}

/*
 * Longer than an interrupt handler that has seen the attachment before it ended, apart from
 * its memory allocation, during which the core counts the fault.
 */
#ifdef IOMMUFD_TEST
/* Tests that look for leaks after each of thousands of attachments can't wait for this. */
static unsigned int attachment_late_ms = 1000;
module_param(attachment_late_ms, uint, 0644);
#else
static const unsigned int attachment_late_ms = 5000;
#endif

/* Never 0: what has to wait once more would be looked at without a pause. */
static unsigned long attachment_late(void)
{
	return msecs_to_jiffies(attachment_late_ms) + 1;
}

static DEFINE_SPINLOCK(late_lock);
static LIST_HEAD(late);			/* struct hw_attachment, under @late_lock */

static void attachment_add_late(struct hw_attachment *attachment)
{
	attachment->until = jiffies + attachment_late();
	spin_lock(&late_lock);
	list_add_tail(&attachment->item, &late);
	spin_unlock(&late_lock);
}

/* Takes the first one off the list if its time has come. */
static struct hw_attachment *attachment_take_late(void)
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
static bool attachments_free_late(void)
{
	struct hw_attachment *attachment;
	bool more;

	while ((attachment = attachment_take_late())) {
		cond_resched();
		/* A fault is only counted when a domain with faults has been found. */
		if (attachment->faults && hw_faults_are_under_way(attachment->late_group)) {
			attachment_add_late(attachment);
			continue;
		}
		iommu_group_put(attachment->late_group);
		attachment_release(attachment);
	}
	spin_lock(&late_lock);
	more = !list_empty(&late);
	spin_unlock(&late_lock);
	return more;
}

static void attachments_run_late(struct work_struct *work);
static DECLARE_DELAYED_WORK(late_work, attachments_run_late);

static void attachments_run_late(struct work_struct *work)
{
	if (attachments_free_late())
		schedule_delayed_work(&late_work, HZ);
}

void hw_attachment_free(struct hw_attachment *attachment)
{
	/* The core looks at any handle that it finds, for a device that asks all the same. */
	if (!attachment->faults && (!hw_faults_may_come(attachment->at->group) ||
				    vtd_faults_wait(attachment->at->group))) {
		kfree(attachment);
		return;
	}
	if (!attachment->faults)
		hw_faults_silence(&attachment->handle);
	else if (!attachment->closed)
		hw_faults_refuse(&attachment->handle);
	attachment->late_group = iommu_group_ref_get(attachment->at->group);
	attachment_add_late(attachment);
	schedule_delayed_work(&late_work, attachment_late());
}

void hw_attachments_exit(void)
{
	cancel_delayed_work_sync(&late_work);
	while (attachments_free_late())
		msleep(50);
}
