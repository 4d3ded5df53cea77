// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events for guests.  The driver's threaded interrupt handler reads its event
 * queue without regard to guests.  After it has run, the records are still in
 * memory: read the new ones again, and report them to the vIOMMU of their
 * device.
 */
#include <linux/err.h>
#include <linux/kprobes.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <uapi/linux/iommufd.h>

#include "smmuv3.h"

/* An SMMU with at least one vIOMMU. */
struct smmuv3_watch {
	struct list_head item;
	struct smmuv3_smmu *smmu;
	unsigned int users;
	u32 next;			/* index of the first record not seen yet */
	struct work_struct work;
};

static DEFINE_MUTEX(events_lock);	/* guards @users and changes of @watches */
static LIST_HEAD(watches);		/* struct smmuv3_watch; also guarded by @watches_lock */
static DEFINE_SPINLOCK(watches_lock);

/*
 * Hold either lock to keep a vDEVICE in the list, both to add or remove one.
 * Take the mutex before the spinlock.
 */
static DEFINE_MUTEX(vdevices_mutex);
static DEFINE_SPINLOCK(vdevices_lock);
static LIST_HEAD(vdevices);		/* struct smmuv3_vdevice */

static struct smmuv3_vdevice *smmuv3_vdevice_of(struct hw_vdevice *hw)
{
	return container_of(hw, struct smmuv3_vdevice, hw);
}

/* Compare the SMMU, too: a StreamID is unique within an SMMU only. */
static bool smmuv3_vdevice_is(struct smmuv3_vdevice *vdevice, struct smmuv3_smmu *smmu, u32 sid)
{
	return vdevice->sid == sid &&
	       smmuv3_of_master(smmuv3_master_of(vdevice->hw.dev)) == smmu;
}

int smmuv3_vdevice_init(struct hw_vdevice *hw)
{
	struct smmuv3_vdevice *vdevice = smmuv3_vdevice_of(hw);
	struct smmuv3_master *master = smmuv3_master_of(hw->dev);

	if (smmuv3_streams(master) != 1)
		return -EOPNOTSUPP;
	vdevice->sid = smmuv3_sid(master);
	mutex_lock(&vdevices_mutex);
	spin_lock_irq(&vdevices_lock);
	list_add(&vdevice->item, &vdevices);
	spin_unlock_irq(&vdevices_lock);
	mutex_unlock(&vdevices_mutex);
	/* One that is made while the device uses a guest's entry learns of it. */
	hw_overlay_enter_again(vdevice->hw.dev);
	return 0;
}

void smmuv3_vdevice_destroy(struct hw_vdevice *hw)
{
	struct smmuv3_vdevice *vdevice = smmuv3_vdevice_of(hw);

	mutex_lock(&vdevices_mutex);
	spin_lock_irq(&vdevices_lock);
	list_del(&vdevice->item);
	spin_unlock_irq(&vdevices_lock);
	mutex_unlock(&vdevices_mutex);
}

void smmuv3_vdevice_set(struct device *dev, bool in_force, bool ats)
{
	struct smmuv3_vdevice *vdevice;
	unsigned long flags;

	spin_lock_irqsave(&vdevices_lock, flags);
	list_for_each_entry(vdevice, &vdevices, item) {
		if (vdevice->hw.dev != dev)
			continue;
		vdevice->in_force = in_force;
		vdevice->guest_ats = ats;
	}
	spin_unlock_irqrestore(&vdevices_lock, flags);
}

void smmuv3_for_each_vdevice(struct hw_viommu *viommu,
			     void (*fn)(struct smmuv3_vdevice *vdevice, void *arg), void *arg)
{
	struct smmuv3_vdevice *vdevice;
	unsigned long flags;

	spin_lock_irqsave(&vdevices_lock, flags);
	list_for_each_entry(vdevice, &vdevices, item) {
		if (vdevice->hw.viommu == viommu)
			fn(vdevice, arg);
	}
	spin_unlock_irqrestore(&vdevices_lock, flags);
}

static void smmuv3_report(struct smmuv3_smmu *smmu, const u64 event[EVENT_WORDS])
{
	u32 sid = event[0] >> EVENT_0_SID_SHIFT;
	struct iommu_vevent_arm_smmuv3 out;
	struct smmuv3_vdevice *vdevice;
	unsigned int i;

	mutex_lock(&vdevices_mutex);
	list_for_each_entry(vdevice, &vdevices, item) {
		if (!vdevice->in_force || !smmuv3_vdevice_is(vdevice, smmu, sid))
			continue;
		out.evt[0] = cpu_to_le64((u32)event[0] |
					 vdevice->hw.virt_id << EVENT_0_SID_SHIFT);
		for (i = 1; i < EVENT_WORDS; i++)
			out.evt[i] = cpu_to_le64(event[i]);
		viommu_report_event(vdevice->hw.viommu, IOMMU_VEVENTQ_TYPE_ARM_SMMUV3,
				    &out, sizeof(out));
	}
	mutex_unlock(&vdevices_mutex);
}

/* Returns false if hardware may have overwritten the record meanwhile. */
static bool smmuv3_read_event(struct smmuv3_smmu *smmu, u32 at, u64 event[EVENT_WORDS])
{
	struct smmuv3_queue queue;
	const __le64 *record;
	unsigned int i;
	u32 ahead;

	smmuv3_event_queue(smmu, &queue);
	record = queue.base + (size_t)(at & (BIT(queue.shift) - 1)) * EVENT_WORDS;
	for (i = 0; i < EVENT_WORDS; i++)
		event[i] = le64_to_cpu(READ_ONCE(record[i]));
	dma_rmb();
	smmuv3_event_queue(smmu, &queue);
	/* The bit above the index is the wrap flag. */
	ahead = (queue.producer - at) & (BIT(queue.shift + 1) - 1);
	return ahead <= BIT(queue.shift);
}

static void smmuv3_watch_work(struct work_struct *work)
{
	struct smmuv3_watch *watch = container_of(work, struct smmuv3_watch, work);
	u64 event[EVENT_WORDS];
	struct smmuv3_queue queue;
	u32 mask;

	smmuv3_event_queue(watch->smmu, &queue);
	mask = BIT(queue.shift + 1) - 1;
	while (watch->next != (queue.consumer & mask)) {
		if (smmuv3_read_event(watch->smmu, watch->next, event) &&
		    smmuv3_event_is_guests(event))
			smmuv3_report(watch->smmu, event);
		watch->next = (watch->next + 1) & mask;
		cond_resched();
	}
}

/* The driver has read all records. */
static int smmuv3_events_read(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct smmuv3_watch *watch;
	unsigned long flags;

	spin_lock_irqsave(&watches_lock, flags);
	list_for_each_entry(watch, &watches, item)
		schedule_work(&watch->work);
	spin_unlock_irqrestore(&watches_lock, flags);
	return 0;
}

/*
 * The second one serves an SMMU with a combined interrupt; it may call the
 * first.
 */
static struct kretprobe smmuv3_event_probes[] = {
	{ .kp.symbol_name = "arm_smmu_evtq_thread", .handler = smmuv3_events_read,
	  .maxactive = 64 },
	{ .kp.symbol_name = "arm_smmu_combined_irq_thread", .handler = smmuv3_events_read,
	  .maxactive = 64 },
};

int smmuv3_events_init(void)
{
	int rc;

	rc = register_kretprobe(&smmuv3_event_probes[0]);
	if (rc)
		return rc;
	rc = register_kretprobe(&smmuv3_event_probes[1]);
	if (rc)
		unregister_kretprobe(&smmuv3_event_probes[0]);
	return rc;
}

void smmuv3_events_exit(void)
{
	unregister_kretprobe(&smmuv3_event_probes[1]);
	unregister_kretprobe(&smmuv3_event_probes[0]);
}

static struct smmuv3_watch *smmuv3_watch_of(struct smmuv3_smmu *smmu)
{
	struct smmuv3_watch *watch;

	list_for_each_entry(watch, &watches, item) {
		if (watch->smmu == smmu)
			return watch;
	}
	return NULL;
}

static struct smmuv3_watch *smmuv3_watch_new(struct smmuv3_smmu *smmu)
{
	struct smmuv3_watch *watch = kzalloc(sizeof(*watch), GFP_KERNEL);
	struct smmuv3_queue queue;

	if (!watch)
		return NULL;
	smmuv3_event_queue(smmu, &queue);
	watch->smmu = smmu;
	watch->next = queue.consumer & (BIT(queue.shift + 1) - 1);
	INIT_WORK(&watch->work, smmuv3_watch_work);
	spin_lock_irq(&watches_lock);
	list_add(&watch->item, &watches);
	spin_unlock_irq(&watches_lock);
	return watch;
}

int smmuv3_events_begin(struct smmuv3_smmu *smmu)
{
	struct smmuv3_watch *watch;

	mutex_lock(&events_lock);
	watch = smmuv3_watch_of(smmu) ?: smmuv3_watch_new(smmu);
	if (watch)
		watch->users++;
	mutex_unlock(&events_lock);
	return watch ? 0 : -ENOMEM;
}

void smmuv3_events_end(struct smmuv3_smmu *smmu)
{
	struct smmuv3_watch *watch;

	mutex_lock(&events_lock);
	watch = smmuv3_watch_of(smmu);
	if (!--watch->users) {
		spin_lock_irq(&watches_lock);
		list_del(&watch->item);
		spin_unlock_irq(&watches_lock);
		cancel_work_sync(&watch->work);
		kfree(watch);
	}
	mutex_unlock(&events_lock);
}
