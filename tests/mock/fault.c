// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults of devices, through the kernel's own queue.
 *
 * Linux 7.2 has a driver prepare for them when a domain is attached that wants them;
 * on 6.12 whoever attaches such a domain switches them on.
 */
#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>

#include "../../src/hw/shims.h"
#include "driver.h"

/* One a group, or few: taken for reading by who reports, for writing by who moves it. */
static struct rw_semaphore moves[32];

static struct rw_semaphore *moves_of(struct device *dev)
{
	return &moves[iommu_group_id(dev->iommu_group) % ARRAY_SIZE(moves)];
}

static void init_moves(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(moves); i++)
		init_rwsem(&moves[i]);
}

void mock_move_begin(struct device *dev)
{
	down_write(moves_of(dev));
}

void mock_move_end(struct device *dev)
{
	up_write(moves_of(dev));
}

#ifdef IOMMUFD_VTD_FAULTS

/* As VT-d's driver has one for each IOMMU. */
static DEFINE_MUTEX(report_lock);

struct mutex *mock_fault_lock(struct device *dev)
{
	if (!mock_is_device(dev) ||
	    !(to_mock_device(dev)->flags & MOCK_FLAGS_DEVICE_ENDS_EARLY))
		return NULL;
	return &report_lock;
}

#else

struct mutex *mock_fault_lock(struct device *dev)
{
	return NULL;
}

#endif

#ifdef IOMMUFD_HAVE_IOPF_GROUP

/* NULL if this kernel was built without. */
static struct iopf_queue *queue;

int mock_faults_init(void)
{
	init_moves();
	if (!IS_ENABLED(CONFIG_IOMMU_IOPF))
		return 0;
	queue = iopf_queue_alloc("iommufd-mock");
	return queue ? 0 : -ENOMEM;
}

void mock_faults_exit(void)
{
	if (queue)
		iopf_queue_free(queue);
}

static int switch_on(struct mock_device *mock)
{
	int rc = 0;

	if (!queue)
		return -ENODEV;
	if (!mock->fault_users)
		rc = iopf_queue_add_device(queue, mock_dev(mock));
	if (!rc)
		mock->fault_users++;
	return rc;
}

static void switch_off(struct mock_device *mock)
{
	if (WARN_ON(!mock->fault_users) || --mock->fault_users)
		return;
	/* Who has a fault now has memory that is freed, and who has one later is a surprise. */
	mock_late_ask(mock);
	iopf_queue_remove_device(queue, mock_dev(mock));
	mock_late_ask(mock);
}

#ifdef IOMMUFD_HAVE_IOMMU_FEAT_IOPF

int mock_faults_enter(struct mock_device *mock, struct iommu_domain *domain)
{
	return 0;
}

void mock_faults_leave(struct mock_device *mock, struct iommu_domain *domain)
{
}

int mock_enable_feature(struct device *dev, enum iommu_dev_features feature)
{
	struct mock_device *mock = to_mock_device(dev);

	if (feature != IOMMU_DEV_FEAT_IOPF)
		return -ENODEV;
	if (mock_refuses_return())
		return -EIO;
	return mock->fault_users ? -EBUSY : switch_on(mock);
}

int mock_disable_feature(struct device *dev, enum iommu_dev_features feature)
{
	if (feature != IOMMU_DEV_FEAT_IOPF)
		return -ENODEV;
	switch_off(to_mock_device(dev));
	return 0;
}

#else

int mock_faults_enter(struct mock_device *mock, struct iommu_domain *domain)
{
	return domain->iopf_handler ? switch_on(mock) : 0;
}

void mock_faults_leave(struct mock_device *mock, struct iommu_domain *domain)
{
	if (domain->iopf_handler)
		switch_off(mock);
}

#endif

int mock_report(struct mock_device *mock, const struct mock_request *request)
{
	struct iopf_fault event = {
		.fault = {
			.type = IOMMU_FAULT_PAGE_REQ,
			.prm = {
				.flags = request->more ? 0 : IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE,
				.pasid = request->pasid,
				.grpid = request->group_id,
				.perm = request->perm,
				.addr = request->addr,
			},
		},
	};
	int rc;

	if (request->pasid != IOMMU_NO_PASID)
		event.fault.prm.flags |= IOMMU_FAULT_PAGE_REQUEST_PASID_VALID;
	rc = iommu_report_device_fault(mock_dev(mock), &event);
	/* The last one of a group is answered for all, and one that nobody takes for itself. */
	if (!request->more || rc == -EINVAL)
		atomic_inc(&mock->asked);
	return rc;
}

int mock_device_fault(struct device *dev, const struct mock_request *request)
{
	struct mock_device *mock = to_mock_device(dev);
	struct mutex *lock = mock_fault_lock(dev);
	int rc;

	if (lock) {
		mutex_lock(lock);
		mock->last = *request;
		rc = mock_report(mock, request);
		mutex_unlock(lock);
	} else {
		down_read(moves_of(dev));
		mock->last = *request;
		rc = mock_report(mock, request);
		up_read(moves_of(dev));
	}
	return rc;
}

void mock_page_response(struct device *dev, struct iopf_fault *fault,
			struct iommu_page_response *response)
{
	atomic_inc(&to_mock_device(dev)->responses);
}

#else

int mock_faults_init(void)
{
	init_moves();
	return 0;
}

void mock_faults_exit(void)
{
}

int mock_faults_enter(struct mock_device *mock, struct iommu_domain *domain)
{
	return 0;
}

void mock_faults_leave(struct mock_device *mock, struct iommu_domain *domain)
{
}

int mock_device_fault(struct device *dev, const struct mock_request *request)
{
	return -EOPNOTSUPP;
}

#endif
