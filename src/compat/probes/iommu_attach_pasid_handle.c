/* Linux 6.11 gave iommu_attach_device_pasid() a handle (14678219cf40). */
#include <linux/iommu.h>

int probe(struct iommu_domain *domain, struct device *dev,
	  struct iommu_attach_handle *handle);
int probe(struct iommu_domain *domain, struct device *dev,
	  struct iommu_attach_handle *handle)
{
	return iommu_attach_device_pasid(domain, dev, 1, handle);
}
