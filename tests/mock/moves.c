// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device comes to a domain, all of it or one of its PASIDs.  The core calls these
 * with the group's mutex held; what it says is compared with what is known here.
 */
#include <linux/err.h>
#include <linux/module.h>

#include "driver.h"

#ifndef IOMMUFD_HAVE_IOMMU_BUS_OPS
static const struct iommu_domain_ops blocked_ops = {
	.attach_dev = mock_attach_dev,
	.set_dev_pasid = mock_set_dev_pasid,
};

static const struct iommu_domain_ops identity_ops = {
	.attach_dev = mock_attach_dev,
};

struct iommu_domain mock_blocked = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &blocked_ops,
};

struct iommu_domain mock_identity = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &identity_ops,
};
#endif

void mock_moves_init(struct mock_device *mock)
{
	xa_init(&mock->pasids);
	init_rwsem(&mock->viommu_lock);
}

void mock_moves_check(struct mock_device *mock)
{
	WARN_ON(!xa_empty(&mock->pasids));
	WARN_ON(mock->fault_users);
	WARN_ON(mock->viommu);
	WARN_ON(atomic_read(&mock->asked) != atomic_read(&mock->responses));
}

static bool tracks_what_it_cannot(struct mock_device *mock,
				  struct iommu_domain *domain)
{
	return mock_is_paging(domain) && to_mock_paging(domain)->can_track &&
	       (mock->flags & MOCK_FLAGS_DEVICE_NO_DIRTY);
}

static bool cannot_enforce(struct mock_device *mock, struct iommu_domain *domain)
{
	return mock_is_paging(domain) && to_mock_paging(domain)->coherent &&
	       !(mock->flags & MOCK_FLAGS_DEVICE_ENFORCES);
}

/* Which vIOMMU the domain is for, and who the device is there. */
static int find_viommu(struct mock_device *mock, struct iommu_domain *domain,
		       struct mock_viommu **viommu, u64 *virt_id)
{
	*viommu = NULL;
	*virt_id = 0;
	if (!mock_is_nested(domain))
		return 0;
	*viommu = to_mock_nested(domain)->viommu;
	if (!*viommu)
		return 0;
	return mock_viommu_virt_id(*viommu, mock_dev(mock), virt_id);
}

static void set_viommu(struct mock_device *mock, struct mock_viommu *viommu,
		       u64 virt_id)
{
	down_write(&mock->viommu_lock);
	mock->viommu = viommu;
	mock->virt_id = virt_id;
	up_write(&mock->viommu_lock);
}

static bool refuse_attach;
module_param(refuse_attach, bool, 0644);
MODULE_PARM_DESC(refuse_attach, "refuse all page tables of user space, going back to one included");

static bool refuse_return;
module_param(refuse_return, bool, 0644);
MODULE_PARM_DESC(refuse_return, "refuse to turn page faults on, and all page tables after that, as refuse_attach");

bool mock_refuses_return(void)
{
	if (READ_ONCE(refuse_return))
		WRITE_ONCE(refuse_attach, true);
	return READ_ONCE(refuse_return);
}

/* Going back to what the core has for a device always works. */
static int may_move(const struct iommu_domain *domain)
{
	if (domain->type != IOMMU_DOMAIN_UNMANAGED && domain->type != IOMMU_DOMAIN_NESTED)
		return 0;
	if (READ_ONCE(refuse_attach))
		return -EIO;
	return inject_point("attach_dev") ? -ENOMEM : 0;
}

static int move(struct mock_device *mock, struct iommu_domain *domain)
{
	struct mock_viommu *viommu;
	u64 virt_id;
	int rc;

	/* The way back, where the core doesn't expect a failure: the vDEVICE may be gone. */
	if (domain == mock->domain)
		return 0;
	if (tracks_what_it_cannot(mock, domain) || cannot_enforce(mock, domain))
		return -EINVAL;
	rc = may_move(domain);
	if (rc)
		return rc;
	rc = find_viommu(mock, domain, &viommu, &virt_id);
	if (rc)
		return rc;
	rc = mock_faults_enter(mock, domain);
	if (rc)
		return rc;
	set_viommu(mock, viommu, virt_id);
	if (mock->domain) {
		if (!mock->going)
			mock_domain_left(mock->domain);
		/* VT-d's driver forgets that where a nested one comes. */
		if (!mock_fault_lock(mock_dev(mock)) || !mock_is_nested(domain))
			mock_faults_leave(mock, mock->domain);
	}
	mock->domain = domain;
	return 0;
}

#ifdef IOMMUFD_HAVE_IOMMU_ATTACH_DEV_OLD
int mock_attach_dev(struct iommu_domain *domain, struct device *dev,
		    struct iommu_domain *old)
{
	struct mock_device *mock = to_mock_device(dev);

	WARN_ON(old != mock->domain);
	return move(mock, domain);
}
#else
int mock_attach_dev(struct iommu_domain *domain, struct device *dev)
{
	return move(to_mock_device(dev), domain);
}
#endif

#ifdef IOMMUFD_HAVE_IOMMU_BUS_OPS

void mock_detach_dev(struct iommu_domain *domain, struct device *dev)
{
	struct mock_device *mock = to_mock_device(dev);

	/* The core calls this only where there's no other domain to go to. */
	WARN_ON(mock->domain && mock->domain != domain);
	mock_domain_left(domain);
	set_viommu(mock, NULL, 0);
	mock->domain = NULL;
}

#else

/*
 * One PASID is there to test what happens if a driver fails: what replaces the first
 * domain can't, and going back can.
 */
#ifdef IOMMUFD_HAVE_IOMMU_REMOVE_DEV_PASID
/* A replacement begins as the end of it here, and isn't told from a new beginning. */
static bool fails_for_test(struct mock_device *mock, struct iommu_domain *domain)
{
	bool fails = mock->pasid_left && mock->pasid_left != domain;

	mock->pasid_left = NULL;
	return fails;
}

static void left_for_test(struct mock_device *mock, struct iommu_domain *domain)
{
	mock->pasid_left = domain;
}
#else
static bool fails_for_test(struct mock_device *mock, struct iommu_domain *domain)
{
	mock->pasid_fails_next = !mock->pasid_fails_next;
	return !mock->pasid_fails_next;
}

static void left_for_test(struct mock_device *mock, struct iommu_domain *domain)
{
	mock->pasid_fails_next = false;
}
#endif

static void forget_pasid(struct mock_device *mock, u32 pasid,
			 struct iommu_domain *domain)
{
	WARN_ON(xa_erase(&mock->pasids, pasid) != domain);
	mock_faults_leave(mock, domain);
	if (pasid == IOMMU_TEST_PASID_RESERVED)
		left_for_test(mock, domain);
}

static int set_pasid(struct mock_device *mock, u32 pasid,
		     struct iommu_domain *domain, struct iommu_domain *old)
{
	int rc;

	if (tracks_what_it_cannot(mock, domain) || cannot_enforce(mock, domain))
		return -EINVAL;
	if (pasid == IOMMU_TEST_PASID_RESERVED && fails_for_test(mock, domain))
		return -ENOMEM;
	rc = xa_err(xa_store(&mock->pasids, pasid, domain, GFP_KERNEL));
	if (rc)
		return rc;
	rc = mock_faults_enter(mock, domain);
	if (rc) {
		if (old)
			xa_store(&mock->pasids, pasid, old, GFP_KERNEL);
		else
			xa_erase(&mock->pasids, pasid);
		return rc;
	}
	if (old) {
		mock_domain_left(old);
		mock_faults_leave(mock, old);
	}
	return 0;
}

#ifdef IOMMUFD_HAVE_IOMMU_SET_DEV_PASID_OLD
int mock_set_dev_pasid(struct iommu_domain *domain, struct device *dev,
		       ioasid_t pasid, struct iommu_domain *old)
{
#else
int mock_set_dev_pasid(struct iommu_domain *domain, struct device *dev, ioasid_t pasid)
{
	struct iommu_domain *old = NULL;
#endif
	struct mock_device *mock = to_mock_device(dev);

	if (old == &mock_blocked)
		old = NULL;
	WARN_ON(old != xa_load(&mock->pasids, pasid));
	if (domain != &mock_blocked)
		return set_pasid(mock, pasid, domain, old);
	if (old) {
		mock_domain_left(old);
		forget_pasid(mock, pasid, old);
	}
	return 0;
}

/* The device goes, and its group's other devices keep theirs. */
void mock_moves_leave(struct mock_device *mock)
{
	struct iommu_domain *domain;
	unsigned long pasid;

	xa_for_each(&mock->pasids, pasid, domain)
		forget_pasid(mock, pasid, domain);
}

void mock_remove_dev_pasid(struct device *dev, ioasid_t pasid,
			   struct iommu_domain *domain)
{
	mock_domain_left(domain);
	forget_pasid(to_mock_device(dev), pasid, domain);
}

#endif

#ifdef IOMMUFD_HAVE_IOMMU_ATTACH_DEV_OLD
int mock_device_reset(struct device *dev)
{
	struct mock_device *mock = to_mock_device(dev);
	struct iommu_domain *domain = mock->domain;

	return mock_attach_dev(&mock_blocked, dev, domain) ?:
	       mock_attach_dev(domain, dev, &mock_blocked);
}
#else
int mock_device_reset(struct device *dev)
{
	return -EOPNOTSUPP;
}
#endif

struct iommu_domain *mock_device_domain(struct device *dev, u32 pasid)
{
	struct mock_device *mock = to_mock_device(dev);
	struct iommu_domain *domain;

	domain = pasid == IOMMU_NO_PASID ? READ_ONCE(mock->domain) :
					   xa_load(&mock->pasids, pasid);
	if (domain && (domain->type == IOMMU_DOMAIN_UNMANAGED ||
		       domain->type == IOMMU_DOMAIN_NESTED))
		return domain;
	return NULL;
}
