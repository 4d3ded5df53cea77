/* VFIO drivers check a VF token by itself, not as a part of the name (6.18). */
#include <linux/vfio.h>

int probe(struct vfio_device *vdev, const uuid_t *uuid);
int probe(struct vfio_device *vdev, const uuid_t *uuid)
{
	return vdev->ops->match_token_uuid(vdev, uuid);
}
