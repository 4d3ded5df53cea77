// SPDX-License-Identifier: GPL-2.0-only
/*
 * Invalidations that a guest asks for: its commands, with the host's VMID and StreamIDs.
 * They go to the queue that all devices share, so that each is checked field by field.
 */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/sched/signal.h>

#include <uapi/linux/iommufd.h>

#include "smmuv3.h"

/* Commands that wait to be issued. */
struct smmuv3_batch {
	struct smmuv3_viommu *viommu;
	struct smmuv3_limits limits;
	u64 commands[2 * SMMUV3_BATCH];
	unsigned int n;
	bool tlb;		/* it drops translations */
	bool atc;		/* it is of ATC_INV, and else of none */
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

/* ATC_INV commands for the devices of a vIOMMU that don't have this stamp yet. */
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
 * A guest that doesn't know of a device's ATS doesn't invalidate what the device has
 * cached, so that all of it goes with the first translation that does.  A device that
 * doesn't answer takes a second, so nothing is issued under the lock of the list.
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
 * On hardware with an erratum the driver repeats what it is given, if the first command
 * is one that has to be.  ATC_INV isn't, so it is never in one batch with others.
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

/* Takes a command into the batch, or leaves it out if there's nothing to be done. */
static int smmuv3_take_command(struct smmuv3_batch *batch, u64 command[2])
{
	struct smmuv3_viommu *viommu = batch->viommu;
	struct smmuv3_stream stream;

	if (smmuv3_command_check(&batch->limits, command))
		return -EIO;
	if (smmuv3_command_has_sid(command)) {
		if (viommu_with_device(&viommu->hw, smmuv3_command_sid(command),
				       smmuv3_find_stream, &stream))
			return -EIO;
		smmuv3_command_set_sid(command, stream.sid);
		/* A device that doesn't answer would be an error of the queue's. */
		if ((command[0] & COMMAND_OP) == COMMAND_ATC_INV && !stream.ats)
			return 0;
	} else {
		/* A parent that was never attached has no VMID, and nothing is cached. */
		if (!smmuv3_of_domain(viommu->parent))
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

	/* Devices that don't answer can make it last. */
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

/* Entries before one that is wrong are done. */
int smmuv3_invalidate(struct hw_viommu *hw, struct iommu_user_data_array *array)
{
	struct smmuv3_batch batch = { .viommu = smmuv3_viommu_of(hw) };
	u32 n = array->entry_num, i, done = 0;
	int rc = 0, issued;

	if (array->type != IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3)
		rc = -EINVAL;
	smmuv3_limits_of(batch.viommu->smmu, &batch.limits);
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
