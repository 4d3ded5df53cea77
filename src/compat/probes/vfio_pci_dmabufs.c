/* Linux 6.19 added DMA-bufs of BARs to vfio-pci-core (5d74781ebc86). */
#include <linux/vfio_pci_core.h>

bool probe(struct vfio_pci_core_device *core);
bool probe(struct vfio_pci_core_device *core)
{
	return !list_empty(&core->dmabufs) && __vfio_pci_memory_enabled(core);
}
