/* Linux 6.6 added cdev_opened to struct vfio_device (5fcc26969a16). */
#include <linux/vfio.h>

void probe(struct vfio_device *vdev);
void probe(struct vfio_device *vdev)
{
	vdev->cdev_opened = true;
}
