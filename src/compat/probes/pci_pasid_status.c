/* Linux 6.15 added pci_pasid_status() (803f97298e7d); 6.12.118 or earlier has it, too. */
#include <linux/pci-ats.h>

int probe(struct pci_dev *pdev);
int probe(struct pci_dev *pdev)
{
	return pci_pasid_status(pdev);
}
