// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nesting parents of VT-d: domains of the driver, which doesn't know that they are.  Some of
 * its operations are wrapped, so that all users of a parent, the core included, keep the rules
 * of nesting.
 */
#include "shims.h"

#ifdef IOMMUFD_VTD_SHIM

#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/sizes.h>

#include "vtd_shim.h"

/*
 * The driver frees page tables in two places: in iotlb_sync(), those of what was unmapped,
 * and when it maps a large page where an empty table is.  It never does the latter for less
 * than this.
 */
#define PARENT_SMALL SZ_1M

static DEFINE_MUTEX(vtd_parent_ops_lock);		/* while these are set, once: */
static const struct iommu_domain_ops *vtd_driver_ops;
static struct iommu_domain_ops vtd_parent_ops;

bool vtd_is_parent(struct iommu_domain *domain)
{
	return domain->ops == &vtd_parent_ops;
}

/*
 * The driver takes levels off a domain's tables for an IOMMU that has fewer.  The entries of
 * devices that have them already would go on with a table that it has freed.
 */
static int vtd_parent_attach(struct iommu_domain *domain, struct device *dev)
{
	/* Linux 6.1's core doesn't compare the drivers. */
	if (!vtd_serves(dev))
		return -EINVAL;
	if (vtd_takes_levels(domain, dev))
		return -EINVAL;
	return vtd_driver_ops->attach_dev(domain, dev);
}

/*
 * In small steps while a device may have entries cached that the driver wouldn't invalidate:
 * of an empty table, which it would free.  No device comes to use nested tables meanwhile, see
 * ioas_freeze().
 */
static int vtd_parent_map_small(struct iommu_domain *domain, unsigned long iova,
				phys_addr_t pa, size_t length, int prot, gfp_t gfp,
				size_t *mapped)
{
	size_t done = 0, part, n;
	int rc = 0;

	while (done < length && !rc) {
		part = PARENT_SMALL - ((iova + done) & (PARENT_SMALL - 1));
		part = min(part, length - done);
		n = 0;
		rc = vtd_driver_ops->map_pages(domain, iova + done, pa + done, SZ_4K,
					       part / SZ_4K, prot, gfp, &n);
		done += n;
	}
	*mapped += done;
	return rc;
}

/* Erratum 772415: below nested tables, hardware may write to pages that may only be read. */
static int vtd_parent_map(struct iommu_domain *domain, unsigned long iova, phys_addr_t pa,
			  size_t size, size_t n, int prot, gfp_t gfp, size_t *mapped)
{
	if (!(prot & IOMMU_WRITE))
		return -EINVAL;
	if (vtd_nested_in_use(domain))
		return vtd_parent_map_small(domain, iova, pa, size * n, prot, gfp, mapped);
	return vtd_driver_ops->map_pages(domain, iova, pa, size, n, prot, gfp, mapped);
}

static void vtd_parent_sync_map(struct iommu_domain *domain, unsigned long iova, size_t size)
{
	vtd_driver_ops->iotlb_sync_map(domain, iova, size);
	if (vtd_nested_caches_absence(domain))
		vtd_nested_flush(domain);
}

/* First: the driver frees tables here. */
static void vtd_parent_sync(struct iommu_domain *domain, struct iommu_iotlb_gather *gather)
{
	vtd_nested_flush(domain);
	vtd_driver_ops->iotlb_sync(domain, gather);
}

static void vtd_parent_flush_all(struct iommu_domain *domain)
{
	vtd_nested_flush(domain);
	vtd_driver_ops->flush_iotlb_all(domain);
}

static bool vtd_parent_ops_set(const struct iommu_domain_ops *ops)
{
	if (!ops->attach_dev || !ops->map_pages || !ops->unmap_pages || !ops->iotlb_sync_map ||
	    !ops->iotlb_sync || !ops->flush_iotlb_all || ops->map || ops->unmap)
		return false;
	vtd_parent_ops = *ops;
	vtd_parent_ops.attach_dev = vtd_parent_attach;
	vtd_parent_ops.map_pages = vtd_parent_map;
	vtd_parent_ops.iotlb_sync_map = vtd_parent_sync_map;
	vtd_parent_ops.iotlb_sync = vtd_parent_sync;
	vtd_parent_ops.flush_iotlb_all = vtd_parent_flush_all;
	vtd_driver_ops = ops;
	return true;
}

static bool vtd_parent_wrap(struct iommu_domain *domain)
{
	bool ok;

	mutex_lock(&vtd_parent_ops_lock);
	ok = vtd_driver_ops ? domain->ops == vtd_driver_ops : vtd_parent_ops_set(domain->ops);
	mutex_unlock(&vtd_parent_ops_lock);
	if (ok)
		domain->ops = &vtd_parent_ops;
	return ok;
}

struct iommu_domain *vtd_parent_alloc(struct device *dev, u32 flags,
				      const struct iommu_user_data *data)
{
	struct iommu_domain *domain;

	if (data || flags != IOMMU_HWPT_ALLOC_NEST_PARENT || !vtd_nests(dev))
		return ERR_PTR(-EOPNOTSUPP);
	domain = iommu_domain_alloc(dev->bus);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	if (!vtd_is_second_stage(domain) || !vtd_parent_wrap(domain)) {
		iommu_domain_free(domain);
		return ERR_PTR(-EOPNOTSUPP);
	}
	return domain;
}

#endif
