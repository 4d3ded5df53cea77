// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hardware information (GET_HW_INFO).  If the driver can't report it, or the
 * kernel was built without that, use public sources: sysfs attributes of VT-d
 * and AMD-Vi, and the identification registers of an SMMUv3.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/of.h>
#include <linux/pci.h>
#include <linux/pci-ats.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "hw.h"
#include "shim.h"
#include "vtd.h"

static struct device_attribute *info_find_attribute(struct device *dev,
						    const char *group, const char *name)
{
	const struct attribute_group *const *groups = dev->groups;
	struct attribute **attr;

	for (; groups && *groups; groups++) {
		if (!(*groups)->name || strcmp((*groups)->name, group))
			continue;
		for (attr = (*groups)->attrs; attr && *attr; attr++)
			if (!strcmp((*attr)->name, name))
				return container_of(*attr, struct device_attribute,
						    attr);
	}
	return NULL;
}

/* Returns the text of an attribute of an IOMMU, to be freed, or an ERR_PTR. */
static char *info_read_attribute(struct device *iommu, const char *group,
				 const char *name)
{
	struct device_attribute *attr = info_find_attribute(iommu, group, name);
	ssize_t n;
	char *text;

	if (!attr || !attr->show)
		return ERR_PTR(-EOPNOTSUPP);
	/* show() expects a page-aligned buffer of PAGE_SIZE. */
	text = (char *)get_zeroed_page(GFP_KERNEL);
	if (!text)
		return ERR_PTR(-ENOMEM);
	n = attr->show(iommu, attr, text);
	if (n < 0) {
		free_page((unsigned long)text);
		return ERR_PTR(n);
	}
	return text;
}

static int info_read_hex(struct device *iommu, const char *group, const char *name,
			 u64 *value)
{
	char *text = info_read_attribute(iommu, group, name);
	int rc;

	if (IS_ERR(text))
		return PTR_ERR(text);
	rc = kstrtou64(strim(text), 16, value);
	free_page((unsigned long)text);
	return rc;
}

int vtd_registers(struct device *iommu, u64 *cap, u64 *ecap)
{
	int rc;

	rc = info_read_hex(iommu, "intel-iommu", "cap", cap);
	return rc ?: info_read_hex(iommu, "intel-iommu", "ecap", ecap);
}

static void *info_vtd(struct device *iommu, u32 *length, u32 *type)
{
	struct iommu_hw_info_vtd *info;
	u64 cap, ecap;
	int rc;

	rc = vtd_registers(iommu, &cap, &ecap);
	if (rc)
		return rc == -EOPNOTSUPP ? NULL : ERR_PTR(rc);
	info = kzalloc(sizeof(*info), GFP_KERNEL);
	if (!info)
		return ERR_PTR(-ENOMEM);
	/* Affected machines can't be told apart; Linux sets it for all, too. */
	info->flags = IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17;
	info->cap_reg = cap;
	info->ecap_reg = ecap;
	*length = sizeof(*info);
	*type = IOMMU_HW_INFO_TYPE_INTEL_VTD;
	return info;
}

static void *info_amd(struct device *iommu, u32 *length, u32 *type)
{
	struct iommu_hw_info_amd *info;
	u64 first, second;
	char *text;
	int n;

	text = info_read_attribute(iommu, "amd-iommu", "features");
	if (IS_ERR(text))
		return text == ERR_PTR(-EOPNOTSUPP) ? NULL : text;
	n = sscanf(text, "%llx:%llx", &first, &second);
	free_page((unsigned long)text);
	if (n != 2)
		return NULL;
	info = kzalloc(sizeof(*info), GFP_KERNEL);
	if (!info)
		return ERR_PTR(-ENOMEM);
	info->efr = COMPAT_AMD_EFR_COMES_FIRST ? first : second;
	info->efr2 = COMPAT_AMD_EFR_COMES_FIRST ? second : first;
	*length = sizeof(*info);
	*type = IOMMU_HW_INFO_TYPE_AMD;
	return info;
}

/* The driver names an SMMUv3 by the physical address of its registers. */
#define SMMUV3_IIDR 0x18
#define SMMUV3_AIDR 0x1c

/* Erratum T264-SMMU-3, which only the devicetree identifies. */
static bool smmuv3_repeats_commands(struct device *iommu)
{
	return iommu->parent &&
	       of_device_is_compatible(iommu->parent->of_node, "nvidia,tegra264-smmu");
}

static void *info_smmuv3(struct device *iommu, u32 *length, u32 *type)
{
	struct iommu_hw_info_arm_smmuv3 *info;
	unsigned long long address;
	void __iomem *base;
	unsigned int i;

	if (sscanf(dev_name(iommu), "smmu3.0x%llx", &address) != 1)
		return NULL;
	info = kzalloc(sizeof(*info), GFP_KERNEL);
	if (!info)
		return ERR_PTR(-ENOMEM);
	base = ioremap(address, PAGE_SIZE);
	if (!base) {
		kfree(info);
		return ERR_PTR(-ENOMEM);
	}
	for (i = 0; i < ARRAY_SIZE(info->idr); i++)
		info->idr[i] = readl(base + i * sizeof(u32));
	info->iidr = readl(base + SMMUV3_IIDR);
	info->aidr = readl(base + SMMUV3_AIDR);
	if (smmuv3_repeats_commands(iommu))
		info->flags |= IOMMU_HW_INFO_ARM_SMMUV3_ERRATA_REPEAT_TLBI_CFGI;
	iounmap(base);
	*length = sizeof(*info);
	*type = IOMMU_HW_INFO_TYPE_ARM_SMMUV3;
	return info;
}

/* Each of the three returns NULL for another vendor's IOMMU. */
static void *info_public(struct device *iommu, u32 *length, u32 *type)
{
	void *info;

	if (!iommu)
		return NULL;
	info = info_vtd(iommu, length, type);
	if (!info)
		info = info_amd(iommu, length, type);
	if (!info)
		info = info_smmuv3(iommu, length, type);
	return info;
}

static void *info_shim(struct device *dev, u32 *length, u32 *type)
{
	const struct hw_shim *shim = hw_shim_of(dev);

	return shim && shim->info ? shim->info(dev, length, type) : NULL;
}

/* Older drivers ignore the requested type. */
static int info_settle(struct device *dev, void *info, u32 type, u32 wanted)
{
	if (wanted != IOMMU_HW_INFO_TYPE_DEFAULT && wanted != type)
		return -EOPNOTSUPP;
	return type == IOMMU_HW_INFO_TYPE_INTEL_VTD ? vtd_info_settle(dev, info) : 0;
}

void *hw_info(struct device *dev, u32 *length, u32 *type)
{
	u32 wanted = *type;
	void *info;
	int rc;

	info = compat_hw_info(dev, length, type);
	if (!info) {
		*type = wanted;
		info = info_shim(dev, length, type);
	}
	if (!info) {
		*length = 0;
		*type = IOMMU_HW_INFO_TYPE_NONE;
		info = info_public(dev->iommu->iommu_dev->dev, length, type);
	}
	if (IS_ERR(info))
		return info;
	rc = info_settle(dev, info, *type, wanted);
	if (rc) {
		kfree(info);
		return ERR_PTR(rc);
	}
	return info;
}

static bool info_has_ats(struct device *dev)
{
#ifdef IOMMUFD_HAVE_CAP_PCI_ATS_SUPPORTED
	return device_iommu_capable(dev, IOMMU_CAP_PCI_ATS_SUPPORTED);
#else
	return dev_is_pci(dev) && pci_ats_supported(to_pci_dev(dev));
#endif
}

/*
 * Drivers enable the PASIDs that they support when they probe the device.  The
 * exceptions are AMD-Vi before Linux 7.2, whose PASIDs aren't available here, and
 * VT-d where it can't be trusted with them.
 */
static bool info_has_pasids(struct device *dev)
{
	if (!compat_max_pasids(dev) || vtd_forgets_pasids(dev))
		return false;
	return !dev_is_pci(dev) ||
	       (compat_pci_pasid_status(dev) > 0 &&
		compat_pci_pasid_status(dev) & PCI_PASID_CTRL_ENABLE);
}

u8 hw_pasid_width(struct device *dev)
{
	return info_has_pasids(dev) ? ilog2(compat_max_pasids(dev)) : 0;
}

static u64 info_pasid_capabilities(struct device *dev)
{
	int status = compat_pci_pasid_status(dev);
	u64 caps = 0;

	if (!info_has_pasids(dev) || status < 0)
		return 0;
	if (status & PCI_PASID_CTRL_EXEC)
		caps |= IOMMU_HW_CAP_PCI_PASID_EXEC;
	if (status & PCI_PASID_CTRL_PRIV)
		caps |= IOMMU_HW_CAP_PCI_PASID_PRIV;
	return caps;
}

u64 hw_capabilities(struct device *dev)
{
	u64 caps = info_pasid_capabilities(dev);

	if (hw_tracks_dirty(dev))
		caps |= IOMMU_HW_CAP_DIRTY_TRACKING;
	if (!info_has_ats(dev))
		caps |= IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED;
	return caps;
}
