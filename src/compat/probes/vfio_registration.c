/* Linux 6.19 exports vfio_device_try_get_registration() (64a5dedcff80). */
#include <linux/vfio.h>

bool probe(struct vfio_device *vdev);
bool probe(struct vfio_device *vdev)
{
	if (!vfio_device_try_get_registration(vdev))
		return false;
	vfio_device_put_registration(vdev);
	return true;
}
