// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resets of PCI devices, which the core surrounds from Linux 7.2 on: it blocks the
 * device's DMA, and later attaches again what it knows of, which is the parent of an
 * overlay.  The device was just reset and masters no bus then, so that it is soon
 * enough when the overlay comes back right after that.
 */
#include <linux/errno.h>
#include <linux/kprobes.h>
#include <linux/pci.h>
#include <linux/pci-ats.h>

#include "overlay.h"

/* Calls at a time.  One more wouldn't be seen, and its device stay paused. */
#define RESETS_MAX 512

struct reset_call {
	struct device *dev;
};

/* Returns nonzero, to ignore the call, for a device without ATS, which the core leaves alone. */
static int reset_note(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct pci_dev *pdev = (void *)regs_get_kernel_argument(regs, 0);
	struct reset_call *call = (void *)instance->data;

	call->dev = &pdev->dev;
	return !pci_ats_supported(pdev);
}

static int reset_begins(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct reset_call *call = (void *)instance->data;

	if (reset_note(instance, regs))
		return 1;
	hw_overlay_pause(call->dev);
	return 0;
}

static int reset_began(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct reset_call *call = (void *)instance->data;

	if ((int)regs_return_value(regs))
		hw_overlay_resume(call->dev);
	return 0;
}

static int reset_ended(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct reset_call *call = (void *)instance->data;

	hw_overlay_resume(call->dev);
	return 0;
}

static struct kretprobe reset_begin = {
	.kp.symbol_name = "pci_dev_reset_iommu_prepare",
	.entry_handler = reset_begins,
	.handler = reset_began,
	.data_size = sizeof(struct reset_call),
	.maxactive = RESETS_MAX,
};

static struct kretprobe reset_end = {
	.kp.symbol_name = "pci_dev_reset_iommu_done",
	.entry_handler = reset_note,
	.handler = reset_ended,
	.data_size = sizeof(struct reset_call),
	.maxactive = RESETS_MAX,
};

static bool resets_watched;

int hw_resets_watch(void)
{
	int rc;

	/* An end without a beginning does no harm. */
	rc = register_kretprobe(&reset_end);
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	rc = register_kretprobe(&reset_begin);
	if (rc)
		unregister_kretprobe(&reset_end);
	resets_watched = !rc;
	return rc;
}

void hw_resets_unwatch(void)
{
	if (!resets_watched)
		return;
	unregister_kretprobe(&reset_begin);
	unregister_kretprobe(&reset_end);
	hw_overlay_resume_none();
	resets_watched = false;
}
