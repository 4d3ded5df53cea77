// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested domains: what user space's tables would translate is left out, but there is
 * a cache of it, which user space can fill with a number and invalidate.
 */
#include <linux/err.h>
#include <linux/slab.h>

#include "driver.h"

static void free_domain(struct iommu_domain *domain)
{
	kfree(to_mock_nested(domain));
}

const struct iommu_domain_ops mock_nested_ops = {
	.attach_dev = mock_attach_dev,
#ifdef IOMMUFD_HAVE_IOMMU_BUS_OPS
	.detach_dev = mock_detach_dev,
#else
	.set_dev_pasid = mock_set_dev_pasid,
	.cache_invalidate_user = mock_nested_invalidate,
#endif
	.free = free_domain,
};

struct iommu_domain *mock_nested_new(struct mock_viommu *viommu, u32 flags,
				     const struct iommu_user_data *data)
{
	struct iommu_hwpt_selftest config = {};
	struct mock_nested *nested;
	unsigned int i;
	int rc;

	if (flags & ~IOMMU_HWPT_ALLOC_PASID)
		return ERR_PTR(-EOPNOTSUPP);
	if (!data || data->type != IOMMU_HWPT_DATA_SELFTEST)
		return ERR_PTR(-EOPNOTSUPP);
	rc = iommu_copy_struct_from_user(&config, data, IOMMU_HWPT_DATA_SELFTEST,
					 iotlb);
	if (rc)
		return ERR_PTR(rc);
	nested = kzalloc_obj(*nested, GFP_KERNEL_ACCOUNT);
	if (!nested)
		return ERR_PTR(-ENOMEM);
	nested->domain.type = IOMMU_DOMAIN_NESTED;
	nested->domain.ops = &mock_nested_ops;
	nested->viommu = viommu;
	for (i = 0; i < MOCK_NESTED_DOMAIN_IOTLB_NUM; i++)
		nested->iotlb[i] = config.iotlb;
	return &nested->domain;
}

struct iommu_domain *mock_nested_alloc(struct device *dev, struct iommu_domain *parent,
				       u32 flags, const struct iommu_user_data *data)
{
	if (!parent || !mock_is_paging(parent))
		return ERR_PTR(-EINVAL);
	return mock_nested_new(NULL, flags, data);
}

static int invalidate_one(struct mock_nested *nested,
			  struct iommu_user_data_array *array, u32 index)
{
	struct iommu_hwpt_invalidate_selftest what;
	int rc;

	rc = iommu_copy_struct_from_user_array(&what, array,
					       IOMMU_HWPT_INVALIDATE_DATA_SELFTEST,
					       index, iotlb_id);
	if (rc)
		return rc;
	if (what.flags & ~IOMMU_TEST_INVALIDATE_FLAG_ALL)
		return -EOPNOTSUPP;
	if (what.iotlb_id > MOCK_NESTED_DOMAIN_IOTLB_ID_MAX)
		return -EINVAL;
	if (what.flags & IOMMU_TEST_INVALIDATE_FLAG_ALL)
		memset(nested->iotlb, 0, sizeof(nested->iotlb));
	else
		WRITE_ONCE(nested->iotlb[what.iotlb_id], 0);
	return 0;
}

/* Entries before one that is wrong are done. */
int mock_nested_invalidate(struct iommu_domain *domain,
			   struct iommu_user_data_array *array)
{
	struct mock_nested *nested = to_mock_nested(domain);
	u32 done = 0;
	int rc = 0;

	if (array->type != IOMMU_HWPT_INVALIDATE_DATA_SELFTEST)
		rc = -EINVAL;
	while (!rc && done < array->entry_num) {
		rc = invalidate_one(nested, array, done);
		if (!rc)
			done++;
	}
	array->entry_num = done;
	return rc;
}

bool mock_is_nested(struct iommu_domain *domain)
{
	return domain->ops == &mock_nested_ops;
}

u32 mock_iotlb(struct iommu_domain *domain, unsigned int index)
{
	return READ_ONCE(to_mock_nested(domain)->iotlb[index]);
}
