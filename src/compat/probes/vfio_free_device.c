/* Until Linux 6.2, VFIO drivers called vfio_free_device() in ops->release. */
#include <linux/vfio.h>

void probe(struct vfio_device *vdev);
void probe(struct vfio_device *vdev)
{
	vfio_free_device(vdev);
}
