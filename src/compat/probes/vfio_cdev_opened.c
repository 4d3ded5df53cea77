/* A VFIO device tells its driver that a cdev has opened it (6.6). */
#include <linux/vfio.h>

void probe(struct vfio_device *vdev);
void probe(struct vfio_device *vdev)
{
	vdev->cdev_opened = true;
}
