/* vfio-pci-core lends BARs as DMA-bufs, and tells which devices have any (7.0). */
#include <linux/vfio_pci_core.h>

bool probe(struct vfio_pci_core_device *core);
bool probe(struct vfio_pci_core_device *core)
{
	return !list_empty(&core->dmabufs) && __vfio_pci_memory_enabled(core);
}
