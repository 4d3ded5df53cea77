/* SPDX-License-Identifier: GPL-2.0-only */
/* Differences between kernels: modules, allocation, classes and events. */
#ifndef IOMMUFD_COMPAT_BASE_H
#define IOMMUFD_COMPAT_BASE_H

#include <linux/cleanup.h>
#include <linux/device/class.h>
#include <linux/eventfd.h>
#include <linux/export.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>

/* modinfo fields of each module; place it after MODULE_LICENSE(). */
#define IOMMUFD_MODULE_INFO			\
	MODULE_VERSION(IOMMUFD_VERSION);	\
	MODULE_INFO(uapi, "Linux 7.3");		\
	MODULE_INFO(tested, "6.1 - 7.3")

/*
 * The names of the features that the kernel doesn't support, separated by commas.
 * Returns the length of the text, 0 if all are supported.
 */
size_t compat_name_unsupported(char *text, size_t size);

/* Symbol namespaces are strings: EXPORT_SYMBOL_NS_GPL(symbol, "NAMESPACE"). */
#ifdef IOMMUFD_HAVE_NS_IDENTIFIER
#undef MODULE_IMPORT_NS
#define MODULE_IMPORT_NS(ns)	MODULE_INFO(import_ns, ns)
#undef EXPORT_SYMBOL_NS_GPL
#ifdef IOMMUFD_HAVE_EXPORT_SECTION
#define EXPORT_SYMBOL_NS_GPL(sym, ns)	__EXPORT_SYMBOL(sym, "_gpl", ns)
#else
#define EXPORT_SYMBOL_NS_GPL(sym, ns)	__EXPORT_SYMBOL(sym, "GPL", ns)
#endif
#endif

/*
 * kzalloc_obj(type or *pointer[, gfp]) allocates one object, k*alloc_objs(…,
 * count) an array, k*alloc_flex(…, member, count) a structure with a flexible
 * array.
 */
#ifndef IOMMUFD_HAVE_KZALLOC_OBJ
#define __compat_gfp(first, gfp, ...)	gfp
#define compat_gfp(...)		__compat_gfp(, ##__VA_ARGS__, GFP_KERNEL)

#define compat_alloc_objs(alloc, type, count, ...) \
	((typeof(type) *)alloc(size_mul(sizeof(type), count), compat_gfp(__VA_ARGS__)))
#define compat_alloc_flex(alloc, type, member, count, ...)			\
	((typeof(type) *)alloc(struct_size((typeof(type) *)NULL, member, count), \
			       compat_gfp(__VA_ARGS__)))

#define kmalloc_obj(type, ...)	compat_alloc_objs(kmalloc, type, 1, ##__VA_ARGS__)
#define kzalloc_obj(type, ...)	compat_alloc_objs(kzalloc, type, 1, ##__VA_ARGS__)
#define kmalloc_objs(type, n, ...)  compat_alloc_objs(kmalloc, type, n, ##__VA_ARGS__)
#define kzalloc_objs(type, n, ...)  compat_alloc_objs(kzalloc, type, n, ##__VA_ARGS__)
#define kvmalloc_objs(type, n, ...) compat_alloc_objs(kvmalloc, type, n, ##__VA_ARGS__)
#define kvzalloc_objs(type, n, ...) compat_alloc_objs(kvzalloc, type, n, ##__VA_ARGS__)
#define kmalloc_flex(type, member, n, ...) \
	compat_alloc_flex(kmalloc, type, member, n, ##__VA_ARGS__)
#define kzalloc_flex(type, member, n, ...) \
	compat_alloc_flex(kzalloc, type, member, n, ##__VA_ARGS__)
#endif

#ifndef IOMMUFD_HAVE_FREE_KVFREE
DEFINE_FREE(kvfree, void *, if (!IS_ERR_OR_NULL(_T)) kvfree(_T))
#endif

/* class_create() takes a name only. */
#ifndef IOMMUFD_HAVE_CLASS_CREATE_NAME
static inline struct class *compat_class_create(const char *name)
{
	static struct lock_class_key key;

	return __class_create(THIS_MODULE, name, &key);
}
#undef class_create
#define class_create(name) compat_class_create(name)
#endif

/* eventfd_signal() adds one to the counter. */
#ifndef IOMMUFD_HAVE_EVENTFD_SIGNAL_ONE
static inline void compat_eventfd_signal(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx, 1);
}
#define eventfd_signal(ctx) compat_eventfd_signal(ctx)
#endif

/*
 * Copy a structure to user space, whose version of it may be shorter or longer.
 * The part unknown here is zeroed.  If @dropped isn't NULL, *@dropped is set to
 * whether non-zero bytes were left out.
 */
#ifndef IOMMUFD_HAVE_COPY_STRUCT_TO_USER
static inline int compat_copy_struct_to_user(void __user *to, size_t usize,
					     const void *from, size_t ksize,
					     bool *dropped)
{
	size_t size = min(usize, ksize);

	if (dropped)
		*dropped = memchr_inv((const char *)from + size, 0, ksize - size);
	if (usize > size && clear_user((char __user *)to + size, usize - size))
		return -EFAULT;
	return copy_to_user(to, from, size) ? -EFAULT : 0;
}
#define copy_struct_to_user compat_copy_struct_to_user
#endif

#endif
