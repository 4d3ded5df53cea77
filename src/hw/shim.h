/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a vendor can offer beyond the kernel's own driver, or where the kernel's
 * driver has nothing: one table an IOMMU driver, each member of which may be NULL.
 * hw/ asks the kernel's driver first, and a shim for what that lacks.  vIOMMUs and
 * what belongs to them come from shims alone: no stock kernel has them built.
 *
 * Data of user space arrives as the kernel's struct iommu_user_data and is read by
 * the shim, with iommu_copy_struct_from_user().
 *
 * All may sleep.  None is called with a lock of ours held, but for
 * @vdevice_init and @vdevice_destroy (ctx->vdevices_lock and the group's lock) and
 * @dirty_read (ioas->users and ioas->lock for reading, and memory->lock of a
 * DMA-buf).  An @owner's module stays while
 * there are vIOMMUs of its shim; for a domain, the driver that made it sees to that.
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
	/* Is a device, which has an IOMMU, behind one of the driver that this is for? */
	bool (*serves)(struct device *dev);
	/* The driver's operations, once it was asked for one of its devices. */
	const struct iommu_ops *ops;
	/* Its domains can be filled before a device is attached: see hw_domain_is_ready(). */
	bool domains_ready;

	/* See hw_info(), hw_tracks_dirty(). */
	void *(*info)(struct device *dev, u32 *length, u32 *type);
	bool (*tracks_dirty)(struct device *dev);

	/*
	 * A paging domain with flags (IOMMU_HWPT_ALLOC_*) or data that the driver
	 * doesn't know; -EOPNOTSUPP if the shim doesn't either.  @data may be NULL.
	 */
	struct iommu_domain *(*domain_alloc)(struct device *dev, u32 flags,
					     const struct iommu_user_data *data);

	/*
	 * A domain whose translation user space writes, on top of @parent's: of type
	 * IOMMU_DOMAIN_NESTED.  @flags without IOMMU_HWPT_FAULT_ID_VALID.
	 */
	struct iommu_domain *(*nested_alloc)(struct device *dev,
					     struct iommu_domain *parent, u32 flags,
					     const struct iommu_user_data *data);
	/* Sets array->entry_num to how many entries were done, whatever it returns. */
	int (*nested_invalidate)(struct iommu_domain *nested,
				 struct iommu_user_data_array *array);

	/* For domains that were made to track, but have nothing for it from the driver. */
	int (*dirty_set)(struct iommu_domain *domain, bool enable);
	/*
	 * Notes dirty entries that begin in a mapped range (or are the one that it
	 * begins in).  With @clear, makes clean those that lie between @iova and
	 * sink->last, and flushes what has to be.
	 */
	int (*dirty_read)(struct iommu_domain *domain, unsigned long iova,
			  unsigned long length, bool clear,
			  struct hw_dirty_sink *sink);

	/*
	 * Size of the driver's structure, which begins with a struct hw_viommu; 0
	 * if there's no vIOMMU of that type for @dev.  @viommu_init fills it, which
	 * is zeroed before, and sets @ops.  If it fails it has undone what it did.
	 * @data may be NULL; the shim may write results to it.
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

	/* 0: sizeof(struct hw_vdevice) */
	size_t vdevice_size;
	int (*vdevice_init)(struct hw_vdevice *vdevice);
	void (*vdevice_destroy)(struct hw_vdevice *vdevice);

	/*
	 * Size of the driver's structure for a queue of that type; 0 if there's none.
	 * Hardware may read the queue's memory, which is at @base, until
	 * @queue_destroy returns.
	 */
	size_t (*queue_size)(struct hw_viommu *viommu, u32 type);
	int (*queue_init)(struct hw_queue *queue, u32 index, phys_addr_t base);
	void (*queue_destroy)(struct hw_queue *queue);
};

/* The driver's structures begin with one of these. Filled before *_init(). */
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
 * A shim is unregistered when its driver has no devices any more, or /dev/iommu is gone,
 * so what hw_shim_of() finds stays as long as @dev.
 */
void hw_shim_register(struct hw_shim *shim);
void hw_shim_unregister(struct hw_shim *shim);

/* The shim for the driver of @dev's IOMMU, or NULL. */
const struct hw_shim *hw_shim_of(struct device *dev);

/* The shim for a driver, by its operations, which may be NULL. */
const struct hw_shim *hw_shim_of_ops(const struct iommu_ops *ops);

/* What a shim may call: in viommu/ and event/. */

/*
 * Looks for a vDEVICE by its virtual ID and calls @fn for its device, which stays
 * bound meanwhile; @fn may not sleep.  -ENOENT if there's none, or what @fn says.
 */
int viommu_with_device(struct hw_viommu *viommu, u64 virt_id,
		       int (*fn)(struct device *dev, void *arg), void *arg);

/* The virtual ID of a device: 0, or -ENOENT if it isn't a vDEVICE of this vIOMMU. */
int viommu_virt_id(struct hw_viommu *viommu, struct device *dev, u64 *virt_id);

/*
 * Hands an event to the vEVENTQ of @type.  May be called from a threaded interrupt.
 * 0; -EOPNOTSUPP if there's no such queue; -ENOMEM: noted as lost.
 */
int viommu_report_event(struct hw_viommu *viommu, u32 type, const void *data,
			size_t length);

/*
 * A window of registers that user space may map from /dev/iommu at *@offset, once the
 * vIOMMU is finished and until the window is removed, at the latest by @destroy.
 * Mappings hold the vIOMMU, so @destroy comes after the last of them.  -EINVAL if not
 * aligned to pages, -ENOMEM.
 */
int viommu_add_window(struct hw_viommu *viommu, phys_addr_t base, size_t length,
		      unsigned long *offset);
void viommu_remove_window(struct hw_viommu *viommu, unsigned long offset);

/*
 * Queue @first can't be destroyed before @then, of the same vIOMMU: for hardware that
 * wants an order.  In @queue_init of @then, with a lock of the shim's that keeps @first
 * from going, and ended by its @queue_destroy, or if it fails.  0, -EINVAL, or
 * -ENOENT if user space is about to destroy @first or doesn't know of it yet.
 */
int hw_queue_depend(struct hw_queue *then, struct hw_queue *first);
void hw_queue_undepend(struct hw_queue *then, struct hw_queue *first);

#endif
