/* An IOMMU driver belongs to a whole bus (until 6.7). */
#include <linux/device/bus.h>

const struct iommu_ops *probe(const struct bus_type *bus);
const struct iommu_ops *probe(const struct bus_type *bus)
{
	return bus->iommu_ops;
}
