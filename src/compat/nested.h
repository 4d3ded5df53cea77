/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User data for IOMMU drivers, and domains allocated with it.
 *
 * Linux 6.1 has neither; 6.12 lacks a few helpers of 7.2.
 */
#ifndef IOMMUFD_COMPAT_NESTED_H
#define IOMMUFD_COMPAT_NESTED_H

#include <linux/iommu.h>
#include <linux/uaccess.h>

#ifndef IOMMUFD_HAVE_IOMMU_USER_DATA
/* A structure in user memory, whose layout is identified by @type. */
struct iommu_user_data {
	unsigned int type;
	void __user *uptr;
	size_t len;
};

/* An array of these, with a stride of @entry_len bytes. */
struct iommu_user_data_array {
	unsigned int type;
	void __user *uptr;
	size_t entry_len;
	u32 entry_num;
};

/* A domain type that Linux 6.1 doesn't interpret. */
#define IOMMU_DOMAIN_NESTED	(1U << 6)

/*
 * iommu_copy_struct_from_user(to, data, type, min_last) and, for an entry of an
 * array, iommu_copy_struct_from_user_array(to, array, type, index, min_last).
 * @min_last is the last member of the structure's first version.
 *
 * Return: 0, -EINVAL for another type or an invalid length, -E2BIG or -EFAULT.
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
 * iommu_copy_struct_from_full_user_array() copies all entries of a non-empty
 * array to @to, with a stride of @size bytes.
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

/* iommu_copy_struct_to_user(data, from, type, min_last): the reverse. */
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
 * Allocate a paging domain with data for the driver.  @flags as for
 * iommu_paging_domain_alloc_flags().
 *
 * Return: the domain, or an ERR_PTR: -EOPNOTSUPP without support in kernel or
 * driver.
 */
struct iommu_domain *compat_domain_alloc_data(struct device *dev, u32 flags,
					      const struct iommu_user_data *data);

/* Allocate a nested domain on top of @parent.  Same errors. */
struct iommu_domain *compat_domain_alloc_nested(struct device *dev,
						struct iommu_domain *parent,
						u32 flags,
						const struct iommu_user_data *data);

/* Returns true if @dev's IOMMU driver has an operation for that. */
bool compat_can_nest(struct device *dev);

/* The driver's function to invalidate caches of a nested domain, or NULL. */
typedef int (*compat_invalidate_fn)(struct iommu_domain *domain,
				    struct iommu_user_data_array *array);
compat_invalidate_fn compat_domain_invalidate(struct iommu_domain *domain);

/*
 * Record and look up the operations of the driver that allocated a domain.
 * Call the former for each domain, as Linux 6.1 doesn't.
 */
void compat_domain_set_owner(struct iommu_domain *domain,
			     const struct iommu_ops *ops);
const struct iommu_ops *compat_domain_owner(struct iommu_domain *domain);

#endif
