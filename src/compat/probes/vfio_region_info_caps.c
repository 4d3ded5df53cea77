/* The VFIO core answers GET_REGION_INFO, the driver only fills it in (7.0). */
#include <linux/vfio.h>

int probe(struct vfio_device *vdev, struct vfio_region_info *info,
	  struct vfio_info_cap *caps);
int probe(struct vfio_device *vdev, struct vfio_region_info *info,
	  struct vfio_info_cap *caps)
{
	return vdev->ops->get_region_info_caps(vdev, info, caps);
}
