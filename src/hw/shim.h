/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A shim adds what a vendor's hardware can do but the kernel's driver doesn't:
 * one table for each IOMMU driver, whose members may be NULL.  hw/ asks the
 * kernel's driver first, then the shim.  vIOMMUs and their objects come from
 * shims only, as no stock kernel is built with them.
 *
 * User data arrives as struct iommu_user_data; the shim copies it with
 * iommu_copy_struct_from_user().
 *
 * All functions may sleep.  They are called without our locks, except
 * @vdevice_init and @vdevice_destroy (ctx->vdevices_lock and group->lock) and
 * @dirty_read (ioas->users and ioas->lock for reading, and memory->lock of a
 * DMA-buf).  Each vIOMMU holds a reference to @owner's module; a domain relies
 * on the driver that allocated it.
 */
#ifndef IOMMUFD_HW_SHIM_H
#define IOMMUFD_HW_SHIM_H

#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/types.h>

#include "dirty.h"

struct hw_queue;
struct hw_vdevice;
struct hw_viommu;

struct hw_shim {
	struct list_head item;
	struct module *owner;
	/*
	 * Returns true if the device, which has an IOMMU, belongs to the shim's
	 * driver.
	 */
	bool (*serves)(struct device *dev);
	/*
	 * The driver's operations, set by hw_shim_of() for the first of its
	 * devices.
	 */
	const struct iommu_ops *ops;
	/*
	 * Domains can be filled before the first attach, see
	 * hw_domain_is_ready().
	 */
	bool domains_ready;

	/* See hw_info(), hw_tracks_dirty(). */
	void *(*info)(struct device *dev, u32 *length, u32 *type);
	bool (*tracks_dirty)(struct device *dev);

	/*
	 * Allocate a paging domain with flags (IOMMU_HWPT_ALLOC_*) or data that
	 * the driver doesn't support.  -EOPNOTSUPP if the shim doesn't either.
	 * @data may be NULL.
	 */
	struct iommu_domain *(*domain_alloc)(struct device *dev, u32 flags,
					     const struct iommu_user_data *data);

	/*
	 * Allocate a domain of type IOMMU_DOMAIN_NESTED on top of @parent.
	 * @flags don't contain IOMMU_HWPT_FAULT_ID_VALID.
	 */
	struct iommu_domain *(*nested_alloc)(struct device *dev,
					     struct iommu_domain *parent, u32 flags,
					     const struct iommu_user_data *data);
	/*
	 * Sets array->entry_num to the number of entries handled, also on
	 * failure.
	 */
	int (*nested_invalidate)(struct iommu_domain *nested,
				 struct iommu_user_data_array *array);

	/*
	 * For domains with dirty tracking that have no dirty_ops of the driver.
	 */
	int (*dirty_set)(struct iommu_domain *domain, bool enable);
	/*
	 * Report dirty entries that begin in a mapped range, or contain its
	 * first byte.  With @clear, clear and flush those that lie between
	 * @iova and sink->last.  An error of the sink ends it.
	 */
	int (*dirty_read)(struct iommu_domain *domain, unsigned long iova,
			  unsigned long length, bool clear,
			  struct hw_dirty_sink *sink);

	/*
	 * Returns the size of the driver's structure, which begins with a
	 * struct hw_viommu; 0 if @dev can't have a vIOMMU of that type.
	 * @viommu_init gets it zeroed and sets @ops; on failure it undoes what
	 * it did.  @data may be NULL; the shim may write results to it.
	 */
	size_t (*viommu_size)(struct device *dev, u32 type);
	int (*viommu_init)(struct hw_viommu *viommu, struct iommu_domain *parent,
			   const struct iommu_user_data *data);
};

struct hw_viommu_ops {
	void (*destroy)(struct hw_viommu *viommu);
	struct iommu_domain *(*nested_alloc)(struct hw_viommu *viommu, u32 flags,
					     const struct iommu_user_data *data);
	int (*invalidate)(struct hw_viommu *viommu,
			  struct iommu_user_data_array *array);

	/* 0 means sizeof(struct hw_vdevice). */
	size_t vdevice_size;
	int (*vdevice_init)(struct hw_vdevice *vdevice);
	void (*vdevice_destroy)(struct hw_vdevice *vdevice);

	/*
	 * Returns the size of the driver's structure for a queue of that type;
	 * 0 if unsupported.  Hardware may read the queue's memory at @base
	 * until @queue_destroy returns.
	 */
	size_t (*queue_size)(struct hw_viommu *viommu, u32 type);
	int (*queue_init)(struct hw_queue *queue, u32 index, phys_addr_t base);
	void (*queue_destroy)(struct hw_queue *queue);
};

/* Base of the driver's structures.  Initialised before *_init() is called. */
struct hw_viommu {
	const struct hw_viommu_ops *ops;	/* set by viommu_init() */
	struct iommu_device *iommu;
	u32 type;
};

struct hw_vdevice {
	struct hw_viommu *viommu;
	struct device *dev;
	u64 virt_id;
};

struct hw_queue {
	struct hw_viommu *viommu;
	u32 type;
	u64 iova;		/* in the nesting parent's address space */
	u64 length;
};

/*
 * Unregister a shim when its driver has no devices left or /dev/iommu is gone.
 * Thus the result of hw_shim_of() is valid as long as @dev exists.
 */
void hw_shim_register(struct hw_shim *shim);
void hw_shim_unregister(struct hw_shim *shim);

/* Returns the shim for the driver of @dev's IOMMU, or NULL. */
const struct hw_shim *hw_shim_of(struct device *dev);

/* Returns the shim for a driver's operations, or NULL.  @ops may be NULL. */
const struct hw_shim *hw_shim_of_ops(const struct iommu_ops *ops);

/* Functions for shims, in viommu/ and event/. */

/*
 * Find a vDEVICE by its virtual ID and call @fn for its device, which stays
 * bound meanwhile.  @fn must not sleep.  Returns the result of @fn, or -ENOENT.
 */
int viommu_with_device(struct hw_viommu *viommu, u64 virt_id,
		       int (*fn)(struct device *dev, void *arg), void *arg);

/*
 * Look up the virtual ID of a device.  Returns 0, or -ENOENT if it isn't a
 * vDEVICE of this vIOMMU.
 */
int viommu_virt_id(struct hw_viommu *viommu, struct device *dev, u64 *virt_id);

/*
 * Queue an event in the vEVENTQ of @type.  May be called from a threaded
 * interrupt handler.  Returns 0, -EOPNOTSUPP if there is no such queue, or
 * -ENOMEM, after which user space is told of a lost event.
 */
int viommu_report_event(struct hw_viommu *viommu, u32 type, const void *data,
			size_t length);

/*
 * Offer a range of registers for mmap() of /dev/iommu at *@offset, from when
 * the vIOMMU is finalized until the window is removed, in @destroy at the
 * latest.  Each mapping holds a reference to the vIOMMU, so @destroy runs after
 * the last one is gone.  Returns 0, -EINVAL if not page-aligned, or -ENOMEM.
 */
int viommu_add_window(struct hw_viommu *viommu, phys_addr_t base, size_t length,
		      unsigned long *offset);
void viommu_remove_window(struct hw_viommu *viommu, unsigned long offset);

/*
 * Keep queue @first from being destroyed before @then, of the same vIOMMU, for
 * hardware that requires an order.  Call it in @queue_init of @then with a lock
 * of the shim held that keeps @first from being destroyed; undo it in
 * @queue_destroy, or if @queue_init fails.  Returns 0, -EINVAL, or -ENOENT if
 * @first is being destroyed or isn't finalized yet.
 */
int hw_queue_depend(struct hw_queue *then, struct hw_queue *first);
void hw_queue_undepend(struct hw_queue *then, struct hw_queue *first);

#endif
