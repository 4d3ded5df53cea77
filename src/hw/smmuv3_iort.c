// SPDX-License-Identifier: GPL-2.0-only
/*
 * Coherency regardless of the memory attributes in a guest's tables, because no
 * cache maintenance is done for devices that user space drives.  It is
 * guaranteed by firmware for a PCI root complex (CANWBS in the IORT), or by
 * stage 2 overriding stage 1 (S2FWB), which drivers support from Linux 7.2 on.
 */
#include <linux/acpi.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>

#include "hw.h"
#include "smmuv3.h"

#ifdef IOMMUFD_TEST
/* Emulated machines are coherent, but have neither. */
static bool smmuv3_assume_coherent;
module_param(smmuv3_assume_coherent, bool, 0644);
#else
static const bool smmuv3_assume_coherent;
#endif

#ifdef CONFIG_ACPI

#define IORT_CANWBS	BIT(2)		/* memory access flags of a root complex */
#define IORT_FLAGS_AT	7		/* offset of these in the memory access properties */

static const struct acpi_iort_node *smmuv3_next_node(const struct acpi_table_iort *iort,
						     const struct acpi_iort_node *node)
{
	const void *end = (const void *)iort + iort->header.length;
	const void *next = node ? (const void *)node + node->length :
				  (const void *)iort + iort->node_offset;

	node = next;
	if (next + sizeof(*node) > end || node->length < sizeof(*node) ||
	    next + node->length > end)
		return NULL;
	return node;
}

static bool smmuv3_node_is_segment(const struct acpi_iort_node *node, u32 segment)
{
	const struct acpi_iort_root_complex *root = (const void *)node->node_data;

	return node->type == ACPI_IORT_NODE_PCI_ROOT_COMPLEX &&
	       node->length >= offsetof(struct acpi_iort_node, node_data) +
			       offsetofend(struct acpi_iort_root_complex, pci_segment_number) &&
	       root->pci_segment_number == segment;
}

/*
 * Returns true if the segment has root complexes, and all of them are coherent.
 */
static bool smmuv3_segment_is_coherent(const struct acpi_table_iort *iort, u32 segment)
{
	const struct acpi_iort_node *node = NULL;
	bool found = false;
	u32 i;

	for (i = 0; i < iort->node_count; i++) {
		node = smmuv3_next_node(iort, node);
		if (!node)
			return false;
		if (!smmuv3_node_is_segment(node, segment))
			continue;
		if (!(((const u8 *)node->node_data)[IORT_FLAGS_AT] & IORT_CANWBS))
			return false;
		found = true;
	}
	return found;
}

static bool smmuv3_has_canwbs(struct device *dev)
{
	struct acpi_table_header *table;
	bool coherent;

	if (!dev_is_pci(dev) ||
	    ACPI_FAILURE(acpi_get_table(ACPI_SIG_IORT, 0, &table)))
		return false;
	coherent = smmuv3_segment_is_coherent((void *)table,
					      pci_domain_nr(to_pci_dev(dev)->bus));
	acpi_put_table(table);
	return coherent;
}

#else

static bool smmuv3_has_canwbs(struct device *dev)
{
	return false;
}

#endif

bool smmuv3_is_coherent(struct device *dev)
{
	u32 features = smmuv3_features(smmuv3_of_iommu(hw_iommu(dev)));

	/*
	 * The feature bit means something else to drivers without nesting
	 * parents.
	 */
	if (smmuv3_flushes_nested() && (features & SMMUV3_S2FWB))
		return true;
	return READ_ONCE(smmuv3_assume_coherent) || smmuv3_has_canwbs(dev);
}
