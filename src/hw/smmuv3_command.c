// SPDX-License-Identifier: GPL-2.0-only
/*
 * Invalidation commands of a guest, issued with the host's VMID and StreamIDs.
 * All devices share the command queue, so every field is checked.
 */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/sched/signal.h>

#include <uapi/linux/iommufd.h>

#include "smmuv3.h"

/* Commands to be issued together. */
struct smmuv3_batch {
	struct smmuv3_viommu *viommu;
	u64 commands[2 * SMMUV3_BATCH];
	unsigned int n;
	bool tlb;		/* contains TLB invalidations */
	bool atc;		/* consists of ATC_INV only, else contains none */
};

struct smmuv3_stream {
	u32 sid;
	bool ats;
};

static int smmuv3_find_stream(struct device *dev, void *arg)
{
	struct smmuv3_master *master = smmuv3_master_of(dev);
	struct smmuv3_stream *stream = arg;

	stream->sid = smmuv3_sid(master);
	stream->ats = smmuv3_has_ats(master);
	return 0;
}

/* Collects ATC_INV commands for vDEVICEs that don't have this stamp yet. */
struct smmuv3_atc_drop {
	u64 stamp;
	u64 commands[2 * SMMUV3_BATCH];
	unsigned int n;
};

static void smmuv3_atc_drop_add(struct smmuv3_vdevice *vdevice, void *arg)
{
	struct smmuv3_atc_drop *drop = arg;

	if (drop->n == SMMUV3_BATCH || vdevice->drop_stamp == drop->stamp ||
	    vdevice->guest_ats || !smmuv3_has_ats(smmuv3_master_of(vdevice->hw.dev)))
		return;
	vdevice->drop_stamp = drop->stamp;
	drop->commands[2 * drop->n] = COMMAND_ATC_INV |
				      (u64)vdevice->sid << COMMAND_SID_SHIFT;
	drop->commands[2 * drop->n + 1] = ATC_INV_ALL;
	drop->n++;
}

/*
 * A guest that isn't aware of a device's ATS doesn't invalidate the ATC, so
 * invalidate all of it after any TLB invalidation.  An unresponsive device
 * takes a second, so don't issue commands with the list's lock held.
 */
static int smmuv3_drop_atc(struct smmuv3_viommu *viommu)
{
	static atomic64_t stamps;
	struct smmuv3_atc_drop drop = { .stamp = atomic64_inc_return(&stamps) };
	int rc;

	do {
		drop.n = 0;
		smmuv3_for_each_vdevice(&viommu->hw, smmuv3_atc_drop_add, &drop);
		rc = drop.n ? smmuv3_issue(viommu->smmu, drop.commands, drop.n) : 0;
	} while (!rc && drop.n == SMMUV3_BATCH && !fatal_signal_pending(current));
	return rc;
}

static int smmuv3_batch_issue(struct smmuv3_batch *batch)
{
	int rc = 0;

	if (batch->n)
		rc = smmuv3_issue(batch->viommu->smmu, batch->commands, batch->n);
	if (!rc && batch->tlb)
		rc = smmuv3_drop_atc(batch->viommu);
	batch->n = 0;
	batch->tlb = false;
	return rc;
}

/*
 * As workaround for an erratum, the driver repeats a batch if its first command
 * has to be repeated.  ATC_INV must not be, so never mix it with others.
 */
static int smmuv3_batch_add_command(struct smmuv3_batch *batch, const u64 command[2])
{
	bool atc = (command[0] & COMMAND_OP) == COMMAND_ATC_INV;
	int rc = 0;

	if (batch->n && atc != batch->atc)
		rc = smmuv3_batch_issue(batch);
	if (rc)
		return rc;
	batch->atc = atc;
	batch->tlb |= !smmuv3_command_has_sid(command);
	batch->commands[2 * batch->n] = command[0];
	batch->commands[2 * batch->n + 1] = command[1];
	batch->n++;
	return 0;
}

/* Add a command to the batch, unless it has no effect. */
static int smmuv3_take_command(struct smmuv3_batch *batch, u64 command[2])
{
	struct smmuv3_viommu *viommu = batch->viommu;
	struct smmuv3_stream stream;

	if (smmuv3_command_check(&viommu->limits, command))
		return -EIO;
	if (smmuv3_command_has_sid(command)) {
		if (viommu_with_device(&viommu->hw, smmuv3_command_sid(command),
				       smmuv3_find_stream, &stream))
			return -EIO;
		smmuv3_command_set_sid(command, stream.sid);
		/*
		 * A device with ATS off doesn't respond: the queue would report
		 * an error.
		 */
		if ((command[0] & COMMAND_OP) == COMMAND_ATC_INV && !stream.ats)
			return 0;
	} else {
		/*
		 * A parent that was never attached has no VMID, and the VMID of one that
		 * was attached to another SMMU belongs to that SMMU: nothing is cached here.
		 */
		if (smmuv3_of_domain(viommu->parent) != viommu->smmu)
			return 0;
		smmuv3_command_set_vmid(command, smmuv3_vmid(viommu->parent));
	}
	return smmuv3_batch_add_command(batch, command);
}

static int smmuv3_take_entry(struct smmuv3_batch *batch,
			     struct iommu_user_data_array *array, u32 index)
{
	struct iommu_viommu_arm_smmuv3_invalidate arg;
	u64 command[2];
	int rc;

	/* Unresponsive devices can make this slow. */
	if (fatal_signal_pending(current))
		return -EINTR;
	rc = iommu_copy_struct_from_user_array(&arg, array,
					       IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
					       index, cmd);
	if (rc)
		return rc;
	command[0] = le64_to_cpu(arg.cmd[0]);
	command[1] = le64_to_cpu(arg.cmd[1]);
	return smmuv3_take_command(batch, command);
}

/* On error, the entries before the wrong one have been handled. */
int smmuv3_invalidate(struct hw_viommu *hw, struct iommu_user_data_array *array)
{
	struct smmuv3_batch batch = { .viommu = smmuv3_viommu_of(hw) };
	u32 n = array->entry_num, i, done = 0;
	int rc = 0, issued;

	if (array->type != IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3)
		rc = -EINVAL;
	for (i = 0; i < n && !rc; i++) {
		rc = smmuv3_take_entry(&batch, array, i);
		if (!rc && batch.n < SMMUV3_BATCH && i + 1 < n)
			continue;
		issued = smmuv3_batch_issue(&batch);
		rc = rc ?: issued;
		if (!issued)
			done = rc ? i : i + 1;
		cond_resched();
	}
	array->entry_num = done;
	return rc;
}
