/* Linux 6.12 has pci_pasid_status(), 6.1 doesn't. */
#include <linux/pci-ats.h>

int probe(struct pci_dev *pdev);
int probe(struct pci_dev *pdev)
{
	return pci_pasid_status(pdev);
}
