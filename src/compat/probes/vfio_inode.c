/* A VFIO device has one address space for the mappings of all its files (6.10). */
#include <linux/vfio.h>

struct address_space *probe(struct vfio_device *vdev);
struct address_space *probe(struct vfio_device *vdev)
{
	return vdev->inode->i_mapping;
}
