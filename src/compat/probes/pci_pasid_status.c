/* It can be asked what of a PCI device's PASID capability is enabled. */
#include <linux/pci-ats.h>

int probe(struct pci_dev *pdev);
int probe(struct pci_dev *pdev)
{
	return pci_pasid_status(pdev);
}
