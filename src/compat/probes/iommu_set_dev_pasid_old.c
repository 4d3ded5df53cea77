/* Linux 6.13 and 6.12.115 gave set_dev_pasid() the former domain (b45a3777ceab). */
#include <linux/iommu.h>

int probe(const struct iommu_domain_ops *ops, struct device *dev);
int probe(const struct iommu_domain_ops *ops, struct device *dev)
{
	return ops->set_dev_pasid(NULL, dev, 1, NULL);
}
