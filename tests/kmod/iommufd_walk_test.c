// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading dirty entries from the page tables that Linux 7.2 keeps for VT-d and
 * AMD-Vi: tables that the kernel itself has built, without hardware, in which this
 * sets the dirty bits that hardware would.  All is done while the module is loaded;
 * if something is wrong it doesn't load, and the log says what.
 */
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "../../src/hw/hw.h"

static unsigned int checks;
module_param(checks, uint, 0444);
MODULE_PARM_DESC(checks, "how many entries were compared");

#if IS_ENABLED(CONFIG_IOMMU_PT_VTDSS) && IS_ENABLED(CONFIG_IOMMU_PT_AMDV1)
#include <linux/generic_pt/iommu.h>

/* In a header that isn't installed. */
void iommu_put_pages_list(struct iommu_pages_list *list);

#define BASE	(SZ_1G * 3UL)
#define PAGES	20000

struct table {
	union {
		struct iommu_domain domain;
		struct pt_iommu_vtdss vtd;
		struct pt_iommu_amdv1 amd;
	};
	bool is_amd;
	u64 *root;
	unsigned int levels;
	unsigned long flushed_first, flushed_last;
};

static struct table table;

static void flush(struct iommu_domain *domain, struct iommu_iotlb_gather *gather)
{
	table.flushed_first = min(table.flushed_first, gather->start);
	table.flushed_last = max(table.flushed_last, gather->end);
	iommu_put_pages_list(&gather->freelist);
}

static const struct iommu_domain_ops vtd_ops = {
	IOMMU_PT_DOMAIN_OPS(vtdss),
	.iotlb_sync = flush,
};

static const struct iommu_domain_ops amd_ops = {
	IOMMU_PT_DOMAIN_OPS(amdv1),
	.iotlb_sync = flush,
};

static const struct iommu_dirty_ops vtd_dirty_ops = { IOMMU_PT_DIRTY_OPS(vtdss) };
static const struct iommu_dirty_ops amd_dirty_ops = { IOMMU_PT_DIRTY_OPS(amdv1) };

static int make_vtd(void)
{
	const struct pt_iommu_vtdss_cfg cfg = {
		.common = {
			.features = BIT(PT_FEAT_FLUSH_RANGE),
			.hw_max_vasz_lg2 = 48,
			.hw_max_oasz_lg2 = 52,
		},
		.top_level = 3,
	};
	int rc;

	table.vtd.iommu.nid = NUMA_NO_NODE;
	rc = pt_iommu_vtdss_init(&table.vtd, &cfg, GFP_KERNEL);
	if (rc)
		return rc;
	table.domain.ops = &vtd_ops;
	table.domain.dirty_ops = &vtd_dirty_ops;
	return 0;
}

static void change_top(struct pt_iommu *pt, phys_addr_t top, unsigned int level)
{
}

static DEFINE_SPINLOCK(top_lock);

static spinlock_t *get_top_lock(struct pt_iommu *pt)
{
	return &top_lock;
}

static const struct pt_iommu_driver_ops amd_driver_ops = {
	.change_top = change_top,
	.get_top_lock = get_top_lock,
};

/* As AMD-Vi's driver makes them; a level is added when it is needed. */
static int make_amd(void)
{
	const struct pt_iommu_amdv1_cfg cfg = {
		.common = {
			.features = BIT(PT_FEAT_FLUSH_RANGE) | BIT(PT_FEAT_DYNAMIC_TOP) |
				    BIT(PT_FEAT_AMDV1_ENCRYPT_TABLES) |
				    BIT(PT_FEAT_AMDV1_FORCE_COHERENCE),
			.hw_max_vasz_lg2 = 64,
			.hw_max_oasz_lg2 = 52,
		},
		.starting_level = 1,
	};
	int rc;

	table.amd.iommu.nid = NUMA_NO_NODE;
	table.amd.iommu.driver_ops = &amd_driver_ops;
	rc = pt_iommu_amdv1_init(&table.amd, &cfg, GFP_KERNEL);
	if (rc)
		return rc;
	table.domain.ops = &amd_ops;
	table.domain.dirty_ops = &amd_dirty_ops;
	return 0;
}

/* Where the tables begin, when all is mapped. */
static void find_top(void)
{
	struct pt_iommu_amdv1_hw_info amd;
	struct pt_iommu_vtdss_hw_info vtd;

	if (table.is_amd) {
		pt_iommu_amdv1_hw_info(&table.amd, &amd);
		table.root = phys_to_virt(amd.host_pt_root);
		table.levels = amd.mode;
	} else {
		pt_iommu_vtdss_hw_info(&table.vtd, &vtd);
		table.root = phys_to_virt(vtd.ssptptr);
		table.levels = 4;
	}
}

static int make(bool is_amd)
{
	memset(&table, 0, sizeof(table));
	table.is_amd = is_amd;
	return is_amd ? make_amd() : make_vtd();
}

/* The entry of an IOVA, and on which level it is. */
static u64 *entry_of(unsigned long iova, unsigned int *level)
{
	u64 *at = table.root;
	bool page;

	for (*level = table.levels - 1;; --*level) {
		at += iova >> (12 + 9 * *level) & 511;
		if (table.is_amd)
			page = (*at >> 9 & 7) == 0 || (*at >> 9 & 7) == 7;
		else
			page = *level < 3 && *at & BIT(7);
		if (page || !*level)
			return at;
		at = phys_to_virt(*at & GENMASK_ULL(51, 12));
	}
}

/* Bytes that an entry stands for, as its address says on AMD-Vi. */
static unsigned long size_of(unsigned long iova)
{
	unsigned int level, ones = 0;
	u64 entry = *entry_of(iova, &level);

	if (!table.is_amd || (entry >> 9 & 7) != 7)
		return 1UL << (12 + 9 * level);
	for (entry >>= 12; entry & 1; entry >>= 1)
		ones++;
	return SZ_4K << (ones + 1);
}

/* What has to be noted, and what was, by page. */
static u8 dirty[PAGES], noted[PAGES];

static int note(struct hw_dirty_sink *sink, unsigned long iova, unsigned long length)
{
	unsigned long first = (iova - BASE) / SZ_4K;

	memset(noted + first, 1, length / SZ_4K);
	return 0;
}

static void write_to(unsigned long page)
{
	unsigned long size = size_of(BASE + page * SZ_4K), first;
	unsigned int level;

	first = page & -(size / SZ_4K);
	*entry_of(BASE + page * SZ_4K, &level) |= table.is_amd ? BIT(6) : BIT(9);
	memset(dirty + first, 1, size / SZ_4K);
}

/* Reads all, in two parts, and compares. */
static int read_all(bool clear)
{
	const struct iova_range mapped = { BASE, BASE + PAGES * SZ_4K - 1 };
	unsigned long half = BASE + SZ_2M * get_random_u32_below(PAGES / 512);
	struct hw_dirty_sink sink = { .note = note, .last = mapped.last };
	struct hw_dirty reading;
	int rc;

	memset(noted, 0, sizeof(noted));
	table.flushed_first = ULONG_MAX;
	table.flushed_last = 0;
	rc = hw_dirty_begin(&reading, &table.domain, clear, &sink);
	if (!rc && half > BASE)
		rc = hw_dirty_read(&reading, &mapped, BASE, half - 1);
	if (!rc)
		rc = hw_dirty_read(&reading, &mapped, half, mapped.last);
	hw_dirty_end(&reading);
	if (rc)
		pr_err("reading: %d\n", rc);
	return rc;
}

static int compare(void)
{
	unsigned long i;

	for (i = 0; i < PAGES; i++, checks++) {
		if (noted[i] == dirty[i])
			continue;
		pr_err("%s: page %lu is %s\n", table.is_amd ? "AMD-Vi" : "VT-d", i,
		       noted[i] ? "noted and clean" : "dirty and not noted");
		return -EINVAL;
	}
	return 0;
}

static int check_flush(void)
{
	const u8 *first = memchr(dirty, 1, PAGES);
	unsigned long last;

	if (!first)
		return 0;
	for (last = PAGES - 1; !dirty[last];)
		last--;
	if (table.flushed_first <= BASE + (first - dirty) * SZ_4K &&
	    table.flushed_last >= BASE + last * SZ_4K + (SZ_4K - 1))
		return 0;
	pr_err("flushed %lx to %lx\n", table.flushed_first, table.flushed_last);
	return -EINVAL;
}

static int write_and_read(unsigned int writes)
{
	int rc;

	memset(dirty, 0, sizeof(dirty));
	while (writes--)
		write_to(get_random_u32_below(PAGES));
	rc = read_all(false) ?: compare() ?: read_all(true) ?: compare() ?: check_flush();
	memset(dirty, 0, sizeof(dirty));
	return rc ?: read_all(true) ?: compare();
}

/* Memory of which every piece begins and ends elsewhere: entries of all sizes. */
static int map_pieces(void)
{
	unsigned long at = 0, n;
	int rc = 0;

	for (; at < PAGES && !rc; at += n) {
		n = min(PAGES - at, 1UL << get_random_u32_below(13));
		rc = iommu_map(&table.domain, BASE + at * SZ_4K,
			       SZ_4G + ((at + (get_random_u32_below(4) ? 0 : 1)) << 12),
			       n * SZ_4K, IOMMU_READ | IOMMU_WRITE, GFP_KERNEL);
	}
	return rc;
}

static int test(bool is_amd)
{
	static const unsigned int writes[] = { 0, 1, 2, 50, 1000, 20000 };
	unsigned int i;
	int rc = make(is_amd);

	if (rc)
		return rc;
	rc = map_pieces();
	find_top();
	for (i = 0; !rc && i < 4 * ARRAY_SIZE(writes); i++)
		rc = write_and_read(writes[i % ARRAY_SIZE(writes)]);
	iommu_unmap(&table.domain, BASE, PAGES * SZ_4K);
	pt_iommu_deinit(is_amd ? &table.amd.iommu : &table.vtd.iommu);
	return rc;
}

static int __init walk_test_init(void)
{
	return test(false) ?: test(true);
}

MODULE_IMPORT_NS("GENERIC_PT_IOMMU");
#else
static int __init walk_test_init(void)
{
	return 0;
}
#endif
module_init(walk_test_init);

static void __exit walk_test_exit(void)
{
}
module_exit(walk_test_exit);

MODULE_DESCRIPTION("Test of reading dirty entries from the kernel's own page tables");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("IOMMUFD");
IOMMUFD_MODULE_INFO;
