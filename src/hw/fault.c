// SPDX-License-Identifier: GPL-2.0-only
/* I/O page faults (PRI). */
#include <linux/device.h>
#include <linux/pci-ats.h>
#include <linux/pci.h>

#include "hw.h"
#include "vtd.h"

#ifdef IOMMUFD_HAVE_SYM_IOPF_GROUP_RESPONSE
int hw_domain_take_faults(struct iommu_domain *domain,
			  int (*take)(struct iopf_group *group))
{
	domain->iopf_handler = take;
	return 0;
}

struct device *hw_fault_device(const struct iopf_group *group)
{
	return group->fault_param->dev;
}

void hw_fault_own(struct iopf_group *group)
{
	iopf_group_dequeue(group);
}

static int hw_fault_handle_late(struct iopf_group *group)
{
	hw_fault_own(group);
	hw_fault_answer(group, IOMMU_PAGE_RESP_INVALID);
	return 0;
}

/* Handler of faults that arrive after their attachment has ended. */
static struct iommu_domain ended_domain = { .iopf_handler = hw_fault_handle_late };

void hw_faults_refuse(struct iommu_attach_handle *handle)
{
	WRITE_ONCE(handle->domain, &ended_domain);
}

/* A domain without faults, which is all that the core asks of it. */
static struct iommu_domain quiet_domain;

void hw_faults_silence(struct iommu_attach_handle *handle)
{
	WRITE_ONCE(handle->domain, &quiet_domain);
}

/*
 * By VT-d and AMD-Vi, PCI devices without PRI have no faults reported. By an SMMUv3 some stall,
 * with any page table.
 */
static int fault_may_come(struct device *dev, void *unused)
{
	return !dev_is_pci(dev) || pci_pri_supported(to_pci_dev(dev)) ||
	       !(vtd_has_device(dev) || hw_iommu_has_attributes(dev, "amd-iommu"));
}

bool hw_faults_may_come(struct iommu_group *group)
{
	return iommu_group_for_each_dev(group, NULL, fault_may_come);
}

/*
 * The core holds a reference from before it allocates a fault until the
 * response.
 */
static int fault_is_under_way(struct device *dev, void *unused)
{
	struct iommu_fault_param *param;
	bool under_way;

	if (!dev->iommu)
		return 0;
	rcu_read_lock();
	param = rcu_dereference(dev->iommu->fault_param);
	under_way = param && refcount_read(&param->users) > 1;
	rcu_read_unlock();
	return under_way;
}

bool hw_faults_are_under_way(struct iommu_group *group)
{
	return iommu_group_for_each_dev(group, NULL, fault_is_under_way);
}
#else
int hw_domain_take_faults(struct iommu_domain *domain,
			  int (*take)(struct iopf_group *group))
{
	return -EOPNOTSUPP;
}

struct device *hw_fault_device(const struct iopf_group *group)
{
	return NULL;
}

void hw_fault_own(struct iopf_group *group)
{
}

void hw_faults_refuse(struct iommu_attach_handle *handle)
{
}

void hw_faults_silence(struct iommu_attach_handle *handle)
{
}

bool hw_faults_may_come(struct iommu_group *group)
{
	return false;
}

bool hw_faults_are_under_way(struct iommu_group *group)
{
	return false;
}
#endif

void hw_fault_answer(struct iopf_group *group, enum iommu_page_response_code code)
{
	iopf_group_response(group, code);
	iopf_free_group(group);
}

bool hw_shares_faults(struct device *dev)
{
	return dev_is_pci(dev) && to_pci_dev(dev)->is_virtfn &&
	       pci_pri_supported(to_pci_dev(dev));
}

#ifdef IOMMUFD_HAVE_IOMMU_FEAT_IOPF
int hw_faults_enable(struct device *dev)
{
	return iommu_dev_enable_feature(dev, IOMMU_DEV_FEAT_IOPF);
}

void hw_faults_disable(struct device *dev)
{
	WARN_ON(iommu_dev_disable_feature(dev, IOMMU_DEV_FEAT_IOPF));
}
#else
int hw_faults_enable(struct device *dev)
{
	return 0;
}

void hw_faults_disable(struct device *dev)
{
}
#endif
