// SPDX-License-Identifier: GPL-2.0-only
/* A device's PASID table entry, and what its IOMMU and the device itself cache of it. */
#include "shims.h"

#ifdef IOMMUFD_VTD_SHIM

#include <linux/compiler.h>
#include <linux/pci.h>

#include "vtd_shim.h"

const struct vtd_block vtd_everything = { .order = VTD_BLOCK_ALL };

void vtd_device_drop(struct device *dev, struct vtd_iommu *iommu, struct vtd_block block)
{
	struct vtd_ats ats;

	/* A device that was removed wouldn't respond. */
	if (!vtd_ats_of(dev, &ats) || !pci_device_is_present(to_pci_dev(dev)))
		return;
	vtd_submit(iommu, vtd_drop_device(&ats, block));
	if (ats.twice)
		vtd_submit(iommu, vtd_drop_device(&ats, block));
}

struct vtd_entry vtd_entry_read(const u64 *at)
{
	return (struct vtd_entry){{ READ_ONCE(at[0]), READ_ONCE(at[1]), READ_ONCE(at[2]) }};
}

/* Take an entry from the IOMMU, 6.5.3.3: invalid, then out of all caches. */
static void vtd_entry_clear(struct device *dev, struct vtd_iommu *iommu, u64 *at)
{
	const struct vtd_entry old = vtd_entry_read(at);
	u16 domain = vtd_entry_domain(&old);

	if (!(old.word[0] & VTD_ENTRY_0_P))
		return;
	WRITE_ONCE(at[0], old.word[0] & ~VTD_ENTRY_0_P);
	vtd_entry_sync(iommu, at);
	vtd_submit(iommu, vtd_drop_entry(domain));
	vtd_submit(iommu, vtd_drop_domain(domain, vtd_cap(iommu)));
	vtd_device_drop(dev, iommu, vtd_everything);
}

void vtd_entry_write(struct device *dev, u64 *at, const struct vtd_entry *entry)
{
	struct vtd_iommu *iommu = vtd_iommu_of(dev);
	u16 domain = vtd_entry_domain(entry);

	vtd_entry_clear(dev, iommu, at);
	WRITE_ONCE(at[0], entry->word[0] & ~VTD_ENTRY_0_P);
	WRITE_ONCE(at[1], entry->word[1]);
	WRITE_ONCE(at[2], entry->word[2]);
	vtd_entry_sync(iommu, at);
	if (!(entry->word[0] & VTD_ENTRY_0_P))
		return;
	WRITE_ONCE(at[0], entry->word[0]);
	vtd_entry_sync(iommu, at);
	if (vtd_cap(iommu) & VTD_CAP_CM) {
		vtd_submit(iommu, vtd_drop_entry(domain));
		vtd_submit(iommu, vtd_drop_domain(domain, vtd_cap(iommu)));
	} else {
		vtd_flush_write_buffer(iommu);
	}
}

#endif
