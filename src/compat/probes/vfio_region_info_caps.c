/* Linux 6.19 moved GET_REGION_INFO from drivers to the VFIO core (775f726a742a). */
#include <linux/vfio.h>

int probe(struct vfio_device *vdev, struct vfio_region_info *info,
	  struct vfio_info_cap *caps);
int probe(struct vfio_device *vdev, struct vfio_region_info *info,
	  struct vfio_info_cap *caps)
{
	return vdev->ops->get_region_info_caps(vdev, info, caps);
}
