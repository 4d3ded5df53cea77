// SPDX-License-Identifier: GPL-2.0-only
/*
 * Access to the kernel's SMMUv3 driver.  All offsets come from the BTF of the
 * running kernel.  The SMMUv2 driver has structures of the same names; a member
 * tells them apart.
 */
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/platform_device.h>
#include <linux/string.h>

#include "btf.h"
#include "layout.h"
#include "shims.h"
#include "smmuv3.h"

#define DRIVER		"arm-smmu-v3"

#define IDR5		0x14		/* offset of the register */
#define IDR5_DS		BIT(7)

/* A second-level stream table is indexed by the lower bits of a StreamID. */
#define LEVEL2_SHIFT	8
#define LEVEL2_ENTRIES	(1U << LEVEL2_SHIFT)

static struct {
	struct {
		u32 base, features, asid_bits, ssid_bits, iommu, cmdq;
		u32 event_base, event_consumer, event_shift, event_producer;
		u32 table, level2;
	} smmu;
	struct {
		u32 smmu, dev, streams, num_streams, ats, ats_bit, stall;
	} master;
	struct {
		u32 smmu, vmid, domain, nest_parent, nest_parent_bit;
	} domain;
	u32 stream_id;
	u32 level2_pointer;	/* up to Linux 6.1: in a level 1 descriptor */
	bool descriptors;	/* level 1 descriptors exist */
	bool queue_argument;	/* arm_smmu_cmdq_issue_cmdlist() takes the queue */
	bool flushes_nested;
	unsigned long issue;
} smmuv3;

#define SMMU(m, n, at) \
	{ "arm_smmu_device", "cmdq", m, n, &smmuv3.smmu.at }
#define MASTER(m, n, at) \
	{ "arm_smmu_master", NULL, m, n, &smmuv3.master.at }
#define DOMAIN(m, n, at) \
	{ "arm_smmu_domain", "s2_cfg", m, n, &smmuv3.domain.at }

static const struct layout_member smmuv3_members[] = {
	SMMU("base", sizeof(void *), base),
	SMMU("features", sizeof(u32), features),
	SMMU("asid_bits", sizeof(u32), asid_bits),
	SMMU("ssid_bits", sizeof(u32), ssid_bits),
	SMMU("iommu", sizeof(struct iommu_device), iommu),
	SMMU("cmdq", LAYOUT_ANY, cmdq),
	SMMU("evtq.q.base", sizeof(void *), event_base),
	SMMU("evtq.q.llq.cons", sizeof(u32), event_consumer),
	SMMU("evtq.q.llq.max_n_shift", sizeof(u32), event_shift),
	SMMU("evtq.q.prod_reg", sizeof(void *), event_producer),
	MASTER("smmu", sizeof(void *), smmu),
	MASTER("dev", sizeof(void *), dev),
	MASTER("streams", sizeof(void *), streams),
	MASTER("num_streams", sizeof(u32), num_streams),
	MASTER("stall_enabled", sizeof(bool), stall),
	DOMAIN("smmu", sizeof(void *), smmu),
	DOMAIN("s2_cfg.vmid", sizeof(u16), vmid),
	DOMAIN("domain", sizeof(struct iommu_domain), domain),
	{ "arm_smmu_stream", NULL, "id", sizeof(u32), &smmuv3.stream_id },
};

/* Linux 6.1 */
static const struct layout_member smmuv3_members_old[] = {
	SMMU("strtab_cfg.strtab", sizeof(void *), table),
	SMMU("strtab_cfg.l1_desc", sizeof(void *), level2),
	{ "arm_smmu_strtab_l1_desc", NULL, "l2ptr", sizeof(void *), &smmuv3.level2_pointer },
	{ "arm_smmu_strtab_l1_desc", NULL, NULL, 24, NULL },
	MASTER("ats_enabled", sizeof(bool), ats),
};

/* Linux 6.12 and later */
static const struct layout_member smmuv3_members_new[] = {
	SMMU("strtab_cfg.linear.table", sizeof(void *), table),
	SMMU("strtab_cfg.l2.l2ptrs", sizeof(void *), level2),
	{ "arm_smmu_strtab_l2", NULL, "stes", LEVEL2_ENTRIES * STE_SIZE, NULL },
	{ "arm_smmu_master", NULL, "ats_enabled", 0, &smmuv3.master.ats, &smmuv3.master.ats_bit },
};

/* Linux 7.2 and later */
static const struct layout_member smmuv3_nest_parent = {
	"arm_smmu_domain", "s2_cfg", "nest_parent", 0,
	&smmuv3.domain.nest_parent, &smmuv3.domain.nest_parent_bit
};

#define ISSUE "arm_smmu_cmdq_issue_cmdlist"

typedef int issue_fn(struct smmuv3_smmu *smmu, u64 *commands, int n, bool sync);
typedef int issue_to_fn(struct smmuv3_smmu *smmu, void *queue, u64 *commands, int n, bool sync);

static const struct layout_function smmuv3_issue_old[] = {
	{ ISSUE, "int(struct arm_smmu_device *, u64 *, int, bool)", &smmuv3.issue },
};

static const struct layout_function smmuv3_issue_to[] = {
	{ ISSUE, "int(struct arm_smmu_device *, struct arm_smmu_cmdq *, u64 *, int, bool)",
	  &smmuv3.issue },
};

/* Same as smmuv3_issue_to, with the two words in a structure. */
static const struct layout_function smmuv3_issue_new[] = {
	{ ISSUE, "int(struct arm_smmu_device *, struct arm_smmu_cmdq *, "
		 "struct arm_smmu_cmd *, int, bool)", &smmuv3.issue },
};

static const struct layout_member smmuv3_command[] = {
	{ "arm_smmu_cmd", NULL, "data", 2 * sizeof(u64), NULL },
	{ "arm_smmu_cmd", NULL, NULL, 2 * sizeof(u64), NULL },
};

static int smmuv3_find_members(const struct btf_data *btf, struct layout_why *why)
{
	struct layout_why ignored;
	int rc;

	rc = layout_find_members(btf, smmuv3_members, ARRAY_SIZE(smmuv3_members), why);
	if (rc)
		return rc;
	smmuv3.descriptors = btf_find_struct(btf, "arm_smmu_strtab_l1_desc", NULL);
	if (smmuv3.descriptors)
		return layout_find_members(btf, smmuv3_members_old,
					   ARRAY_SIZE(smmuv3_members_old), why);
	smmuv3.flushes_nested = !layout_find_members(btf, &smmuv3_nest_parent, 1, &ignored);
	return layout_find_members(btf, smmuv3_members_new, ARRAY_SIZE(smmuv3_members_new), why);
}

static int smmuv3_find_functions(const struct btf_data *btf, struct layout_why *why)
{
	int rc;

	if (smmuv3.descriptors)
		return layout_find_functions(btf, smmuv3_issue_old, 1, why);
	smmuv3.queue_argument = true;
	if (!btf_find_struct(btf, "arm_smmu_cmd", NULL))
		return layout_find_functions(btf, smmuv3_issue_to, 1, why);
	rc = layout_find_members(btf, smmuv3_command, ARRAY_SIZE(smmuv3_command), why);
	return rc ?: layout_find_functions(btf, smmuv3_issue_new, 1, why);
}

static void *smmuv3_pointer_at(const void *base, u32 offset)
{
	return READ_ONCE(*layout_at(void *, base, offset));
}

struct smmuv3_smmu *smmuv3_of_iommu(struct iommu_device *iommu)
{
	return (void *)iommu - smmuv3.smmu.iommu;
}

static void *smmuv3_domain_of(struct iommu_domain *domain)
{
	return (void *)domain - smmuv3.domain.domain;
}

struct smmuv3_smmu *smmuv3_of_domain(struct iommu_domain *domain)
{
	return smmuv3_pointer_at(smmuv3_domain_of(domain), smmuv3.domain.smmu);
}

u16 smmuv3_vmid(struct iommu_domain *domain)
{
	return READ_ONCE(*layout_at(u16, smmuv3_domain_of(domain), smmuv3.domain.vmid));
}

u32 smmuv3_features(struct smmuv3_smmu *smmu)
{
	return READ_ONCE(*layout_at(u32, smmu, smmuv3.smmu.features));
}

/* Only Linux 7.3's driver has a feature bit for it, so read the register. */
static bool smmuv3_has_ds(struct smmuv3_smmu *smmu)
{
	return readl_relaxed(smmuv3_pointer_at(smmu, smmuv3.smmu.base) + IDR5) & IDR5_DS;
}

void smmuv3_limits_of(struct smmuv3_smmu *smmu, struct smmuv3_limits *limits)
{
	u32 features = smmuv3_features(smmu);

	*limits = (struct smmuv3_limits){
		.asid_bits = *layout_at(u32, smmu, smmuv3.smmu.asid_bits),
		.substreams = *layout_at(u32, smmu, smmuv3.smmu.ssid_bits),
		.ats = features & SMMUV3_ATS,
		.ranges = features & SMMUV3_RANGES,
		.ds = smmuv3_has_ds(smmu),
	};
}

bool smmuv3_flushes_nested(void)
{
	return smmuv3.flushes_nested;
}

struct smmuv3_master *smmuv3_master_of(struct device *dev)
{
	return dev_iommu_priv_get(dev);
}

struct smmuv3_smmu *smmuv3_of_master(struct smmuv3_master *master)
{
	return smmuv3_pointer_at(master, smmuv3.master.smmu);
}

unsigned int smmuv3_streams(struct smmuv3_master *master)
{
	return READ_ONCE(*layout_at(u32, master, smmuv3.master.num_streams));
}

u32 smmuv3_sid(struct smmuv3_master *master)
{
	void *streams = smmuv3_pointer_at(master, smmuv3.master.streams);

	return READ_ONCE(*layout_at(u32, streams, smmuv3.stream_id));
}

bool smmuv3_has_ats(struct smmuv3_master *master)
{
	u8 byte = READ_ONCE(*layout_at(u8, master, smmuv3.master.ats));

	return byte & BIT(smmuv3.master.ats_bit);
}

bool smmuv3_may_stall(struct smmuv3_master *master)
{
	return READ_ONCE(*layout_at(bool, master, smmuv3.master.stall));
}

static __le64 *smmuv3_level2(struct smmuv3_smmu *smmu, u32 index)
{
	void *tables = smmuv3_pointer_at(smmu, smmuv3.smmu.level2);

	if (smmuv3.descriptors)
		return smmuv3_pointer_at(tables + index * 24, smmuv3.level2_pointer);
	return READ_ONCE(((__le64 **)tables)[index]);
}

__le64 *smmuv3_ste(struct smmuv3_master *master)
{
	struct smmuv3_smmu *smmu = smmuv3_of_master(master);
	u32 sid = smmuv3_sid(master);
	__le64 *table;

	if (smmuv3_features(smmu) & SMMUV3_TWO_LEVELS) {
		table = smmuv3_level2(smmu, sid >> LEVEL2_SHIFT);
		sid %= LEVEL2_ENTRIES;
	} else {
		table = smmuv3_pointer_at(smmu, smmuv3.smmu.table);
	}
	return table ? table + (size_t)sid * (STE_SIZE / sizeof(*table)) : NULL;
}

/* The indirect call is safe: smmuv3_init() rejects kernels with CFI or BTI. */
int smmuv3_issue(struct smmuv3_smmu *smmu, u64 *commands, unsigned int n)
{
	if (!smmuv3.queue_argument)
		return ((issue_fn *)smmuv3.issue)(smmu, commands, n, true);
	return ((issue_to_fn *)smmuv3.issue)(smmu, layout_at(void, smmu, smmuv3.smmu.cmdq),
					     commands, n, true);
}

void smmuv3_event_queue(struct smmuv3_smmu *smmu, struct smmuv3_queue *queue)
{
	queue->base = smmuv3_pointer_at(smmu, smmuv3.smmu.event_base);
	queue->consumer = READ_ONCE(*layout_at(u32, smmu, smmuv3.smmu.event_consumer));
	queue->shift = READ_ONCE(*layout_at(u32, smmu, smmuv3.smmu.event_shift));
	queue->producer = readl_relaxed(smmuv3_pointer_at(smmu, smmuv3.smmu.event_producer));
}

/* The driver names its IOMMU devices, and its per-device data points back. */
static bool smmuv3_serves(struct device *dev)
{
	struct device *iommu = dev->iommu->iommu_dev->dev;
	struct smmuv3_master *master;

	if (!iommu || !iommu->parent || !iommu->parent->driver ||
	    iommu->parent->bus != &platform_bus_type ||
	    strcmp(iommu->parent->driver->name, DRIVER))
		return false;
	master = smmuv3_master_of(dev);
	return master && smmuv3_pointer_at(master, smmuv3.master.dev) == dev &&
	       smmuv3_of_master(master) == smmuv3_of_iommu(dev->iommu->iommu_dev);
}

static struct hw_shim smmuv3_shim = {
	.owner = THIS_MODULE,
	.serves = smmuv3_serves,
	.domain_alloc = smmuv3_parent_alloc,
	.viommu_size = smmuv3_viommu_size,
	.viommu_init = smmuv3_viommu_init,
};

static int smmuv3_any_device(struct device *dev, void *data)
{
	return 1;
}

static bool smmuv3_is_needed(void)
{
	struct device_driver *driver = driver_find(DRIVER, &platform_bus_type);

	return driver && driver_for_each_device(driver, NULL, NULL, smmuv3_any_device);
}

static int smmuv3_init(const struct btf_data *btf, struct layout_why *why)
{
	int rc;

	if (IS_ENABLED(CONFIG_CFI_CLANG) || IS_ENABLED(CONFIG_CFI) ||
	    IS_ENABLED(CONFIG_ARM64_BTI_KERNEL)) {
		strscpy(why->text, "the kernel checks where indirect calls go", sizeof(why->text));
		return -EOPNOTSUPP;
	}
	/* Probes of resets and events run with preemption disabled and take spinlocks. */
	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		strscpy(why->text, "it can't watch resets and events on PREEMPT_RT",
			sizeof(why->text));
		return -EOPNOTSUPP;
	}
	rc = smmuv3_find_members(btf, why);
	if (!rc)
		rc = smmuv3_find_functions(btf, why);
	if (rc)
		return rc;
	rc = smmuv3_events_init();
	if (rc) {
		strscpy(why->text, "the driver's events can't be watched", sizeof(why->text));
		return rc;
	}
	rc = hw_resets_watch();
	if (rc) {
		strscpy(why->text, "resets of PCI devices can't be watched", sizeof(why->text));
		goto no_resets;
	}
	rc = hw_overlay_watch_devices();
	if (rc) {
		strscpy(why->text, "PCI devices that are removed can't be watched",
			sizeof(why->text));
		goto no_devices;
	}
	hw_shim_register(&smmuv3_shim);
	return 0;

no_devices:
	hw_resets_unwatch();
no_resets:
	smmuv3_events_exit();
	return rc;
}

static void smmuv3_exit(void)
{
	hw_shim_unregister(&smmuv3_shim);
	hw_overlay_unwatch_devices();
	hw_resets_unwatch();
	smmuv3_events_exit();
}

const struct hw_shim_module smmuv3_shim_module = {
	.name = "smmuv3",
	.feature = "nested page tables",
	.is_needed = smmuv3_is_needed,
	.init = smmuv3_init,
	.exit = smmuv3_exit,
};
