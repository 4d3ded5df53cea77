/* Until Linux 6.9, vfio-pci-core kept a list of the VMAs that it had filled (aac6db75a9fc). */
#include <linux/vfio_pci_core.h>

bool probe(struct vfio_pci_core_device *core);
bool probe(struct vfio_pci_core_device *core)
{
	return mutex_trylock(&core->vma_lock) && list_empty(&core->vma_list);
}
