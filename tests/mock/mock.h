/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mock IOMMU: a driver as real ones are, registered with the kernel, whose
 * hardware is made of memory.  Devices, attachments, page faults and PASIDs go the
 * kernel's own ways; what a test program wants to see or do that hardware would
 * do is here.
 *
 * How it is on the kernel that is built for:
 *
 *  kernel        devices        domains            nested, dirty   faults  PASIDs
 *  7.2           platform bus   paging_flags       kernel's ops    yes     yes
 *  6.12          platform bus   domain_alloc_user  kernel's ops    yes     yes
 *  6.1           a bus of ours  domain_alloc       shim            no      no
 *
 * vIOMMUs and what belongs to them are offered by the shim on all of them.
 */
#ifndef TESTS_MOCK_MOCK_H
#define TESTS_MOCK_MOCK_H

#include <linux/iommu.h>
#include <linux/types.h>

/*
 * device.c.  @flags are MOCK_FLAGS_DEVICE_*.  The new device is alone in its group,
 * or joins that of @beside.  An ERR_PTR: -EINVAL for unknown flags, -ENOMEM.
 */
struct device *mock_device_create(u32 flags, struct device *beside);
void mock_device_destroy(struct device *dev);
bool mock_is_device(struct device *dev);

/* Linux 6.1: the bus of these devices, for a driver of theirs. */
struct bus_type *mock_bus_type(void);

/*
 * What a device's DMA with a PASID, or IOMMU_NO_PASID, goes through: NULL if it is
 * blocked.
 */
struct iommu_domain *mock_device_domain(struct device *dev, u32 pasid);

/* One of the caches that a vIOMMU invalidates; @index < MOCK_DEV_CACHE_NUM. */
u32 mock_device_cache(struct device *dev, unsigned int index);

/*
 * fault.c.  A device whose requests are pending when it moves between domains would
 * have them drained by its IOMMU.  This one's faults, and its group's, don't happen
 * meanwhile: who attaches, replaces or detaches does it between these two.
 */
void mock_move_begin(struct device *dev);
void mock_move_end(struct device *dev);

/* The device asks for a page. */
struct mock_request {
	u32 pasid;
	u32 group_id;
	u32 perm;		/* IOMMU_FAULT_PERM_* */
	u64 addr;
	bool more;		/* the group goes on */
};

/* 0, -EOPNOTSUPP if the kernel knows no faults (6.1), or what the kernel says. */
int mock_device_fault(struct device *dev, const struct mock_request *request);

/*
 * late.c.  A fault that stays where the core has found its attachment, as if the interrupt
 * handler were interrupted there: until mock_device_go(), or for a minute.  One of a device at a
 * time.  0, -ENOENT if nobody takes it, -EBUSY, -EOPNOTSUPP or -ENOMEM.
 */
int mock_device_hold(struct device *dev, const struct mock_request *request);
/* Waits until it is done: 0, or -ENOENT if there is none. */
int mock_device_go(struct device *dev);

/* fault.c: see test_fault_lock(). */
struct mutex *mock_fault_lock(struct device *dev);

/*
 * moves.c.  What the core of Linux 7.2 does around a reset, of which no attachment is told: it
 * blocks the DMA without PASID, and lets it go on.  0, or -EOPNOTSUPP.  The caller keeps the device
 * where it is attached.
 */
int mock_device_reset(struct device *dev);

/*
 * viommu.c.  The vIOMMU that the device is attached to reports an event of its: 0,
 * -ENOENT if it is attached to none, or what viommu_report_event() says.
 */
int mock_device_event(struct device *dev);

/* domain.c: paging domains.  The caller keeps them. */
bool mock_is_paging(struct iommu_domain *domain);

/* 0 if nothing is there. */
phys_addr_t mock_translate(struct iommu_domain *domain, unsigned long iova);

bool mock_tracks_dirty(struct iommu_domain *domain);

/* The device writes to a page: false if nothing is there that it may write to. */
bool mock_dirty(struct iommu_domain *domain, unsigned long iova);

/* nested.c: nested domains */
bool mock_is_nested(struct iommu_domain *domain);

/* @index < MOCK_NESTED_DOMAIN_IOTLB_NUM */
u32 mock_iotlb(struct iommu_domain *domain, unsigned int index);

/*
 * iommu.c: the driver as a whole, for main.c.  Unregistering waits for the last
 * device to be forgotten.
 */
int mock_iommu_register(void);
void mock_iommu_unregister(void);

#endif
