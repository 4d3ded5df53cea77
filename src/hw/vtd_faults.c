// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests of a device whose last domain with faults goes, on VT-d from Linux 7.2 on.
 *
 * The driver takes the device off the core's list of those that report faults while requests
 * are on their way. The core frees the faults on that list, with the interrupt handler still
 * using one, and warns of each request that finds a domain with faults and no such device.
 *
 * The handler reports faults with a lock of its IOMMU held, and finds the domain by the
 * attachment's handle. So with that lock held the handle is given a domain without faults:
 * earlier requests have been handled, and later ones the core answers by itself.
 *
 * For DMA without PASID nobody else looks at a handle's domain. Of PASIDs, a PCI reset moves
 * the domains that the handles have to the blocking domain and back: while such a handle is
 * closed the device isn't reset, for which its configuration space is locked. That is tried
 * only: a device in reset asks for nothing, and one of a group of several isn't known to be.
 */
#include "vtd.h"

#ifdef IOMMUFD_VTD_FAULTS

#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/mutex.h>
#include <linux/pci.h>

#include "../core/test.h"
#include "hw.h"
#include "layout.h"
#include "vtd_spec.h"

static struct {
	u32 iommu, lock;
	bool found;
} vtd_faults;

static const struct layout_member vtd_faults_members[] = {
	{ "device_domain_info", NULL, "iommu", sizeof(void *), &vtd_faults.iommu },
	{ "intel_iommu", NULL, "iopf_lock", sizeof(struct mutex), &vtd_faults.lock },
};

struct vtd_faults_search {
	struct mutex *lock;
	unsigned int devices;
	bool differ;
};

/* The lock with which faults of a device are reported, or NULL. */
static struct mutex *vtd_faults_lock(struct device *dev)
{
	struct mutex *lock = test_fault_lock(dev);
	void *info = dev_iommu_priv_get(dev), *iommu;

	if (lock)
		return lock;
	if (!vtd_faults.found || !info || !vtd_has_device(dev))
		return NULL;
	iommu = READ_ONCE(*layout_at(void *, info, vtd_faults.iommu));
	return layout_at(struct mutex, iommu, vtd_faults.lock);
}

static int vtd_faults_find_lock(struct device *dev, void *arg)
{
	struct vtd_faults_search *search = arg;
	struct mutex *lock = vtd_faults_lock(dev);

	search->differ = !lock || (search->lock && search->lock != lock);
	search->lock = lock;
	search->devices++;
	return search->differ;
}

static int vtd_faults_has_lock(struct device *dev, void *unused)
{
	return !!vtd_faults_lock(dev);
}

bool vtd_faults_known(struct iommu_group *group)
{
	return iommu_group_for_each_dev(group, NULL, vtd_faults_has_lock);
}

/* Of what isn't a PCI device, there is no reset that moves PASIDs. */
static bool vtd_faults_keep_resets_off(const struct hw_place *at)
{
	if (at->pasid == IOMMU_NO_PASID || !dev_is_pci(at->dev))
		return true;
	return !*at->resets && pci_cfg_access_trylock(to_pci_dev(at->dev));
}

bool vtd_faults_close(const struct hw_place *at, struct iommu_attach_handle *handle)
{
	bool has_pasid = at->pasid != IOMMU_NO_PASID;
	struct vtd_faults_search search = {};

	/* The devices stay, and their IOMMU with them. */
	iommu_group_for_each_dev(at->group, &search, vtd_faults_find_lock);
	if (search.differ || !search.lock || (has_pasid && search.devices > 1))
		return false;
	if (!vtd_faults_keep_resets_off(at))
		return false;
	mutex_lock(search.lock);
	hw_faults_silence(handle);
	mutex_unlock(search.lock);
	return true;
}

static int vtd_faults_wait_for(struct device *dev, void *unused)
{
	struct mutex *lock = vtd_faults_lock(dev);

	if (!lock)
		return 1;
	mutex_lock(lock);
	mutex_unlock(lock);
	return 0;
}

bool vtd_faults_wait(struct iommu_group *group)
{
	return !iommu_group_for_each_dev(group, NULL, vtd_faults_wait_for);
}

void vtd_faults_closed(const struct hw_place *at)
{
	if (at->pasid != IOMMU_NO_PASID && dev_is_pci(at->dev))
		pci_cfg_access_unlock(to_pci_dev(at->dev));
}

/* A device that asks may be plugged in later. */
static int vtd_faults_takes_requests(struct device *dev, void *unused)
{
	u64 cap, ecap;

	return vtd_has_device(dev) && !vtd_registers(hw_iommu(dev)->dev, &cap, &ecap) &&
	       (ecap & VTD_ECAP_PRS);
}

static bool vtd_faults_is_needed(void)
{
	return bus_for_each_dev(&pci_bus_type, NULL, NULL, vtd_faults_takes_requests);
}

static int vtd_faults_init(const struct btf_data *btf, struct layout_why *why)
{
	int rc = layout_find_members(btf, vtd_faults_members, ARRAY_SIZE(vtd_faults_members),
				     why);

	vtd_faults.found = !rc;
	return rc;
}

static void vtd_faults_exit(void)
{
	vtd_faults.found = false;
}

const struct hw_shim_module vtd_faults_module = {
	.name = "vtd-faults",
	.feature = "safe end of page requests at any time",
	.is_needed = vtd_faults_is_needed,
	.init = vtd_faults_init,
	.exit = vtd_faults_exit,
};

#endif
