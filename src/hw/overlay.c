// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested domains over a parent that the core knows.
 *
 * An attachment that is in force is in a list, so that the guest's tables come back
 * when the core has put the parent's entry in force again after a reset.  Until then
 * the device is paused: the core keeps its DMA blocked, and nothing is written.
 */
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/spinlock.h>

#include "hw.h"
#include "overlay.h"

static DEFINE_SPINLOCK(overlays_lock);	/* guards these: */
static LIST_HEAD(overlays);		/* struct hw_overlay */
static LIST_HEAD(overlays_in_force);	/* struct hw_attachment */
static atomic_t overlays_to_flush;	/* how many of them have @flush */

static void overlay_free(struct iommu_domain *domain)
{
	struct hw_overlay *overlay = hw_overlay_of(domain);
	unsigned long flags;

	spin_lock_irqsave(&overlays_lock, flags);
	list_del(&overlay->item);
	spin_unlock_irqrestore(&overlays_lock, flags);
	if (overlay->ops->flush)
		atomic_dec(&overlays_to_flush);
	overlay->ops->free(overlay);
}

static const struct iommu_domain_ops overlay_domain_ops = {
	.free = overlay_free,
};

struct iommu_domain *hw_overlay_init(struct hw_overlay *overlay,
				     const struct hw_overlay_ops *ops,
				     struct iommu_domain *parent)
{
	unsigned long flags;

	overlay->domain.type = IOMMU_DOMAIN_NESTED;
	overlay->domain.ops = &overlay_domain_ops;
	overlay->ops = ops;
	overlay->parent = parent;
	if (ops->flush)
		atomic_inc(&overlays_to_flush);
	spin_lock_irqsave(&overlays_lock, flags);
	list_add(&overlay->item, &overlays);
	spin_unlock_irqrestore(&overlays_lock, flags);
	return &overlay->domain;
}

struct hw_overlay *hw_overlay_of(struct iommu_domain *domain)
{
	if (domain->ops != &overlay_domain_ops)
		return NULL;
	return container_of(domain, struct hw_overlay, domain);
}

struct iommu_domain *hw_overlay_core(struct iommu_domain *domain)
{
	struct hw_overlay *overlay = hw_overlay_of(domain);

	return overlay ? overlay->parent : domain;
}

/*
 * An overlay that isn't seen here is used by no device before it is in the list, so
 * that hardware finds the parent's entries gone when it walks for it.
 */
void hw_overlay_flush(struct iommu_domain *parent)
{
	void (*flush)(struct iommu_domain *parent) = NULL;
	struct hw_overlay *overlay;
	unsigned long flags;

	smp_mb(); /* the entries are gone before the list is looked at */
	if (!atomic_read(&overlays_to_flush))
		return;
	spin_lock_irqsave(&overlays_lock, flags);
	list_for_each_entry(overlay, &overlays, item) {
		if (overlay->parent == parent && overlay->ops->flush)
			flush = overlay->ops->flush;
	}
	spin_unlock_irqrestore(&overlays_lock, flags);
	if (flush)
		flush(parent);
}

/*
 * Devices that are being reset, each with a reference, so that no other device comes to
 * have the address of one.  A device that finds no room isn't paused.
 */
#define PAUSES_MAX 512

static struct overlay_pause {
	struct device *dev;
	unsigned int depth;
} overlay_pauses[PAUSES_MAX];

static struct overlay_pause *overlay_pause_of(struct device *dev)
{
	size_t i;

	lockdep_assert_held(&overlays_lock);
	for (i = 0; i < PAUSES_MAX; i++) {
		if (overlay_pauses[i].dev == dev)
			return &overlay_pauses[i];
	}
	return NULL;
}

void hw_overlay_pause(struct device *dev)
{
	struct overlay_pause *pause;
	unsigned long flags;

	spin_lock_irqsave(&overlays_lock, flags);
	pause = overlay_pause_of(dev) ?: overlay_pause_of(NULL);
	if (pause && !pause->depth++)
		pause->dev = get_device(dev);
	spin_unlock_irqrestore(&overlays_lock, flags);
}

static void overlay_enter_again(struct device *dev)
{
	struct hw_attachment *attachment;
	struct hw_overlay *overlay;

	lockdep_assert_held(&overlays_lock);
	if (overlay_pause_of(dev))
		return;
	list_for_each_entry(attachment, &overlays_in_force, overlay_item) {
		overlay = hw_overlay_of(attachment->domain);
		if (attachment->at->group == dev->iommu_group)
			overlay->ops->enter(overlay, dev);
	}
}

void hw_overlay_enter_again(struct device *dev)
{
	unsigned long flags;

	spin_lock_irqsave(&overlays_lock, flags);
	overlay_enter_again(dev);
	spin_unlock_irqrestore(&overlays_lock, flags);
}

void hw_overlay_resume(struct device *dev)
{
	struct overlay_pause *pause;
	unsigned long flags;

	spin_lock_irqsave(&overlays_lock, flags);
	pause = overlay_pause_of(dev);
	if (pause && !--pause->depth) {
		pause->dev = NULL;
		/* Never the last reference: the task that resets the device has one. */
		put_device(dev);
	}
	overlay_enter_again(dev);
	spin_unlock_irqrestore(&overlays_lock, flags);
}

void hw_overlay_resume_none(void)
{
	size_t i;

	for (i = 0; i < PAUSES_MAX; i++)
		put_device(overlay_pauses[i].dev);
}

/*
 * A device is removed while others of its group stay attached, so that nobody detaches it.
 * The driver's entry has to be as the driver expects it, and the shim has to forget the
 * device, before the core has the driver free what it has of it.
 */
static int overlay_device_event(struct notifier_block *notifier, unsigned long event, void *data)
{
	struct hw_attachment *attachment;
	struct hw_overlay *overlay;
	struct device *dev = data;
	unsigned long flags;

	if (event != BUS_NOTIFY_REMOVED_DEVICE || !dev->iommu_group)
		return NOTIFY_DONE;
	spin_lock_irqsave(&overlays_lock, flags);
	list_for_each_entry(attachment, &overlays_in_force, overlay_item) {
		if (attachment->at->group != dev->iommu_group)
			continue;
		overlay = hw_overlay_of(attachment->domain);
		overlay->ops->forget(dev);
		overlay->ops->block(overlay, dev);
		if (overlay->ops->release)
			overlay->ops->release(overlay, dev);
	}
	spin_unlock_irqrestore(&overlays_lock, flags);
	return NOTIFY_DONE;
}

/* Before the core's, which has no priority. */
static struct notifier_block overlay_devices = {
	.notifier_call = overlay_device_event,
	.priority = 1,
};

int hw_overlay_watch_devices(void)
{
	return bus_register_notifier(&pci_bus_type, &overlay_devices);
}

void hw_overlay_unwatch_devices(void)
{
	bus_unregister_notifier(&pci_bus_type, &overlay_devices);
}

/* A step of a move, for each device of a group. */
struct overlay_step {
	struct hw_overlay *overlay;
	void (*fn)(struct hw_overlay *overlay, struct device *dev);
};

static int overlay_step_device(struct device *dev, void *data)
{
	struct overlay_step *step = data;
	unsigned long flags;

	spin_lock_irqsave(&overlays_lock, flags);
	if (step->fn != step->overlay->ops->enter)
		step->overlay->ops->forget(dev);
	if (!overlay_pause_of(dev))
		step->fn(step->overlay, dev);
	spin_unlock_irqrestore(&overlays_lock, flags);
	return 0;
}

static void overlay_step_all(struct hw_attachment *attachment,
			     void (*fn)(struct hw_overlay *overlay, struct device *dev))
{
	struct overlay_step step = {
		.overlay = hw_overlay_of(attachment->domain),
		.fn = fn,
	};

	iommu_group_for_each_dev(attachment->at->group, &step, overlay_step_device);
}

static void overlay_set_in_force(struct hw_attachment *attachment, bool in_force)
{
	unsigned long flags;

	spin_lock_irqsave(&overlays_lock, flags);
	if (in_force)
		list_add(&attachment->overlay_item, &overlays_in_force);
	else
		list_del(&attachment->overlay_item);
	spin_unlock_irqrestore(&overlays_lock, flags);
}

static int overlay_check_device(struct device *dev, void *data)
{
	struct hw_overlay *overlay = data;

	return overlay->ops->check(overlay, dev);
}

static int overlay_release_device(struct device *dev, void *data)
{
	struct hw_overlay *overlay = data;

	overlay->ops->release(overlay, dev);
	return 0;
}

void hw_overlay_release(struct hw_attachment *attachment)
{
	struct hw_overlay *overlay = hw_overlay_of(attachment->domain);

	if (overlay && overlay->ops->release)
		iommu_group_for_each_dev(attachment->at->group, overlay, overlay_release_device);
}

int hw_overlay_check(struct hw_attachment *to)
{
	struct hw_overlay *overlay = hw_overlay_of(to->domain);
	int rc;

	if (!overlay)
		return 0;
	if (to->at->pasid != IOMMU_NO_PASID)
		return -EOPNOTSUPP;
	rc = iommu_group_for_each_dev(to->at->group, overlay, overlay_check_device);
	if (rc)
		hw_overlay_release(to);
	return rc;
}

int hw_overlay_join(struct hw_attachment *now, struct device *dev)
{
	struct hw_overlay *overlay = hw_overlay_of(now->domain);
	struct overlay_step step;
	int rc;

	if (!overlay)
		return 0;
	rc = overlay->ops->check(overlay, dev);
	if (rc)
		return rc;
	step = (struct overlay_step){ overlay, overlay->ops->enter };
	return overlay_step_device(dev, &step);
}

void hw_overlay_enter(struct hw_attachment *to)
{
	struct hw_overlay *overlay = hw_overlay_of(to->domain);

	if (!overlay)
		return;
	overlay_set_in_force(to, true);
	overlay_step_all(to, overlay->ops->enter);
}

void hw_overlay_block(struct hw_attachment *from)
{
	struct hw_overlay *overlay = hw_overlay_of(from->domain);

	if (!overlay)
		return;
	overlay_set_in_force(from, false);
	overlay_step_all(from, overlay->ops->block);
}

void hw_overlay_move(struct hw_attachment *from, struct hw_attachment *to)
{
	struct hw_overlay *old = hw_overlay_of(from->domain);

	if (old)
		overlay_set_in_force(from, false);
	if (hw_overlay_of(to->domain))
		hw_overlay_enter(to);
	else if (old)
		overlay_step_all(from, old->ops->leave);
}
