/* Linux 6.6 made vfio_device.group depend on CONFIG_VFIO_GROUP (c1cce6d079b8). */
#include <linux/vfio.h>

void *probe(struct vfio_device *vdev);
void *probe(struct vfio_device *vdev)
{
	return vdev->group;
}
