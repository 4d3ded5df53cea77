/* Linux 6.17 added match_token_uuid() to vfio_device_ops (86624ba3b522). */
#include <linux/vfio.h>

int probe(struct vfio_device *vdev, const uuid_t *uuid);
int probe(struct vfio_device *vdev, const uuid_t *uuid)
{
	return vdev->ops->match_token_uuid(vdev, uuid);
}
