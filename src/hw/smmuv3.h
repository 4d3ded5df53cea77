/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shim for SMMUv3.
 *
 * The core attaches a device to the nesting parent, for which the driver writes
 * a stage 2 stream table entry (STE).  The shim rewrites only doublewords 0 and
 * 1, for both stages, stage 2 only, or no access.  So the driver's bookkeeping
 * stays valid, and it finds its own STE when it rewrites it: Linux 6.1 would
 * hit a BUG() if both stages were enabled.
 *
 *   smmuv3.c         access to the running kernel's driver
 *   smmuv3_nested.c  nested domains and vIOMMUs
 *   smmuv3_command.c a guest's invalidations
 *   smmuv3_event.c   a guest's events
 *   smmuv3_iort.c    coherency regardless of a guest's memory attributes
 *   smmuv3_spec.c    STEs, commands and events; independent of the driver
 */
#ifndef IOMMUFD_HW_SMMUV3_H
#define IOMMUFD_HW_SMMUV3_H

#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/types.h>

#include "overlay.h"
#include "shim.h"
#include "smmuv3_spec.h"

/* Feature bits of the driver: the same on all kernels that have them. */
#define SMMUV3_TWO_LEVELS	BIT(0)
#define SMMUV3_ATS		BIT(5)
#define SMMUV3_STALLS		BIT(11)
#define SMMUV3_RANGES		BIT(15)
#define SMMUV3_NESTING		BIT(19)
#define SMMUV3_S2FWB		BIT(23)		/* Linux 7.2 */

/* Structures of the driver.  Only the functions below access their members. */
struct smmuv3_smmu;
struct smmuv3_master;

/* The SMMU of one of the driver's IOMMU devices, and of one of its paging domains: */
struct smmuv3_smmu *smmuv3_of_iommu(struct iommu_device *iommu);
/* NULL before the first attach. */
struct smmuv3_smmu *smmuv3_of_domain(struct iommu_domain *domain);
/* The VMID of a domain, which is attached. */
u16 smmuv3_vmid(struct iommu_domain *domain);
/* SMMUV3_*, as above. */
u32 smmuv3_features(struct smmuv3_smmu *smmu);
/* What the SMMU's commands support. */
void smmuv3_limits_of(struct smmuv3_smmu *smmu, struct smmuv3_limits *limits);
/*
 * Returns true if the driver invalidates nested tables when their parent
 * changes.
 */
bool smmuv3_flushes_nested(void);

/* The driver's data of a device, as long as that is bound; and its SMMU. */
struct smmuv3_master *smmuv3_master_of(struct device *dev);
struct smmuv3_smmu *smmuv3_of_master(struct smmuv3_master *master);
/* The number of its streams, and the StreamID of the first. */
unsigned int smmuv3_streams(struct smmuv3_master *master);
u32 smmuv3_sid(struct smmuv3_master *master);
/* Return true if its ATS is enabled, and if its transactions may stall. */
bool smmuv3_has_ats(struct smmuv3_master *master);
bool smmuv3_may_stall(struct smmuv3_master *master);
/* The STE of the only stream, or NULL. */
__le64 *smmuv3_ste(struct smmuv3_master *master);

/*
 * Issue at most SMMUV3_BATCH commands of two words each, followed by CMD_SYNC.
 */
#define SMMUV3_BATCH	32
int smmuv3_issue(struct smmuv3_smmu *smmu, u64 *commands, unsigned int n);

/* A snapshot of the driver's event queue. */
struct smmuv3_queue {
	const __le64 *base;
	u32 consumer;
	u32 producer;		/* read from the register */
	u32 shift;		/* log2 of the number of entries */
};

/* Take a snapshot; the driver may move on at once. */
void smmuv3_event_queue(struct smmuv3_smmu *smmu, struct smmuv3_queue *queue);

struct smmuv3_viommu {
	struct hw_viommu hw;
	struct iommu_domain *parent;
	struct smmuv3_smmu *smmu;
	struct smmuv3_limits limits;	/* of the guest's commands */
};

struct smmuv3_vdevice {
	struct hw_vdevice hw;
	struct list_head item;		/* in the list of all vDEVICEs */
	u32 sid;
	bool in_force;			/* the guest's STE is active */
	bool guest_ats;			/* ATS is enabled in it */
	u64 drop_stamp;			/* of the last ATC_INV on behalf of a guest without ATS */
};

/* The shim's structure of a vIOMMU. */
static inline struct smmuv3_viommu *smmuv3_viommu_of(struct hw_viommu *hw)
{
	return container_of(hw, struct smmuv3_viommu, hw);
}

/* Members of hw_viommu_ops, see there. */
int smmuv3_invalidate(struct hw_viommu *viommu, struct iommu_user_data_array *array);
int smmuv3_vdevice_init(struct hw_vdevice *hw);
void smmuv3_vdevice_destroy(struct hw_vdevice *hw);

/* Record that a device starts (@in_force) or stops to use a guest's STE. */
void smmuv3_vdevice_set(struct device *dev, bool in_force, bool ats);

/*
 * Call @fn for each vDEVICE of a vIOMMU, with a spinlock held and interrupts disabled.
 */
void smmuv3_for_each_vdevice(struct hw_viommu *viommu,
			     void (*fn)(struct smmuv3_vdevice *vdevice, void *arg), void *arg);

/*
 * Events of an SMMU are watched as long as it has vIOMMUs.  Returns 0 or
 * -ENOMEM.
 */
int smmuv3_events_begin(struct smmuv3_smmu *smmu);
void smmuv3_events_end(struct smmuv3_smmu *smmu);
int smmuv3_events_init(void);
void smmuv3_events_exit(void);

/*
 * Returns true if DMA is coherent whatever memory attributes the guest's tables
 * have.
 */
bool smmuv3_is_coherent(struct device *dev);

/* See struct hw_shim. */
struct iommu_domain *smmuv3_parent_alloc(struct device *dev, u32 flags,
					 const struct iommu_user_data *data);
size_t smmuv3_viommu_size(struct device *dev, u32 type);
int smmuv3_viommu_init(struct hw_viommu *hw, struct iommu_domain *parent,
		       const struct iommu_user_data *data);

#endif
