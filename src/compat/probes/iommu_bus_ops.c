/* Until Linux 6.7, struct bus_type had the operations of the IOMMU driver (17de3f5fdd35). */
#include <linux/device/bus.h>

const struct iommu_ops *probe(const struct bus_type *bus);
const struct iommu_ops *probe(const struct bus_type *bus)
{
	return bus->iommu_ops;
}
