// SPDX-License-Identifier: GPL-2.0-only
/*
 * The floor that the kernel sets: it times pinning, mapping, unmapping and unpinning
 * by themselves, on memory of the caller's.  For measuring; never installed.
 */
#include <linux/iommu.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/timex.h>
#include <linux/uaccess.h>

#include "floor.h"

#define EDU_VENDOR	0x1234
#define EDU_DEVICE	0x11e8
#define IOVA		SZ_256M
#define MOST		SZ_2G
#define BATCH		512UL

struct floor {
	struct page **pages;
	unsigned long npages;
	struct sg_table runs;
	struct pci_dev *pdev;
	struct iommu_domain *domain;
};

static int pin(struct floor *f, unsigned long va, unsigned long batch, u64 *took)
{
	unsigned long done = 0;
	u64 start = get_cycles();
	int n;

	while (done < f->npages) {
		n = pin_user_pages_fast(va + done * PAGE_SIZE,
					min(batch, f->npages - done),
					FOLL_WRITE | FOLL_LONGTERM, f->pages + done);
		if (n <= 0)
			break;
		done += n;
	}
	*took = get_cycles() - start;
	if (done == f->npages)
		return 0;
	unpin_user_pages(f->pages, done);
	return -EFAULT;
}

static void unpin_runs(struct floor *f)
{
	struct scatterlist *sg;
	int i;

	for_each_sg(f->runs.sgl, sg, f->runs.orig_nents, i)
		unpin_user_page_range_dirty_lock(sg_page(sg), sg->length / PAGE_SIZE,
						 true);
}

static int map_runs(struct floor *f, u64 *took)
{
	unsigned long iova = IOVA;
	struct scatterlist *sg;
	u64 start = get_cycles();
	int i, rc;

	for_each_sg(f->runs.sgl, sg, f->runs.orig_nents, i) {
		rc = iommu_map(f->domain, iova, sg_phys(sg), sg->length,
			       IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE,
			       GFP_KERNEL_ACCOUNT);
		if (rc)
			return rc;
		iova += sg->length;
	}
	*took = get_cycles() - start;
	return 0;
}

static int map_list(struct floor *f, u64 *took)
{
	u64 start = get_cycles();
	ssize_t mapped;

	mapped = iommu_map_sg(f->domain, IOVA, f->runs.sgl, f->runs.orig_nents,
			      IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE,
			      GFP_KERNEL_ACCOUNT);
	*took = get_cycles() - start;
	return mapped == f->npages * PAGE_SIZE ? 0 : -EIO;
}

static int unmap(struct floor *f, u64 *took)
{
	size_t length = f->npages * PAGE_SIZE;
	u64 start = get_cycles();
	size_t unmapped = iommu_unmap(f->domain, IOVA, length);

	*took = get_cycles() - start;
	return unmapped == length ? 0 : -EIO;
}

/* The pages are pinned, and are so at the end. */
static int measure_domain(struct floor *f, struct floor_times *t)
{
	int rc;

	rc = map_runs(f, &t->map);
	if (!rc)
		rc = unmap(f, &t->unmap);
	if (!rc)
		rc = map_list(f, &t->map_sg);
	if (!rc)
		rc = unmap(f, &t->unmap);
	return rc;
}

static int measure_pins(struct floor *f, struct floor_times *t)
{
	u64 start;
	int rc;

	rc = pin(f, t->va, BATCH, &t->pin_batches);
	if (rc)
		return rc;
	start = get_cycles();
	unpin_user_pages_dirty_lock(f->pages, f->npages, true);
	t->unpin = get_cycles() - start;

	rc = pin(f, t->va, f->npages, &t->pin);
	if (rc)
		return rc;
	rc = sg_alloc_table_from_pages(&f->runs, f->pages, f->npages, 0,
				       f->npages * PAGE_SIZE, GFP_KERNEL);
	if (rc) {
		unpin_user_pages(f->pages, f->npages);
		return rc;
	}
	t->runs = f->runs.orig_nents;
	rc = measure_domain(f, t);
	start = get_cycles();
	unpin_runs(f);
	t->unpin_runs = get_cycles() - start;
	sg_free_table(&f->runs);
	return rc;
}

static int measure(struct floor_times *t)
{
	struct floor f = { .npages = t->length / PAGE_SIZE };
	int rc = -ENOMEM;

	f.pdev = pci_get_device(EDU_VENDOR, EDU_DEVICE, NULL);
	if (!f.pdev)
		return -ENODEV;
	f.domain = iommu_paging_domain_alloc(&f.pdev->dev);
	if (IS_ERR(f.domain)) {
		rc = PTR_ERR(f.domain);
		goto put;
	}
	f.pages = kvmalloc_array(f.npages, sizeof(*f.pages), GFP_KERNEL);
	if (f.pages)
		rc = measure_pins(&f, t);
	kvfree(f.pages);
	iommu_domain_free(f.domain);
put:
	pci_dev_put(f.pdev);
	return rc;
}

static long floor_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct floor_times t;
	int rc;

	if (cmd != FLOOR_MEASURE)
		return -ENOTTY;
	if (copy_from_user(&t, (void __user *)arg, sizeof(t)))
		return -EFAULT;
	if (!t.length || t.length > MOST || !PAGE_ALIGNED(t.va | t.length))
		return -EINVAL;
	rc = measure(&t);
	if (!rc && copy_to_user((void __user *)arg, &t, sizeof(t)))
		rc = -EFAULT;
	return rc;
}

static const struct file_operations floor_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = floor_ioctl,
};

static struct miscdevice floor_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "iommufd_floor",
	.fops = &floor_fops,
	.mode = 0600,
};

module_misc_device(floor_device);
MODULE_DESCRIPTION("Times the kernel's calls that iommufd is built on");
MODULE_LICENSE("GPL");
