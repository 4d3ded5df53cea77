/* vfio-pci-core keeps a list of the mappings that it filled, to revoke them (until 6.10). */
#include <linux/vfio_pci_core.h>

bool probe(struct vfio_pci_core_device *core);
bool probe(struct vfio_pci_core_device *core)
{
	return mutex_trylock(&core->vma_lock) && list_empty(&core->vma_list);
}
