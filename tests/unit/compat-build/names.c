// SPDX-License-Identifier: GPL-2.0-only
/* All that src/compat/README.md lists, with the types of Linux 7.2. */
#include <linux/pagemap.h>

#include <iommufd/iommufd.h>

#include "../../../src/compat/dmabuf.h"

struct item {
	u32 count;
	u32 entries[] __counted_by(count);
};

int names_base(struct mutex *mutex, struct rw_semaphore *rwsem, spinlock_t *lock,
	       struct eventfd_ctx *event, void __user *user);
int names_place(const struct compat_attachment *from, const struct compat_attachment *to);
int names_iommu(struct device *dev, struct iommu_group *group,
		struct iommu_attach_handle *handle, struct scatterlist *sg);
void names_faults(struct iopf_group *group);
int names_nested(struct device *dev, struct iommu_domain *parent,
		 struct iommu_user_data *data, struct iommu_user_data_array *array);
int names_mm(struct mm_struct *mm, struct file *file, struct page **pages,
	     struct folio **folios, struct vm_area_struct *vma);
int names_dmabuf(struct dma_buf *dmabuf, struct device *dev);

static int allocations(void)
{
	struct item *item __free(kfree) = kzalloc_flex(*item, entries, 3, GFP_KERNEL_ACCOUNT);
	struct item *one __free(kfree) = kmalloc_obj(*one);
	struct item *zero __free(kfree) = kzalloc_obj(*zero, GFP_KERNEL_ACCOUNT);
	u64 *array __free(kvfree) = kvzalloc_objs(u64, 5, GFP_KERNEL_ACCOUNT);
	u64 *plain __free(kvfree) = kvmalloc_objs(u64, 5);
	u64 *small __free(kfree) = kmalloc_objs(u64, 5);
	u64 *zeroed __free(kfree) = kzalloc_objs(*zeroed, 5);
	struct item *flex __free(kfree) = kmalloc_flex(struct item, entries, 4);

	if (!item || !one || !zero || !array || !plain || !small || !zeroed || !flex)
		return -ENOMEM;
	return 0;
}

int names_base(struct mutex *mutex, struct rw_semaphore *rwsem, spinlock_t *lock,
	       struct eventfd_ctx *event, void __user *user)
{
	struct class *class = class_create("compat");
	struct item item = {};
	bool dropped;
	size_t sum;

	class_destroy(class);
	guard(mutex)(mutex);
	scoped_guard(rwsem_read, rwsem)
		eventfd_signal(event);
	scoped_guard(rwsem_write, rwsem)
		item.count++;
	scoped_guard(spinlock, lock)
		item.count++;
	scoped_guard(rcu)
		item.count++;
	if (check_add_overflow(sizeof(item), struct_size(&item, entries, 2), &sum))
		return -EOVERFLOW;
	return allocations() ?: copy_struct_to_user(user, sum, &item, sizeof(item), &dropped);
}
EXPORT_SYMBOL_NS_GPL(names_base, "COMPAT");

static bool has_capabilities(struct device *dev)
{
#ifdef IOMMUFD_HAVE_CAP_ENFORCE_CACHE_COHERENCY
	if (device_iommu_capable(dev, IOMMU_CAP_ENFORCE_CACHE_COHERENCY))
		return true;
#endif
#ifdef IOMMUFD_HAVE_CAP_DIRTY_TRACKING
	if (device_iommu_capable(dev, IOMMU_CAP_DIRTY_TRACKING))
		return true;
#endif
	return device_iommu_capable(dev, IOMMU_CAP_CACHE_COHERENCY);
}

static int mappings(struct iommu_domain *domain, struct scatterlist *sg)
{
	struct iommu_iotlb_gather gather;
	ssize_t mapped;
	int rc;

	rc = iommu_map(domain, 0, 0, PAGE_SIZE, IOMMU_READ, GFP_KERNEL_ACCOUNT);
	if (rc)
		return rc;
	mapped = iommu_map_sg(domain, PAGE_SIZE, sg, 1, IOMMU_READ, GFP_KERNEL_ACCOUNT);
	iommu_iotlb_gather_init(&gather);
	iommu_unmap_fast(domain, 0, PAGE_SIZE, &gather);
	iommu_iotlb_sync(domain, &gather);
	return mapped < 0 ? mapped : 0;
}

void names_faults(struct iopf_group *group)
{
	struct iopf_fault *fault;
	size_t n = 0;

	list_for_each_entry(fault, &group->faults, list)
		n += fault->fault.prm.addr == 0;
	group->cookie = n == group->fault_count;
	list_del(&group->node);
	iopf_group_response(group, group->attach_handle->domain ?
			    IOMMU_PAGE_RESP_SUCCESS : IOMMU_PAGE_RESP_INVALID);
	iopf_free_group(group);
}
EXPORT_SYMBOL_NS_GPL(names_faults, "COMPAT");

int names_place(const struct compat_attachment *from, const struct compat_attachment *to)
{
	char text[16];
	int rc;

	rc = compat_attach(from) ?: compat_replace(to) ?: compat_replace_by_detaching(to, from);
	if (compat_is_attached(from))
		compat_detach(from);
	return compat_name_unsupported(text, sizeof(text)) ? rc : 0;
}

int names_iommu(struct device *dev, struct iommu_group *group,
		struct iommu_attach_handle *handle, struct scatterlist *sg)
{
	struct iommu_domain *domain = iommu_paging_domain_alloc_flags(dev, IOMMU_NO_PASID);
	u32 length, type = IOMMU_HW_INFO_TYPE_DEFAULT;
	LIST_HEAD(regions);
	int rc;

	if (IS_ERR(domain))
		return PTR_ERR(domain);
	iommu_get_resv_regions(dev, &regions);
	iommu_put_resv_regions(dev, &regions);
	kfree(compat_hw_info(dev, &length, &type));
	rc = iommu_attach_group_handle(domain, group, handle);
	if (!rc && compat_domain_fits(domain, dev) && !compat_domain_is_final(domain) &&
	    iommu_group_has_isolated_msi(group) && has_capabilities(dev))
		rc = iommu_replace_group_handle(group, handle->domain, handle);
	if (!rc)
		rc = mappings(domain, sg);
	iommu_detach_group_handle(domain, group);
	if (compat_max_pasids(dev) > 1 && compat_pci_pasid_status(dev) >= 0) {
		rc = iommu_attach_device_pasid(domain, dev, 1, handle);
		if (!rc)
			rc = iommu_replace_device_pasid(domain, dev, 1, handle);
		iommu_detach_device_pasid(domain, dev, 1);
	}
	iommu_domain_free(domain);
	return compat_dev_iommu_ops(dev) ? rc : -ENODEV;
}
EXPORT_SYMBOL_NS_GPL(names_iommu, "COMPAT");

static int user_data(struct iommu_user_data *data, struct iommu_user_data_array *array)
{
	struct iommu_hwpt_vtd_s1 config;
	u64 *all __free(kfree) = NULL;
	int rc;

	rc = iommu_copy_struct_from_user(&config, data, IOMMU_HWPT_DATA_VTD_S1,
					 __reserved);
	if (!rc)
		rc = iommu_copy_struct_from_user_array(&config, array,
						       IOMMU_HWPT_DATA_VTD_S1, 0,
						       __reserved);
	if (!rc)
		rc = iommu_copy_struct_to_user(data, &config, IOMMU_HWPT_DATA_VTD_S1,
					       __reserved);
	all = kzalloc_objs(u64, array->entry_num);
	if (rc || !all)
		return rc;
	return iommu_copy_struct_from_full_user_array(all, sizeof(*all), array, 0);
}

int names_nested(struct device *dev, struct iommu_domain *parent,
		 struct iommu_user_data *data, struct iommu_user_data_array *array)
{
	struct iommu_domain *paging = compat_domain_alloc_data(dev, 0, data);
	struct iommu_domain *nested;
	int rc = user_data(data, array);

	if (!IS_ERR(paging))
		iommu_domain_free(paging);
	if (rc || !compat_can_nest(dev))
		return rc;
	nested = compat_domain_alloc_nested(dev, parent, 0, data);
	if (IS_ERR(nested))
		return PTR_ERR(nested);
	compat_domain_set_owner(nested, compat_domain_owner(parent));
	if (nested->type == IOMMU_DOMAIN_NESTED && compat_domain_invalidate(nested))
		rc = compat_domain_invalidate(nested)(nested, array);
	iommu_domain_free(nested);
	return rc;
}
EXPORT_SYMBOL_NS_GPL(names_nested, "COMPAT");

int names_mm(struct mm_struct *mm, struct file *file, struct page **pages,
	     struct folio **folios, struct vm_area_struct *vma)
{
	int locked = 1;
	pgoff_t offset;
	long n;

	vm_flags_set(vma, VM_IO);
	vm_flags_clear(vma, VM_IO);
	n = pin_user_pages_remote(mm, 0, 1, FOLL_LONGTERM, pages, &locked);
	n += pin_user_pages_fast(0, 1, FOLL_LONGTERM | FOLL_WRITE, pages);
	n += memfd_pin_folios(file, 0, PAGE_SIZE - 1, folios, 1, &offset);
	n += folio_add_pins(folios[0], folio_nr_pages(folios[0]) - 1);
	unpin_user_page_range_dirty_lock(folio_page(folios[0], offset >> PAGE_SHIFT), 1, true);
	n += account_locked_vm(mm, 1, true);
	return n + __account_locked_vm(mm, 1, false, current, true);
}
EXPORT_SYMBOL_NS_GPL(names_mm, "COMPAT");

static void moved(struct dma_buf_attachment *attachment)
{
}

int names_dmabuf(struct dma_buf *dmabuf, struct device *dev)
{
	static const struct dma_buf_attach_ops ops = { .invalidate_mappings = moved };
	struct dma_buf_attachment *attachment;
	phys_addr_t base;
	size_t length;

	attachment = dma_buf_dynamic_attach(dmabuf, dev, &ops, NULL);
	if (IS_ERR(attachment))
		return PTR_ERR(attachment);
	dma_buf_invalidate_mappings(dmabuf);
	if (!compat_dmabuf_moves(dmabuf))
		return -EINVAL;
	return compat_dmabuf_phys(attachment, &base, &length);
}
EXPORT_SYMBOL_NS_GPL(names_dmabuf, "COMPAT");

MODULE_IMPORT_NS("DMA_BUF");
MODULE_IMPORT_NS("IOMMUFD_INTERNAL");
MODULE_DESCRIPTION("Test of iommufd's kernel compatibility");
MODULE_LICENSE("GPL");
IOMMUFD_MODULE_INFO;
