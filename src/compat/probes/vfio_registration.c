/* Linux 7.2 exports vfio_device_try_get_registration(). */
#include <linux/vfio.h>

bool probe(struct vfio_device *vdev);
bool probe(struct vfio_device *vdev)
{
	if (!vfio_device_try_get_registration(vdev))
		return false;
	vfio_device_put_registration(vdev);
	return true;
}
