/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Nested domains that the core doesn't know of.  To the core devices are attached to
 * the parent, so that the driver's bookkeeping and the doorbells of interrupts stay
 * right; what the hardware walks besides, a shim writes over the driver's entry.
 *
 * hw/attach.c calls for that, under the group's lock, reset.c, and shims.  All operations
 * but @check, @free and @invalidate run under a spinlock with interrupts off: the core rewrites an
 * entry when a PCI device was reset, and the guest's has to come back there.  @release runs with it
 * or without.
 */
#ifndef IOMMUFD_HW_OVERLAY_H
#define IOMMUFD_HW_OVERLAY_H

#include <linux/iommu.h>
#include <linux/list.h>

struct hw_attachment;
struct hw_overlay;

struct hw_overlay_ops {
	void (*free)(struct hw_overlay *overlay);

	/*
	 * Could @dev come to it?  0, or an errno as of an attach; nothing that is seen changes.
	 * What @enter needs is kept for it from then on, until @release.
	 */
	int (*check)(struct hw_overlay *overlay, struct device *dev);
	/* @dev, which the core has attached to the parent, uses the guest's tables now. */
	void (*enter)(struct hw_overlay *overlay, struct device *dev);
	/* It uses them no more, whatever its entry is: the core may have replaced that. */
	void (*forget)(struct device *dev);
	/*
	 * It uses them no more: its DMA is blocked, in a way that the driver expects.  It may
	 * come back, so what @enter needs is kept, as by @check.
	 */
	void (*block)(struct hw_overlay *overlay, struct device *dev);
	/* It uses them no more: it has what the parent translates. */
	void (*leave)(struct hw_overlay *overlay, struct device *dev);
	/* Gives back what is still kept for @dev.  NULL if that is nothing. */
	void (*release)(struct hw_overlay *overlay, struct device *dev);

	/*
	 * Drops all that is cached of guests' tables on top of @parent, after something
	 * was unmapped there; may be called from anywhere that may unmap.  NULL if the
	 * parent's own flush is enough.
	 */
	void (*flush)(struct iommu_domain *parent);
	/* See hw_nested_invalidate(); NULL where that is the vIOMMU's. */
	int (*invalidate)(struct hw_overlay *overlay, struct iommu_user_data_array *array);
};

/* The shim's structure begins with one. */
struct hw_overlay {
	struct iommu_domain domain;
	const struct hw_overlay_ops *ops;
	struct iommu_domain *parent;
	struct list_head item;		/* of all */
};

/* @overlay is zeroed memory of the shim's, which @ops->free gives back. */
struct iommu_domain *hw_overlay_init(struct hw_overlay *overlay,
				     const struct hw_overlay_ops *ops,
				     struct iommu_domain *parent);

/* The overlay that a domain is, or NULL. */
struct hw_overlay *hw_overlay_of(struct iommu_domain *domain);

/* What the core attaches for it: the parent, or the domain itself. */
struct iommu_domain *hw_overlay_core(struct iommu_domain *domain);

/* After something was unmapped from @parent and before its memory is given up. */
void hw_overlay_flush(struct iommu_domain *parent);

/*
 * The steps of a move, for an attachment whose domain may be any: only overlays do
 * something.  hw_overlay_move() is for two domains on one parent.  hw_overlay_release() is
 * the last one: for what was left by hw_overlay_block(), or not reached after
 * hw_overlay_check() succeeded.
 */
int hw_overlay_check(struct hw_attachment *to);
void hw_overlay_enter(struct hw_attachment *to);
/* One more device of the group, which the core has attached to what it knows of. */
int hw_overlay_join(struct hw_attachment *now, struct device *dev);
void hw_overlay_block(struct hw_attachment *from);
void hw_overlay_move(struct hw_attachment *from, struct hw_attachment *to);
void hw_overlay_release(struct hw_attachment *attachment);

/* Calls @enter once more if @dev uses an overlay: what the shim keeps of @dev is new. */
void hw_overlay_enter_again(struct device *dev);

/*
 * A PCI device is about to be reset, and was: to be called before the core blocks its
 * DMA and after it has put the parent's entry in force again.
 */
void hw_overlay_pause(struct device *dev);
void hw_overlay_resume(struct device *dev);
/* At the module's exit: gives back what is kept for devices whose reset hasn't ended. */
void hw_overlay_resume_none(void);

/*
 * Watch for PCI devices that are removed from a group in use; once, by the shim that has
 * overlays.  0 or -errno.
 */
int hw_overlay_watch_devices(void);
void hw_overlay_unwatch_devices(void);

/* Calls them, on kernels whose core does so.  0, or as register_kretprobe(). */
int hw_resets_watch(void);
void hw_resets_unwatch(void);

#endif
