/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Data that user space hands to an IOMMU driver, and page tables made with it.
 *
 * Linux 6.1 knows nothing of either; 6.12 lacks a few helpers of 7.2's.
 */
#ifndef IOMMUFD_COMPAT_NESTED_H
#define IOMMUFD_COMPAT_NESTED_H

#include <linux/iommu.h>
#include <linux/uaccess.h>

#ifndef IOMMUFD_HAVE_IOMMU_USER_DATA
/* A structure of user space's, whose layout @type names. */
struct iommu_user_data {
	unsigned int type;
	void __user *uptr;
	size_t len;
};

/* An array of them, from one to the next @entry_len bytes. */
struct iommu_user_data_array {
	unsigned int type;
	void __user *uptr;
	size_t entry_len;
	u32 entry_num;
};

/* A kind of domain that Linux 6.1 passes on without looking. */
#define IOMMU_DOMAIN_NESTED	(1U << 6)

/*
 * iommu_copy_struct_from_user(to, data, type, min_last) and, with the index of an
 * entry, iommu_copy_struct_from_user_array(to, array, type, index, min_last).
 * @min_last is the last member that the structure had when it was new.
 *
 * Return: 0, -EINVAL for another type or a length that can't be, -E2BIG or -EFAULT.
 */
static inline int compat_user_data_get(void *to, size_t size, size_t min_size,
				       unsigned int type,
				       const struct iommu_user_data *data)
{
	if (data->type != type || data->len < min_size || data->len > size)
		return -EINVAL;
	return copy_struct_from_user(to, size, data->uptr, data->len);
}

static inline int compat_user_array_get(void *to, size_t size, size_t min_size,
					unsigned int type, u32 index,
					const struct iommu_user_data_array *array)
{
	struct iommu_user_data entry = {
		.type = array->type,
		.uptr = array->uptr + array->entry_len * index,
		.len = array->entry_len,
	};

	if (WARN_ON(index >= array->entry_num))
		return -EINVAL;
	return compat_user_data_get(to, size, min_size, type, &entry);
}

#define iommu_copy_struct_from_user(to, data, data_type, min_last)	\
	compat_user_data_get(to, sizeof(*(to)),				\
			     offsetofend(typeof(*(to)), min_last),	\
			     data_type, data)
#define iommu_copy_struct_from_user_array(to, array, data_type, index, min_last) \
	compat_user_array_get(to, sizeof(*(to)),			\
			      offsetofend(typeof(*(to)), min_last),	\
			      data_type, index, array)
#endif

/*
 * iommu_copy_struct_from_full_user_array() copies all entries, of which there is
 * at least one, to @to, where each takes @size bytes.
 */
#ifndef IOMMUFD_HAVE_IOMMU_FULL_USER_ARRAY
static inline int compat_user_array_get_all(void *to, size_t size,
					    struct iommu_user_data_array *array,
					    unsigned int type)
{
	u32 i;
	int rc;

	if (array->type != type || !array->entry_num)
		return -EINVAL;
	for (i = 0; i < array->entry_num; i++) {
		rc = copy_struct_from_user(to + size * i, size,
					   array->uptr + array->entry_len * i,
					   array->entry_len);
		if (rc)
			return rc;
	}
	return 0;
}
#define iommu_copy_struct_from_full_user_array compat_user_array_get_all
#endif

/* iommu_copy_struct_to_user(data, from, type, min_last): the way back. */
#ifndef IOMMUFD_HAVE_IOMMU_COPY_TO_USER
static inline int compat_user_data_put(const struct iommu_user_data *data,
				       const void *from, size_t size,
				       size_t min_size, unsigned int type)
{
	if (data->type != type || data->len < min_size || data->len > size)
		return -EINVAL;
	return copy_struct_to_user(data->uptr, data->len, from, size, NULL);
}
#define iommu_copy_struct_to_user(data, from, data_type, min_last)	\
	compat_user_data_put(data, from, sizeof(*(from)),		\
			     offsetofend(typeof(*(from)), min_last), data_type)
#endif

/*
 * A paging domain with data for the driver.  @flags as for
 * iommu_paging_domain_alloc_flags().
 *
 * Return: the domain, or an ERR_PTR: -EOPNOTSUPP if kernel or driver don't know it.
 */
struct iommu_domain *compat_domain_alloc_data(struct device *dev, u32 flags,
					      const struct iommu_user_data *data);

/* A domain on top of @parent, filled by user space.  Returns as the one above. */
struct iommu_domain *compat_domain_alloc_nested(struct device *dev,
						struct iommu_domain *parent,
						u32 flags,
						const struct iommu_user_data *data);

/* Has the driver of @dev's IOMMU an operation for that? */
bool compat_can_nest(struct device *dev);

/* What the domain's driver calls when user space has changed its tables, or NULL. */
typedef int (*compat_invalidate_fn)(struct iommu_domain *domain,
				    struct iommu_user_data_array *array);
compat_invalidate_fn compat_domain_invalidate(struct iommu_domain *domain);

/*
 * Whose domain that is: the operations of the driver that made it.  They are noted
 * for each domain, as Linux 6.1 can't tell.
 */
void compat_domain_set_owner(struct iommu_domain *domain,
			     const struct iommu_ops *ops);
const struct iommu_ops *compat_domain_owner(struct iommu_domain *domain);

#endif
