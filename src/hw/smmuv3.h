/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The shim for SMMUv3.
 *
 * The core attaches a device to the parent, for which the driver writes a stream table
 * entry of stage 2.  The shim rewrites its doublewords 0 and 1, for both stages, stage 2
 * alone or no access, and leaves the others as they are.  So the driver finds its own
 * bookkeeping right, and its own entry when it is to rewrite it: Linux 6.1's ends in a
 * BUG() if it finds both stages there.
 *
 *   smmuv3.c         what the running kernel's driver looks like, and access to it
 *   smmuv3_nested.c  nested domains and vIOMMUs
 *   smmuv3_command.c a guest's invalidations
 *   smmuv3_event.c   a guest's events
 *   smmuv3_iort.c    whether a machine is coherent in spite of a guest's tables
 *   smmuv3_spec.c    entries, commands and events, without the driver
 */
#ifndef IOMMUFD_HW_SMMUV3_H
#define IOMMUFD_HW_SMMUV3_H

#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/types.h>

#include "overlay.h"
#include "shim.h"
#include "smmuv3_spec.h"

/* Features of the driver's that have one bit on all kernels, or are absent. */
#define SMMUV3_TWO_LEVELS	BIT(0)
#define SMMUV3_ATS		BIT(5)
#define SMMUV3_STALLS		BIT(11)
#define SMMUV3_RANGES		BIT(15)
#define SMMUV3_NESTING		BIT(19)
#define SMMUV3_S2FWB		BIT(23)		/* Linux 7.2 */

/* The driver's structures, whose members are reached by these functions only. */
struct smmuv3_smmu;
struct smmuv3_master;

struct smmuv3_smmu *smmuv3_of_iommu(struct iommu_device *iommu);
struct smmuv3_smmu *smmuv3_of_domain(struct iommu_domain *domain);	/* NULL before the first attach */
u16 smmuv3_vmid(struct iommu_domain *domain);
u32 smmuv3_features(struct smmuv3_smmu *smmu);
void smmuv3_limits_of(struct smmuv3_smmu *smmu, struct smmuv3_limits *limits);
/* Does the driver itself drop what is cached of nested tables when the parent changes? */
bool smmuv3_flushes_nested(void);

struct smmuv3_master *smmuv3_master_of(struct device *dev);
struct smmuv3_smmu *smmuv3_of_master(struct smmuv3_master *master);
unsigned int smmuv3_streams(struct smmuv3_master *master);
u32 smmuv3_sid(struct smmuv3_master *master);
bool smmuv3_has_ats(struct smmuv3_master *master);
bool smmuv3_may_stall(struct smmuv3_master *master);
/* The entry of the only stream, or NULL. */
__le64 *smmuv3_ste(struct smmuv3_master *master);

/* Commands, of two words each, followed by a CMD_SYNC; at most SMMUV3_BATCH. */
#define SMMUV3_BATCH	32
int smmuv3_issue(struct smmuv3_smmu *smmu, u64 *commands, unsigned int n);

/* The driver's event queue. */
struct smmuv3_queue {
	const __le64 *base;
	u32 consumer;
	u32 producer;		/* as the hardware has it now */
	u32 shift;		/* log2 of how many entries there's room for */
};

void smmuv3_event_queue(struct smmuv3_smmu *smmu, struct smmuv3_queue *queue);

struct smmuv3_viommu {
	struct hw_viommu hw;
	struct iommu_domain *parent;
	struct smmuv3_smmu *smmu;
};

struct smmuv3_vdevice {
	struct hw_vdevice hw;
	struct list_head item;		/* of all */
	u32 sid;
	bool in_force;			/* it uses a guest's entry */
	bool guest_ats;			/* whose ATS is on */
	u64 drop_stamp;			/* of the last ATC_INV for a guest without ATS */
};

static inline struct smmuv3_viommu *smmuv3_viommu_of(struct hw_viommu *hw)
{
	return container_of(hw, struct smmuv3_viommu, hw);
}

/* Of hw_viommu_ops. */
int smmuv3_invalidate(struct hw_viommu *viommu, struct iommu_user_data_array *array);
int smmuv3_vdevice_init(struct hw_vdevice *hw);
void smmuv3_vdevice_destroy(struct hw_vdevice *hw);

/* Of a device that comes to an entry of the guest's, or leaves it; with interrupts off. */
void smmuv3_vdevice_set(struct device *dev, bool in_force, bool ats);

/*
 * Calls @fn for each vDEVICE of a vIOMMU, under a lock that is taken with interrupts
 * off.  A device may use a guest's entry without its vDEVICE knowing: one that was made
 * since it was attached.
 */
void smmuv3_for_each_vdevice(struct hw_viommu *viommu,
			     void (*fn)(struct smmuv3_vdevice *vdevice, void *arg), void *arg);

/* Events of an SMMU are watched from the first vIOMMU on to the last. */
int smmuv3_events_begin(struct smmuv3_smmu *smmu);
void smmuv3_events_end(struct smmuv3_smmu *smmu);
int smmuv3_events_init(void);
void smmuv3_events_exit(void);

/* Are a device's accesses coherent whatever memory attributes a guest asks for? */
bool smmuv3_is_coherent(struct device *dev);

/* See struct hw_shim. */
struct iommu_domain *smmuv3_parent_alloc(struct device *dev, u32 flags,
					 const struct iommu_user_data *data);
size_t smmuv3_viommu_size(struct device *dev, u32 type);
int smmuv3_viommu_init(struct hw_viommu *hw, struct iommu_domain *parent,
		       const struct iommu_user_data *data);

#endif
