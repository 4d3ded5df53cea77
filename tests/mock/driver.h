/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the mock's driver know of each other. */
#ifndef TESTS_MOCK_DRIVER_H
#define TESTS_MOCK_DRIVER_H

#include <linux/iommu.h>
#include <linux/platform_device.h>
#include <linux/rwsem.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "../../src/hw/shim.h"
#include "mock.h"
#include "table.h"
#include "uapi.h"

struct mock_held;
struct mock_viommu;

struct mock_paging {
	struct iommu_domain domain;
	struct mock_table table;
	bool can_track;			/* dirty pages */
	bool tracking;
	bool coherent;			/* enforces coherency */
	atomic_t users;			/* tasks that map, unmap or flush; Linux 6.1 only */
	bool was_stuck;			/* something was asked for that stuck_iova keeps */
};

struct mock_nested {
	struct iommu_domain domain;
	struct mock_viommu *viommu;	/* or NULL */
	u32 iotlb[MOCK_NESTED_DOMAIN_IOTLB_NUM];
};

struct mock_device {
#ifdef IOMMUFD_HAVE_IOMMU_BUS_OPS
	struct device dev;
#else
	struct platform_device platform;
#endif
	int id;
	u32 flags;			/* MOCK_FLAGS_DEVICE_* */
	struct device *beside;		/* while it is probed: whose group it joins */
	bool going;			/* it is removed, and does no more DMA */

	/* guarded by the group's mutex, which the core has when it attaches: */
	struct iommu_domain *domain;
	struct xarray pasids;		/* their domains */
	/* see fails_for_test(): */
	bool pasid_fails_next;
	const struct iommu_domain *pasid_left;	/* to compare with only */
	unsigned int fault_users;	/* domains with a handler */

	/* Faults that have to be answered, and those that were. */
	atomic_t asked, responses;
	struct mock_request last;	/* under the lock that is held while it is reported */
	struct work_struct late;	/* asks that once more, by itself */
	int late_result;
	struct mock_held *held;		/* see mock_device_hold() */
	u32 cache[MOCK_DEV_CACHE_NUM];

	struct rw_semaphore viommu_lock;	/* comes after the group's mutex; guards: */
	struct mock_viommu *viommu;
	u64 virt_id;
};

static inline struct device *mock_dev(struct mock_device *mock)
{
#ifdef IOMMUFD_HAVE_IOMMU_BUS_OPS
	return &mock->dev;
#else
	return &mock->platform.dev;
#endif
}

static inline struct mock_device *to_mock_device(struct device *dev)
{
#ifdef IOMMUFD_HAVE_IOMMU_BUS_OPS
	return container_of(dev, struct mock_device, dev);
#else
	return container_of(dev, struct mock_device, platform.dev);
#endif
}

static inline struct mock_paging *to_mock_paging(struct iommu_domain *domain)
{
	return container_of(domain, struct mock_paging, domain);
}

static inline struct mock_nested *to_mock_nested(struct iommu_domain *domain)
{
	return container_of(domain, struct mock_nested, domain);
}

/* iommu.c */
extern struct iommu_device mock_iommu;
extern const struct iommu_ops mock_ops;

/* device.c */
int mock_bus_register(void);
void mock_bus_unregister(void);

/* Waits until the memory of the last device is free. */
void mock_devices_wait(void);

/* moves.c: a device comes to a domain, with one of its PASIDs or without */
#ifndef IOMMUFD_HAVE_IOMMU_BUS_OPS
extern struct iommu_domain mock_blocked, mock_identity;
#endif

/* A new device goes nowhere, and one that goes has nothing left. */
void mock_moves_init(struct mock_device *mock);
void mock_moves_leave(struct mock_device *mock);
/* Is the parameter refuse_return set?  Then no page table is taken from now on. */
bool mock_refuses_return(void);
void mock_moves_check(struct mock_device *mock);

#ifdef IOMMUFD_HAVE_IOMMU_ATTACH_DEV_OLD
int mock_attach_dev(struct iommu_domain *domain, struct device *dev,
		    struct iommu_domain *old);
#else
int mock_attach_dev(struct iommu_domain *domain, struct device *dev);
#endif
void mock_detach_dev(struct iommu_domain *domain, struct device *dev);
#ifdef IOMMUFD_HAVE_IOMMU_SET_DEV_PASID_OLD
int mock_set_dev_pasid(struct iommu_domain *domain, struct device *dev,
		       ioasid_t pasid, struct iommu_domain *old);
#else
int mock_set_dev_pasid(struct iommu_domain *domain, struct device *dev, ioasid_t pasid);
#endif
void mock_remove_dev_pasid(struct device *dev, ioasid_t pasid,
			   struct iommu_domain *domain);

/* domain.c */
extern const struct iommu_domain_ops mock_paging_ops;

/*
 * A device or a PASID leaves a domain, of whatever kind.  VT-d's driver flushes nothing for
 * it from the first step of that on, and the device may access what is unmapped until the
 * last.
 */
void mock_domain_left(struct iommu_domain *domain);

/* @flags are IOMMU_HWPT_ALLOC_*, @data may be NULL. */
struct iommu_domain *mock_paging_alloc(struct device *dev, u32 flags,
				       const struct iommu_user_data *data);

/* A plain one, or NULL. */
struct iommu_domain *mock_paging_new(void);

/* On kernels without a dirty_ops table these are the shim's. */
int mock_set_tracking(struct iommu_domain *domain, bool enable);
int mock_dirty_read(struct iommu_domain *domain, unsigned long iova,
		    unsigned long length, bool clear, struct hw_dirty_sink *sink);

/* nested.c */
extern const struct iommu_domain_ops mock_nested_ops;

struct iommu_domain *mock_nested_alloc(struct device *dev, struct iommu_domain *parent,
				       u32 flags, const struct iommu_user_data *data);
struct iommu_domain *mock_nested_new(struct mock_viommu *viommu, u32 flags,
				     const struct iommu_user_data *data);
int mock_nested_invalidate(struct iommu_domain *domain,
			   struct iommu_user_data_array *array);

/* viommu.c */
size_t mock_viommu_size(struct device *dev, u32 type);
int mock_viommu_init(struct hw_viommu *viommu, struct iommu_domain *parent,
		     const struct iommu_user_data *data);

/* The virtual ID of a device there: 0 or -ENOENT */
int mock_viommu_virt_id(struct mock_viommu *viommu, struct device *dev, u64 *virt_id);

/* fault.c */
int mock_faults_init(void);
void mock_faults_exit(void);

/* A domain is attached to a device or one of its PASIDs, or isn't any more. */
int mock_faults_enter(struct mock_device *mock, struct iommu_domain *domain);
void mock_faults_leave(struct mock_device *mock, struct iommu_domain *domain);

/*
 * Tells the core of a fault as an interrupt handler does, with what mock_fault_lock() says held;
 * a move isn't waited for.
 */
int mock_report(struct mock_device *mock, const struct mock_request *request);

/* late.c */
void mock_late_init(struct mock_device *mock);
/*
 * A device with MOCK_FLAGS_DEVICE_ENDS_EARLY asks once more, at a moment where that may reach
 * nobody.  Returns when that was reported.
 */
void mock_late_ask(struct mock_device *mock);

#ifdef IOMMUFD_HAVE_IOPF_GROUP
void mock_page_response(struct device *dev, struct iopf_fault *fault,
			struct iommu_page_response *response);
#endif
#ifdef IOMMUFD_HAVE_IOMMU_FEAT_IOPF
int mock_enable_feature(struct device *dev, enum iommu_dev_features feature);
int mock_disable_feature(struct device *dev, enum iommu_dev_features feature);
#endif

#endif
