/* Linux 6.10 added an inode, for all mappings, to struct vfio_device (b7c5e64fecfa). */
#include <linux/vfio.h>

struct address_space *probe(struct vfio_device *vdev);
struct address_space *probe(struct vfio_device *vdev)
{
	return vdev->inode->i_mapping;
}
