/* Linux 7.0 moved GET_REGION_INFO from drivers to the VFIO core. */
#include <linux/vfio.h>

int probe(struct vfio_device *vdev, struct vfio_region_info *info,
	  struct vfio_info_cap *caps);
int probe(struct vfio_device *vdev, struct vfio_region_info *info,
	  struct vfio_info_cap *caps)
{
	return vdev->ops->get_region_info_caps(vdev, info, caps);
}
