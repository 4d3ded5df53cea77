// SPDX-License-Identifier: GPL-2.0-only
/* Paging domains: what the IOMMU core fills by mapping. */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "driver.h"

#define MOCK_PAGE_SHIFT		11
/* The aperture of the huge variant has no meaning but to be larger. */
#define MOCK_HUGE_LAST		((1UL << 38) - 1)

static_assert(MOCK_PAGE_SIZE == 1 << MOCK_PAGE_SHIFT);
static_assert(MOCK_HUGE_PAGE_SIZE == TABLE_BLOCK_SIZE);

/*
 * VT-d's driver of Linux 6.1 has no lock between these and a device's leaving, which frees
 * what they walk.
 */
static void domain_enter(struct iommu_domain *domain)
{
#ifdef IOMMUFD_HAVE_IOMMU_BUS_OPS
	atomic_inc(&to_mock_paging(domain)->users);
#endif
}

static void domain_leave(struct iommu_domain *domain)
{
#ifdef IOMMUFD_HAVE_IOMMU_BUS_OPS
	atomic_dec(&to_mock_paging(domain)->users);
#endif
}

void mock_domain_left(struct iommu_domain *domain)
{
	if (domain->ops != &mock_paging_ops)
		return;
	WARN_ON(atomic_read(&to_mock_paging(domain)->users));
	WARN(table_is_unsynced(&to_mock_paging(domain)->table),
	     "mock: a device leaves between an unmap and its flush\n");
}

static int map_pages(struct iommu_domain *domain, unsigned long iova, phys_addr_t pa,
		     size_t page_size, size_t count, int prot, gfp_t gfp,
		     size_t *mapped)
{
	struct mock_paging *paging = to_mock_paging(domain);
	int rc;

	if (WARN_ON(iova < domain->geometry.aperture_start ||
		    iova + page_size * count - 1 > domain->geometry.aperture_end))
		return -ERANGE;
	domain_enter(domain);
	rc = table_map(&paging->table, iova, pa, page_size * count,
		       page_size == TABLE_BLOCK_SIZE, prot, gfp, mapped);
	domain_leave(domain);
	/* As VT-d's driver: what was written until then stays, and isn't told. */
	if (rc && !IS_ENABLED(CONFIG_IOMMU_PT))
		*mapped = 0;
	return rc;
}

static unsigned long stuck_iova;
module_param(stuck_iova, ulong, 0644);
MODULE_PARM_DESC(stuck_iova, "what can't be unmapped, as if the driver were broken; 0: all can");

static size_t unmap_pages(struct iommu_domain *domain, unsigned long iova,
			  size_t page_size, size_t count,
			  struct iommu_iotlb_gather *gather)
{
	unsigned long stuck = READ_ONCE(stuck_iova);
	size_t done;

	if (stuck && iova <= stuck && stuck - iova < page_size * count) {
		WRITE_ONCE(to_mock_paging(domain)->was_stuck, true);
		return 0;
	}
	domain_enter(domain);
	done = table_unmap(&to_mock_paging(domain)->table, iova, page_size * count);
	domain_leave(domain);
	if (done)
		iommu_iotlb_gather_add_page(domain, gather, iova, done);
	return done;
}

static void flush_entries(struct iommu_domain *domain, const struct iova_range *range,
			  size_t size)
{
	struct mock_table *table = &to_mock_paging(domain)->table;

	domain_enter(domain);
	table_sync(table);
	table_flush(table, range, size);
	domain_leave(domain);
}

static const struct iova_range everything = { 0, ULONG_MAX };

static void flush(struct iommu_domain *domain)
{
	flush_entries(domain, &everything, 0);
}

/* As SMMUv3's driver: only entries of the gather's size, and without one nothing. */
static void flush_range(struct iommu_domain *domain,
			struct iommu_iotlb_gather *gather)
{
	const struct iova_range range = { gather->start, gather->end };

	if (gather->pgsize)
		flush_entries(domain, &range, gather->pgsize);
}

static phys_addr_t iova_to_phys(struct iommu_domain *domain, dma_addr_t iova)
{
	return table_translate(&to_mock_paging(domain)->table, iova);
}

static void free_domain(struct iommu_domain *domain)
{
	struct mock_paging *paging = to_mock_paging(domain);

	WARN(!table_is_empty(&paging->table) && !paging->was_stuck,
	     "mock: something is mapped that nobody knows of\n");
	table_destroy(&paging->table);
	kfree(paging);
}

#ifdef IOMMUFD_HAVE_CAP_ENFORCE_CACHE_COHERENCY
/* Asked without a device, it says yes: what can't enforce it isn't attached later. */
static bool enforce_cache_coherency(struct iommu_domain *domain)
{
	to_mock_paging(domain)->coherent = true;
	return true;
}
#endif

const struct iommu_domain_ops mock_paging_ops = {
	.attach_dev = mock_attach_dev,
#ifdef IOMMUFD_HAVE_IOMMU_BUS_OPS
	.detach_dev = mock_detach_dev,
#else
	.set_dev_pasid = mock_set_dev_pasid,
#endif
	.map_pages = map_pages,
	.unmap_pages = unmap_pages,
	.flush_iotlb_all = flush,
	.iotlb_sync = flush_range,
	.iova_to_phys = iova_to_phys,
#ifdef IOMMUFD_HAVE_CAP_ENFORCE_CACHE_COHERENCY
	.enforce_cache_coherency = enforce_cache_coherency,
#endif
	.free = free_domain,
};

int mock_set_tracking(struct iommu_domain *domain, bool enable)
{
	struct mock_paging *paging = to_mock_paging(domain);

	if (!paging->can_track)
		return -EINVAL;
	if (enable && inject_point("set_dirty_tracking"))
		return -ENOMEM;
	WRITE_ONCE(paging->tracking, enable);
	return 0;
}

struct wanted {
	struct hw_dirty_sink *sink;
	struct iova_range range;
};

static int tell_sink(void *arg, unsigned long iova, size_t size)
{
	struct wanted *wanted = arg;
	unsigned long first = max(iova, wanted->range.first);
	unsigned long last = min(iova + size - 1, wanted->range.last);

	if (first > last)
		return 0;
	return wanted->sink->note(wanted->sink, first, last - first + 1);
}

int mock_dirty_read(struct iommu_domain *domain, unsigned long iova,
		    unsigned long length, bool clear, struct hw_dirty_sink *sink)
{
	struct mock_table *table = &to_mock_paging(domain)->table;
	struct wanted wanted = { sink, { iova, sink->last } };
	int rc;

	rc = table_read_dirty(table, iova, length, clear ? &wanted.range : NULL, tell_sink,
			      &wanted);
	if (clear)
		table_flush(table, &everything, 0);
	return rc;
}

#ifdef IOMMUFD_HAVE_CAP_DIRTY_TRACKING
static int record(void *dirty, unsigned long iova, size_t size)
{
	iommu_dirty_bitmap_record(dirty, iova, size);
	return 0;
}

static int read_and_clear_dirty(struct iommu_domain *domain, unsigned long iova,
				size_t size, unsigned long flags,
				struct iommu_dirty_bitmap *dirty)
{
	return table_read_dirty(&to_mock_paging(domain)->table, iova, size,
				flags & IOMMU_DIRTY_NO_CLEAR ? NULL : &everything, record,
				dirty);
}

static const struct iommu_dirty_ops dirty_ops = {
	.set_dirty_tracking = mock_set_tracking,
	.read_and_clear_dirty = read_and_clear_dirty,
};
#endif

static bool begins_dirty;
module_param(begins_dirty, bool, 0644);
MODULE_PARM_DESC(begins_dirty, "what is mapped is dirty, as by SMMUv3's driver");

static struct mock_paging *new_domain(bool huge, bool can_track)
{
	struct mock_paging *paging;
	struct iommu_domain *domain;

	paging = kzalloc_obj(*paging, GFP_KERNEL_ACCOUNT);
	if (!paging)
		return NULL;
	paging->can_track = can_track;
	domain = &paging->domain;
	domain->type = IOMMU_DOMAIN_UNMANAGED;
	domain->ops = &mock_paging_ops;
#ifdef IOMMUFD_HAVE_CAP_DIRTY_TRACKING
	domain->dirty_ops = can_track ? &dirty_ops : NULL;
#endif
	domain->geometry.force_aperture = true;
	if (huge) {
		/* Small pages are there because nobody takes a page table without. */
		table_init(&paging->table, PAGE_SHIFT);
		domain->pgsize_bitmap = TABLE_BLOCK_SIZE | PAGE_SIZE;
		domain->geometry.aperture_end = MOCK_HUGE_LAST;
	} else {
		table_init(&paging->table, MOCK_PAGE_SHIFT);
		domain->pgsize_bitmap = TABLE_BLOCK_SIZE | MOCK_PAGE_SIZE;
		domain->geometry.aperture_start = MOCK_APERTURE_START;
		domain->geometry.aperture_end = MOCK_APERTURE_LAST;
	}
	paging->table.begins_dirty = can_track && READ_ONCE(begins_dirty);
	return paging;
}

/* What user space wants: IOMMU_HWPT_DATA_SELFTEST, of which older layouts are shorter. */
static int read_config(struct iommu_hwpt_selftest *config,
		       const struct iommu_user_data *data)
{
	memset(config, 0, sizeof(*config));
	if (!data || data->type == IOMMU_HWPT_DATA_NONE)
		return 0;
	if (data->type != IOMMU_HWPT_DATA_SELFTEST)
		return -EOPNOTSUPP;
	return iommu_copy_struct_from_user(config, data, IOMMU_HWPT_DATA_SELFTEST,
					   iotlb);
}

struct iommu_domain *mock_paging_alloc(struct device *dev, u32 flags,
				       const struct iommu_user_data *data)
{
	bool can_track = flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING;
	struct iommu_hwpt_selftest config;
	struct mock_paging *paging;
	int rc;

	if (flags & ~(IOMMU_HWPT_ALLOC_DIRTY_TRACKING |
		      IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_PASID))
		return ERR_PTR(-EOPNOTSUPP);
	if (can_track && (to_mock_device(dev)->flags & MOCK_FLAGS_DEVICE_NO_DIRTY))
		return ERR_PTR(-EOPNOTSUPP);
	rc = read_config(&config, data);
	if (rc)
		return ERR_PTR(rc);
	if (config.pagetable_type > MOCK_IOMMUPT_HUGE)
		return ERR_PTR(-EOPNOTSUPP);
	paging = new_domain(config.pagetable_type == MOCK_IOMMUPT_HUGE, can_track);
	return paging ? &paging->domain : ERR_PTR(-ENOMEM);
}

struct iommu_domain *mock_paging_new(void)
{
	struct mock_paging *paging = new_domain(false, false);

	return paging ? &paging->domain : NULL;
}

bool mock_is_paging(struct iommu_domain *domain)
{
	return domain->ops == &mock_paging_ops;
}

phys_addr_t mock_translate(struct iommu_domain *domain, unsigned long iova)
{
	return iova_to_phys(domain, iova);
}

bool mock_tracks_dirty(struct iommu_domain *domain)
{
	return READ_ONCE(to_mock_paging(domain)->tracking);
}

static bool whole_pages;
module_param(whole_pages, bool, 0644);
MODULE_PARM_DESC(whole_pages, "the halves of a page are dirty together, as since Linux 7.3");

bool mock_dirty(struct iommu_domain *domain, unsigned long iova)
{
	return table_write(&to_mock_paging(domain)->table, iova, READ_ONCE(whole_pages));
}
