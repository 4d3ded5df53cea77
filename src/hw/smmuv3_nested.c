// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nesting parents, nested domains and vIOMMUs of SMMUv3.
 *
 * An STE is written by two stores of a doubleword, each followed by CFGI_STE
 * and CMD_SYNC.  Fields of doubleword 1 change only while the hardware ignores
 * them: those of stage 1 while only stage 2 is enabled, and all while the STE
 * is invalid.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <uapi/linux/iommufd.h>

#include "hw.h"
#include "smmuv3.h"

struct smmuv3_nested {
	struct hw_overlay overlay;
	struct smmuv3_viommu *viommu;
	struct smmuv3_vste vste;
};

static struct smmuv3_nested *smmuv3_nested_of(struct hw_overlay *overlay)
{
	return container_of(overlay, struct smmuv3_nested, overlay);
}

static void smmuv3_sync_ste(struct smmuv3_master *master)
{
	u64 command[2] = {
		COMMAND_CFGI_STE | (u64)smmuv3_sid(master) << COMMAND_SID_SHIFT,
		COMMAND_LEAF,
	};

	smmuv3_issue(smmuv3_of_master(master), command, 1);
}

static void smmuv3_store(struct smmuv3_master *master, __le64 *at, u64 value)
{
	if (le64_to_cpu(*at) == value)
		return;
	WRITE_ONCE(*at, cpu_to_le64(value));
	dma_wmb();
	smmuv3_sync_ste(master);
}

/*
 * Write the STE such that no mixture of old and new fields is ever in effect.
 */
static void smmuv3_write_ste(struct smmuv3_master *master, const u64 ste[2])
{
	__le64 *entry = smmuv3_ste(master);
	u64 old = le64_to_cpu(entry[0]);

	if ((old & STE_0_CONFIG) == STE_CONFIG_NESTED && le64_to_cpu(entry[1]) != ste[1])
		smmuv3_store(master, &entry[0], 0);
	smmuv3_store(master, &entry[1], ste[1]);
	smmuv3_store(master, &entry[0], ste[0]);
}

/*
 * Returns true if the STE was written for the parent, by the driver or by us.
 * It isn't while the core blocks the device.
 */
static bool smmuv3_is_parents(struct smmuv3_master *master, struct iommu_domain *parent)
{
	__le64 *entry = smmuv3_ste(master);

	return entry && (le64_to_cpu(entry[2]) & STE_2_VMID) == smmuv3_vmid(parent);
}

/* Invalidate all that is cached for the parent's VMID. */
static void smmuv3_flush(struct iommu_domain *parent)
{
	parent->ops->flush_iotlb_all(parent);
}

static int smmuv3_check(struct hw_overlay *overlay, struct device *dev)
{
	struct smmuv3_nested *nested = smmuv3_nested_of(overlay);
	struct smmuv3_master *master = smmuv3_master_of(dev);
	u64 vsid;

	if (smmuv3_of_master(master) != nested->viommu->smmu)
		return -EINVAL;
	if (smmuv3_streams(master) != 1 || !smmuv3_ste(master))
		return -EOPNOTSUPP;
	/* Invalidations and events need the virtual StreamID. */
	if (nested->vste.config == STE_CONFIG_S1)
		return viommu_virt_id(&nested->viommu->hw, dev, &vsid);
	return 0;
}

static void smmuv3_enter(struct hw_overlay *overlay, struct device *dev)
{
	struct smmuv3_nested *nested = smmuv3_nested_of(overlay);
	struct smmuv3_master *master = smmuv3_master_of(dev);
	u32 features = smmuv3_features(smmuv3_of_master(master));
	bool no_stalls = (features & SMMUV3_STALLS) && !smmuv3_may_stall(master);
	u64 ste[2];

	if (!smmuv3_is_parents(master, overlay->parent)) {
		dev_warn_ratelimited(dev, "not attached to the guest's table: its stream table entry isn't the parent's\n");
		return;
	}
	smmuv3_ste_compose(&nested->vste, le64_to_cpu(smmuv3_ste(master)[1]), no_stalls, ste);
	smmuv3_write_ste(master, ste);
	/* Another guest's tables were cached with the same VMID. */
	smmuv3_flush(overlay->parent);
	smmuv3_vdevice_set(dev, true, nested->vste.ats);
}

static void smmuv3_forget(struct device *dev)
{
	smmuv3_vdevice_set(dev, false, false);
}

/* Every kernel's driver accepts an invalid STE as the initial state. */
static void smmuv3_block(struct hw_overlay *overlay, struct device *dev)
{
	struct smmuv3_master *master = smmuv3_master_of(dev);
	u64 ste[2] = {};

	if (!smmuv3_is_parents(master, overlay->parent))
		return;
	ste[1] = le64_to_cpu(smmuv3_ste(master)[1]) & STE_1_HOST;
	smmuv3_write_ste(master, ste);
	smmuv3_flush(overlay->parent);
}

static void smmuv3_leave(struct hw_overlay *overlay, struct device *dev)
{
	static const struct smmuv3_vste alone = { .config = STE_CONFIG_BYPASS };
	struct smmuv3_master *master = smmuv3_master_of(dev);
	u64 ste[2];

	if (!smmuv3_is_parents(master, overlay->parent))
		return;
	smmuv3_ste_compose(&alone, le64_to_cpu(smmuv3_ste(master)[1]), false, ste);
	smmuv3_write_ste(master, ste);
	smmuv3_flush(overlay->parent);
}

static void smmuv3_nested_free(struct hw_overlay *overlay)
{
	kfree(smmuv3_nested_of(overlay));
}

static const struct hw_overlay_ops smmuv3_overlay_ops = {
	.free = smmuv3_nested_free,
	.check = smmuv3_check,
	.enter = smmuv3_enter,
	.forget = smmuv3_forget,
	.block = smmuv3_block,
	.leave = smmuv3_leave,
};

/* For drivers whose flush of stage 2 doesn't cover nested tables. */
static const struct hw_overlay_ops smmuv3_overlay_flush_ops = {
	.free = smmuv3_nested_free,
	.check = smmuv3_check,
	.enter = smmuv3_enter,
	.forget = smmuv3_forget,
	.block = smmuv3_block,
	.leave = smmuv3_leave,
	.flush = smmuv3_flush,
};

static struct iommu_domain *smmuv3_nested_alloc(struct hw_viommu *hw, u32 flags,
						const struct iommu_user_data *data)
{
	struct smmuv3_viommu *viommu = smmuv3_viommu_of(hw);
	struct iommu_hwpt_arm_smmuv3 arg;
	struct smmuv3_nested *nested;
	struct smmuv3_vste vste;
	u64 ste[2];
	int rc;

	if (flags)
		return ERR_PTR(-EOPNOTSUPP);
	rc = iommu_copy_struct_from_user(&arg, data, IOMMU_HWPT_DATA_ARM_SMMUV3, ste);
	if (rc)
		return ERR_PTR(rc);
	ste[0] = le64_to_cpu(arg.ste[0]);
	ste[1] = le64_to_cpu(arg.ste[1]);
	rc = smmuv3_vste_check(ste, &vste);
	if (rc)
		return ERR_PTR(rc);
	nested = kzalloc(sizeof(*nested), GFP_KERNEL_ACCOUNT);
	if (!nested)
		return ERR_PTR(-ENOMEM);
	nested->viommu = viommu;
	nested->vste = vste;
	return hw_overlay_init(&nested->overlay,
			       smmuv3_flushes_nested() ? &smmuv3_overlay_ops :
							 &smmuv3_overlay_flush_ops,
			       viommu->parent);
}

static void smmuv3_viommu_destroy(struct hw_viommu *hw)
{
	smmuv3_events_end(smmuv3_viommu_of(hw)->smmu);
}

static const struct hw_viommu_ops smmuv3_viommu_ops = {
	.destroy = smmuv3_viommu_destroy,
	.nested_alloc = smmuv3_nested_alloc,
	.invalidate = smmuv3_invalidate,
	.vdevice_size = sizeof(struct smmuv3_vdevice),
	.vdevice_init = smmuv3_vdevice_init,
	.vdevice_destroy = smmuv3_vdevice_destroy,
};

size_t smmuv3_viommu_size(struct device *dev, u32 type)
{
	struct smmuv3_smmu *smmu = smmuv3_of_iommu(hw_iommu(dev));

	if (type != IOMMU_VIOMMU_TYPE_ARM_SMMUV3)
		return 0;
	if (!(smmuv3_features(smmu) & SMMUV3_NESTING) || !smmuv3_is_coherent(dev))
		return 0;
	return sizeof(struct smmuv3_viommu);
}

int smmuv3_viommu_init(struct hw_viommu *hw, struct iommu_domain *parent,
		       const struct iommu_user_data *data)
{
	struct smmuv3_viommu *viommu = smmuv3_viommu_of(hw);
	struct smmuv3_smmu *of_parent = smmuv3_of_domain(parent);
	int rc;

	viommu->smmu = smmuv3_of_iommu(hw->iommu);
	viommu->parent = parent;
	smmuv3_limits_of(viommu->smmu, &viommu->limits);
	/*
	 * Before Linux 7.2 a parent's SMMU is only known after the first
	 * attach.
	 */
	if (of_parent && of_parent != viommu->smmu)
		return -EINVAL;
	rc = smmuv3_events_begin(viommu->smmu);
	if (rc)
		return rc;
	hw->ops = &smmuv3_viommu_ops;
	return 0;
}

#ifdef IOMMUFD_HAVE_SYM_IOMMU_ENABLE_NESTING
/* Allocate a domain that uses stage 2 from the first attach on. */
struct iommu_domain *smmuv3_parent_alloc(struct device *dev, u32 flags,
					 const struct iommu_user_data *data)
{
	struct smmuv3_smmu *smmu = smmuv3_of_iommu(hw_iommu(dev));
	struct iommu_domain *domain;

	if (data || flags != IOMMU_HWPT_ALLOC_NEST_PARENT ||
	    !(smmuv3_features(smmu) & SMMUV3_NESTING))
		return ERR_PTR(-EOPNOTSUPP);
	domain = iommu_domain_alloc(dev->bus);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	if (iommu_enable_nesting(domain)) {
		iommu_domain_free(domain);
		return ERR_PTR(-EOPNOTSUPP);
	}
	return domain;
}
#else
/* Only the driver allocates parents. */
struct iommu_domain *smmuv3_parent_alloc(struct device *dev, u32 flags,
					 const struct iommu_user_data *data)
{
	return ERR_PTR(-EOPNOTSUPP);
}
#endif
