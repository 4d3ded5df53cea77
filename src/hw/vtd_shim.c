// SPDX-License-Identifier: GPL-2.0-only
/*
 * Access to the kernel's VT-d driver.  All offsets come from the BTF of the running kernel.
 */
#include "shims.h"

#ifdef IOMMUFD_VTD_SHIM

#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/static_call.h>
#include <linux/string.h>
#include <asm/cacheflush.h>

#include "../core/test.h"
#include "hw.h"
#include "layout.h"
#include "overlay.h"
#include "vtd.h"
#include "vtd_shim.h"

/* Of dmar_domain.flags: first-stage tables. */
#define DOMAIN_FIRST_STAGE	BIT(1)

static struct {
	struct {
		u32 cap, ecap, width, domain_ids, lock, iommu;
	} iommu;
	struct {
		u32 dev, iommu, bus, devfn, pfsid, depth, pasids;
		u32 ats, ats_bit, twice, twice_bit;
	} info;
	struct {
		u32 flags, domain, width, devices;
	} domain;
	u32 directory;
	unsigned long submit, flush_write_buffer;
} vtd;

#define IOMMU(m, n, at) \
	{ "intel_iommu", NULL, m, n, &vtd.iommu.at }
#define INFO(m, n, at) \
	{ "device_domain_info", NULL, m, n, &vtd.info.at }

static const struct layout_member vtd_members[] = {
	IOMMU("cap", sizeof(u64), cap),
	IOMMU("ecap", sizeof(u64), ecap),
	IOMMU("agaw", sizeof(int), width),
	IOMMU("domain_ids", sizeof(void *), domain_ids),
	IOMMU("lock", sizeof(spinlock_t), lock),
	IOMMU("iommu", sizeof(struct iommu_device), iommu),
	INFO("dev", sizeof(void *), dev),
	INFO("iommu", sizeof(void *), iommu),
	INFO("bus", sizeof(u8), bus),
	INFO("devfn", sizeof(u8), devfn),
	INFO("pfsid", sizeof(u16), pfsid),
	INFO("ats_qdep", sizeof(u8), depth),
	INFO("pasid_table", sizeof(void *), pasids),
	{ "device_domain_info", NULL, "ats_enabled", 0, &vtd.info.ats, &vtd.info.ats_bit },
	{ "device_domain_info", NULL, "dtlb_extra_inval", 0, &vtd.info.twice,
	  &vtd.info.twice_bit },
	{ "dmar_domain", NULL, "flags", sizeof(int), &vtd.domain.flags },
	{ "dmar_domain", NULL, "domain", sizeof(struct iommu_domain), &vtd.domain.domain },
	{ "dmar_domain", NULL, "agaw", sizeof(int), &vtd.domain.width },
	{ "dmar_domain", NULL, "devices", sizeof(struct list_head), &vtd.domain.devices },
	{ "pasid_table", NULL, "table", sizeof(void *), &vtd.directory },
	{ "pasid_dir_entry", NULL, NULL, sizeof(u64), NULL },
	{ "pasid_entry", NULL, NULL, VTD_ENTRY_SIZE, NULL },
	{ "qi_desc", NULL, NULL, sizeof(struct vtd_descriptor), NULL },
};

typedef int submit_fn(struct vtd_iommu *iommu, struct vtd_descriptor *descriptors,
		      unsigned int n, unsigned long options);
typedef void flush_fn(struct vtd_iommu *iommu);

static const struct layout_function vtd_functions[] = {
	{ "qi_submit_sync",
	  "int(struct intel_iommu *, struct qi_desc *, unsigned int, long unsigned int)",
	  &vtd.submit },
	{ "iommu_flush_write_buffer", "void(struct intel_iommu *)", &vtd.flush_write_buffer },
};

DEFINE_STATIC_CALL_NULL(vtd_submit_sync, *(submit_fn *)NULL);
DEFINE_STATIC_CALL_NULL(vtd_flush_buffer, *(flush_fn *)NULL);

static void *vtd_pointer_at(const void *base, u32 offset)
{
	return READ_ONCE(*layout_at(void *, base, offset));
}

static bool vtd_bit_at(const void *base, u32 offset, u32 bit)
{
	return READ_ONCE(*layout_at(u8, base, offset)) & BIT(bit);
}

static void *vtd_info_of(struct device *dev)
{
	return dev_iommu_priv_get(dev);
}

struct vtd_iommu *vtd_iommu_of(struct device *dev)
{
	return vtd_pointer_at(vtd_info_of(dev), vtd.info.iommu);
}

u64 vtd_cap(struct vtd_iommu *iommu)
{
	return *layout_at(u64, iommu, vtd.iommu.cap);
}

u64 vtd_ecap(struct vtd_iommu *iommu)
{
	return *layout_at(u64, iommu, vtd.iommu.ecap);
}

bool vtd_nests(struct device *dev)
{
	u64 ecap = vtd_ecap(vtd_iommu_of(dev));

	return (ecap & VTD_ECAP_NESTS) == VTD_ECAP_NESTS && dev_is_pci(dev) &&
	       vtd_pointer_at(vtd_info_of(dev), vtd.info.pasids);
}

static void *vtd_private(struct iommu_domain *domain)
{
	return (void *)domain - vtd.domain.domain;
}

bool vtd_is_second_stage(struct iommu_domain *domain)
{
	return !(*layout_at(int, vtd_private(domain), vtd.domain.flags) & DOMAIN_FIRST_STAGE);
}

bool vtd_takes_levels(struct iommu_domain *domain, struct device *dev)
{
	void *private = vtd_private(domain);

	return *layout_at(int, vtd_iommu_of(dev), vtd.iommu.width) <
	       *layout_at(int, private, vtd.domain.width) &&
	       !list_empty(layout_at(struct list_head, private, vtd.domain.devices));
}

int vtd_domain_id_take(struct vtd_iommu *iommu)
{
	spinlock_t *lock = layout_at(spinlock_t, iommu, vtd.iommu.lock);
	unsigned long n = vtd_domain_ids(vtd_cap(iommu)), id, *ids;

	if (test_fails("vtd_domain_id_take"))
		return -ENOSPC;
	spin_lock(lock);
	ids = vtd_pointer_at(iommu, vtd.iommu.domain_ids);
	id = ids ? find_first_zero_bit(ids, n) : n;
	if (id < n)
		set_bit(id, ids);
	spin_unlock(lock);
	return id < n ? (int)id : -ENOSPC;
}

void vtd_domain_id_give(struct vtd_iommu *iommu, u16 id)
{
	spinlock_t *lock = layout_at(spinlock_t, iommu, vtd.iommu.lock);
	unsigned long *ids;

	spin_lock(lock);
	ids = vtd_pointer_at(iommu, vtd.iommu.domain_ids);
	if (ids)
		clear_bit(id, ids);
	spin_unlock(lock);
}

u64 *vtd_pasid_entry(struct device *dev)
{
	void *info = vtd_info_of(dev), *pasids;
	u64 first;

	/* The driver has let go of a device that is removed. */
	pasids = info ? vtd_pointer_at(info, vtd.info.pasids) : NULL;
	if (!pasids)
		return NULL;
	first = READ_ONCE(*(u64 *)vtd_pointer_at(pasids, vtd.directory));
	return first & VTD_DIRECTORY_P ? phys_to_virt(first & VTD_DIRECTORY_TABLE) : NULL;
}

void vtd_entry_sync(struct vtd_iommu *iommu, u64 *entry)
{
	dma_wmb();
	if (!(vtd_ecap(iommu) & VTD_ECAP_COHERENT))
		clflush_cache_range(entry, VTD_ENTRY_SIZE);
}

int vtd_submit(struct vtd_iommu *iommu, struct vtd_descriptor descriptor)
{
	return static_call(vtd_submit_sync)(iommu, &descriptor, 1, 0);
}

void vtd_flush_write_buffer(struct vtd_iommu *iommu)
{
	static_call_cond(vtd_flush_buffer)(iommu);
}

bool vtd_ats_of(struct device *dev, struct vtd_ats *ats)
{
	void *info = vtd_info_of(dev);

	if (!info || !vtd_bit_at(info, vtd.info.ats, vtd.info.ats_bit))
		return false;
	*ats = (struct vtd_ats){
		.sid = PCI_DEVID(*layout_at(u8, info, vtd.info.bus),
				 *layout_at(u8, info, vtd.info.devfn)),
		.pfsid = *layout_at(u16, info, vtd.info.pfsid),
		.depth = *layout_at(u8, info, vtd.info.depth),
		.twice = vtd_bit_at(info, vtd.info.twice, vtd.info.twice_bit),
	};
	return true;
}

/* The driver's data of a device points back to it, and to the IOMMU that the core knows. */
bool vtd_serves(struct device *dev)
{
	void *info;

	if (!vtd_has_device(dev))
		return false;
	info = vtd_info_of(dev);
	return info && vtd_pointer_at(info, vtd.info.dev) == dev &&
	       (void *)vtd_iommu_of(dev) + vtd.iommu.iommu == hw_iommu(dev);
}

static struct hw_shim vtd_shim = {
	.owner = THIS_MODULE,
	.serves = vtd_serves,
	.domain_alloc = vtd_parent_alloc,
	.nested_alloc = vtd_nested_alloc,
};

static int vtd_could_nest(struct device *dev, void *unused)
{
	u64 cap, ecap;

	return vtd_has_device(dev) && !vtd_registers(hw_iommu(dev)->dev, &cap, &ecap) &&
	       (ecap & VTD_ECAP_NEST);
}

static bool vtd_is_needed(void)
{
	return bus_for_each_dev(&pci_bus_type, NULL, NULL, vtd_could_nest);
}

static int vtd_init(const struct btf_data *btf, struct layout_why *why)
{
	int rc;

	rc = layout_find_members(btf, vtd_members, ARRAY_SIZE(vtd_members), why);
	if (!rc)
		rc = layout_find_functions(btf, vtd_functions, ARRAY_SIZE(vtd_functions), why);
	if (rc)
		return rc;
	static_call_update(vtd_submit_sync, (submit_fn *)vtd.submit);
	static_call_update(vtd_flush_buffer, (flush_fn *)vtd.flush_write_buffer);
	rc = hw_overlay_watch_devices();
	if (rc) {
		strscpy(why->text, "PCI devices that are removed can't be watched",
			sizeof(why->text));
		return rc;
	}
	hw_shim_register(&vtd_shim);
	return 0;
}

static void vtd_exit(void)
{
	hw_shim_unregister(&vtd_shim);
	hw_overlay_unwatch_devices();
}

const struct hw_shim_module vtd_shim_module = {
	.name = "vtd",
	.feature = "nested page tables",
	.is_needed = vtd_is_needed,
	.init = vtd_init,
	.exit = vtd_exit,
};

#endif
