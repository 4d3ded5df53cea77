/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Failures made to order, in test builds: forced into every file behind compat.h.
 *
 * Calls that may fail are replaced by macros that ask inject_now() first.  A task
 * arms it with a number (iommufd_inject.ko), and then the call of that number that
 * this task makes in our modules fails as it would for want of memory, with a bad
 * pointer, or because the task is killed.
 *
 * What the allocating ones return to src/ can be tracked too, until it is freed.
 *
 * INJECT_OFF leaves a file out.
 */
#ifndef TESTS_MOCK_INJECT_H
#define TESTS_MOCK_INJECT_H

#include <linux/anon_inodes.h>
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/dma-buf.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ftrace.h>
#include <linux/iommu.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/memfd.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/rwsem.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

enum inject_kind {
	INJECT_MEMORY,		/* goes on failing, if that is asked for */
	INJECT_ONCE,		/* may be how a caller goes back, which works then */
	INJECT_WAIT,		/* a lock that is had without waiting where nobody else is */
};

/* One call in the source. */
struct inject_site {
	const char *what;
	const char *file;
	unsigned int line;
	enum inject_kind kind;
	unsigned long hits;	/* by armed tasks */
	unsigned long fired;
};

/* How one task is armed, and what came of it. */
struct injection {
	struct list_head item;
	struct task_struct *task;
	unsigned long nth;	/* the call that fails, from 1 on */
	bool onward;		/* so do all INJECT_MEMORY behind it */
	bool again;		/* so does the same call, also of a module that is loaded anew */
	unsigned long seen;
	unsigned long fired;
	char where[64];		/* the first that failed */
};

extern int inject_armed;
extern bool inject_tracking;

void inject_arm(struct injection *injection);
void inject_disarm(struct injection *injection);
bool inject_check(struct inject_site *site);

/* Begins or ends tracking; what is tracked is forgotten. */
void inject_track_all(bool on);
void *inject_remember(void *p, const struct inject_site *site);
void inject_forget(const void *p);
/* Calls back for each piece of memory that is tracked; @where says who got it. */
void inject_each_live(void (*fn)(void *data, const char *where), void *data);
/* Calls back for each call of iommufd.ko that may be made to fail. */
void inject_each_site(void (*fn)(void *data, const struct inject_site *site), void *data);

/* Does this call fail now? */
static inline bool inject_now(struct inject_site *site)
{
	return READ_ONCE(inject_armed) && inject_check(site);
}

static inline void *inject_track(void *p, const struct inject_site *site)
{
	return READ_ONCE(inject_tracking) ? inject_remember(p, site) : p;
}

#define INJECT_SECTION ".data.iommufd_inject"

#define inject_site(what_, kind_) ({						\
	static struct inject_site site_ = {					\
		.what = what_, .file = __FILE__, .line = __LINE__, .kind = kind_, \
	};									\
	static struct inject_site *entry_					\
		__used __section(INJECT_SECTION) = &site_;			\
	&site_;									\
})

/* For a test driver's own points: does the call that is named so fail now? */
#define inject_point(name)	inject_now(inject_site(name, INJECT_ONCE))

#ifndef INJECT_OFF

#define inject_memory(name, failure, call) ({					\
	struct inject_site *at_ = inject_site(name, INJECT_MEMORY);		\
	inject_now(at_) ? (failure) : inject_track(call, at_);			\
})
#define inject_soft(name, failure, call)					\
	(inject_now(inject_site(name, INJECT_MEMORY)) ? (failure) : (call))
#define inject_once(name, failure, call)					\
	(inject_now(inject_site(name, INJECT_ONCE)) ? (failure) : (call))

#define inject_wait(name, failure, call)					\
	(inject_now(inject_site(name, INJECT_WAIT)) ? (failure) : (call))

/* The calls themselves, which may be macros. */
#define INJECT_REAL(type, name, params, args)					\
	static __always_inline type inject_real_##name params { return name args; }

INJECT_REAL(void *, kmalloc, (size_t size, gfp_t gfp), (size, gfp))
INJECT_REAL(void *, kzalloc, (size_t size, gfp_t gfp), (size, gfp))
INJECT_REAL(void *, kcalloc, (size_t n, size_t size, gfp_t gfp), (n, size, gfp))
INJECT_REAL(void *, kmalloc_array, (size_t n, size_t size, gfp_t gfp), (n, size, gfp))
INJECT_REAL(void *, kvmalloc, (size_t size, gfp_t gfp), (size, gfp))
INJECT_REAL(void *, kvzalloc, (size_t size, gfp_t gfp), (size, gfp))
INJECT_REAL(void *, kvcalloc, (size_t n, size_t size, gfp_t gfp), (n, size, gfp))
INJECT_REAL(void *, kvmalloc_array, (size_t n, size_t size, gfp_t gfp), (n, size, gfp))
INJECT_REAL(void *, kmemdup, (const void *p, size_t size, gfp_t gfp), (p, size, gfp))
INJECT_REAL(void *, memdup_user, (const void __user *p, size_t size), (p, size))
INJECT_REAL(void *, vmemdup_user, (const void __user *p, size_t size), (p, size))

INJECT_REAL(void *, kmem_cache_alloc, (struct kmem_cache *cache, gfp_t gfp), (cache, gfp))
INJECT_REAL(unsigned long, __get_free_pages, (gfp_t gfp, unsigned int order), (gfp, order))

#undef kmalloc
#undef kzalloc
#undef kcalloc
#undef kmalloc_array
#undef kvmalloc
#undef kvzalloc
#undef kvcalloc
#undef kvmalloc_array
#undef kmemdup
#define kmalloc(...)	inject_memory("kmalloc", NULL, inject_real_kmalloc(__VA_ARGS__))
#define kzalloc(...)	inject_memory("kzalloc", NULL, inject_real_kzalloc(__VA_ARGS__))
#define kcalloc(...)	inject_memory("kcalloc", NULL, inject_real_kcalloc(__VA_ARGS__))
#define kmalloc_array(...) \
	inject_memory("kmalloc_array", NULL, inject_real_kmalloc_array(__VA_ARGS__))
#define kvmalloc(...)	inject_memory("kvmalloc", NULL, inject_real_kvmalloc(__VA_ARGS__))
#define kvzalloc(...)	inject_memory("kvzalloc", NULL, inject_real_kvzalloc(__VA_ARGS__))
#define kvcalloc(...)	inject_memory("kvcalloc", NULL, inject_real_kvcalloc(__VA_ARGS__))
#define kvmalloc_array(...) \
	inject_memory("kvmalloc_array", NULL, inject_real_kvmalloc_array(__VA_ARGS__))
#define kmemdup(...)	inject_memory("kmemdup", NULL, inject_real_kmemdup(__VA_ARGS__))
#define memdup_user(...) inject_memory("memdup_user", ERR_PTR(-ENOMEM), \
				       inject_real_memdup_user(__VA_ARGS__))
#define vmemdup_user(...) inject_memory("vmemdup_user", ERR_PTR(-ENOMEM), \
					inject_real_vmemdup_user(__VA_ARGS__))

#undef kmem_cache_alloc
#define kmem_cache_alloc(...)							\
	inject_memory("kmem_cache_alloc", NULL, inject_real_kmem_cache_alloc(__VA_ARGS__))

#undef __get_free_pages
#define __get_free_pages(...) \
	inject_soft("__get_free_pages", 0, inject_real___get_free_pages(__VA_ARGS__))

static inline void inject_kfree(const void *p)
{
	inject_forget(p);
	kfree(p);
}

static inline void inject_kvfree(const void *p)
{
	inject_forget(p);
	kvfree(p);
}

static inline void inject_kmem_cache_free(struct kmem_cache *cache, void *p)
{
	inject_forget(p);
	kmem_cache_free(cache, p);
}

#define kmem_cache_free(cache, p)	inject_kmem_cache_free(cache, p)
#define kfree(p)	inject_kfree(p)
#define kvfree(p)	inject_kvfree(p)
DEFINE_FREE(inject_kfree, void *, if (!IS_ERR_OR_NULL(_T)) inject_kfree(_T))
DEFINE_FREE(inject_kvfree, void *, if (!IS_ERR_OR_NULL(_T)) inject_kvfree(_T))
#define __free_kfree	__free_inject_kfree
#define __free_kvfree	__free_inject_kvfree

/* No memory is needed where there is an entry already, be it a reserved one. */
static inline bool inject_xa_present(struct xarray *xa, unsigned long index)
{
	XA_STATE(xas, xa, index);
	bool present;

	rcu_read_lock();
	present = xas_load(&xas);
	rcu_read_unlock();
	return present;
}

static inline void *inject_xa_error(void)
{
	return (void *)((((unsigned long)-ENOMEM) << 2) | 2);
}

#define inject_xa(name, xa, index, failure, call)				\
	(!inject_xa_present(xa, index) &&					\
	 inject_now(inject_site(name, INJECT_MEMORY)) ? (failure) : (call))
#define xa_alloc(...)	inject_soft("xa_alloc", -ENOMEM, (xa_alloc)(__VA_ARGS__))
#define xa_alloc_cyclic(...) \
	inject_soft("xa_alloc_cyclic", -ENOMEM, (xa_alloc_cyclic)(__VA_ARGS__))
#define __xa_alloc(...)	inject_soft("__xa_alloc", -ENOMEM, (__xa_alloc)(__VA_ARGS__))
#define xa_insert(xa, index, ...)	inject_xa("xa_insert", xa, index, -ENOMEM,	\
					  (xa_insert)(xa, index, __VA_ARGS__))
#define xa_reserve(xa, index, ...)	inject_xa("xa_reserve", xa, index, -ENOMEM,	\
					  (xa_reserve)(xa, index, __VA_ARGS__))
#define xa_store(xa, index, ...)	inject_xa("xa_store", xa, index,		\
		inject_xa_error(), (xa_store)(xa, index, __VA_ARGS__))
#define xa_cmpxchg(xa, index, ...)	inject_xa("xa_cmpxchg", xa, index,		\
		inject_xa_error(), (xa_cmpxchg)(xa, index, __VA_ARGS__))

/* User memory that isn't there. */
INJECT_REAL(unsigned long, copy_to_user,
	    (void __user *to, const void *from, unsigned long n), (to, from, n))
INJECT_REAL(unsigned long, copy_from_user,
	    (void *to, const void __user *from, unsigned long n), (to, from, n))
INJECT_REAL(unsigned long, clear_user, (void __user *to, unsigned long n), (to, n))
INJECT_REAL(int, copy_struct_from_user,
	    (void *dst, size_t ksize, const void __user *src, size_t usize),
	    (dst, ksize, src, usize))
INJECT_REAL(int, copy_struct_to_user,
	    (void __user *dst, size_t usize, const void *src, size_t ksize, bool *dropped),
	    (dst, usize, src, ksize, dropped))

INJECT_REAL(bool, user_read_access_begin, (const void __user *p, size_t n), (p, n))
INJECT_REAL(bool, user_write_access_begin, (void __user *p, size_t n), (p, n))

#undef user_read_access_begin
#undef user_write_access_begin
#define user_read_access_begin(...)						\
	inject_soft("user_read_access_begin", false,				\
		    inject_real_user_read_access_begin(__VA_ARGS__))
#define user_write_access_begin(...)						\
	inject_soft("user_write_access_begin", false,				\
		    inject_real_user_write_access_begin(__VA_ARGS__))
#undef clear_user
#undef copy_struct_to_user
#undef get_user
#undef put_user
#define copy_to_user(to, from, n)						\
	inject_soft("copy_to_user", (unsigned long)(n), inject_real_copy_to_user(to, from, n))
#define copy_from_user(to, from, n)						\
	inject_soft("copy_from_user", (unsigned long)(n),			\
		    inject_real_copy_from_user(to, from, n))
#define clear_user(to, n)							\
	inject_soft("clear_user", (unsigned long)(n), inject_real_clear_user(to, n))
#define copy_struct_from_user(...)						\
	inject_soft("copy_struct_from_user", -EFAULT,				\
		    inject_real_copy_struct_from_user(__VA_ARGS__))
#define copy_struct_to_user(...)						\
	inject_soft("copy_struct_to_user", -EFAULT,				\
		    inject_real_copy_struct_to_user(__VA_ARGS__))
#define get_user(x, from) ({							\
	__typeof__(*(from)) value_ = 0;						\
	int rc_ = inject_soft("get_user", -EFAULT, inject_real_copy_from_user(	\
			      &value_, from, sizeof(value_)) ? -EFAULT : 0);	\
	(x) = value_;								\
	rc_;									\
})
#define put_user(x, to) ({							\
	__typeof__(*(to)) value_ = (x);						\
	inject_soft("put_user", -EFAULT, inject_real_copy_to_user(		\
		    to, &value_, sizeof(value_)) ? -EFAULT : 0);		\
})

/* What a vendor takes from and gives to user space, behind iommu_copy_struct_*(). */
#define __iommu_copy_struct_from_user(...)					\
	inject_soft("iommu_copy_struct_from_user", -EFAULT,			\
		    (__iommu_copy_struct_from_user)(__VA_ARGS__))
#define __iommu_copy_struct_from_user_array(...)				\
	inject_soft("iommu_copy_struct_from_user_array", -EFAULT,		\
		    (__iommu_copy_struct_from_user_array)(__VA_ARGS__))
#define __iommu_copy_struct_to_user(...)					\
	inject_soft("iommu_copy_struct_to_user", -EFAULT,			\
		    (__iommu_copy_struct_to_user)(__VA_ARGS__))
#define compat_user_data_get(...)						\
	inject_soft("iommu_copy_struct_from_user", -EFAULT,			\
		    (compat_user_data_get)(__VA_ARGS__))
#define compat_user_array_get(...)						\
	inject_soft("iommu_copy_struct_from_user_array", -EFAULT,		\
		    (compat_user_array_get)(__VA_ARGS__))
#define compat_user_data_put(...)						\
	inject_soft("iommu_copy_struct_to_user", -EFAULT,			\
		    (compat_user_data_put)(__VA_ARGS__))

/* Pinning */
INJECT_REAL(long, pin_user_pages_remote,
	    (struct mm_struct *mm, unsigned long start, unsigned long n, unsigned int flags,
	     struct page **pages, int *locked), (mm, start, n, flags, pages, locked))
INJECT_REAL(int, pin_user_pages_fast,
	    (unsigned long start, int n, unsigned int flags, struct page **pages),
	    (start, n, flags, pages))
INJECT_REAL(long, memfd_pin_folios,
	    (struct file *file, loff_t start, loff_t end, struct folio **folios,
	     unsigned int max, pgoff_t *offset), (file, start, end, folios, max, offset))

#undef pin_user_pages_remote
#undef pin_user_pages_fast
#undef memfd_pin_folios
/* Fewer pages than were asked for, which is no failure. */
#define inject_short(name, pages, call) ({					\
	long n_ = (call);							\
	if (n_ > 1 && inject_now(inject_site(name, INJECT_ONCE))) {		\
		unpin_user_pages((pages) + n_ / 2, n_ - n_ / 2);		\
		n_ /= 2;							\
	}									\
	n_;									\
})
#define pin_user_pages_remote(mm, start, n, flags, pages, locked)		\
	inject_soft("pin_user_pages_remote", -ENOMEM,				\
		    inject_short("pin_user_pages_remote", pages,		\
				 inject_real_pin_user_pages_remote(mm, start, n, flags, \
								   pages, locked)))
#define pin_user_pages_fast(start, n, flags, pages)				\
	inject_soft("pin_user_pages_fast", -EFAULT,				\
		    inject_short("pin_user_pages_fast", pages,			\
				 inject_real_pin_user_pages_fast(start, n, flags, pages)))
#define memfd_pin_folios(...)							\
	inject_soft("memfd_pin_folios", -ENOMEM,				\
		    inject_real_memfd_pin_folios(__VA_ARGS__))
#define mmget_not_zero(...)	inject_once("mmget_not_zero", false,	\
					    (mmget_not_zero)(__VA_ARGS__))
#define kthread_create_on_node(...)						\
	inject_soft("kthread_create_on_node", ERR_PTR(-ENOMEM),			\
		    (kthread_create_on_node)(__VA_ARGS__))

/* The IOMMU's part */
INJECT_REAL(int, iommu_map,
	    (struct iommu_domain *domain, unsigned long iova, phys_addr_t pa, size_t size,
	     int prot, gfp_t gfp), (domain, iova, pa, size, prot, gfp))
INJECT_REAL(ssize_t, iommu_map_sg,
	    (struct iommu_domain *domain, unsigned long iova, struct scatterlist *sg,
	     unsigned int n, int prot, gfp_t gfp), (domain, iova, sg, n, prot, gfp))
INJECT_REAL(struct iommu_domain *, iommu_paging_domain_alloc_flags,
	    (struct device *dev, unsigned int flags), (dev, flags))
INJECT_REAL(int, iommu_attach_group_handle,
	    (struct iommu_domain *domain, struct iommu_group *group,
	     struct iommu_attach_handle *handle), (domain, group, handle))
INJECT_REAL(int, iommu_replace_group_handle,
	    (struct iommu_group *group, struct iommu_domain *domain,
	     struct iommu_attach_handle *handle), (group, domain, handle))
INJECT_REAL(int, iommu_attach_device_pasid,
	    (struct iommu_domain *domain, struct device *dev, u32 pasid,
	     struct iommu_attach_handle *handle), (domain, dev, pasid, handle))
INJECT_REAL(int, iommu_replace_device_pasid,
	    (struct iommu_domain *domain, struct device *dev, u32 pasid,
	     struct iommu_attach_handle *handle), (domain, dev, pasid, handle))

#undef iommu_map
#undef iommu_map_sg
#undef iommu_paging_domain_alloc_flags
#undef iommu_attach_group_handle
#undef iommu_replace_group_handle
#undef iommu_attach_device_pasid
#undef iommu_replace_device_pasid
#define iommu_map(...)								\
	inject_soft("iommu_map", -ENOMEM, inject_real_iommu_map(__VA_ARGS__))
#define iommu_map_sg(...)							\
	inject_soft("iommu_map_sg", -ENOMEM, inject_real_iommu_map_sg(__VA_ARGS__))
#define iommu_paging_domain_alloc_flags(...)					\
	inject_soft("iommu_paging_domain_alloc_flags", ERR_PTR(-ENOMEM),	\
		    inject_real_iommu_paging_domain_alloc_flags(__VA_ARGS__))
#define iommu_attach_group_handle(...)						\
	inject_once("iommu_attach_group_handle", -ENOMEM,			\
		    inject_real_iommu_attach_group_handle(__VA_ARGS__))
#define iommu_replace_group_handle(...)						\
	inject_once("iommu_replace_group_handle", -ENOMEM,			\
		    inject_real_iommu_replace_group_handle(__VA_ARGS__))
#define iommu_attach_device_pasid(...)						\
	inject_once("iommu_attach_device_pasid", -ENOMEM,			\
		    inject_real_iommu_attach_device_pasid(__VA_ARGS__))
#define iommu_replace_device_pasid(...)						\
	inject_once("iommu_replace_device_pasid", -ENOMEM,			\
		    inject_real_iommu_replace_device_pasid(__VA_ARGS__))
#define iommu_attach_group(...) \
	inject_once("iommu_attach_group", -ENOMEM, (iommu_attach_group)(__VA_ARGS__))
#define iommu_group_claim_dma_owner(...)					\
	inject_once("iommu_group_claim_dma_owner", -EBUSY,			\
		    (iommu_group_claim_dma_owner)(__VA_ARGS__))

/* Files and others' lives */
INJECT_REAL(int, io_remap_pfn_range,
	    (struct vm_area_struct *vma, unsigned long address, unsigned long pfn,
	     unsigned long size, pgprot_t prot), (vma, address, pfn, size, prot))

#undef io_remap_pfn_range
#define anon_inode_getfile(...)							\
	inject_soft("anon_inode_getfile", ERR_PTR(-ENFILE),			\
		    (anon_inode_getfile)(__VA_ARGS__))
#define get_unused_fd_flags(...)						\
	inject_once("get_unused_fd_flags", -EMFILE, (get_unused_fd_flags)(__VA_ARGS__))
#define fget(...)	inject_once("fget", NULL, (fget)(__VA_ARGS__))
#define try_module_get(...) \
	inject_once("try_module_get", false, (try_module_get)(__VA_ARGS__))
#define io_remap_pfn_range(...)							\
	inject_soft("io_remap_pfn_range", -ENOMEM,				\
		    inject_real_io_remap_pfn_range(__VA_ARGS__))
#define dma_buf_get(...) \
	inject_once("dma_buf_get", ERR_PTR(-EBADF), (dma_buf_get)(__VA_ARGS__))
#define dma_buf_dynamic_attach(...)						\
	inject_soft("dma_buf_dynamic_attach", ERR_PTR(-ENOMEM),			\
		    (dma_buf_dynamic_attach)(__VA_ARGS__))
#define dma_buf_pin(...)	inject_soft("dma_buf_pin", -ENOMEM, (dma_buf_pin)(__VA_ARGS__))

/* What modules register when they are loaded, and their devices' entries */
INJECT_REAL(struct kmem_cache *, kmem_cache_create,
	    (const char *name, unsigned int size, unsigned int align, slab_flags_t flags,
	     void (*ctor)(void *p)), (name, size, align, flags, ctor))

#undef kmem_cache_create
#define kmem_cache_create(...)							\
	inject_once("kmem_cache_create", NULL, inject_real_kmem_cache_create(__VA_ARGS__))
#define misc_register(...) \
	inject_once("misc_register", -ENOMEM, (misc_register)(__VA_ARGS__))
#define alloc_chrdev_region(...)						\
	inject_once("alloc_chrdev_region", -ENOMEM, (alloc_chrdev_region)(__VA_ARGS__))
#define cdev_alloc()	inject_once("cdev_alloc", NULL, (cdev_alloc)())
#define cdev_add(...)	inject_once("cdev_add", -ENOMEM, (cdev_add)(__VA_ARGS__))
#define bus_register_notifier(...)						\
	inject_once("bus_register_notifier", -ENOMEM, (bus_register_notifier)(__VA_ARGS__))
#define class_interface_register(...)						\
	inject_once("class_interface_register", -ENOMEM,			\
		    (class_interface_register)(__VA_ARGS__))
#define _vfio_alloc_device(...)							\
	inject_once("_vfio_alloc_device", ERR_PTR(-ENOMEM), (_vfio_alloc_device)(__VA_ARGS__))
#define device_create_file(...)							\
	inject_once("device_create_file", -ENOMEM, (device_create_file)(__VA_ARGS__))
#define sysfs_create_link(...)							\
	inject_once("sysfs_create_link", -ENOMEM, (sysfs_create_link)(__VA_ARGS__))
#define register_kprobe(...)							\
	inject_once("register_kprobe", -ENOMEM, (register_kprobe)(__VA_ARGS__))
#define ftrace_set_filter_ip(...)						\
	inject_once("ftrace_set_filter_ip", -ENOMEM, (ftrace_set_filter_ip)(__VA_ARGS__))
#define register_ftrace_function(...)						\
	inject_once("register_ftrace_function", -ENOMEM,			\
		    (register_ftrace_function)(__VA_ARGS__))

/* Waits that a signal ends */
INJECT_REAL(int, mutex_lock_killable, (struct mutex *lock), (lock))
INJECT_REAL(int, mutex_lock_interruptible, (struct mutex *lock), (lock))
INJECT_REAL(int, down_read_killable, (struct rw_semaphore *lock), (lock))
INJECT_REAL(int, down_write_killable, (struct rw_semaphore *lock), (lock))

#undef mutex_lock_killable
#undef mutex_lock_interruptible
#undef down_read_killable
#undef down_write_killable
#define mutex_lock_killable(lock)						\
	inject_wait("mutex_lock_killable", -EINTR, inject_real_mutex_lock_killable(lock))
#define down_read_killable(lock)						\
	inject_wait("down_read_killable", -EINTR, inject_real_down_read_killable(lock))
#define down_write_killable(lock)						\
	inject_wait("down_write_killable", -EINTR, inject_real_down_write_killable(lock))
#define mutex_lock_interruptible(lock)						\
	inject_wait("mutex_lock_interruptible", -EINTR,				\
		    inject_real_mutex_lock_interruptible(lock))
#define mmap_read_lock_killable(mm)						\
	inject_wait("mmap_read_lock_killable", -EINTR, (mmap_read_lock_killable)(mm))

#endif	/* INJECT_OFF */

#endif
