/* Until Linux 6.1, VFIO drivers called vfio_free_device() in ops->release (913447d06f03). */
#include <linux/vfio.h>

void probe(struct vfio_device *vdev);
void probe(struct vfio_device *vdev)
{
	vfio_free_device(vdev);
}
