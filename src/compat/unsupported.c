// SPDX-License-Identifier: GPL-2.0-only
/* Features that depend on what the kernel supports. */
#include <linux/kernel.h>

static const struct {
	const char *name;
	bool supported;
} features[] = {
	{ "PASIDs", IS_ENABLED(IOMMUFD_HAVE_IOMMU_ATTACH_PASID_HANDLE) },
	{ "dirty tracking", IS_ENABLED(IOMMUFD_HAVE_CAP_DIRTY_TRACKING) },
	{ "page faults of devices", IS_ENABLED(IOMMUFD_HAVE_SYM_IOPF_GROUP_RESPONSE) },
	{ "mapping of DMA-bufs", IS_ENABLED(IOMMUFD_HAVE_SYM_VFIO_PCI_DMA_BUF_IOMMUFD_MAP) },
};

size_t compat_name_unsupported(char *text, size_t size)
{
	size_t i, length = 0;

	for (i = 0; i < ARRAY_SIZE(features); i++)
		if (!features[i].supported)
			length += scnprintf(text + length, size - length, "%s%s",
					    length ? ", " : "", features[i].name);
	return length;
}
