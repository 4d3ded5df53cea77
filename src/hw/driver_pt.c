// SPDX-License-Identifier: GPL-2.0-only
/*
 * Roots of the page tables of VT-d's and AMD-Vi's drivers.  The format follows from the
 * function that the driver set for reading dirty bits.
 *
 * VT-d: the root is fixed when the domain is allocated, except that attaching to an IOMMU
 * with fewer levels takes the highest ones off.  That happens in ioas_freeze(), and dirty
 * bits are read with ioas->users held, so not meanwhile.  An IOMMU that doesn't snoop the
 * CPU's caches can't track: neither the driver nor the walk here writes an entry back that
 * was made clean.  Such tables aren't walked.
 *
 * AMD-Vi: a level is added above the root as the domain grows, also while others read.  An
 * old root stays the table of the lowest addresses.
 */
#include "driver_pt.h"

#ifdef IOMMUFD_DRIVER_PT

#include <linux/atomic.h>
#include <linux/device.h>
#include <linux/io-pgtable.h>
#include <linux/iommu.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>
#include <linux/seqlock.h>
#include <linux/string.h>

#include "hw.h"
#include "layout.h"
#include "walk.h"

#define DRIVER_READ_PROTOTYPE(first) \
	"int(struct " first " *, long unsigned int, size_t, long unsigned int, struct iommu_dirty_bitmap *)"

static struct {
	u32 domain, root, width, coherent, coherent_bit;
	unsigned long read;		/* 0: not to be found */
} vtd;

static const struct layout_member vtd_members[] = {
	{ "dmar_domain", NULL, "domain", sizeof(struct iommu_domain), &vtd.domain },
	{ "dmar_domain", NULL, "pgd", sizeof(void *), &vtd.root },
	{ "dmar_domain", NULL, "agaw", sizeof(int), &vtd.width },
	{ "dmar_domain", NULL, "iommu_coherency", 0, &vtd.coherent, &vtd.coherent_bit },
	{ "dma_pte", NULL, NULL, sizeof(u64), NULL },
};

static unsigned long vtd_read;
static const struct layout_function vtd_functions[] = {
	{ "intel_iommu_read_and_clear_dirty", DRIVER_READ_PROTOTYPE("iommu_domain"), &vtd_read },
};

static struct {
	u32 domain, ops, sequence, root, levels;
	unsigned long read;		/* 0: not to be found */
} amd;

static const struct layout_member amd_members[] = {
	{ "protection_domain", NULL, "domain", sizeof(struct iommu_domain), &amd.domain },
	{ "protection_domain", NULL, "iop.pgtbl.ops", sizeof(struct io_pgtable_ops), &amd.ops },
	{ "protection_domain", NULL, "iop.seqcount", sizeof(seqcount_t), &amd.sequence },
	{ "protection_domain", NULL, "iop.root", sizeof(void *), &amd.root },
	{ "protection_domain", NULL, "iop.mode", sizeof(int), &amd.levels },
};

static unsigned long amd_read, amd_read_v1;
static const struct layout_function amd_functions[] = {
	{ "amd_iommu_read_and_clear_dirty", DRIVER_READ_PROTOTYPE("iommu_domain"), &amd_read },
	{ "iommu_v1_read_and_clear_dirty", DRIVER_READ_PROTOTYPE("io_pgtable_ops"),
	  &amd_read_v1 },
};

#ifdef IOMMUFD_TEST
/* For tests: what is wrong with each page table that is found, "root" or "levels". */
static char *driver_pt_spoils = "";
module_param(driver_pt_spoils, charp, 0444);

static bool driver_pt_spoil(struct walk_table *table)
{
	static u64 empty[PAGE_SIZE / sizeof(u64)] __aligned(PAGE_SIZE);

	if (!strcmp(driver_pt_spoils, "root"))
		table->root = empty;
	else if (!strcmp(driver_pt_spoils, "levels"))
		table->levels--;
	return true;
}
#else
static bool driver_pt_spoil(struct walk_table *table)
{
	return true;
}
#endif

static bool driver_pt_reads_by(const struct iommu_domain *domain, unsigned long function)
{
	return function &&
	       (unsigned long)domain->dirty_ops->read_and_clear_dirty == function;
}

static bool driver_pt_find_vtd(struct iommu_domain *domain, struct walk_table *table)
{
	void *base = (char *)domain - vtd.domain;

	if (!(READ_ONCE(*layout_at(u8, base, vtd.coherent)) & BIT(vtd.coherent_bit)))
		return false;
	table->format = &walk_vtd;
	table->root = READ_ONCE(*layout_at(u64 *, base, vtd.root));
	table->levels = READ_ONCE(*layout_at(int, base, vtd.width)) + 2;
	return table->root && table->levels >= 2 && table->levels <= 5;
}

static bool driver_pt_find_amd(struct iommu_domain *domain, struct walk_table *table)
{
	void *base = (char *)domain - amd.domain;
	const struct io_pgtable_ops *ops = layout_at(struct io_pgtable_ops, base, amd.ops);
	const seqcount_t *sequence = layout_at(seqcount_t, base, amd.sequence);
	unsigned int now;

	if ((unsigned long)ops->read_and_clear_dirty != amd_read_v1)
		return false;
	table->format = &walk_amd;
	do {
		now = read_seqcount_begin(sequence);
		table->root = READ_ONCE(*layout_at(u64 *, base, amd.root));
		table->levels = READ_ONCE(*layout_at(int, base, amd.levels));
	} while (read_seqcount_retry(sequence, now));
	return table->root && table->levels >= 1 && table->levels <= 6;
}

bool driver_pt_find(struct iommu_domain *domain, struct walk_table *table)
{
	if (driver_pt_reads_by(domain, READ_ONCE(vtd.read)))
		return driver_pt_find_vtd(domain, table) && driver_pt_spoil(table);
	if (driver_pt_reads_by(domain, READ_ONCE(amd.read)))
		return driver_pt_find_amd(domain, table) && driver_pt_spoil(table);
	return false;
}

static int driver_pt_tracks(struct device *dev, void *name)
{
	return hw_iommu_has_attributes(dev, name) &&
	       device_iommu_capable(dev, IOMMU_CAP_DIRTY_TRACKING);
}

static bool driver_pt_is_needed(const char *name)
{
	return bus_for_each_dev(&pci_bus_type, NULL, (void *)name, driver_pt_tracks);
}

static bool vtd_is_needed(void)
{
	return driver_pt_is_needed("intel-iommu");
}

static int vtd_init(const struct btf_data *btf, struct layout_why *why)
{
	int rc = layout_find_members(btf, vtd_members, ARRAY_SIZE(vtd_members), why);

	if (!rc)
		rc = layout_find_functions(btf, vtd_functions, ARRAY_SIZE(vtd_functions), why);
	if (!rc)
		vtd.read = vtd_read;
	return rc;
}

static bool amd_is_needed(void)
{
	return driver_pt_is_needed("amd-iommu");
}

static int amd_init(const struct btf_data *btf, struct layout_why *why)
{
	int rc = layout_find_members(btf, amd_members, ARRAY_SIZE(amd_members), why);

	if (!rc)
		rc = layout_find_functions(btf, amd_functions, ARRAY_SIZE(amd_functions), why);
	if (!rc)
		amd.read = amd_read;
	return rc;
}

static void driver_pt_exit(void)
{
}

#define FEATURE "reading of dirty entries without asking for each"

const struct hw_shim_module vtd_dirty_module = {
	.name = "vtd-dirty",
	.feature = FEATURE,
	.is_needed = vtd_is_needed,
	.init = vtd_init,
	.exit = driver_pt_exit,
};

const struct hw_shim_module amd_dirty_module = {
	.name = "amd-dirty",
	.feature = FEATURE,
	.is_needed = amd_is_needed,
	.init = amd_init,
	.exit = driver_pt_exit,
};

void driver_pt_refuse(struct iommu_domain *domain)
{
	bool is_vtd = driver_pt_reads_by(domain, vtd_read);

	if (xchg(is_vtd ? &vtd.read : &amd.read, 0))
		hw_shim_failed(is_vtd ? &vtd_dirty_module : &amd_dirty_module,
			       "the driver translates otherwise than the page table that was found");
}

#endif
