/* vfio.ko hands out registration references (7.2), or they are only a counter. */
#include <linux/vfio.h>

bool probe(struct vfio_device *vdev);
bool probe(struct vfio_device *vdev)
{
	if (!vfio_device_try_get_registration(vdev))
		return false;
	vfio_device_put_registration(vdev);
	return true;
}
